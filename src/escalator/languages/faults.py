"""A place in a file that a parser did not accept, and how it is shown to the model that wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SHOWN = 3
"""How many faults of one file are shown; the rest are mostly echoes of the first."""

_MOST_LINES = 40
_MOST_COLUMNS = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something a parser did not accept: `line` and `column` are 1-based, the column counts characters.

    `structural`: a bracket, quote or semicolon is missing or left over, which neither a macro nor syntax newer
    than the grammar explains. `repeat`: the text is well formed, but declares twice what may be there once.
    """

    line: int
    column: int
    message: str
    structural: bool = False
    repeat: bool = False


def position(text: str, offset: int) -> tuple[int, int]:
    """1-based line and character column of an offset into `text`."""
    offset = max(0, min(offset, len(text)))
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def describe(path: str, text: str, faults: Sequence[Fault]) -> str:
    """The first faults of a file, each as "path:line:column: message" over an excerpt with a caret."""
    lines = text.split("\n")
    parts = [_one(path, lines, fault) for fault in faults[:SHOWN]]
    if len(faults) > SHOWN:
        parts.append(f"{path}: {len(faults) - SHOWN} more places, which may be echoes of the above.")
    return "\n".join(parts)


def bounded(reports: Iterable[str]) -> str:
    """The reports of several files joined, cut to 40 lines."""
    lines = "\n".join(reports).split("\n")
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], f"... {len(lines) - _MOST_LINES + 1} more lines left out"]
    return "\n".join(lines)


def _one(path: str, lines: list[str], fault: Fault) -> str:
    shown = [f"{path}:{fault.line}:{fault.column}: {fault.message}"]
    if not lines or fault.line > len(lines):
        return shown[0]
    start = 0 if fault.column <= _MOST_COLUMNS // 2 else fault.column - _MOST_COLUMNS // 2
    width = len(str(fault.line + 2))
    for number in range(max(1, fault.line - 2), min(len(lines), fault.line + 2) + 1):
        line = lines[number - 1].expandtabs(1)[start : start + _MOST_COLUMNS]
        shown.append(f"{number:>{width}} | {_printable(line)}".rstrip())
        if number == fault.line:
            shown.append(f"{'':>{width}} | {' ' * (fault.column - 1 - start)}^")
    return "\n".join(shown)


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
