"""Lines answered with their numbers in front, as tools show files: "12: return x", "12 | return x"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from escalator.answers.failures import ONE_FORMAT, UnusableError, show
from escalator.languages.parsing import parses
from escalator.languages.tags import PROSE

_NUMBER: Final = re.compile(
    r"^[ \t]*(?:[Ll]|\[)?(\d{1,6})\]?(?:[ \t]?([:|\u2192\u2502])|\t| |$)(.*)$", re.MULTILINE
)
"""A line behind its number: the number, the mark after it, the line."""

_FEW: Final = 3
_MOST_OF_THEM: Final = 0.8


def looks_numbered(lines: Sequence[str]) -> bool:
    """Whether one of the first lines begins with a number, as all do where they are numbered."""
    said = (line for line in lines if line.strip())
    return any(_NUMBER.match(line) for _, line in zip(range(_FEW), said, strict=False))


def without_numbers(lines: Sequence[str], *, least: int = 2) -> list[str] | None:
    """The lines without the consecutive numbers in front of them; None if not every one of them has its own, or
    there are fewer than `least`. Blank lines at the end need none.
    """
    rows = list(lines)
    while rows and not rows[-1].strip():
        rows.pop()
    if len(rows) < max(least, 1) or not _NUMBER.match(rows[0]) or not _NUMBER.match(rows[-1]):
        return None
    found: list[tuple[str, str, str]] = _NUMBER.findall("\n".join(rows))
    if len(found) != len(rows):
        return None
    numbers, marks, bare = zip(*found, strict=True)
    first = int(numbers[0])
    if list(map(int, numbers)) != list(range(first, first + len(rows))) or len(set(marks)) > 1:
        return None
    skipped = int(bool(marks[0]) and all(line.startswith(" ") for line in bare if line.strip()))
    return [line[skipped:] if line.strip() else "" for line in bare]


def unnumbered(path: str, language: str | None, text: str) -> str | None:
    """The text of a file without numbers in front of its lines, None if they are not numbered. Raises
    `UnusableError` where many are and others not, so that nothing tells what the file is.
    """
    lines = text.split("\n")
    if language in PROSE | {None, "yaml"} or not looks_numbered(lines) or parses(language, text) is True:
        return None
    bare = without_numbers(lines)
    if bare is not None:
        plain = "\n".join(bare) + "\n"
        return None if parses(language, plain) is False and parses(language, text) is not False else plain
    said = sum(1 for line in lines if line.strip())
    numbered = len(_NUMBER.findall(text))
    if said > _FEW and numbered >= _MOST_OF_THEM * said and parses(language, text) is False:
        raise UnusableError(
            "bad_format",
            f"Lines of {show(path)} begin with numbers, but not all of them with consecutive ones, so it is "
            f"unclear what the file is. Write it without numbers. {ONE_FORMAT}",
        )
    return None
