"""What the tests of execution share: `execute` in both colours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(params=["sync", "async"])
def execute(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`execute` of a house, from plain code and from an event loop."""
    if request.param == "sync":
        return lambda house, **options: house.execute(**options)
    return lambda house, **options: asyncio.run(house.aexecute(**options))
