"""What is held while a caller waits, and what is left of it once the caller has gone."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from escalator.ledger import Held, Hold, Refused
from escalator.testing import MemoryLedger
from houses import RIGHT, House


class Unhurried:
    """A ledger that has reserved the money already while its caller still waits for the answer."""

    def __init__(self) -> None:
        self.within = MemoryLedger()
        self.asked: list[Future[Any]] = []
        self.heard = asyncio.Event()
        self.answers: list[Held | Refused] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.within, name)

    def reserve(self, hold: Hold) -> Future[Any]:
        self.answers.append(self.within.reserve(hold).result())
        answer: Future[Any] = Future()
        answer.set_running_or_notify_cancel()
        self.asked.append(answer)
        self.heard.set()
        return answer

    def held(self) -> int:
        """Nano-dollars held over all calls."""
        return sum(call.held for call in self.within.calls())


@pytest.mark.parametrize("answered_first", [False, True], ids=["answered later", "answered just before"])
def test_a_caller_that_goes_away_while_the_answer_is_on_its_way_holds_nothing(answered_first: bool) -> None:
    """A reservation too late to be cancelled is given back as soon as it is answered; no request was sent."""
    ledger = Unhurried()
    house = House({"haiku": [RIGHT]}, ledger=ledger, task_types=_paid_only())

    async def leave() -> None:
        task = asyncio.ensure_future(house.aexecute())
        await ledger.heard.wait()
        assert ledger.held() > 0
        if answered_first:
            ledger.asked[0].set_result(ledger.answers[0])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if not answered_first:
            ledger.asked[0].set_result(ledger.answers[0])

    asyncio.run(leave())
    assert (ledger.held(), house.models()) == (0, [])
    (call,) = ledger.within.calls()
    assert (call.cost, call.error) == (0, "not_sent")


def _paid_only() -> dict[str, Any]:
    return {
        "standard_development": {
            "complexity": [0, 10],
            "chain": ["haiku"],
            "checker": "none",
            "validators": ["syntax"],
            "max_attempts": 1,
        }
    }
