"""Planning: who answers, who checks, what must pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from escalator import Escalator, load_matrix
from escalator.matrix import Matrix, packaged_path
from escalator.planning import fitted, make_plan, plan_key, specs_of
from escalator.records import Classification, Plan
from making import brief

DEFAULT = load_matrix(packaged_path())
AUTO = load_matrix(
    {
        "version": 1,
        "providers": {"p": {"kind": "ollama"}, "c": {"kind": "anthropic"}},
        "models": {
            "one": {"provider": "p", "id": "one", "tier": "local_fast"},
            "two": {"provider": "p", "id": "two", "tier": "local_balanced"},
            "three": {"provider": "c", "id": "claude-haiku-5-5", "tier": "haiku"},
        },
        "task_types": {
            "standard_development": {
                "complexity": [0, 10],
                "chain": ["one", "two", "three"],
                "validators": ["syntax", {"tests": {"timeout": 9}}, {"semantic": {"required": False}}],
            }
        },
    }
)


def planned(task_type: str, complexity: float, matrix: Matrix = DEFAULT, **more: object) -> Plan:
    return make_plan(brief(**more), Classification(task_type=task_type, complexity=complexity), matrix)


def checkers(plan: Plan) -> list[str | None]:
    return [rung.checker.name if rung.checker else None for rung in plan.chain]


def test_the_default_matrix_plans_what_the_table_says() -> None:
    """A critical task gets Sonnet then Opus, every validator, two attempts a model and a person at the end."""
    plan = planned("critical", 9.5)
    assert [(rung.model.name, rung.attempts) for rung in plan.chain] == [("sonnet", 2), ("opus", 2)]
    assert [spec.name for spec in plan.validators] == ["syntax", "compile", "tests", "semantic"]
    assert (plan.review_accepted, plan.at_end) == (True, "review")


def test_a_model_never_checks_its_own_answers() -> None:
    """The checker of a rung is another model than its worker."""
    for name, section in DEFAULT.file.task_types.items():
        plan = planned(name, section.complexity[0])
        assert all(rung.checker is None or rung.checker.name != rung.model.name for rung in plan.chain)


def test_a_checker_at_least_as_strong_as_the_worker_is_preferred() -> None:
    """Of the named checkers the first that is not weaker than the worker judges it."""
    assert checkers(planned("complex_architecture", 7)) == ["sonnet", "sonnet", "local-32b"]
    assert checkers(planned("standard_development", 4)) == ["gemini-flash", "gemini-flash", "qwen3-30b"]


@pytest.mark.parametrize(
    ("complexity", "expected"),
    [
        (4.9, [None, None, None]),
        (5, ["two", "three", "one"]),
        (7.9, ["two", "three", "one"]),
        (8, ["two", "three", None]),
    ],
)
def test_without_a_named_checker_complexity_decides(complexity: float, expected: list[str | None]) -> None:
    """Below 5 nobody checks, below 8 the chain's first model (or the next one up), above that the next one up."""
    assert checkers(planned("standard_development", complexity, AUTO)) == expected


def test_options_and_advice_are_read_from_the_matrix() -> None:
    """A validator may carry options, and `required: false` makes it advisory."""
    specs = planned("standard_development", 4, AUTO, tests={"t.py": ""}).validators
    assert [(spec.name, dict(spec.options), spec.required) for spec in specs] == [
        ("syntax", {}, True),
        ("tests", {"timeout": 9}, True),
        ("semantic", {}, False),
    ]
    assert specs_of([{"tests": None}])[0].required


def test_a_task_without_tests_is_read_by_the_checker() -> None:
    """Where tests are wanted and none were given, the named checker reads the answer; the plan says so."""
    plan = planned("standard_development", 4)
    assert [spec.name for spec in plan.validators] == ["syntax", "tests", "semantic"]
    assert any("no tests were given" in note for note in plan.notes)
    with_tests = planned("standard_development", 4, tests={"test_x.py": "def test_x(): pass"})
    assert [spec.name for spec in with_tests.validators] == ["syntax", "tests"]


