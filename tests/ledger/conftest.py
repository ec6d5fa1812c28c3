"""The three ledgers behind one fixture, and a PostgreSQL server for the one that needs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from escalator.ledger.log import Archive
from ledger.postgres_server import PostgresServer, binaries
from ledger.stores import Store, make_store


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if binaries() is None:
        pytest.skip(
            "PostgreSQL is not installed here: the ledger for teams is NOT tested (apt install postgresql)"
        )
    server = PostgresServer()
    yield server
    server.stop()


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
