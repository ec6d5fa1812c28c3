"""Short answers for people, printed without rich: loading it takes as long as finding the answer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from escalator.foreign import shown

_CODES: Final = {"dim": "2", "bold": "1", "yellow": "33", "green": "32", "red": "31"}
_PATCH: Final = {"+": "green", "-": "red", "@": "dim", "d": "bold"}
_GAP: Final = 2
_NARROWEST: Final = 12


def say(line: str, style: str = "") -> None:
    """A line on standard output, wrapped at the width of the terminal under its own indent."""
    indent = line[: len(line) - len(line.lstrip())]
    for part in wrap(shown(line), _width(), subsequent_indent=indent, break_on_hyphens=False) or [""]:
        print(_styled(part, style), flush=True)


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table without lines; what is too long for the last column goes on in the line below."""
    rows = [[shown(each) for each in row] for row in rows]
    sizes = [max(map(len, cells)) for cells in zip(headings, *rows, strict=True)]
    before = sum(sizes[:-1]) + _GAP * (len(sizes) - 1)
    sizes[-1] = max(_NARROWEST, min(sizes[-1], _width() - before))
    for number, row in enumerate((headings, *rows)):
        for at, part in enumerate(wrap(row[-1], sizes[-1], break_on_hyphens=False) or [""]):
            cells = (*(row[:-1] if at == 0 else [""] * len(row[:-1])), part)
            line = (" " * _GAP).join(cell.ljust(size) for cell, size in zip(cells, sizes, strict=True)).rstrip()
            print(_styled(line, "" if number else "bold"), flush=True)


def show_patch(patch: str) -> None:
    """A patch on standard output, to the letter, so that what is piped can be applied; on a terminal with colours,
    and with what could steer the terminal made visible.
    """
    sys.stdout.flush()
    coding = sys.stdout.encoding or "utf-8"
    for line in patch.encode(coding, "backslashreplace").decode(coding).split("\n")[:-1]:
        if sys.stdout.isatty():
            print(_styled(shown(line, lines=True), _PATCH.get(line[:1], "")))
        else:
            print(line)
    sys.stdout.flush()


def _width() -> int:
    return max(shutil.get_terminal_size().columns, 2 * _NARROWEST)


def _styled(text: str, style: str) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style and text and _shows_styles() else text


def _shows_styles() -> bool:
    """Whether standard output is a terminal that is not asked to do without; never on Windows' old consoles."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in {"dumb", "unknown"} or os.name == "nt"
    return sys.stdout.isatty() and not plain
