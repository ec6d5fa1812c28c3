"""Where in a file the lines stand that a patch names behind its "@@", and what stands under them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from escalator.answers.indents import indent_of

_MOST: Final = 50
"""Lines alike that are looked at."""

_GOES_ON: Final = (")", "]", "{", "else", "elif", "except", "finally", "catch")
"""What a line begins with that is no deeper than the head of its block and still belongs to it."""


def in_scope(lines: Sequence[str], scope: Sequence[str], places: Sequence[int]) -> list[int]:
    """Those of `places` (numbers of lines) that stand under every line of `scope`, the outermost first."""
    areas = [(0, len(lines))]
    for said in scope:
        areas = [(head, _end(lines, head)) for head in _heads(lines, said, areas)]
    return [place for place in places if any(first <= place < last for first, last in areas)]


def _heads(lines: Sequence[str], said: str, areas: Sequence[tuple[int, int]]) -> list[int]:
    wanted = said.strip()
    found = {
        number: None
        for first, last in areas
        for number in range(first, last)
        if (line := lines[number].strip()) == wanted or (len(wanted) > 2 and line.startswith(wanted))
    }
    return list(found)[:_MOST]


def _end(lines: Sequence[str], head: int) -> int:
    """The line behind the last one of the block that begins with line `head`."""
    depth = len(indent_of(lines[head]).expandtabs(4))
    for number in range(head + 1, len(lines)):
        line = lines[number]
        bare = line.strip()
        if not bare or len(indent_of(line).expandtabs(4)) > depth or bare.startswith(_GOES_ON):
            continue
        return number + 1 if bare.startswith("}") else number
    return len(lines)
