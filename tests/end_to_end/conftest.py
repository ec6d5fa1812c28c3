"""Fixtures of the end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.children import Child
from end_to_end.servers import Server
from escalator.sandbox import Sandbox
from llama import llama_servers, model_folder

__all__ = ["llama_servers", "model_folder"]


@pytest.fixture
def bwrap() -> None:
    """Skips where bubblewrap does not work."""
    reason = Sandbox(isolation="bwrap").unavailable()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on loopback that can fall silent."""
    with Server() as found:
        yield found


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Where the ledger of a test lies."""
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Processes that a test starts are gone with it."""
    started: list[Child] = []
    yield started
    for child in started:
        child.close()
