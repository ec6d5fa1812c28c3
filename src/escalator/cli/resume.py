"""`escalator resume`: go on with a task that stopped, crashed or waited for an approval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from escalator.cli.books import books
from escalator.cli.console import console
from escalator.cli.ending import Writing, approver, finish
from escalator.cli.loading import PlainCommand, command_app
from escalator.cli.options import Apply, Commit, Force, JsonLines, LedgerOption, MatrixOption, Yes
from escalator.cli.show import Live

if TYPE_CHECKING:
    from escalator.ledger import Archive

app = command_app()


@app.command(cls=PlainCommand, short_help="Go on with a task; what was paid for is not bought again.")
def resume(
    *,
    task: Annotated[str, typer.Argument(help="A task's id, as `escalator log tasks` shows it.")],
    apply: Apply = False,
    commit: Commit = False,
    force: Force = False,
    yes: Yes = False,
    budget: Annotated[str | None, typer.Option(metavar="<usd>", help="Most it may cost in all, USD.")] = None,
    deadline: Annotated[
        float | None, typer.Option(metavar="<seconds>", help="Stop after this many seconds from now.")
    ] = None,
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Go on with a task; answers that were paid for are not bought again.

    Paid models that were approved with `escalator review approve` are used. Exit status as for `run`.
    """
    carry_on(
        task,
        matrix=matrix,
        ledger=ledger,
        writing=Writing(apply=apply, force=force, commit=commit).checked(),
        yes=yes,
        as_json=as_json,
        budget=budget,
        deadline=deadline,
    )


def carry_on(
    task_id: str,
    *,
    matrix: str | None,
    ledger: str | None,
    writing: Writing,
    yes: bool,
    as_json: bool,
    budget: str | None = None,
    deadline: float | None = None,
) -> None:
    """Resume a task, print how it ended and leave with its exit status."""
    from escalator.review import granted

    with books(matrix, ledger) as house, Live(console()) as live:
        if writing.commit:
            _must_take_commits(house.ledger, task_id, writing)
        approve = granted(house.ledger, otherwise=approver(live, yes=yes, quiet=as_json))
        told = None if as_json else live
        outcome = house.resume(task_id, approve=approve, on_event=told, budget=budget, deadline=deadline)
    raise finish(outcome, writing, as_json=as_json, matrix=matrix, ledger=ledger)


def _must_take_commits(ledger: Archive, task_id: str, writing: Writing) -> None:
    """Raise `TaskError` before any model is asked, if what comes of the task could not be committed."""
    from escalator.ledger.recall import recall

    known = recall(ledger, task_id)
    if known.outcome is not None and known.outcome.status == "accepted":
        writing.checked_for(known.outcome)
    else:
        writing.checked(known.brief.workspace)
