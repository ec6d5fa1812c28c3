"""Where the command line prints, and how: people get colour and width, programs get JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from escalator.foreign import in_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

GOOD, BAD, DIM, NOTE = "green", "red", "dim", "yellow"


def console() -> Console:
    """A console on standard output as it is now, for text of anybody's: see `escalator.cli.door`."""
    from escalator.cli.door import Door

    return Door()


def complain(message: str) -> None:
    """One error for a person, on standard error."""
    from rich.text import Text

    from escalator.cli.door import Door

    Door(stderr=True, soft_wrap=True).print(Text.assemble(("error: ", BAD), message))


def print_json(value: object) -> None:
    """One JSON value on standard output; money as text, so that no digit is lost."""
    sys.stdout.write(in_json(json.dumps(value, default=_plain, ensure_ascii=False)) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return str(value) if not isinstance(value, Iterable) else list(value)


def table(*headings: str, rows: Iterable[Iterable[str | Text]], title: str = "") -> Table:
    """A table without heavy lines; the last column takes what room is left."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, title=title or None, title_justify="left", header_style="bold")
    for index, heading in enumerate(headings):
        made.add_column(heading, overflow="fold", ratio=1 if index == len(headings) - 1 else None)
    for row in rows:
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))  # no text is markup
    return made


def money(amount: Decimal) -> str:
    """USD as people read it; small sums keep their digits."""
    if amount == 0:
        return "$0"
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    digits = 2 if size >= 1 else 4 if size >= Decimal("0.001") else 6
    return f"{sign}${size:.{digits}f}"
