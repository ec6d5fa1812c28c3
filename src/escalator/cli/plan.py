"""`escalator plan`: what `run` would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from escalator import Escalator
from escalator.cli.asking import given, worded
from escalator.cli.classify import classification_json, print_classification
from escalator.cli.console import print_json
from escalator.cli.loading import PlainCommand, command_app
from escalator.cli.options import (
    ComplexityOption,
    Files,
    Json,
    MatrixOption,
    Prompt,
    Tests,
    TypeOption,
    Validators,
    Workspace,
)
from escalator.cli.plain import columns, say

if TYPE_CHECKING:
    from escalator import Plan

app = command_app()


@app.command(cls=PlainCommand, short_help="Show what `run` would do, without doing it.")
def plan(
    *,
    prompt: Prompt,
    workspace: Workspace = None,
    file: Files = None,
    test: Tests = None,
    task_type: TypeOption = None,
    complexity: ComplexityOption = None,
    validator: Validators = None,
    matrix: MatrixOption = None,
    as_json: Json = False,
) -> None:
    """Show what `run` would do, without asking any model for an answer."""
    options = given(
        workspace=workspace,
        files=file,
        tests=test,
        task_type=task_type,
        complexity=complexity,
        validators=validator,
    )
    with Escalator(matrix) as house:
        made = house.plan(worded(prompt), **options)
    if as_json:
        print_json(plan_json(made))
    else:
        _print_plan(made)


def plan_json(made: Plan) -> dict[str, object]:
    """A plan as plain data."""
    return {
        **classification_json(made.classification),
        "confidence": made.classification.confidence,
        "chain": [
            {
                "model": rung.model.name,
                "id": rung.model.id,
                "tier": rung.model.tier.value,
                "local": rung.model.local,
                "attempts": rung.attempts,
                "checker": rung.checker.name if rung.checker else None,
            }
            for rung in made.chain
        ],
        "validators": [{"name": s.name, "options": s.options, "required": s.required} for s in made.validators],
        "at_end": made.at_end,
        "review": made.review_accepted,
        "before_paid": made.before_paid,
        "notes": made.notes,
    }


def _print_plan(made: Plan) -> None:
    print_classification(made.classification)
    rows = [
        (
            str(rung.index + 1),
            rung.model.name,
            "local" if rung.model.local else "paid",
            str(rung.attempts),
            rung.checker.name if rung.checker else "–",
            rung.model.id,
        )
        for rung in made.chain
    ]
    columns(("rung", "model", "where", "answers", "checker", "id"), rows)
    say("validators: " + ", ".join(s.name + ("" if s.required else " (advice)") for s in made.validators))
    ending = "a person decides" if made.at_end == "review" else "the task is skipped"
    say(f"if nothing passes {ending}" + ("; a person decides in any case" if made.review_accepted else ""))
    for note in made.notes:
        say(f"note: {note}", "yellow")
