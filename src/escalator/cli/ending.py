"""The end of a task on the command line: how it went, the change, whether it was written, the exit status."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING, Final

import typer
from rich.text import Text

from escalator.cli.console import BAD, DIM, GOOD, NOTE, complain, console, money, print_json
from escalator.cli.show import Live, hanging, outcome_json, outcome_lines
from escalator.errors import TaskError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from escalator.events import Approve, Substitution
    from escalator.records import Outcome

EXIT: Final = {"accepted": 0, "needs_review": 3, "skipped": 4, "stopped": 5}
"""Exit status by outcome; 1 means that validators failed, 2 is for errors, 130 for an interruption."""

_COLOURS: Final = {"+": GOOD, "-": BAD, "@": DIM}
_NEXT: Final = {
    "needs_review": "`escalator review list` shows what waits for a decision",
    "stopped": "`escalator resume` with this id goes on with it",
}


def approver(live: Live, *, yes: bool, quiet: bool) -> Approve | None:
    """Who approves paid models: --yes, the person at the terminal, or nobody."""
    if yes:
        return lambda _wanted: True
    if quiet or not sys.stdin.isatty():
        return None

    def ask(wanted: Substitution) -> bool | None:
        live.pause()
        try:
            said = input(f"    $ May {wanted.to_model} be asked, for up to {money(wanted.highest_cost)}? [y/N] ")
        except EOFError:
            return None
        return said.strip().casefold() in {"y", "yes"}

    return ask


def finish(outcome: Outcome, *, apply: bool, as_json: bool) -> typer.Exit:
    """Write the change if it is accepted and wanted, print how it went, and give the exit to raise.

    A change that cannot be written does not hide the outcome: it is printed all the same, with the reason on
    standard error and exit status 2.
    """
    written, trouble = _written(outcome) if apply and outcome.status == "accepted" else ((), None)
    if as_json:
        print_json({**outcome_json(outcome), "written": [str(path) for path in written]})
    else:
        out = console()
        for line in outcome_lines(outcome):
            out.print(hanging(line))
        if outcome.status in _NEXT:
            out.print(hanging(Text(f"  task {outcome.task_id}: {_NEXT[outcome.status]}", DIM)))
        _print_change(out, outcome, apply=apply, written=written, failed=trouble is not None)
    if trouble is not None:
        complain(f"the change was not written: {trouble}")
        return typer.Exit(2)
    return typer.Exit(EXIT[outcome.status])


def _written(outcome: Outcome) -> tuple[tuple[Path, ...], TaskError | None]:
    try:
        return outcome.apply(), None
    except TaskError as error:
        return (), error


def _print_change(
    out: Console, outcome: Outcome, *, apply: bool, written: tuple[object, ...], failed: bool
) -> None:
    """The change, unless it was written; nothing is applied behind anybody's back."""
    if written:
        out.print(hanging(Text(f"  written: {', '.join(outcome.files)}", GOOD)))
        return
    if outcome.status != "accepted" and (outcome.files or outcome.answer):
        waits = outcome.status == "needs_review" and outcome.cause != "pending"
        what = (
            "the answer that waits for a decision" if waits else "the best answer so far, which was not accepted"
        )
        out.print(Text(f"\n{what}:", "bold"))
    for path, text in outcome.files.items():
        out.print()
        out.print(change(path, outcome.brief.files.get(path, ""), text), soft_wrap=True)
    if not outcome.files and outcome.answer:
        out.print(Text(outcome.answer), soft_wrap=True)
    if apply and outcome.status != "accepted":
        out.print(Text("\nNothing was written: only an accepted answer is.", NOTE))
    elif outcome.status == "accepted" and outcome.files and not failed:
        out.print(Text("\nNothing was written; add --apply to write it to the workspace.", DIM))


def change(path: str, old: str, new: str | None) -> Text:
    """What happens to one file: a diff, or the whole text of a file that is new."""
    if new is None:
        return Text(f"--- {path} (deleted)", "bold")
    if new == old:
        return Text(f"--- {path} (unchanged)", "bold")
    if not old:
        return Text.assemble((f"+++ {path} (new)\n", "bold"), new.rstrip("\n"))
    shown = Text(f"--- {path}", "bold")
    for number, line in enumerate(difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="")):
        if number > 1:
            shown.append(f"\n{line}", _COLOURS.get(line[:1], ""))
    return shown
