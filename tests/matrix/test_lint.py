"""What is wrong with a matrix that can be read: each finding names its key, and a matrix without faults has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from escalator import load_matrix
from escalator.lint import Finding, lint
from escalator.matrix import packaged_path

FREE = {"input": 0, "output": 0}


def model(provider: str = "here", **more: Any) -> dict[str, Any]:
    return {"provider": provider, "id": "m:1b", "tier": "local_fast", "context": 32768, "price": FREE, **more}


def written(**changes: Any) -> dict[str, Any]:
    """A matrix in which nothing is wrong, but for the changes; a change replaces a section."""
    return {
        "version": 1,
        "providers": {"here": {"kind": "llamacpp", "base_url": "http://127.0.0.1:9"}},
        "models": {"one": model(), "two": model(id="m:7b", tier="local_balanced")},
        "task_types": {"work": task()},
        "cost_guard": {"baseline": "two"},
        **changes,
    }


def task(**more: Any) -> dict[str, Any]:
    section = {"complexity": [0, 10], "chain": ["one", "two"], "checker": "none", "validators": ["syntax"]}
    return {**section, **more}


def found(**changes: Any) -> list[tuple[str, str, str]]:
    """Severity, key and message of each finding."""
    return [(each.severity, each.key, each.message) for each in lint(load_matrix(written(**changes)))]


def test_a_matrix_without_faults_has_no_findings() -> None:
    """What is reported elsewhere here is the change's doing."""
    assert found() == []


def test_the_packaged_matrix_cannot_be_refused() -> None:
    """Whatever is not installed or not exported here, nothing in it is an error."""
    assert [each for each in lint(load_matrix(packaged_path())) if each.severity == "error"] == []


THREE = {"one": model(), "two": model(id="m:7b"), "more": model(id="m:9b")}
PAID = {"input": 1, "output": 5}


