"""From what a configuration says to a ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from escalator.ledger.log import Archive
from escalator.ledger.memory import MemoryLedger
from escalator.ledger.writes import PATIENCE


def open_ledger(
    target: str | Path | Archive,
    *,
    durability: Literal["full", "normal"] = "full",
    clock: Callable[[], float] = time.time,
    store_answers: bool = True,
    patience: float = PATIENCE,
) -> Archive:
    """The ledger behind a file path, a postgresql:// address, ":memory:", or the given ledger itself.

    `durability` is for SQLite, `clock` for SQLite and memory: PostgreSQL has its own of both.
    `patience`: seconds a store that is locked or away is waited for. Raises `LedgerError` if it cannot be opened.
    """
    if not isinstance(target, (str, Path)):
        return target
    if target == ":memory:":
        return MemoryLedger(clock=clock, store_answers=store_answers)
    if str(target).startswith(("postgresql://", "postgres://")):
        from escalator.ledger.postgres import PostgresLedger

        return PostgresLedger(str(target), store_answers=store_answers, patience=patience)
    from escalator.ledger.sqlite import SqliteLedger

    return SqliteLedger(target, durability=durability, clock=clock, store_answers=store_answers, patience=patience)
