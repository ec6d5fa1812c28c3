"""Money that is only held by other calls is waited for; money that is spent is not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from escalator.events import Warned
from escalator.execution.budgets import scopes
from escalator.ledger import Held, Hold, Settlement, TaskRow, to_nano
from escalator.testing import MemoryLedger
from houses import RIGHT, House, chain_of
from making import brief

PAID = chain_of("haiku", max_attempts=1, at_end="skip")


class Neighbour:
    """Another task's call that holds money of the same day."""

    def __init__(self, ledger: MemoryLedger, budgets: Any, amount: Decimal) -> None:
        self.ledger = ledger
        row = TaskRow(task_id="n", brief="{}", plan="{}", task_type="quick_edit", complexity=1.0)
        ledger.open_task(row).result()
        counted = scopes(budgets, brief(task_id="n"), task_type="quick_edit", team="", now=ledger.now())
        wanted = Hold(
            task_id="n",
            key="k",
            digest="d",
            amount=to_nano(amount),
            scopes=counted,
            purpose="worker",
            model="haiku",
            provider="cloud",
        )
        held = ledger.reserve(wanted).result()
        assert isinstance(held, Held)
        self.hold_id = held.hold_id

    def settle(self, cost: Decimal) -> None:
        self.ledger.settle(self.hold_id, Settlement(cost=to_nano(cost), state="done", payload="{}")).result()


def crowded(day: str, held: str, **guard: Any) -> tuple[House, Neighbour]:
    """A house with a budget for the day, most of which somebody else's call holds."""
    ledger = MemoryLedger()
    guard = {"budgets": {"day": day}, **guard}
    house = House({"haiku": [RIGHT]}, ledger=ledger, task_types=PAID, cost_guard=guard)
    budgets = house.escalator.matrix.file.cost_guard.budgets
    return house, Neighbour(ledger, budgets, Decimal(held))


def on_the_first_warning(do: Callable[[], None]) -> Callable[[Any], None]:
    """A sink that lets something happen once the task says that it waits."""
    left = [do]

    def sink(event: Any) -> None:
        if isinstance(event, Warned) and "waiting" in event.message and left:
            left.pop()()

    return sink


def test_a_call_waits_for_what_others_only_hold() -> None:
    """Once the other call is settled for less than it held, there is room, and the task goes on."""
    house, neighbour = crowded("0.01", "0.0099")
    outcome = house.execute(on_event=on_the_first_warning(lambda: neighbour.settle(Decimal("0.0001"))))
    assert outcome.status == "accepted"


@pytest.mark.parametrize(("day", "guard"), [("0.01", {"patience": 0}), ("0.00001", {})])
def test_what_can_never_fit_is_refused_at_once(day: str, guard: dict[str, Any]) -> None:
    """Without patience, or where the call is dearer than the whole budget, nobody waits."""
    house, _ = crowded(day, "0.00000999" if day == "0.00001" else "0.0099", **guard)
    heard: list[Any] = []
    outcome = house.execute(on_event=heard.append)
    assert (outcome.status, outcome.cause) == ("stopped", "budget")
    assert not [event for event in heard if isinstance(event, Warned) and "waiting" in event.message]


def test_what_others_spent_is_not_waited_for() -> None:
    """Where the other call turns out to cost all it held, the wait ends with the refusal."""
    house, neighbour = crowded("0.01", "0.0099")
    outcome = house.execute(on_event=on_the_first_warning(lambda: neighbour.settle(Decimal("0.0099"))))
    assert (outcome.status, outcome.cause) == ("stopped", "budget")
    assert "only $0.0001" in outcome.reason


def test_the_wait_ends_with_the_patience_of_the_matrix() -> None:
    """Nobody settles: the refusal says what is held, and that the task can be resumed."""
    house, _ = crowded("0.01", "0.0099", patience=0.2)
    outcome = house.execute()
    assert (outcome.status, outcome.cause) == ("stopped", "budget")
    assert "is held by calls under way" in outcome.reason


def test_the_wait_ends_with_the_deadline() -> None:
    """A task with little time left does not use up the patience."""
    house, _ = crowded("0.01", "0.0099", patience=600)
    outcome = house.execute(deadline=0.3)
    assert outcome.status == "stopped"


def test_a_resumed_task_is_paid_once_there_is_room() -> None:
    """What was refused for held money stays resumable."""
    house, neighbour = crowded("0.01", "0.0099", patience=0)
    stopped = house.execute(task_id="t1", validators=["syntax"])
    neighbour.settle(Decimal(0))
    outcome = house.escalator.resume("t1")
    assert (stopped.cause, outcome.status) == ("budget", "accepted")
    assert outcome.cost > 0
