"""Nothing changes in silence: less room, a shorter prompt, another model and a budget that is too small are said."""

from __future__ import annotations

from typing import Any

import pytest

from escalator.events import PaidModelAhead, Warned
from escalator.execution.said import is_same
from escalator.records import Completion, Usage
from houses import RIGHT, House, chain_of


def told(house: House) -> list[str]:
    return [event.message for event in house.events if isinstance(event, Warned)]


def test_another_model_that_answered_is_named(execute: Any) -> None:
    """In the outcome and by an event, once however often it answered."""
    answer = Completion(text=RIGHT, model="tiny-1b", finish="stop", condition="ok", usage=Usage())
    house = House({"small": [answer]}, task_types=chain_of("small"))
    outcome = execute(house)
    said = "small (small:1b) was asked and tiny-1b answered"
    assert outcome.warnings.count(said) == told(house).count(said) == 1


@pytest.mark.parametrize(
    ("wanted", "answered", "same"),
    [
        ("claude-haiku-5-5", "claude-haiku-5-5-20260101", True),
        ("qwen2.5-coder:14b", "Qwen2.5-Coder:14b", True),
        ("small", "small:latest", True),
        ("vendor/model-x", "model-x", True),
        ("qwen-14b", "/models/qwen-14b-q4_k_m.gguf", True),
        ("gpt-5", "gpt-5-2026-01-01", True),
        ("gpt-5", "gpt-5-mini", False),
        ("large:30b", "large:3b", False),
        ("claude-opus-5", "claude-haiku-5", False),
    ],
)
def test_editions_of_a_model_are_that_model(wanted: str, answered: str, same: bool) -> None:
    """A date, a version or a way of storing weights behind the name is no other model; another size is."""
    assert is_same(wanted, answered) == same


def test_more_than_a_budget_allows_is_not_asked_for_without_saying_so() -> None:
    """Before the question comes the warning; it stands in the outcome too."""
    asked: list[Any] = []
    guard = {"before_paid": "confirm", "budgets": {"day": "0.0001"}}
    house = House(
        {"haiku": [RIGHT]},
        approve=lambda wanted: asked.append(wanted) or False,
        task_types=chain_of("haiku"),
        cost_guard=guard,
    )
    outcome = house.execute()
    assert outcome.status == "stopped"
    assert asked[0].highest_cost > 0
    (said,) = [each for each in outcome.warnings if "budget of day" in each]
    assert said.startswith("haiku could cost up to $")
    kinds = [type(event) for event in house.events if isinstance(event, PaidModelAhead | Warned)]
    assert kinds == [Warned, PaidModelAhead]


def test_room_that_is_missing_and_tests_that_are_shortened_are_said() -> None:
    """A model that cannot write the files out, and tests too long to be shown, are named before anything is asked."""
    files = {"adding.py": "x = 1  # and so on\n" * 1600}
    tests = {"test_long.py": "def test_it():\n    assert True\n" * 900}
    house = House({"large": [RIGHT]}, task_types=chain_of("large"))
    outcome = house.execute(files=files, tests=tests)
    assert any("large may write 8,192 tokens and the files are about" in each for each in outcome.warnings)
    assert any("1 of 1 tests shortened, test_long.py among them" in each for each in outcome.warnings)
    assert len(told(house)) == len(set(told(house)))
