"""The commands of `escalator`: a table of what there is, each loaded when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import typer

from escalator.cli.loading import LazyGroup, Listed

TABLE: Mapping[str, Listed] = {
    "run": Listed("escalator.cli.run:app", "Do a task: climb the chain until an answer passes."),
    "plan": Listed("escalator.cli.plan:app", "Show what `run` would do, without doing it."),
    "classify": Listed("escalator.cli.classify:app", "Say what kind of work a request is."),
    "validate": Listed("escalator.cli.validate:app", "Judge files or a model's answer as `run` would."),
    "doctor": Listed("escalator.cli.doctor:app", "Look at all escalator needs, and say what to do."),
    "demo": Listed("escalator.cli.demo:app", "Watch simulated models do one task of each type."),
    "matrix": Listed("escalator.cli.matrix:app", "Check, show and describe the escalation matrix."),
    "log": Listed("escalator.cli.log:app", "Read the log: the newest attempts, or the story of one task."),
    "report": Listed("escalator.cli.report:app", "Task types, success by worker, causes, latency, cost, savings."),
    "resume": Listed("escalator.cli.resume:app", "Go on with a task; what was paid for is not bought again."),
    "review": Listed("escalator.cli.review:app", "Decide what waits for a person: answers, paid models to allow."),
    "verify": Listed("escalator.cli.verify:app", "Execute the checks of an accepted answer again."),
}
"""Every command; `tests/cli/test_loading.py` holds what it says against what the command itself says."""


class Main(LazyGroup):
    """`escalator`."""

    table: ClassVar[Mapping[str, Listed]] = TABLE


app = typer.Typer(
    name="escalator",
    cls=Main,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from escalator import __version__

        typer.echo(f"escalator {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Gets coding work done by the cheapest model that can prove it did it."""
