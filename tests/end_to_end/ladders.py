"""Matrices for real servers: one model a rung, `small` to `large`, and the task they are given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from houses import BASE, BROKEN, RIGHT, TESTS, WRONG

__all__ = ["BASE", "BROKEN", "PROMPT", "RIGHT", "SLEEPER", "TESTS", "WRONG", "counted", "ladder", "lines", "model"]

PROMPT = "Fix add() in adding.py."

TIERS = ("local_fast", "local_balanced", "local_quality", "haiku")

SLEEPER = {
    "test_slowly.py": "import subprocess\n\nfrom adding import add\n\n\ndef test_slowly():\n"
    '    subprocess.run(["sleep", "SECONDS"])\n    assert add(2, 3) == 5\n'
}
"""A test that holds the sandbox for SECONDS, in a process of its own that can be seen from outside."""


def model(provider: str, index: int, **more: Any) -> dict[str, Any]:
    """One model of a matrix; the index says how strong it is."""
    return {
        "provider": provider,
        "id": f"model-{index}",
        "tier": TIERS[index],
        "context": 32768,
        "max_output": 512,
        **more,
    }


def ladder(
    providers: Mapping[str, dict[str, Any]],
    models: Mapping[str, dict[str, Any]],
    *,
    attempts: int = 1,
    validators: tuple[Any, ...] = ("syntax", "tests"),
    **sections: Any,
) -> dict[str, Any]:
    """A matrix whose every task type climbs these models in order."""
    return {
        "version": 1,
        "providers": dict(providers),
        "models": dict(models),
        "task_types": {
            "standard_development": {
                "complexity": [0, 10],
                "chain": list(models),
                "checker": "none",
                "validators": list(validators),
                "max_attempts": attempts,
            }
        },
        **sections,
    }


def counted(*, path: str) -> Any:
    """A validator that adds: it writes a line for each answer it judges."""

    def judge(candidate: Any) -> Any:
        from escalator.validators import failed, passed

        with Path(path).open("a", encoding="utf-8") as book:
            book.write("judged\n")
        right = "a + b" in (candidate.files.get("adding.py") or "")
        return passed("counted") if right else failed("counted", feedback="assert add(2, 3) == 5, got -1")

    judge.name = "counted"  # type: ignore[attr-defined]
    judge.cost = "instant"  # type: ignore[attr-defined]
    return judge


def lines(path: Path) -> int:
    """How often the counted validator judged."""
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0
