"""Rows, holds and endings for the tests, with everything filled in that a test does not care about."""

from __future__ import annotations

from typing import Any

from escalator.ledger import Closing, Entry, Held, Hold, Scope, Settlement, TaskRow, Tried
from escalator.ledger.log import Archive
from escalator.records import Usage


def row(task_id: str = "t", **facts: Any) -> TaskRow:
    return TaskRow(
        **{
            "task_id": task_id,
            "brief": '{"text": "do it"}',
            "plan": "{}",
            "task_type": "quick_edit",
            "complexity": 1.5,
            "description": "Do it",
            "tags": ("a", "b"),
            **facts,
        }
    )


def hold(task_id: str = "t", key: str = "k", amount: int = 10, limit: int | None = None, **facts: Any) -> Hold:
    return Hold(
        **{
            "task_id": task_id,
            "key": key,
            "digest": "d",
            "amount": amount,
            "scopes": (Scope(name="day", limit=limit),),
            "purpose": "worker",
            "model": "haiku",
            "provider": "anthropic",
            **facts,
        }
    )


def paid(cost: int = 4, **facts: Any) -> Settlement:
    usage = Usage(input_tokens=100, output_tokens=20)
    return Settlement(
        **{"cost": cost, "state": "done", "payload": '{"text": "x"}', "usage": usage, "seconds": 0.25, **facts}
    )


def verdict(key: str = "v", payload: str = "{}") -> Entry:
    return Entry(key=key, kind="verdict", digest="d", payload=payload)


def closing(status: str = "accepted", **facts: Any) -> Closing:
    tries = (Tried(model="haiku", result="passed", cost=4, seconds=0.25),)
    return Closing(
        **{
            "status": status,
            "reason": "because",
            "outcome": '{"answer": "x"}',
            "worker": "haiku",
            "attempts": 1,
            "seconds": 0.5,
            "cost": 4,
            "tries": tries,
            **facts,
        }
    )


def reserve(ledger: Archive, *args: Any, **facts: Any) -> int:
    """Reserve and insist that it is granted."""
    held = ledger.reserve(hold(*args, **facts)).result()
    assert isinstance(held, Held), held
    return held.hold_id


def buy(ledger: Archive, task_id: str = "t", key: str = "k", amount: int = 10, cost: int = 4, **facts: Any) -> int:
    """Reserve and settle one call."""
    hold_id = reserve(ledger, task_id, key, amount, **facts)
    ledger.settle(hold_id, paid(cost)).result()
    return hold_id
