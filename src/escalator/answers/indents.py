"""Indentation by depth: lines written with spaces for a file that has tabs, or in steps of another width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import gcd
from typing import Final

_TAB: Final = 4
_SAMPLE: Final = 2_000
"""Lines of a file that show how it is indented."""


def indent_of(line: str) -> str:
    """The white space a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def styles_differ(pairs: Iterable[tuple[str, str]], new: Iterable[str]) -> bool:
    """Whether one side is indented with tabs and the other with spaces; `pairs` are indents as written and as the
    file has them, `new` are lines to be put into the file.
    """
    written, real = zip(*pairs, strict=True) if (pairs := list(pairs)) else ((), ())
    ours = "".join([*written, *(indent_of(line) for line in new if line.strip())])
    theirs = "".join(real)
    return bool(("\t" in theirs and " " in ours and " " not in theirs) or ("\t" in ours and "\t" not in theirs))


def redepthed(pairs: Sequence[tuple[str, str]], new: Sequence[str], lines: Sequence[str]) -> list[str] | None:
    """The new lines, each as deep as it is meant in the file `lines`; None if `pairs` (indents as written and as
    the file has them) do not agree on the depths.
    """
    real_of: dict[int, str] = {}
    for written, real in pairs:
        if real_of.setdefault(_width(written), real) != real:
            return None
    widths = sorted(real_of)
    depths = [len(real_of[width].expandtabs(_TAB)) for width in widths]
    if depths != sorted(set(depths)):
        return None
    step, unit = _steps(real_of, new, lines)
    return [_put(line, real_of, step, unit) if line.strip() else line for line in new]


def in_style_of(text: str, search: str, replace: str) -> str:
    """The lines `replace` with spaces made tabs, or tabs spaces, where the whole file `text` has only the others.

    Lines that are searched for as they are stay so, and so does everything where the steps are no whole ones.
    """
    if "\n " not in f"\n{replace}" and "\n\t" not in f"\n{replace}":
        return replace
    lines = text.split("\n", _SAMPLE)[:_SAMPLE]
    heads = {line[0] for line in lines if line[:1] in {" ", "\t"} and line.strip()}
    new, kept = replace.split("\n"), set(search.split("\n"))
    odd = [line for line in new if line[:1] in {" ", "\t"} and line.strip() and line not in kept]
    if len(heads) != 1 or not odd or any(line[0] in heads for line in odd):
        return replace
    widths = [_width(indent_of(line)) for line in odd]
    step = gcd(*widths)
    if step < 2 and " " in indent_of(odd[0]):
        return replace
    unit = "\t" if "\t" in heads else " " * _usual_step(lines)
    moved = set(odd)
    return "\n".join(
        unit * (_width(indent_of(line)) // step) + line.lstrip() if line in moved else line for line in new
    )


def _put(line: str, real_of: dict[int, str], step: int, unit: str) -> str:
    width = _width(indent_of(line))
    if width in real_of:
        return real_of[width] + line.lstrip()
    base = max((known for known in real_of if known < width), default=min(real_of))
    steps, rest = divmod(width - base, step)
    real = real_of[base]
    if steps < 0:
        return real[: max(0, len(real) + steps * len(unit))] + line.lstrip()
    return real + unit * steps + " " * rest + line.lstrip()


def _steps(real_of: dict[int, str], new: Sequence[str], lines: Sequence[str]) -> tuple[int, str]:
    """How many columns of the new lines are one step, and what one step is in the file."""
    tabs = any("\t" in real for real in real_of.values()) or any(line.startswith("\t") for line in lines[:_SAMPLE])
    unit = "\t" if tabs else " " * _usual_step(lines)
    for width, real in real_of.items():
        depth = len(real) // len(unit)
        if width and depth and width % depth == 0:
            return width // depth, unit
    widths = sorted(real_of)
    gaps = [(high - low, real_of[high], real_of[low]) for low, high in pairwise(widths)]
    for gap, high, low in gaps:
        depth = (len(high) - len(low)) // len(unit)
        if depth > 0 and gap % depth == 0:
            return gap // depth, unit
    own = [_width(indent_of(line)) for line in new if line.strip()]
    return gcd(*own, 0) or len(unit), unit


def _usual_step(lines: Sequence[str]) -> int:
    found = [len(indent_of(line)) for line in lines[:_SAMPLE] if line.startswith("  ") and line.strip()]
    return min(found, default=_TAB)


def _width(indent: str) -> int:
    """Columns of an indent; a tab in one of tabs alone is one."""
    return len(indent) if not indent.strip("\t") else len(indent.expandtabs(_TAB))
