"""Verdicts on files or an answer without a worker, and on how much the tests behind them notice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from escalator.execution.context import TaskContext
from escalator.execution.effects import BIG, Compute, written
from escalator.execution.journal import Record
from escalator.execution.performer import Performer
from escalator.execution.prepare import (
    by_rules,
    chosen,
    deadline_of,
    judges_of,
    opened_books,
    planned,
    reading,
    stated,
)
from escalator.execution.rows import closing, task_row
from escalator.execution.spending import Place, Spender
from escalator.flow import Flow
from escalator.planning import make_plan
from escalator.records import (
    Attempt,
    Brief,
    Candidate,
    ChangeSet,
    Outcome,
    Plan,
    Rejection,
    Rung,
    Task,
    ValidatorSpec,
    Verdict,
)
from escalator.steps import Check

if TYPE_CHECKING:
    from escalator.ledger import Archive
    from escalator.validators.mutation import StrengthReport


def validate(
    context: TaskContext,
    answer_or_files: str | Mapping[str, str | None] | ChangeSet,
    task: Task,
) -> Flow[tuple[Verdict, ...]]:
    """Verdicts on an answer or files, without a worker."""
    brief = yield from reading(task)
    specs, given = chosen(task.validators)
    classification = stated(task, context) or by_rules(brief)
    made = planned(context, brief, classification, specs, given)
    if specs is None:
        made = replace(made, validators=tuple(spec for spec in made.validators if spec.name != "semantic"))
    changes = yield Compute(lambda: _changes(answer_or_files, brief), BIG)
    if isinstance(changes, Rejection):
        return (
            Verdict(
                validator="answer", status="failed", feedback=changes.feedback, evidence={"kind": changes.kind}
            ),
        )
    if not any(spec.name == "semantic" for spec in made.validators):
        context = replace(context, books=_scratch())  # nothing is spent, so nothing need be kept
    else:
        yield from opened_books(context)
    yield from written(context.ledger.open_task(task_row(context, brief, classification, made)))
    spender = Spender(context, brief, Record(), deadline=deadline_of(context, brief))
    performer = Performer(
        context, brief, made, judges=judges_of(context, made, given), spender=spender, record=Record()
    )
    answer = answer_or_files if isinstance(answer_or_files, str) else ""
    attempt = Attempt(rung=0, number=1, model="", answer=answer, changes=changes)
    rung = _judging_rung(made)
    for spec in made.validators:
        checked = yield from performer.check(Check(spec=spec, rung=rung, attempt=attempt))
        if checked.verdict is None:
            break
        attempt = replace(
            attempt, verdicts=(*attempt.verdicts, checked.verdict), calls=(*attempt.calls, *checked.calls)
        )
    yield from performer.settled()
    done = Outcome(
        status="skipped", reason="only judged", brief=brief, plan=made, attempts=(attempt,), cause="validate"
    )
    yield from written(context.ledger.close_task(brief.task_id, closing(done)))
    return attempt.verdicts


def _scratch() -> Callable[[], Archive]:
    from escalator.ledger import MemoryLedger

    ledger = MemoryLedger()
    return lambda: ledger


def _judging_rung(plan: Plan) -> Rung:
    """The first rung that has a checker, so that a named semantic validator has somebody to ask."""
    return next((rung for rung in plan.chain if rung.checker is not None), plan.chain[0])


def _changes(given: str | Mapping[str, str | None] | ChangeSet, brief: Brief) -> ChangeSet | Rejection:
    if isinstance(given, ChangeSet):
        return given
    if isinstance(given, str):
        from escalator.answers import taken_for

        return taken_for(brief, given)
    return ChangeSet(files=dict(given))


def strength(
    context: TaskContext, files: Mapping[str, str | None] | ChangeSet, task: Task, limit: int
) -> Flow[StrengthReport]:
    """How many small faults, put into these files one at a time, the task's tests notice."""
    from escalator.validators import mutation

    brief = yield from reading(task)
    classification = stated(task, context) or by_rules(brief)
    spec = ValidatorSpec(name="tests", options={"rerun_flaky": False})
    made = make_plan(brief, classification, context.matrix, validators=(spec,))
    context = replace(context, books=_scratch())
    spender = Spender(context, brief, Record(), deadline=deadline_of(context, brief))
    performer = Performer(context, brief, made, judges={}, spender=spender, record=Record())
    changes = files if isinstance(files, ChangeSet) else ChangeSet(files=dict(files))
    flow = mutation.strength(Candidate(brief=brief, changes=changes), context.validator(spec), limit=limit)
    return (yield from performer.interpret(flow, Place(key="strength")))
