"""Search/replace pairs: reading them from a block, applying them to a file, saying what failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from escalator.answers.blocks import REPLACE, SEARCH
from escalator.answers.failures import EDIT_FORMAT, UnusableError, quote, show, truncated
from escalator.answers.matching import replace_unique
from escalator.answers.numbering import looks_numbered, without_numbers

_DIVIDER = re.compile(r"[ \t]*={3,20}[ \t]*\Z")
_MARKER = re.compile(r"\s*(<+|-+)")
_PLACE = re.compile(r":(?:start|end)_line:[ \t]*\d+[ \t]*\Z")
_PLACE_END = re.compile(r"-{3,20}[ \t]*\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One replacement. `splits` lists each way its text divides into what to search for and what to put there:
    one, unless divider lines occur in the content. `title` is the line above it in the block, if any.
    """

    splits: tuple[tuple[str, str], ...]
    title: str = ""

    @property
    def search(self) -> str:
        """What is searched for, as most plainly read."""
        return self.splits[0][0]


def read_edits(lines: Sequence[str], *, cut: bool) -> list[Edit]:
    """Every search/replace pair in the lines of a block. `cut`: the answer may have been cut off here.

    Raises `UnusableError` for a pair without a divider or an end.
    """
    edits: list[Edit] = []
    start, title = None, ""
    for number, line in enumerate(lines):
        if SEARCH.match(line):
            if start is not None:
                raise _unfinished(lines[start:number], cut=False)
            start = number
        elif start is not None and REPLACE.match(line):
            edits.append(Edit(splits=_splits(lines[start : number + 1]), title=title))
            start, title = None, ""
        elif start is None and line.strip():
            title = line
    if start is not None:
        raise _unfinished(lines[start:], cut=cut)
    return edits


def apply_edit(path: str, text: str, edit: Edit, *, number: int) -> tuple[str, str]:
    """The text after one edit, and a note on any tolerance that was needed (empty for an exact match).

    An empty search fills an empty or new file. Raises `UnusableError` where nothing or several places match.
    """
    if not edit.search.strip() and len(edit.splits) == 1:
        return _fill(path, text, edit.splits[0][1], number)
    several = 0
    for search, replace in sorted(edit.splits, key=lambda split: -len(split[0])):
        found = replace_unique(text, search, replace)
        if isinstance(found, tuple):
            return found[0], found[1] and f"{path}: edit {number} matched {found[1]}"
        several = several or found
    plain = _unnumbered(edit) if not several else None
    if plain is not None:
        return apply_edit(path, text, plain, number=number)
    raise _ambiguous(path, edit.search, several, number) if several else _not_found(path, text, edit, number)


def _unnumbered(edit: Edit) -> Edit | None:
    """The edit without the numbers in front of its lines, None if they have none."""
    splits = []
    for search, replace in edit.splits:
        plain = without_numbers(search.split("\n"), least=1)
        new = without_numbers(replace.split("\n"), least=1)
        if plain is not None and (new is not None or not looks_numbered(replace.split("\n"))):
            splits.append((_joined(plain), replace if new is None else _joined(new)))
    return Edit(splits=tuple(splits), title=edit.title) if splits else None


def _fill(path: str, text: str, content: str, number: int) -> tuple[str, str]:
    if text.strip():
        raise UnusableError(
            "edit_ambiguous",
            f"SEARCH block {number} for {show(path)} is empty, but the file is not: an empty search matches "
            "everywhere. Copy the lines to be replaced into the SEARCH part. Nothing was applied; send all edits "
            f"again. {EDIT_FORMAT}",
        )
    return content, ""


def _splits(lines: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Each way to divide a pair: at dividers as long as the markers, else at any."""
    body = _without_place(lines[1:-1])
    marker = _MARKER.match(lines[0])
    dividers = [n for n, line in enumerate(body) if _DIVIDER.match(line)]
    equal = [n for n in dividers if marker and len(body[n].strip()) == len(marker[1])]
    chosen = (equal or dividers)[:40]
    if not chosen:
        raise UnusableError(
            "bad_format",
            "A SEARCH block has no ======= line between the old and the new lines:\n"
            f"{quote(_joined(lines))}\n{EDIT_FORMAT}",
        )
    return tuple((_joined(body[:n]), _joined(body[n + 1 :])) for n in chosen)


def _without_place(body: Sequence[str]) -> Sequence[str]:
    """The lines of a pair without those in front that only say at which line it is."""
    stated = next((n for n, line in enumerate(body) if not _PLACE.match(line)), len(body))
    if not stated:
        return body
    return body[stated + 1 :] if stated < len(body) and _PLACE_END.match(body[stated]) else body[stated:]


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""


def _unfinished(lines: Sequence[str], *, cut: bool) -> UnusableError:
    if cut:
        return truncated("the last SEARCH/REPLACE block has no end")
    return UnusableError(
        "bad_format",
        f"This SEARCH block has no >>>>>>> REPLACE line at its end:\n{quote(_joined(lines))}\n{EDIT_FORMAT}",
    )


def _ambiguous(path: str, search: str, count: int, number: int) -> UnusableError:
    return UnusableError(
        "edit_ambiguous",
        f"SEARCH block {number} for {show(path)} matches {count} or more places:\n{quote(search)}\n"
        "Add lines before or after it so that it matches exactly one. Nothing was applied; send all edits again. "
        f"{EDIT_FORMAT}",
    )


def _not_found(path: str, text: str, edit: Edit, number: int) -> UnusableError:
    similar = similar_lines(text, edit.search)
    hint = f"The most similar lines in the file are:\n{quote(similar)}\n" if similar else ""
    return UnusableError(
        "edit_not_found",
        f"SEARCH block {number} for {show(path)} matches nothing in the file:\n{quote(edit.search)}\n{hint}"
        "Copy the lines exactly from the file, without leaving any out. Nothing was applied, not even blocks that "
        f"matched; send all edits again. {EDIT_FORMAT}",
    )


def similar_lines(text: str, search: str) -> str:
    """The lines of a file around the one most like the longest line searched for, "" if none is alike."""
    lines, wanted = text.split("\n"), search.strip("\n").split("\n")
    anchor = max(wanted, key=lambda line: len(line.strip()))
    best, place = 0.55, -1
    matcher = SequenceMatcher(None, b=anchor.strip()[:200])
    for number, line in _sharing_words(lines, anchor):
        matcher.set_seq1(line.strip()[:200])
        if matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, place = ratio, number
    if place < 0:
        return ""
    start = max(0, place - wanted.index(anchor))
    return "\n".join(lines[start : start + max(len(wanted), 3)])


def _sharing_words(lines: list[str], anchor: str) -> Iterator[tuple[int, str]]:
    words, tried = set(re.findall(r"\w+", anchor)), 0
    for number, line in enumerate(lines):
        if tried < 1000 and not words.isdisjoint(re.findall(r"\w+", line[:200])):
            tried += 1
            yield number, line
