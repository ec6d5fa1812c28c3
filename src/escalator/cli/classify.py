"""`escalator classify`: what kind of work a request is."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from escalator import Escalator, TaskError
from escalator.cli.asking import worded
from escalator.cli.console import print_json
from escalator.cli.loading import PlainCommand, command_app
from escalator.cli.options import Json, MatrixOption
from escalator.cli.plain import say

if TYPE_CHECKING:
    from escalator import Classification

app = command_app()


@app.command(cls=PlainCommand)
def classify(
    *,
    prompt: Annotated[
        str | None, typer.Argument(help="The request; left out: JSON Lines on standard input.")
    ] = None,
    matrix: MatrixOption = None,
    as_json: Json = False,
) -> None:
    """Say what kind of work a request is.

    With --json and no argument, reads JSON Lines {"id", "text"} and writes one JSON line each.
    """
    with Escalator(matrix) as house:
        if prompt is None:
            for number, line in enumerate(sys.stdin, 1):
                if line.strip():
                    name, text = _request(line, number)
                    print_json({"id": name, **classification_json(house.classify(text))})
            return
        found = house.classify(worded(prompt))
    if as_json:
        print_json({"id": 1, **classification_json(found)})
        return
    print_classification(found)


def _request(line: str, number: int) -> tuple[object, str]:
    """The id and the text of one line of standard input."""
    try:
        item = json.loads(line)
    except ValueError:
        raise TaskError(
            f"line {number} is not JSON", field="standard input", hint='write {"id": 1, "text": "…"}'
        ) from None
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise TaskError(
            f'line {number} has no "text"', field="standard input", hint='write {"id": 1, "text": "…"}'
        )
    return item.get("id", number), item["text"]


def classification_json(found: Classification) -> dict[str, object]:
    """A classification as plain data."""
    return {
        "task_type": found.task_type,
        "complexity": found.complexity,
        "confidence": round(found.confidence, 4),
        "reasons": list(found.reasons),
    }


def print_classification(found: Classification) -> None:
    """A classification for people."""
    say(f"{found.task_type}, complexity {found.complexity:g} ({found.confidence:.0%} sure)")
    for reason in found.reasons:
        say(f"  {reason}", "dim")
