"""Which ids can only be bought, and which say nothing of where they run."""

from __future__ import annotations

from typing import Any

import pytest

from escalator.lint import lint
from escalator.matrix import load_matrix
from escalator.sellers import sold_as

SOLD = [
    ("claude-opus-4-5", "Anthropic"),
    ("anthropic/claude-haiku-4.5", "Anthropic"),
    ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "Anthropic"),
    ("gpt-5.4-mini", "OpenAI"),
    ("openai/o3-mini", "OpenAI"),
    ("ft:gpt-4o-mini:team::1", "OpenAI"),
    ("google/gemini-2.5-pro", "Google"),
    ("models/gemini-3.8-flash", "Google"),
    ("xai/grok-4", "xAI"),
    ("mistral-medium", "Mistral"),
    ("deepseek/deepseek-reasoner", "DeepSeek"),
    ("openrouter/qwen/qwen3-235b-a22b", "openrouter"),
    ("azure/my-deployment", "azure"),
]
OPEN = [
    "qwen/qwen3-30b-a3b-2507",
    "qwen2.5-coder:14b",
    "llama3.1:8b",
    "meta-llama-3.1-8b-instruct",
    "openai/gpt-oss-20b",
    "gpt-oss:120b",
    "gpt-j-6b",
    "gpt2",
    "google/gemma-4-26b-a4b",
    "deepseek-r1:32b",
    "deepseek-coder-v2",
    "mistralai/mistral-small-3.2",
    "devstral-small-2:24b",
    "command-r",
    "zai-org/glm-4.7-flash",
    "kimi-k2",
    "qwen3-claude-opus-distill",
    "my-model",
]


@pytest.mark.parametrize(("model_id", "seller"), SOLD)
def test_an_id_without_open_weights_names_its_seller(model_id: str, seller: str) -> None:
    """In the vendor's spelling and in a gateway's."""
    found = sold_as(model_id)

    assert found is not None
    assert found.seller == seller


@pytest.mark.parametrize("model_id", OPEN)
def test_open_weights_are_not_taken_for_bought_ones(model_id: str) -> None:
    """They stand in price lists too, for those who host them."""
    assert sold_as(model_id) is None


def matrix(kind: str, model_id: str, *, provider: dict[str, Any] | None = None, **model: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "providers": {"p": {"kind": kind, "base_url": "http://127.0.0.1:4000", **(provider or {})}},
        "models": {"m": {"provider": "p", "id": model_id, "tier": "opus", **model}},
        "task_types": {
            "quick_edit": {"complexity": [0, 10], "chain": ["m"], "validators": ["syntax"], "checker": "none"}
        },
    }


@pytest.mark.parametrize("model_id", ["claude-opus-4-5", "anthropic/claude-opus-4-5", "openai/gpt-5.4"])
def test_a_bought_model_behind_a_gateway_here_is_paid_and_remote(model_id: str) -> None:
    """The gateway's loopback address does not make it free, and `matrix check` says so with the remedy."""
    loaded = load_matrix(matrix("openai", model_id))

    (finding,) = lint(loaded)

    assert (loaded.models["m"].local, loaded.models["m"].price) == (False, None)
    assert (finding.severity, finding.key) == ("warning", "models.m.id")
    assert "local: true" in finding.message


@pytest.mark.parametrize(
    "data",
    [
        matrix("openai", "claude-opus-4-5", local=True),
        matrix("openai", "claude-opus-4-5", provider={"local": True}),
        matrix("ollama", "claude-opus-4-5"),
        matrix("lmstudio", "gpt-5.4"),
        matrix("llamacpp", "gpt-4"),
        matrix("openai", "openai/gpt-oss-20b"),
        matrix("openai", "deepseek-r1:32b"),
    ],
    ids=lambda data: f"{data['providers']['p']['kind']} {data['models']['m']['id']}",
)
def test_what_runs_here_stays_local_and_free(data: dict[str, Any]) -> None:
    """The matrix says so, or the kind is of a program that runs weights, or the weights are open."""
    loaded = load_matrix(data)

    assert loaded.models["m"].local
    assert loaded.models["m"].price is not None
    assert lint(loaded) == ()


def test_a_model_may_be_said_to_run_elsewhere() -> None:
    """One alias of a local gateway is paid although the others are not."""
    assert not load_matrix(matrix("openai", "smart", local=False)).models["m"].local
