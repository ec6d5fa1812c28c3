"""The end of a task on the command line: how it went, the change, whether it was written, the exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import typer
from rich.text import Text

from escalator.cli.console import DIM, GOOD, NOTE, complain, console, money, print_json
from escalator.cli.options import command
from escalator.cli.plain import show_patch
from escalator.cli.show import Live, hanging, outcome_json, outcome_lines
from escalator.errors import TaskError
from escalator.foreign import shown
from escalator.records import must_take_commits

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from escalator.events import Approve, Substitution
    from escalator.records import Applied, Outcome

EXIT: Final = {"accepted": 0, "needs_review": 3, "skipped": 4, "stopped": 5}
"""Exit status by outcome; 1 means that validators failed, 2 is for errors, 130 for an interruption."""


def _next(outcome: Outcome, matrix: str | None, ledger: str | None) -> str:
    """What to do about an outcome that is not the end; empty for one that is."""
    if outcome.status == "needs_review":
        return f"{command('review', 'list', matrix=matrix, ledger=ledger)} shows what waits for a decision"
    if outcome.status == "stopped":
        return f"{command('resume', outcome.task_id, matrix=matrix, ledger=ledger)} goes on with it"
    return ""


def approver(live: Live, *, yes: bool, quiet: bool) -> Approve | None:
    """Who approves paid models: --yes, the person at the terminal, or nobody."""
    if yes:
        return lambda _wanted: True
    if quiet or not sys.stdin.isatty():
        return None

    def ask(wanted: Substitution) -> bool | None:
        live.pause()
        try:
            said = input(
                f"    $ May {shown(wanted.to_model)} be asked, for up to {money(wanted.highest_cost)}? [y/N] "
            )
        except EOFError:
            return None
        return said.strip().casefold() in {"y", "yes"}

    return ask


class Writing(NamedTuple):
    """What a command is to do with an accepted change: write it, over conflicts too, and commit it."""

    apply: bool = False
    force: bool = False
    commit: bool = False

    def checked(self, workspace: Path | None = None, paths: Sequence[str] = ()) -> Self:
        """These, unless one asks for nothing or, in a known workspace, for a commit that nobody can make; `paths`
        are the files it would be of, where they are known.

        Raises `TaskError`.
        """
        if not self.apply and (self.force or self.commit):
            name = "--commit" if self.commit else "--force"
            raise TaskError(f"{name} says how to write the change", field="apply", hint="add --apply")
        if self.commit and workspace is not None:
            must_take_commits(workspace, paths)
        return self

    def checked_for(self, outcome: Outcome) -> Self:
        """The same for an answer that is there already."""
        brief = outcome.brief
        changed = [path for path, text in outcome.files.items() if brief.files.get(path) != text]
        return self.checked(brief.workspace, changed)

    def done(self, outcome: Outcome) -> tuple[Applied | None, TaskError | None]:
        """What was written, or why it could not be."""
        if not self.apply or outcome.status != "accepted":
            return None, None
        try:
            return outcome.apply(force=self.force, commit=self.commit), None
        except TaskError as error:
            return None, error


def finish(
    outcome: Outcome,
    writing: Writing,
    *,
    as_json: bool,
    matrix: str | None = None,
    ledger: str | None = None,
) -> typer.Exit:
    """Show how it went and the change, then write that if it is accepted and wanted; gives the exit to raise.

    `matrix` and `ledger` are those the command was given, for the commands it suggests.

    A change that cannot be written does not hide the outcome: it is printed all the same, with the reason on
    standard error and exit status 2.
    """
    if as_json:
        written, trouble = writing.done(outcome)
        print_json({**outcome_json(outcome), **written_json(written)})
    else:
        out = console()
        for line in outcome_lines(outcome):
            out.print(hanging(line))
        then = _next(outcome, matrix, ledger)
        if then:
            out.print(hanging(Text(f"  task {outcome.task_id}: {then}", DIM)))
        _print_change(out, outcome)
        written, trouble = writing.done(outcome)
        _print_written(out, outcome, written, wanted=writing.apply)
    if trouble is not None:
        complain(f"the change was not written: {trouble}")
        return typer.Exit(2)
    return typer.Exit(EXIT[outcome.status])


def written_json(written: Applied | None) -> dict[str, object]:
    """What was written, as plain data."""
    paths = [str(path) for path in written or ()]
    return {"written": paths, "commit": written.commit if written else "", "undo": written.undo if written else ""}


def print_written(out: Console, written: Applied, names: Iterable[str]) -> None:
    """What was written, and how to take it back."""
    out.print(hanging(Text(f"  written: {', '.join(names)}", GOOD)))
    if written.commit:
        out.print(hanging(Text(f"  committed: {written.commit}", GOOD)))
        out.print(hanging(Text(f"  `{written.undo}` takes it back", DIM)))


def _print_change(out: Console, outcome: Outcome) -> None:
    """The change as a patch, before anything is written."""
    if outcome.status != "accepted" and (outcome.files or outcome.answer):
        waits = outcome.status == "needs_review" and outcome.cause != "pending"
        what = (
            "the answer that waits for a decision" if waits else "the best answer so far, which was not accepted"
        )
        out.print(Text(f"\n{what}:", "bold"))
    if outcome.files:
        out.print()
        show_patch(outcome.diff)
        if not outcome.diff:
            out.print(Text("  nothing is changed", DIM))
    elif outcome.answer:
        out.print(Text(outcome.answer), soft_wrap=True)


def _print_written(out: Console, outcome: Outcome, written: Applied | None, *, wanted: bool) -> None:
    """Whether the change was written; nothing is applied behind anybody's back."""
    if written is not None:
        print_written(out, written, outcome.files)
    elif wanted and outcome.status != "accepted":
        out.print(Text("\nNothing was written: only an accepted answer is.", NOTE))
    elif not wanted and outcome.status == "accepted" and outcome.files:
        out.print(Text("\nNothing was written; add --apply to write it to the workspace.", DIM))
