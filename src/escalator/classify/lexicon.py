"""The packaged word list: which words speak of which concept, in several languages."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files

from escalator.classify.text import fold, split_words

_SHORTEST_STEM = 2


@dataclass(frozen=True, slots=True)
class Pattern:
    """Words in a row that speak of a concept; `stems` says which of the words may have any ending."""

    concept: str
    words: tuple[str, ...]
    stems: tuple[bool, ...]

    def matches(self, words: list[str], at: int) -> bool:
        """Whether the pattern stands in `words` from index `at` on."""
        if at + len(self.words) > len(words):
            return False
        return all(
            words[at + i].startswith(word) if stem else words[at + i] == word
            for i, (word, stem) in enumerate(zip(self.words, self.stems, strict=True))
        )


@dataclass(slots=True)
class Lexicon:
    """Concepts by first word, by first stem, and by piece of a script without spaces."""

    meanings: dict[str, str] = field(default_factory=dict)
    exact: dict[str, list[Pattern]] = field(default_factory=dict)
    stems: dict[str, list[Pattern]] = field(default_factory=dict)
    pieces: dict[str, list[str]] = field(default_factory=dict)
    longest_stem: int = 0
    longest_piece: int = 0

    def add(self, concept: str, pattern: str) -> None:
        """Take in one pattern as written in the list."""
        if any("\u3040" <= ch <= "\ud7af" for ch in pattern):
            piece = pattern.rstrip("*")
            self.pieces.setdefault(piece, []).append(concept)
            self.longest_piece = max(self.longest_piece, len(piece))
            return
        words: list[str] = []
        stems: list[bool] = []
        for word in split_words(pattern):
            if word == "*":
                stems[-1] = True
            else:
                words.append(word)
                stems.append(False)
        made = Pattern(concept=concept, words=tuple(words), stems=tuple(stems))
        index = self.stems if stems[0] else self.exact
        index.setdefault(words[0], []).append(made)
        if stems[0]:
            self.longest_stem = max(self.longest_stem, len(words[0]))

    def candidates(self, word: str) -> tuple[Pattern, ...]:
        """The patterns whose first word is this one."""
        found = list(self.exact.get(word, ()))
        for end in range(_SHORTEST_STEM, min(len(word), self.longest_stem) + 1):
            found.extend(self.stems.get(word[:end], ()))
        return tuple(found)


@cache
def lexicon() -> Lexicon:
    """The packaged list, read once."""
    text = files("escalator.classify").joinpath("concepts.txt").read_text("utf-8")
    made = Lexicon()
    concept = ""
    for line in text.splitlines():
        if line.startswith("["):
            concept, _, meaning = line[1:].partition("]")
            made.meanings[concept] = meaning.strip()
        elif line and not line.startswith("#"):
            for pattern in filter(None, (piece.strip() for piece in line.split(","))):
                made.add(concept, pattern)
    return made


@lru_cache(maxsize=8192)
def _candidates(word: str) -> tuple[Pattern, ...]:
    return lexicon().candidates(word)


def concepts_in(words: list[str]) -> list[tuple[int, str, str]]:
    """Where in the words which concept is spoken of, and with which words, in order."""
    return [
        (at, pattern.concept, word if len(pattern.words) == 1 else " ".join(words[at : at + len(pattern.words)]))
        for at, word in enumerate(words)
        if word
        for pattern in _candidates(word)
        if len(pattern.words) == 1 or pattern.matches(words, at)
    ]


def concepts_in_script(run: str) -> list[tuple[str, str]]:
    """The concepts spoken of in a run of a script without spaces, and the piece that does."""
    known = lexicon()
    run = fold(run)
    found: list[tuple[str, str]] = []
    for at in range(len(run)):
        for end in range(at + 1, min(len(run), at + known.longest_piece) + 1):
            piece = run[at:end]
            found.extend((concept, piece) for concept in known.pieces.get(piece, ()))
    return found
