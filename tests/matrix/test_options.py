"""Options of a model that would be billed beyond what is held for a call."""

from __future__ import annotations

from typing import Any

import pytest

from escalator.errors import ConfigError
from escalator.matrix import load_matrix

PRICE = {"input": 1, "output": 10}


def matrix(options: dict[str, Any], *, kind: str = "openai", local: bool = False, **model: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "providers": {"p": {"kind": kind, "base_url": "http://127.0.0.1:9", "local": local}},
        "models": {"m": {"provider": "p", "id": "m", "tier": "haiku", "options": options, **model}},
        "task_types": {
            "quick_edit": {"complexity": [0, 10], "chain": ["m"], "validators": ["syntax"], "checker": "none"}
        },
    }


@pytest.mark.parametrize(
    ("options", "instead"),
    [
        ({"max_tokens": 20_000}, "max_output"),
        ({"max_completion_tokens": 20_000}, "max_output"),
        ({"n": 5}, "max_attempts"),
        ({"best_of": 3}, "max_attempts"),
        ({"tools": [{"type": "web_search"}]}, "remove it"),
        ({"web_search_options": {}}, "remove it"),
        ({"plugins": [{"id": "web"}]}, "remove it"),
        ({"search_parameters": {"mode": "on"}}, "remove it"),
        ({"models": ["dear"]}, "chain"),
        ({"stream_options": {}}, "remove it"),
    ],
    ids=str,
)
def test_an_option_that_raises_the_bill_is_refused_with_what_to_write_instead(
    options: dict[str, Any], instead: str
) -> None:
    """The error names the option's key in the file."""
    with pytest.raises(ConfigError) as caught:
        load_matrix(matrix(options, price=PRICE))

    assert caught.value.key == f"models.m.options.{next(iter(options))}"
    assert instead in caught.value.hint


def test_a_service_tier_needs_a_stated_price() -> None:
    """Price lists know the usual tier; what another one costs only the matrix can say."""
    dear = {"service_tier": "priority"}
    with pytest.raises(ConfigError, match="service_tier"):
        load_matrix(matrix(dear))

    assert load_matrix(matrix(dear, price=PRICE)).models["m"].options == dear
    assert load_matrix(matrix({"service_tier": "flex"})).models["m"].options["service_tier"] == "flex"


@pytest.mark.parametrize(
    "data",
    [
        matrix({"n": 5, "max_tokens": 9}, local=True),
        matrix({"num_predict": 9}, kind="ollama", local=True),
        matrix({"n": 5}, price={"input": 0, "output": 0}),
        matrix({"top_p": 0.9, "reasoning_effort": "high", "stop": ["x"]}, price=PRICE),
    ],
    ids=["local", "local Ollama", "free", "harmless"],
)
def test_what_costs_no_more_is_left_alone(data: dict[str, Any]) -> None:
    """Free models may be told anything, paid ones what does not raise the bill."""
    assert load_matrix(data).models["m"].options


def test_a_paid_model_on_ollamas_wire_is_held_to_the_same() -> None:
    """Its limit has another name."""
    with pytest.raises(ConfigError, match="num_predict"):
        load_matrix(matrix({"num_predict": 10**6}, kind="ollama", price=PRICE))


@pytest.mark.parametrize("amount", ["1e999999", "1e10"])
def test_a_budget_beyond_what_a_ledger_counts_is_refused(amount: str) -> None:
    """An absurd limit is an error in the file, not one of arithmetic later."""
    with pytest.raises(ConfigError) as caught:
        load_matrix({**matrix({}, price=PRICE), "cost_guard": {"budgets": {"day": amount}}})

    assert caught.value.key == "cost_guard.budgets.day"
