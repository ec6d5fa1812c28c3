"""`escalator run`: do a task."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from escalator import execute
from escalator.cli.asking import given, worded
from escalator.cli.console import console
from escalator.cli.ending import Writing, approver, finish
from escalator.cli.loading import PlainCommand, command_app
from escalator.cli.options import (
    Apply,
    Commit,
    ComplexityOption,
    Files,
    Force,
    Json,
    MatrixOption,
    Prompt,
    Tests,
    TypeOption,
    Validators,
    Workspace,
    Yes,
)
from escalator.cli.show import Live

app = command_app()


@app.command(cls=PlainCommand)
def run(
    *,
    prompt: Prompt,
    workspace: Workspace = None,
    file: Files = None,
    test: Tests = None,
    requirement: Annotated[
        list[str] | None, typer.Option("--require", metavar="<sentence>", help="A requirement; repeatable.")
    ] = None,
    image: Annotated[
        list[Path] | None, typer.Option("--image", metavar="<path>", help="Picture to send along; repeatable.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="Language of the answer.")] = None,
    task_type: TypeOption = None,
    complexity: ComplexityOption = None,
    validator: Validators = None,
    local_only: Annotated[bool, typer.Option("--local-only", help="Never reach a remote model.")] = False,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="<usd>", help="Most this task may cost, USD.")
    ] = None,
    deadline: Annotated[
        float | None, typer.Option("--deadline", metavar="<seconds>", help="Stop after this many seconds.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="<label>", help="Label for reports and budgets.")
    ] = None,
    task_id: Annotated[str | None, typer.Option("--task-id", help="Do not do the same task twice.")] = None,
    apply: Apply = False,
    commit: Commit = False,
    force: Force = False,
    yes: Yes = False,
    matrix: MatrixOption = None,
    as_json: Json = False,
) -> None:
    """Do a task: climb the chain until an answer passes.

    Exit status: 0 accepted, 3 needs review, 4 skipped, 5 stopped, 2 error.
    """
    writing = Writing(apply=apply, force=force, commit=commit).checked(workspace or Path.cwd())
    with Live(console()) as live:
        outcome = execute(
            worded(prompt),
            matrix=matrix,
            on_event=None if as_json else live,
            approve=approver(live, yes=yes, quiet=as_json),
            **given(
                workspace=workspace,
                files=file,
                tests=test,
                requirements=requirement,
                images=image,
                language=language,
                task_type=task_type,
                complexity=complexity,
                validators=validator,
                local_only=local_only or None,
                budget=budget,
                deadline=deadline,
                tags=tag,
                task_id=task_id,
            ),
        )
    raise finish(outcome, writing, as_json=as_json, matrix=matrix)
