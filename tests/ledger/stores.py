"""Places where books are kept: in memory, in a file, on a server."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from escalator.ledger import MemoryLedger, open_ledger
from escalator.ledger.log import Archive


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self, start: float = 1_795_000_000.0) -> None:
        self.now = start

    def __call__(self) -> float:
        return self.now


@dataclass
class Store:
    """One place where books are kept. `open` gives a new ledger on it, as another process would have."""

    kind: str
    clock: Clock
    opener: Callable[..., Archive]
    opened: list[Archive] = field(default_factory=list)

    def open(self, **options: object) -> Archive:
        ledger = self.opener(**options)
        self.opened.append(ledger)
        return ledger

    def crash(self, ledger: Archive) -> Archive:
        """What a new process finds after the one with this ledger died."""
        if isinstance(ledger, MemoryLedger):
            ledger.crash()
            return ledger
        ledger.close()
        return self.open()

    def close(self) -> None:
        for ledger in self.opened:
            ledger.close()


def make_store(kind: str, folder: Path, url: str = "") -> Store:
    clock = Clock()
    if kind == "memory":
        ledger = MemoryLedger(clock=clock)
        return Store(kind, clock, lambda **options: MemoryLedger(clock=clock, **options) if options else ledger)
    if kind == "sqlite":
        path = folder / "ledger.sqlite3"
        return Store(kind, clock, lambda **options: open_ledger(path, clock=clock, **options))
    from escalator.ledger.postgres import PostgresLedger

    schema = f"test_{secrets.token_hex(6)}"
    return Store(kind, clock, lambda **options: PostgresLedger(url, schema=schema, **options))
