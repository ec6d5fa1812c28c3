"""The three ledgers behind one fixture, and a PostgreSQL server for the one that needs it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from escalator.ledger import MemoryLedger, open_ledger
from escalator.ledger.log import Archive
from ledger.postgres_server import PostgresServer, binaries

_SCHEMAS = itertools.count(1)


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


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if binaries() is None:
        pytest.skip(
            "PostgreSQL is not installed here: the ledger for teams is NOT tested (apt install postgresql)"
        )
    server = PostgresServer()
    yield server
    server.stop()


def make_store(kind: str, folder: Path, url: str = "") -> Store:
    clock = Clock()
    if kind == "memory":
        ledger = MemoryLedger(clock=clock)
        return Store(kind, clock, lambda **options: MemoryLedger(clock=clock, **options) if options else ledger)
    if kind == "sqlite":
        path = folder / "ledger.sqlite3"
        return Store(kind, clock, lambda **options: open_ledger(path, clock=clock, **options))
    from escalator.ledger.postgres import PostgresLedger

    schema = f"test_{next(_SCHEMAS)}"
    return Store(kind, clock, lambda **options: PostgresLedger(url, schema=schema, **options))


KINDS = ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.needs_postgres)]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = request.getfixturevalue("postgres").url if request.param == "postgres" else ""
    made = make_store(request.param, tmp_path, url)
    yield made
    made.close()


@pytest.fixture(params=KINDS[1:])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store that several processes can share."""
    url = request.getfixturevalue("postgres").url if request.param == "postgres" else ""
    made = make_store(request.param, tmp_path, url)
    yield made
    made.close()


@pytest.fixture
def ledger(store: Store) -> Archive:
    return store.open()
