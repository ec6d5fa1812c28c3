"""The matrix everything is measured with, on loopback servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from benchmarks.server import BASE, PATH
from escalator import Escalator

PROMPT = "Fix add() in adding.py so that it returns the sum."
FILES = {PATH: BASE}
PRICE = {"input": 1, "output": 4}
"""USD per million tokens."""


def matrix(
    url: str,
    models: Sequence[str] = ("good",),
    *,
    paid: bool = True,
    validators: Sequence[Any] = ("syntax",),
    budgets: Mapping[str, Any] | None = None,
    **model: Any,
) -> dict[str, Any]:
    """A chain of models with these ids, each a provider of its own at one server; `model` are further keys."""
    price = PRICE if paid else {"input": 0, "output": 0}
    each = {"tier": "local_fast", "context": 200_000, "max_output": 1024, "price": price}
    return {
        "version": 1,
        "providers": {
            f"p{number}": {"kind": "openai", "base_url": url, "local": not paid} for number in range(len(models))
        },
        "models": {
            f"m{number}": {**each, "provider": f"p{number}", "id": name, **model}
            for number, name in enumerate(models)
        },
        "task_types": {
            "standard_development": {
                "complexity": [0, 10],
                "chain": [f"m{number}" for number in range(len(models))],
                "checker": "none",
                "validators": list(validators),
            }
        },
        "cost_guard": {"budgets": {"task": 1, "day": 1_000, "month": 10_000, **(budgets or {})}},
    }


def house(
    url: str, folder: Path, *, durability: Literal["full", "normal", "memory"] = "normal", **options: Any
) -> Escalator:
    """An `Escalator` with a ledger of its own in a folder, or in memory."""
    data = matrix(url, **options)
    if durability == "memory":
        return Escalator(data, ledger=":memory:")
    file = folder / f"{durability}-{len(list(folder.iterdir()))}.sqlite"
    return Escalator({**data, "ledger": {"durability": durability}}, ledger=file)
