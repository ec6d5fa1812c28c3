"""`escalator review`: the queue of decisions that wait for a person."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from escalator.cli.books import books, when
from escalator.cli.console import BAD, DIM, GOOD, NOTE, complain, console, money, print_json, table
from escalator.cli.ending import Writing, print_written, written_json
from escalator.cli.loading import PlainCommand, PlainGroup
from escalator.cli.options import Commit, Force, JsonLines, LedgerOption, MatrixOption, command
from escalator.cli.plain import show_patch
from escalator.cli.show import outcome_json, verdict_line

if TYPE_CHECKING:
    from escalator.records import Applied
    from escalator.review import Case

Number = Annotated[int, typer.Argument(help="Number of the case, as `escalator review list` shows it.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides; default: the user of this machine.")]
Note = Annotated[str, typer.Option("--note", help="Why, for the log.")]

app = typer.Typer(
    cls=PlainGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    short_help="Decide what waits for a person: answers, paid models to allow.",
    help="Decide what waits for a person: answers nobody else may accept, paid models to allow.",
)


@app.command("list", cls=PlainCommand)
def list_cases(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """List what waits, oldest first, with why."""
    with books(matrix, ledger) as house:
        from escalator.review import reviews

        cases = reviews(house.ledger, state=None if everything else "waiting")
    if as_json:
        for case in cases:
            print_json(case_json(case))
        return
    out = console()
    if not cases:
        out.print("Nothing waits for a decision.")
        return
    colours = {"approved": GOOD, "rejected": BAD}
    rows = [
        (
            str(case.id),
            when(case.created),
            case.task_id,
            Text(case.kind if case.state == "waiting" else case.state, colours.get(case.state, NOTE)),
            case.outcome.classification.task_type if case.outcome else "–",
            _question(case),
        )
        for case in cases
    ]
    out.print(table("no", "since", "task", "what", "type", "why", rows=rows))


@app.command(cls=PlainCommand)
def show(
    *, number: Number, matrix: MatrixOption = None, ledger: LedgerOption = None, as_json: JsonLines = False
) -> None:
    """Show one case: why it waits, the best answer so far, and what the checks say of it."""
    with books(matrix, ledger) as house:
        from escalator.review import review

        case = review(house.ledger, number)
    if as_json:
        print_json(case_json(case, full=True))
    else:
        _print_case(case)


@app.command(cls=PlainCommand)
def approve(
    *,
    number: Number,
    by: By = None,
    note: Note = "",
    apply: Annotated[bool, typer.Option("--apply", help="Also write the answer to the workspace.")] = False,
    commit: Commit = False,
    force: Force = False,
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Accept the answer, or allow the paid model. Nothing is written without --apply."""
    writing = Writing(apply=apply, force=force, commit=commit).checked()
    with books(matrix, ledger) as house:
        from escalator.review import approve as decide
        from escalator.review import review

        waiting = review(house.ledger, number)
        if waiting.outcome is not None and waiting.kind == "answer":
            writing.checked_for(waiting.outcome)
        case = decide(house.ledger, number, by=_who(by), note=note)
    outcome = case.outcome if case.kind == "answer" else None
    written, trouble = (None, None) if outcome is None else writing.done(outcome)
    if as_json:
        print_json({**case_json(case), **written_json(written)})
    else:
        _print_approved(case, written, matrix=matrix, ledger=ledger)
    if trouble is not None:
        complain(f"the change was not written: {trouble}")
        raise typer.Exit(2)


def _print_approved(case: Case, written: Applied | None, *, matrix: str | None, ledger: str | None) -> None:
    out = console()
    out.print(Text(f"Review {case.id} is approved.", GOOD))
    if case.kind == "approval":
        again = command("resume", case.task_id, matrix=matrix, ledger=ledger)
        out.print(Text(f"{again} goes on with it; the approval counts for 24 hours."))
    elif written is not None:
        print_written(out, written, [str(path) for path in written])
    elif case.outcome is not None and case.outcome.files:
        again = command("resume", case.task_id, "--apply", matrix=matrix, ledger=ledger)
        out.print(Text(f"Nothing was written; {again} writes it."))


