"""The ledger that a command reads, and the moments of time that commands are given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from escalator import Escalator, LedgerError, TaskError

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGE = re.compile(r"\A(\d+(?:\.\d+)?)([smhdw])\Z")


@contextmanager
def books(matrix: str | None, ledger: str | None) -> Iterator[Escalator]:
    """An Escalator on the ledger to read. A file that does not exist is an error, not a new ledger."""
    with Escalator(matrix, ledger=ledger) as house:
        where = str(house.ledger_location)
        if not where.startswith(("postgresql://", "postgres://")) and not Path(where).exists():
            hint = "do a task first with `escalator run`, or name another with --ledger"
            raise LedgerError(f"there is no ledger at {where} yet; {hint}")
        yield house


def moment(given: str, *, now: float, option: str) -> float | None:
    """Seconds since the epoch of a time written as a day, a moment (UTC unless it says otherwise) or an age."""
    if not given:
        return None
    age = _AGE.match(given)
    if age is not None:
        return now - float(age[1]) * SECONDS[age[2]]
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise TaskError(
            f"{given!r} is no time",
            field=option,
            hint="write 2026-11-21, 2026-11-21T08:00, or an age such as 24h or 7d",
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def when(at: float) -> str:
    """A moment as month, day and minute, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%m-%d %H:%M")
