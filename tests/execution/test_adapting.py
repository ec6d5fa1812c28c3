"""A server that refuses how it was asked and says how it wants to be asked is asked so: as a call of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from escalator import Escalator
from escalator.execution.repeats import MOST_ADAPTATIONS
from escalator.providers.chat.openai_compatible import OpenAICompatible
from escalator.testing import MemoryLedger
from houses import BASE, RIGHT, adds, chain_of

Body = dict[str, Any]
COLOURS = pytest.mark.parametrize("colour", ["sync", "async"])


class Picky:
    """A server, its one paid model and the house that asks it; `refuses` is what it has against a request."""

    def __init__(
        self, refuses: Callable[[Body], tuple[int, str] | None], *, ledger: Any = None, **model: Any
    ) -> None:
        self.bodies: list[Body] = []
        self.refuses = refuses
        self.ledger = ledger or MemoryLedger()
        transport = httpx2.MockTransport(self._answer)
        provider = OpenAICompatible(
            name="paid", base_url="http://test", transport=transport, async_transport=transport
        )
        self.house = Escalator(_matrix(**model), ledger=self.ledger, providers=provider)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        self.bodies.append(body)
        refused = self.refuses(body)
        if refused is not None:
            return httpx2.Response(refused[0], json={"error": {"message": refused[1]}})
        message = {"role": "assistant", "content": RIGHT}
        usage = {"prompt_tokens": 100, "completion_tokens": 50}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return httpx2.Response(200, json={"id": "c", "model": "m", "choices": [choice], "usage": usage})

    def do(self, colour: str = "sync", **options: Any) -> Any:
        given: dict[str, Any] = {"files": BASE, "validators": [adds], **options}
        if colour == "sync":
            return self.house.execute("Make add() add.", **given)
        return asyncio.run(self.house.aexecute("Make add() add.", **given))


def _matrix(**model: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "providers": {"paid": {"kind": "openai", "base_url": "http://test", "local": False}},
        "models": {
            "one": {
                "provider": "paid",
                "id": "m",
                "tier": "haiku",
                "context": 32000,
                "max_output": 3000,
                "price": {"input": 1, "output": 10},
                **model,
            }
        },
        "task_types": chain_of("one", max_attempts=1),
        "cost_guard": {"before_paid": "warn"},
        "transport": {"retries": 0},
    }


def _no_stream(body: Body) -> tuple[int, str] | None:
    if body["stream"]:
        return 400, "Your organization must be verified to stream this model."
    return (400, "'stream_options' is only allowed when 'stream' is enabled") if "stream_options" in body else None


def _no_stream_options(body: Body) -> tuple[int, str] | None:
    return (422, "'stream_options': extra inputs are not permitted") if "stream_options" in body else None


def _new_limit(body: Body) -> tuple[int, str] | None:
    text = "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return (400, text) if "max_tokens" in body else None


def _no_system(body: Body) -> tuple[int, str] | None:
    return (400, "System role not supported") if body["messages"][0]["role"] == "system" else None


def _window(body: Body) -> tuple[int, str] | None:
    asked = body["max_tokens"]
    if asked <= 1000:
        return None
    text = f"you requested {2000 + asked} tokens (2000 in the messages, {asked} in the completion)"
    return 400, f"This model's maximum context length is 3000 tokens. However, {text}."


@pytest.mark.parametrize("refuses", [_no_stream, _no_stream_options, _new_limit, _no_system, _window])
@COLOURS
def test_the_request_comes_once_more_as_the_server_wants_it(
    refuses: Callable[[Body], tuple[int, str] | None], colour: str
) -> None:
    """Even where nothing else is retried: two rows, the refused one free, and each had a hold of its own."""
    picky = Picky(refuses)
    outcome = picky.do(colour)
    assert (outcome.status, len(picky.bodies)) == ("accepted", 2)
    refused, answered = picky.ledger.calls()
    assert (refused.error, refused.cost, answered.error) == ("adapted", 0, "")
    assert answered.cost == 100 * 1_000 + 50 * 10_000
    assert 0 < answered.amount <= refused.amount
    assert len(outcome.attempts) == 1


@pytest.mark.parametrize("refuses", [_no_stream, _no_stream_options, _new_limit, _no_system])
def test_what_a_server_wants_is_kept_for_its_model(refuses: Callable[[Body], tuple[int, str] | None]) -> None:
    """The next task asks that way at once."""
    picky = Picky(refuses)
    picky.do()
    picky.do()
    assert len(picky.bodies) == 3


def test_a_system_text_leads_the_first_message_where_it_has_no_place_of_its_own() -> None:
    """Nothing of it is lost."""
    picky = Picky(_no_system)
    picky.do()
    system, said = (message["content"] for message in picky.bodies[0]["messages"])
    assert [message["content"] for message in picky.bodies[1]["messages"]] == [f"{system}\n\n{said}"]


def test_an_answer_is_asked_as_long_as_the_window_leaves_room() -> None:
    """The server named the figures; the hold of the second call is that of the shorter answer."""
    picky = Picky(_window)
    picky.do()
    asked, shorter = (body["max_tokens"] for body in picky.bodies)
    assert (asked > 1000, shorter) == (True, 1000)
    first, second = picky.ledger.calls()
    assert first.amount - second.amount == (asked - shorter) * 10_000


def test_a_server_that_always_wants_something_else_is_left_alone() -> None:
    """Each cure is tried once, and their number is bounded."""
    wishes = iter(range(100))

    def refuses(body: Body) -> tuple[int, str] | None:
        asked = body["max_tokens"]
        window = 2000 + asked - 1 - next(wishes) % 2
        return 400, f"maximum context length is {window}, you requested {2000 + asked} (2000 in, {asked} out)"

    picky = Picky(refuses)
    assert picky.do().status == "stopped"
    assert len(picky.bodies) == MOST_ADAPTATIONS + 1


def test_a_resumed_task_finds_both_calls_and_asks_nothing() -> None:
    """The refusal and the answer to the repeat are on record; a provider that has forgotten is not asked again."""

    interruptions = iter([KeyboardInterrupt])

    def looks(candidate: Any) -> bool:
        for interruption in interruptions:
            raise interruption
        return True

    picky = Picky(_no_stream)
    with pytest.raises(KeyboardInterrupt):
        picky.do(task_id="t", validators=[looks])
    again = Picky(_no_stream, ledger=picky.ledger)
    outcome = again.do(task_id="t", validators=[looks])
    assert (outcome.status, again.bodies) == ("accepted", [])
    assert len(picky.ledger.calls()) == 2