@app.command(cls=PlainCommand)
def reject(
    *,
    number: Number,
    by: By = None,
    note: Note = "",
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Find the answer wrong, or refuse the paid model. It counts against the answer's model."""
    _decided(number, by=by, note=note, matrix=matrix, ledger=ledger, as_json=as_json, word="rejected")


@app.command(cls=PlainCommand)
def skip(
    *,
    number: Number,
    by: By = None,
    note: Note = "",
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Give the task up without judging its answer; it counts against nobody."""
    _decided(number, by=by, note=note, matrix=matrix, ledger=ledger, as_json=as_json, word="skipped")


def _decided(
    number: int,
    *,
    by: str | None,
    note: str,
    matrix: str | None,
    ledger: str | None,
    as_json: bool,
    word: Literal["rejected", "skipped"],
) -> None:
    with books(matrix, ledger) as house:
        from escalator.review import reject, skip

        decide = {"rejected": reject, "skipped": skip}[word]
        case = decide(house.ledger, number, by=_who(by), note=note)
    if as_json:
        print_json(case_json(case))
    else:
        console().print(f"Review {number} is {word}; task {case.task_id} is over.")


@app.command(cls=PlainCommand)
def retry(
    *,
    number: Number,
    hint: Annotated[str, typer.Option("--hint", help="What to do differently; added to the prompt.")] = "",
    model: Annotated[str, typer.Option("--model", help="Begin at this model's rung.")] = "",
    by: By = None,
    later: Annotated[bool, typer.Option("--later", help="Only prepare it; `escalator resume` runs it.")] = False,
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Do the task again, with a hint or from a later rung on, as a task of its own."""
    from escalator.cli.resume import carry_on

    with books(matrix, ledger) as house:
        from escalator.review import retry as prepare

        new_id = prepare(house.ledger, number, by=_who(by), hint=hint, model=model)
    if not later:
        carry_on(new_id, matrix=matrix, ledger=ledger, writing=Writing(), yes=False, as_json=as_json)
    elif as_json:
        print_json({"task_id": new_id})
    else:
        console().print(Text(f"{command('resume', new_id, matrix=matrix, ledger=ledger)} does it."))


def _question(case: Case) -> str:
    """What is to be decided, in a line."""
    if case.wanted is None:
        return case.why
    return f"ask {case.wanted.to_model} for up to {money(case.wanted.highest_cost)}? ({case.wanted.reason})"


def _who(given: str | None) -> str:
    return given or getpass.getuser()


def case_json(case: Case, *, full: bool = False) -> dict[str, object]:
    """A case as plain data; `full` adds the task with its answer and verdicts."""
    outcome, wanted = case.outcome, case.wanted
    shown = {
        "id": case.id,
        "task_id": case.task_id,
        "kind": case.kind,
        "state": case.state,
        "why": case.why,
        "created": case.created,
        "decided": case.decided,
        "decided_by": case.decided_by,
        "note": case.note,
        "task_type": outcome.classification.task_type if outcome else None,
        "model": wanted.to_model if wanted else (outcome.model if outcome else None),
        "highest_cost": str(wanted.highest_cost) if wanted else None,
    }
    return (
        {**shown, "prompt": outcome.brief.prompt, "outcome": outcome_json(outcome)} if full and outcome else shown
    )


def _print_case(case: Case) -> None:
    out, outcome = console(), case.outcome
    out.print(Text.assemble((f"review {case.id}", "bold"), f" of task {case.task_id}: {case.state}"))
    out.print(Text(_question(case), NOTE))
    if case.decided_by:
        out.print(f"decided by {case.decided_by}" + (f": {case.note}" if case.note else ""))
    if outcome is None:
        out.print(Text("Its texts are no longer in the ledger.", DIM))
        return
    kind = outcome.classification
    out.print(f"{kind.task_type}, complexity {kind.complexity:g}, {money(outcome.cost)} so far")
    out.print()
    out.print(Text(outcome.brief.prompt))
    best = outcome.best
    if best is None:
        out.print(Text("\nThere is no answer yet.", DIM))
        return
    out.print(Text(f"\nbest answer so far, by {best.model} (attempt {best.number}):", "bold"))
    for verdict in best.verdicts:
        out.print(verdict_line(verdict))
    if outcome.files:
        out.print()
        show_patch(outcome.diff)
    else:
        out.print(Text(outcome.answer))
