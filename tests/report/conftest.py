"""The ledgers each behaviour is shown on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from escalator.ledger import Archive, open_ledger
from escalator.testing import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    """The clock of the ledger under test: 2027-01-15, eight in the morning."""
    return VirtualClock()


@pytest.fixture(params=["memory", "sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> Iterator[Archive]:
    """A ledger in memory and one in a file."""
    target = ":memory:" if request.param == "memory" else tmp_path / "ledger.sqlite"
    archive = open_ledger(target, durability="normal", clock=clock.clock)
    yield archive
    archive.close()
