"""Counting the tokens of a prompt: a question that neither the deadline nor the event loop waits for."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from escalator import Escalator
from escalator.errors import ProviderError
from escalator.execution.counting import COUNTING, counted_in_time
from escalator.records import Request
from escalator.testing import MemoryLedger, ScriptedProvider
from houses import BASE, RIGHT, chain_of, matrix
from providers.wires import request


class Counter(ScriptedProvider):
    """A scripted model whose counter does what it is told."""

    def __init__(self, count: Any) -> None:
        super().__init__(lambda _: RIGHT)
        self.count = count

    def count_tokens(self, request: Request) -> Any:
        """See `count`."""
        return self.count(request)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_counter_that_hangs_does_not_outlast_the_deadline(colour: str) -> None:
    """The call seems too dear, nobody counts in time, and the task ends; the loop has gone on meanwhile."""
    never, ticks = threading.Event(), list[float]()
    provider = Counter(lambda _: never.wait(300))
    house = Escalator(matrix(task_types=chain_of("haiku")), ledger=MemoryLedger(), providers=provider)
    given: dict[str, Any] = {"files": BASE, "validators": ["syntax"], "budget": "0.000001", "deadline": 1.0}

    async def go() -> Any:
        work = asyncio.ensure_future(house.aexecute("Fix add().", **given))
        while not work.done():
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)
        return await work

    outcome = house.execute("Fix add().", **given) if colour == "sync" else asyncio.run(go())
    never.set()
    assert (outcome.status, outcome.cost, provider.requests) == ("stopped", 0, [])
    assert colour == "sync" or len(ticks) > 10


def test_the_limits_of_a_count_are_its_own() -> None:
    """A server gets seconds for it, whatever an answer may take; less where the deadline is nearer."""
    seen: list[Request] = []
    counter = Counter(lambda asked: seen.append(asked) or 7)
    assert counted_in_time(counter, request(), None) == 7
    assert counted_in_time(counter, request(), 0.5) == 7
    assert [asked.timeouts.total for asked in seen] == [COUNTING, 0.5]
    assert max(asked.timeouts.first_byte for asked in seen) <= COUNTING


def test_a_count_that_fails_is_none_and_a_fault_of_the_counter_is_seen() -> None:
    """A provider that does not answer counts nothing; what is no `ProviderError` is a bug, and raised."""

    def fails(_: Request) -> int:
        raise ProviderError("no", kind="rate_limit")

    def breaks(_: Request) -> int:
        raise ZeroDivisionError

    assert counted_in_time(Counter(fails), request(), None) is None
    assert counted_in_time(Counter(lambda _: 7), request(), 0.0) is None
    with pytest.raises(ZeroDivisionError):
        counted_in_time(Counter(breaks), request(), None)
