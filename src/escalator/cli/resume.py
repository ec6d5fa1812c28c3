"""`escalator resume`: go on with a task that stopped, crashed or waited for an approval."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from escalator.cli.console import console, money, print_json
from escalator.cli.log import Json, LedgerOption, MatrixOption, books
from escalator.cli.show import Live, outcome_json, outcome_lines

EXIT = {"accepted": 0, "needs_review": 3, "skipped": 4, "stopped": 5}


def register(main: typer.Typer) -> None:
    """Add `escalator resume`."""
    main.command("resume")(resume)


def resume(
    task: Annotated[str, typer.Argument(help="A task's id, as `escalator log tasks` shows it.")],
    apply: Annotated[bool, typer.Option("--apply", help="Write the accepted change to the workspace.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve paid models without asking.")] = False,
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: Json = False,
) -> None:
    """Go on with a task; answers that were paid for are not bought again.

    Paid models that were approved with `escalator review approve` are used. Exit status as for `run`.
    """
    carry_on(task, matrix=matrix, ledger=ledger, apply=apply, yes=yes, as_json=as_json)


def carry_on(
    task_id: str, *, matrix: str | None, ledger: str | None, apply: bool, yes: bool, as_json: bool
) -> None:
    """Resume a task, print how it ended and leave with its exit status."""
    from escalator import Escalator
    from escalator.review import granted

    out = console()
    with books(matrix, ledger) as archive, Escalator(matrix, ledger=archive) as house:
        approve = granted(archive, otherwise=_asking(yes=yes, quiet=as_json))
        outcome = house.resume(task_id, approve=approve, on_event=None if as_json else Live(out))
    written = outcome.apply() if apply and outcome.status == "accepted" else ()
    if as_json:
        print_json({**outcome_json(outcome), "written": [str(path) for path in written]})
    else:
        for line in outcome_lines(outcome):
            out.print(line)
        if written:
            out.print(f"  written: {', '.join(str(path) for path in written)}")
    raise typer.Exit(EXIT[outcome.status])


def _asking(*, yes: bool, quiet: bool) -> Any:
    """Who approves what the queue has not decided: --yes, the person at the terminal, or nobody."""
    if yes:
        return lambda _wanted: True
    if quiet or not sys.stdin.isatty():
        return None
    return lambda wanted: typer.confirm(
        f"Ask {wanted.to_model} for up to {money(wanted.highest_cost)}? ({wanted.reason})", default=False
    )
