"""The packaged word list: which words speak of which concept, in several languages."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

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
class Shelf:
    """The patterns whose first word begins with the same two letters: by that word, or by its stem."""

    exact: dict[str, list[Pattern]] = field(default_factory=dict)
    stems: dict[str, list[Pattern]] = field(default_factory=dict)

    def add(self, concept: str, pattern: str) -> None:
        """Take in one pattern as written in the list."""
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


@dataclass(slots=True)
class Lexicon:
    """What concepts mean, the words that speak of them, and the pieces of scripts without spaces that do.

    Patterns are kept as they are written, by the first two letters of their first word, until a request has such a
    word: a process that judges one request takes apart a few hundred of them instead of all.
    """

    meanings: dict[str, str] = field(default_factory=dict)
    pieces: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    written: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    shelves: dict[str, Shelf] = field(default_factory=dict)

    def add(self, concept: str, pattern: str) -> None:
        """Take in one pattern as written in the list. Two plain letters in front need no taking apart."""
        beginning = pattern[:2].lower()
        if not pattern.isascii() or not beginning.isalpha() or len(beginning) < 2:
            if any(first <= sign <= last for sign in pattern for first, last in _UNSPACED):
                piece = fold(pattern.rstrip("*"))
                self.pieces.setdefault(piece[0], []).append((concept, piece))
                return
            beginning = split_words(pattern)[0][:2]
        self.written.setdefault(beginning, []).append((concept, pattern))

    def shelf(self, beginning: str) -> Shelf:
        """The patterns whose first word begins so."""
        found = self.shelves.get(beginning)
        if found is None:
            found = Shelf()
            for concept, pattern in self.written.get(beginning, ()):
                found.add(concept, pattern)
            self.shelves[beginning] = found
        return found

    def openings(self, word: str) -> Openings | None:
        """The patterns that may begin with this word, None where there are none."""
        shelf = self.shelf(word[:2])
        found = list(shelf.exact.get(word, ()))
        if shelf.stems:
            for end in range(_SHORTEST_STEM, len(word) + 1):
                found.extend(shelf.stems.get(word[:end], ()))
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
    text = Path(__file__).with_name("concepts.txt").read_text("utf-8")
    made = Lexicon()
    concept = ""
    for line in text.splitlines():
        if line.startswith("["):
            concept, _, meaning = line[1:].partition("]")
            made.meanings[concept] = meaning.strip()
        elif line and not line.startswith("#"):
            for pattern in filter(None, map(str.strip, line.split(","))):
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