@pytest.mark.parametrize(
    ("changes", "severity", "key", "says"),
    [
        (
            {"providers": {**written()["providers"], "idle": {"kind": "ollama"}}},
            "warning",
            "providers.idle",
            "no model uses this provider",
        ),
        (
            {"providers": {"here": {"kind": "llamacpp", "base_url": "http://h", "api_key_env": "NOT_SET_HERE"}}},
            "warning",
            "providers.here.api_key_env",
            "the environment variable NOT_SET_HERE is not set here",
        ),
        (
            {"providers": {"here": {"kind": "llamacp", "base_url": "http://127.0.0.1:9"}}},
            "error",
            "providers.here.kind",
            "llamacpp",
        ),
        ({"models": THREE}, "warning", "models.more", "no chain and no checker uses this model"),
        (
            {"models": {"one": model(context=4096, max_output=512), "two": model(id="m:7b")}},
            "warning",
            "models.one.context",
            "a window of 4,096 tokens is too small",
        ),
        (
            {"models": {"one": model(context=16384, max_output=16384), "two": model(id="m:7b")}},
            "error",
            "models.one.max_output",
            "max_output 16,384 leaves no room for a prompt in 16,384 tokens",
        ),
        (
            {
                "providers": {"here": {"kind": "openai", "base_url": "https://far.example", "local": False}},
                "models": {"one": model(price=None, id="never-heard-of-it"), "two": model(id="m:7b")},
            },
            "error",
            "models.one",
            "nobody knows the price of never-heard-of-it",
        ),
        (
            {"task_types": {"work": task(chain=["one", "two", "one"])}},
            "warning",
            "task_types.work.chain[2]",
            "one stands in this chain before; it will not answer better now",
        ),
        (
            {
                "models": {"one": model(tier="local_quality"), "two": model(id="m:7b")},
            },
            "warning",
            "task_types.work.chain[0]",
            "two after it is of a weaker tier",
        ),
        (
            {"task_types": {"work": task(validators=["syntaxx"])}},
            "error",
            "task_types.work.validators[0]",
            "syntax",
        ),
        (
            {"task_types": {"work": task(validators=["syntax", "semantic"])}},
            "error",
            "task_types.work.validators",
            "semantic is listed and no checker can be assigned",
        ),
        (
            {
                "models": {
                    "one": model(tier="local_quality"),
                    "two": model(id="m:7b", tier="local_quality"),
                    "weak": model(id="m:0b"),
                },
                "task_types": {"work": task(checker="weak")},
            },
            "warning",
            "task_types.work.checker",
            "weak checks one, which is of a stronger tier",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_a_fault_is_found_at_its_key(changes: dict[str, Any], severity: str, key: str, says: str) -> None:
    """With what to think of it: an error cannot work as written, a warning probably was not meant."""
    findings = found(**changes)
    assert [(grade, place) for grade, place, message in findings if says in message] == [(severity, key)], findings


def _paid(**more: Any) -> dict[str, Any]:
    """A chain that ends with a model that costs money."""
    return {
        "providers": {
            **written()["providers"],
            "far": {"kind": "openai", "base_url": "https://far.example", "local": False},
        },
        "models": {
            "one": model(),
            "two": model("far", id="dear", tier="haiku", price=PAID, max_output=8000),
        },
        **more,
    }


def test_a_paid_rung_that_is_always_declined_is_never_reached() -> None:
    """`before_paid: deny` and a paid model in the chain contradict each other."""
    denied = found(**_paid(cost_guard={"before_paid": "deny"}))
    assert ("warning", "task_types.work.chain[1]") in [
        (grade, key) for grade, key, text in denied if "never reached" in text
    ]
    assert not [text for *_, text in found(**_paid()) if "never reached" in text]


@pytest.mark.parametrize(("budget", "told"), [("0.04", True), ("0.05", False)])
def test_a_budget_that_one_call_passes_is_told_with_both_sums(budget: str, told: bool) -> None:
    """4,000 tokens of prompt at 1 USD and 8,000 of answer at 5 USD a million are 0.044 USD."""
    findings = found(**_paid(cost_guard={"budgets": {"task": budget}}))
    text = f"one call of two can cost $0.0440; the task's budget is ${budget}"
    assert (("warning", "task_types.work.chain[1]", text) in findings) == told


def test_the_budget_of_a_type_counts_where_it_is_the_tighter_one() -> None:
    """A task of that type is stopped by it first."""
    budgets = {"task": "9", "task_type": {"work": {"task": "0.01"}}}
    assert any("budget is $0.01" in text for *_, text in found(**_paid(cost_guard={"budgets": budgets})))


@pytest.mark.parametrize(("kind", "swaps"), [("lmstudio", True), ("llamacpp", False)])
def test_a_server_that_swaps_models_is_told_of_a_chain_of_two(kind: str, swaps: bool) -> None:
    """Each escalation unloads one model and loads the other, which takes longer than the answer."""
    provider = {"kind": kind, "base_url": "http://127.0.0.1:9"}
    texts = [text for *_, text in found(providers={"here": provider})]
    assert ("here swaps one for two at each escalation" in texts) == swaps


def test_a_key_that_is_exported_is_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding is about this machine, today."""
    monkeypatch.setenv("SET_HERE", "x")
    provider = {"kind": "llamacpp", "base_url": "http://127.0.0.1:9", "api_key_env": "SET_HERE"}
    assert found(providers={"here": provider}) == []


def test_a_finding_of_a_file_has_the_line_to_mend(tmp_path: Path) -> None:
    """The line is that of the key, in the file that wrote it."""
    path = tmp_path / "matrix.yaml"
    text = yaml.safe_dump(written(task_types={"work": task(validators=["syntaxx"])}), sort_keys=False)
    path.write_text(text)
    (finding,) = lint(load_matrix(path))
    assert isinstance(finding, Finding)
    assert finding.file == str(path)
    assert finding.line == next(n for n, line in enumerate(text.splitlines(), 1) if "syntaxx" in line)