def test_a_response_schema_and_a_benchmark_bring_their_validators() -> None:
    """What the task itself demands is judged even if the matrix does not list it."""
    names = [spec.name for spec in planned("quick_edit", 1, response_schema={"type": "object"}).validators]
    assert names == ["json_schema"]
    names = [spec.name for spec in planned("quick_edit", 1, benchmark={"call": "f()"}).validators]
    assert names == ["syntax", "benchmark"]


def test_tests_that_were_given_are_always_run() -> None:
    """Even where a type's validators list no tests, those the caller brings decide."""
    plan = planned("quick_edit", 1, tests={"test_x.py": "def test_x(): pass"})
    assert [spec.name for spec in plan.validators] == ["syntax", "tests"]


def test_local_only_tasks_are_checked_by_local_models_only() -> None:
    """No remote model reads the answer to a local-only task."""
    plan = planned("complex_architecture", 7, local_only=True)
    assert all(rung.checker is None or rung.checker.local for rung in plan.chain)


def test_a_type_the_matrix_lacks_falls_to_the_band_of_its_complexity() -> None:
    """A team's own types are found by complexity, upward when none holds it."""
    data = {**AUTO.document.data}
    section = data["task_types"]["standard_development"]
    data["task_types"] = {"small": {**section, "complexity": [0, 4]}, "large": {**section, "complexity": [6, 10]}}
    matrix = load_matrix(data)
    assert fitted(Classification(task_type="quick_edit", complexity=1), matrix).task_type == "small"
    between = fitted(Classification(task_type="standard_development", complexity=5), matrix)
    assert (between.task_type, between.complexity) == ("large", 6)
    assert any("falls to large" in reason for reason in between.reasons)


def test_savings_are_counted_against_the_named_or_the_strongest_paid_model() -> None:
    """The baseline is the matrix's choice, else the strongest model that costs money."""
    plan = planned("quick_edit", 1)
    assert plan.baseline is not None
    assert plan.baseline.name == "opus"
    unnamed = planned("standard_development", 4, AUTO).baseline
    assert unnamed is not None
    assert unnamed.name == "three"


def test_policies_of_a_task_type_win_over_the_matrix() -> None:
    """The general policy holds where the task type says nothing."""
    data = {**DEFAULT.document.data, "policies": {"skipped": "advisory", "error": "review"}}
    section = dict(data["task_types"]["quick_edit"], policies={"error": "advisory"})
    data["task_types"] = {**data["task_types"], "quick_edit": section}
    policies = planned("quick_edit", 1, load_matrix(data)).policies
    assert (policies.skipped, policies.error, policies.unavailable) == ("advisory", "advisory", "stop")
    assert replace(policies, skipped="stop").skipped == "stop"


def test_complexity_alone_says_which_type_a_task_is() -> None:
    """A caller who states the complexity overrides the classifier: the band that holds it names the type."""
    with Escalator(DEFAULT, ledger=":memory:") as house:
        plan = house.plan("Redesign the whole system.", complexity=0)
        kind = house.classify("Fix the typo.", complexity=10)
    assert (plan.classification.task_type, plan.classification.complexity) == ("quick_edit", 0)
    assert (kind.task_type, kind.complexity, kind.source) == ("critical", 10, "caller")


def test_tasks_of_one_kind_share_a_plan_but_for_their_classification() -> None:
    """What a plan depends on is in its key: with the same key, another task's plan is this one's."""
    made: dict[object, Plan] = {}
    needs: list[dict[str, object]] = [
        {},
        {"local_only": True},
        {"tests": {"test_a.py": "def test(): pass"}},
        {"files": {}},
        {"response_schema": {"type": "object"}},
        {"response_schema": {"type": "object"}, "files": {}, "tests": {"test_a.py": "def test(): pass"}},
        {"benchmark": {"command": ["true"]}},
        {"language": "go", "requirements": ("quick",), "budget": 1, "tags": ("a",)},
    ]
    for matrix in (DEFAULT, AUTO):
        made.clear()
        for name in ("simple_fix", "standard_development", "critical", "unheard_of"):
            for complexity in (0, 1.5, 4.99, 5.0, 7.9, 8.0, 10.0):
                kind = fitted(Classification(task_type=name, complexity=complexity), matrix)
                for more in needs:
                    task = brief(**more)
                    plan = make_plan(task, kind, matrix)
                    shared = made.setdefault(plan_key(task, kind), plan)
                    assert replace(shared, classification=kind) == plan
