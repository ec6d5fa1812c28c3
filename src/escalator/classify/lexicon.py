"""The packaged word list: which words speak of which concept, in several languages."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache

from escalator.classify.text import fold, split_words

_SHORTEST_STEM = 2
_UNSPACED = (("\u0600", "\u06ff"), ("\u0900", "\u097f"), ("\u3040", "\ud7af"))


@dataclass(frozen=True, slots=True)
class Pattern:
    """Words in a row that speak of a concept; `stems` says which of the words may have any ending."""

    concept: str
    words: tuple[str, ...]
    stems: tuple[bool, ...]

    def follows(self, words: list[str], at: int) -> bool:
        """Whether the second and later words of the pattern stand in `words` after index `at`."""
        for word, stem in zip(self.words[1:], self.stems[1:], strict=True):
            at += 1
            if at == len(words) or not (words[at].startswith(word) if stem else words[at] == word):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Openings:
    """What a word may mean: concepts alone, patterns by the exact word after it, patterns with a stem there."""

    alone: tuple[str, ...]
    before: dict[str, list[Pattern]]
    before_stem: tuple[Pattern, ...]


@dataclass(slots=True)
class Lexicon:
    """Concepts by first word, by first stem, and by piece of a script without spaces."""

    meanings: dict[str, str] = field(default_factory=dict)
    exact: dict[str, list[Pattern]] = field(default_factory=dict)
    stems: dict[str, list[Pattern]] = field(default_factory=dict)
    pieces: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    longest_stem: int = 0

    def add(self, concept: str, pattern: str) -> None:
        """Take in one pattern as written in the list."""
        if any(first <= ch <= last for ch in pattern for first, last in _UNSPACED):
            piece = fold(pattern.rstrip("*"))
            self.pieces.setdefault(piece[0], []).append((concept, piece))
            return
        words: list[str] = []
        stems: list[bool] = []
        for word in split_words(pattern):
            if word == "*":
                stems[-1] = True
            else:
                words.append(word)
                stems.append(False)
        index = self.stems if stems[0] else self.exact
        index.setdefault(words[0], []).append(Pattern(concept=concept, words=tuple(words), stems=tuple(stems)))
        if stems[0]:
            self.longest_stem = max(self.longest_stem, len(words[0]))

    def openings(self, word: str) -> Openings | None:
        """The patterns that may begin with this word, None where there are none."""
        found = list(self.exact.get(word, ()))
        for end in range(_SHORTEST_STEM, min(len(word), self.longest_stem) + 1):
            found.extend(self.stems.get(word[:end], ()))
        if not found:
            return None
        longer = [pattern for pattern in found if len(pattern.words) > 1]
        before: dict[str, list[Pattern]] = {}
        for pattern in longer:
            if not pattern.stems[1]:
                before.setdefault(pattern.words[1], []).append(pattern)
        return Openings(
            alone=tuple(pattern.concept for pattern in found if len(pattern.words) == 1),
            before=before,
            before_stem=tuple(pattern for pattern in longer if pattern.stems[1]),
        )


@cache
def lexicon() -> Lexicon:
    """The packaged list, read once."""
    from importlib.resources import files

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
def _openings(word: str) -> Openings | None:
    return lexicon().openings(word)


def concepts_in(words: list[str]) -> list[tuple[int, str, str]]:
    """Where in the words which concept is spoken of, and with which words, in order."""
    found: list[tuple[int, str, str]] = []
    for at, opening in enumerate(map(_openings, words)):
        if opening is None:
            continue
        if opening.alone:
            found += [(at, concept, words[at]) for concept in opening.alone]
        longer = opening.before.get(words[at + 1], ()) if opening.before and at + 1 < len(words) else ()
        if longer or opening.before_stem:
            found += [
                (at, pattern.concept, " ".join(words[at : at + len(pattern.words)]))
                for pattern in (*longer, *opening.before_stem)
                if pattern.follows(words, at)
            ]
    return found


def concepts_in_script(run: str) -> list[tuple[str, str]]:
    """The concepts spoken of in a run of a script without spaces, and the piece that does."""
    pieces = lexicon().pieces
    run = fold(run).replace("能不能", "能否")
    return [
        (concept, piece)
        for at, character in enumerate(run)
        for concept, piece in pieces.get(character, ())
        if run.startswith(piece, at)
    ]
