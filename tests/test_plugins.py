"""Strangers' providers, classifiers and validators are found and called like the built-in ones."""

from __future__ import annotations

from typing import Any

import pytest

from escalator import ConfigError, Escalator, LedgerError, load_matrix
from escalator.ledger import TaskRow
from escalator.ledger.recall import recall
from escalator.lint import lint
from escalator.providers import ThreadedProvider
from escalator.records import Brief, Classification, Completion, Request
from escalator.testing import MemoryLedger, failure
from houses import BASE, RIGHT, WRONG, House, adds, matrix


class Parrot(ThreadedProvider):
    """A stranger's provider: says the same to everybody."""

    def __init__(self, *, name: str, base_url: str | None, api_key: str | None, says: str = WRONG) -> None:
        self.name, self._says = name, says

    def complete(self, request: Request) -> Completion:
        return Completion(text=self._says, model=request.model.id)


def cautious() -> Any:
    """A stranger's classifier: everything is critical."""

    def classify(brief: Brief) -> Classification:
        return Classification(task_type="critical", complexity=10, reasons=(brief.prompt[:3],), source="cautious")

    return classify


def strange(**options: Any) -> dict[str, Any]:
    data = matrix()
    data["providers"]["here"] = {"kind": "test_plugins:Parrot", "local": True, "options": options}
    return data


def test_a_provider_is_named_by_its_path() -> None:
    """`kind: module:attribute` builds a stranger's provider with the matrix's options."""
    with Escalator(strange(says=RIGHT), ledger=":memory:") as house:
        outcome = house.execute("Fix add().", files=BASE, validators=[adds], task_type="quick_edit")
    assert (outcome.status, outcome.model) == ("accepted", "small")


def test_an_option_it_does_not_take_is_an_error_with_a_suggestion() -> None:
    """A typo in the options of a provider is found when it is built, with the nearest name."""
    with Escalator(strange(sais=RIGHT), ledger=":memory:") as house, pytest.raises(ConfigError, match="'says'"):
        house.execute("Fix add().", files=BASE, validators=[adds], task_type="quick_edit")


def test_lint_finds_a_kind_nobody_knows() -> None:
    """A mistyped kind is an error of the matrix before anything is asked."""
    data = matrix()
    data["providers"]["here"]["kind"] = "olama"
    data["providers"]["here"]["local"] = True
    found = [finding for finding in lint(load_matrix(data)) if finding.severity == "error"]
    assert any("did you mean 'ollama'" in finding.message for finding in found)


def test_a_classifier_is_named_by_its_path() -> None:
    """`classifier: {name: module:attribute}` replaces the built-in one; its call is part of the task."""
    house = House({"small": [RIGHT]}, classifier={"name": "test_plugins:cautious"})
    outcome = house.execute("Fix it.", task_type=None)
    assert (outcome.classification.task_type, outcome.classification.source) == ("critical", "cautious")


LABEL = '{"task_type": "critical", "complexity": 9.5, "confidence": 0.9, "reasons": ["money"]}'


def test_a_model_may_classify_and_its_call_is_on_the_books() -> None:
    """`classifier: {llm: model}` asks a model through the same cost guard; the call is in the outcome's overhead."""
    house = House({"large": [LABEL], "small": [RIGHT]}, classifier={"llm": "large"})
    outcome = house.execute("Round the invoice total.", task_type=None)
    assert outcome.classification.task_type == "critical"
    assert outcome.classification.source.startswith("llm")
    assert [call.purpose for call in outcome.overhead] == ["classifier"]
    assert house.models() == ["large", "small"]


def test_a_resumed_task_still_counts_its_classifier() -> None:
    """What the classifier cost before an interruption is in the outcome of the resumed task."""
    ledger = MemoryLedger()
    first = House(
        {"haiku": [LABEL]}, ledger=ledger, classifier={"llm": "haiku"}, cost_guard={"budgets": {"task": 0.00055}}
    )
    models = {"small": [failure("connection")], "large": [failure("connection")]}
    first.provider._script = {**models, "haiku": [LABEL]}
    stopped = first.execute("Round the invoice total.", task_type=None, task_id="t")
    assert (stopped.status, stopped.cause) == ("stopped", "budget")
    second = House({"small": [RIGHT]}, ledger=ledger, classifier={"llm": "haiku"})
    outcome = second.escalator.execute(
        "Round the invoice total.", task_id="t", files=BASE, validators=["syntax", adds]
    )
    assert [call.purpose for call in outcome.overhead] == ["classifier"]
    assert outcome.overhead[0].cost > 0


def test_a_classifier_that_cannot_be_asked_falls_back_to_the_rules() -> None:
    """Nonsense from the classifying model costs nothing but the call: the built-in rules decide."""
    house = House({"large": ["no idea"], "small": [RIGHT]}, classifier={"llm": "large"})
    outcome = house.execute("Fix the typo in the docstring of add().", task_type=None)
    assert outcome.classification.task_type == "quick_edit"
    assert outcome.status == "accepted"


def test_a_task_that_a_model_classifies_is_planned_once() -> None:
    """Its stored plan is the one that is walked, and the log tells the type that the model found."""
    house = House({"large": [LABEL], "small": [RIGHT]}, classifier={"llm": "large"})
    outcome = house.execute("Round the invoice total.", task_type=None, task_id="t")
    known = recall(house.ledger, "t")
    (task,) = house.ledger.tasks()
    assert known.plan == outcome.plan
    assert (known.plan.classification.task_type, task.task_type) == ("critical", "critical")
    assert [entry.key for entry in known.entries if entry.kind == "note"] == []


def test_a_task_cut_off_before_it_was_planned_is_classified_from_the_record() -> None:
    """A resume asks the classifying model no second time, and its plan has the validators the caller named."""
    ledger = MemoryLedger()
    first = House(
        {"large": [LABEL], "small": [KeyboardInterrupt()]}, ledger=Unplanned(ledger), classifier={"llm": "large"}
    )
    with pytest.raises(KeyboardInterrupt):
        first.execute("Round the invoice total.", task_type=None, task_id="t", validators=["syntax"])
    ledger.crash()
    with pytest.raises(LedgerError, match="before it was planned"):
        recall(ledger, "t")
    second = House({"small": [RIGHT]}, ledger=ledger, classifier={"llm": "large"})
    outcome = second.escalator.resume("t")
    assert [spec.name for spec in outcome.plan.validators] == ["syntax"]
    assert outcome.classification.task_type == "critical"
    assert [call.purpose for call in outcome.overhead] == ["classifier"]
    assert second.models() == ["small"]


class Unplanned:
    """A ledger on which the process dies when it is given the plan."""

    def __init__(self, within: MemoryLedger) -> None:
        self._within = within

    def __getattr__(self, name: str) -> Any:
        return getattr(self._within, name)

    def plan_task(self, row: TaskRow) -> None:
        raise KeyboardInterrupt
