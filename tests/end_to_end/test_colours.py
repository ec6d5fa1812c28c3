"""Many tasks at once on one event loop, and threads' code inside a loop, against real servers on loopback."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from end_to_end.ladders import BASE, BROKEN, RIGHT, WRONG, ladder, model
from escalator import Escalator
from escalator.simulation import Fault, Fleet, Question
from houses import adds

DOWN = Fault(status=500, body={"error": {"message": "the server is ill"}})
SMALL: dict[str, Any] = {"right": RIGHT, "wrong": WRONG, "broken": BROKEN, "empty": "", "down": DOWN}
"""What the small model does, by a word of the prompt; the large one is always right."""

MOVES = {
    "right": [],
    "wrong": ["escalation"],
    "broken": ["escalation"],
    "empty": ["fallback"],
    "down": ["fallback"],
}


def skill(question: Question) -> Any:
    """Right if large; else as the prompt's word says."""
    if question.model == "model-1":
        return RIGHT
    return next(reply for word, reply in SMALL.items() if f"({word})" in question.prompt)


def matrix(fleet: Fleet) -> dict[str, Any]:
    """A small and a large model on two of the fleet's servers."""
    models = {"small": model("ollama", 0), "large": model("lmstudio", 1)}
    return ladder(fleet.providers(), models, ledger={"durability": "normal"})


def options(word: str) -> dict[str, Any]:
    return {
        "task": f"Fix add() in adding.py ({word}).",
        "files": BASE,
        "task_type": "standard_development",
        "validators": ["syntax", adds],
    }


def test_two_hundred_tasks_on_one_loop(book: Path) -> None:
    """All come to an accepted end by the way their model's answer makes them go, and each request is counted once."""
    words = [list(SMALL)[number % len(SMALL)] for number in range(200)]

    async def go(fleet: Fleet) -> Any:
        async with Escalator(matrix(fleet), ledger=book) as house:
            return await asyncio.gather(*(house.aexecute(**options(word)) for word in words))

    with Fleet(skill, seconds=0.02) as fleet:
        outcomes = asyncio.run(go(fleet))

    assert Counter(outcome.status for outcome in outcomes) == {"accepted": 200}
    assert [[move.kind for move in outcome.transitions] for outcome in outcomes] == [MOVES[w] for w in words]
    assert [outcome.model for outcome in outcomes] == ["small" if w == "right" else "large" for w in words]
    assert fleet.asked == {"model-0": 200, "model-1": 160}
    assert sum(len(outcome.calls) for outcome in outcomes) == 360
    assert all(outcome.simulated for outcome in outcomes)


@pytest.mark.parametrize("word", ["right", "wrong", "down"])
def test_the_plain_call_works_inside_a_running_loop(book: Path, word: str) -> None:
    """`execute` may be called where a loop is running, as in a notebook, and again awaited right after."""

    async def go(fleet: Fleet) -> tuple[Any, Any]:
        async with Escalator(matrix(fleet), ledger=book) as house:
            return house.execute(**options(word)), await house.aexecute(**options(word))

    with Fleet(skill) as fleet:
        plain, awaited = asyncio.run(go(fleet))
    assert (plain.status, awaited.status) == ("accepted", "accepted")
    assert [move.kind for move in plain.transitions] == [move.kind for move in awaited.transitions] == MOVES[word]
