"""What happens to one task from beginning to end, written once as flows of effects for threads and event loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from escalator.errors import ConfigError, LedgerBusyError, LedgerError, TaskError
from escalator.events import Planned, TaskEnded, TaskStarted, Warned
from escalator.execution.briefing import relimited
from escalator.execution.classifying import classified_by_model
from escalator.execution.context import TaskContext
from escalator.execution.effects import BIG, asked, attempted, computed, kept, written
from escalator.execution.filing import file_review, granted
from escalator.execution.journal import Record
from escalator.execution.performer import Performer
from escalator.execution.prepare import (
    Judges,
    by_rules,
    chosen,
    deadline_of,
    judges_of,
    left_of,
    named_classifier,
    opened_books,
    planned,
    reading,
    stated,
)
from escalator.execution.rows import baseline, closing, task_row, wanted_of, warnings
from escalator.execution.spending import NEARLY, Place, Spender
from escalator.flow import Flow
from escalator.ledger import Opened, TaskRow
from escalator.ledger.recall import is_planned
from escalator.records import (
    Brief,
    Call,
    Classification,
    Outcome,
    Plan,
    Task,
    ValidatorSpec,
)
from escalator.records.codec import BRIEFS, OUTCOMES, PLANS
from escalator.walk import walk

if TYPE_CHECKING:
    from concurrent.futures import Future
    from decimal import Decimal

    from escalator.ledger import Archive

OURS = frozenset({"new", "resumed"})
"""How the ledger opens a task that this process may work on."""


def execute(context: TaskContext, task: Task) -> Flow[Outcome]:
    """Read, classify, plan, walk, close. A task id the ledger knows is resumed, or answered from its outcome."""
    context = replace(context, started=context.timer())
    brief = yield from reading(task)
    wanted, given = chosen(task.validators)
    said = stated(task, context)
    kind = said or by_rules(brief)
    plan = None
    if said is not None or named_classifier(context) is None:
        plan = planned(context, brief, kind, wanted, given)
    row = task_row(context, brief, kind, plan, wanted)
    try:
        opened = yield from _opened(context, row, new=task.task_id is None, deadline=brief.deadline)
    except LedgerBusyError as error:
        left = left_of(context, brief.deadline)
        if left is None or left > NEARLY:
            raise
        return _late(context, brief, plan or planned(context, brief, kind, wanted, given), error)
    with _resumable(context, opened):
        if opened.status == "new":
            return (yield from _worked(context, opened, brief, given, plan=plan))
        if opened.status != "running":
            _check_same(opened, brief, wanted, said)
        return (yield from _known(context, opened, given, budget=brief.budget, deadline=brief.deadline))


def resume(
    context: TaskContext,
    task_id: str,
    *,
    budget: Decimal | float | str | None = None,
    deadline: float | None = None,
) -> Flow[Outcome]:
    """Go on with a task the ledger knows, under another budget or deadline where one is given."""
    context = replace(context, started=context.timer())
    within = deadline if isinstance(deadline, int | float) and deadline > 0 else None  # a wrong one is told below
    ledger = yield from opened_books(context, within)
    context = replace(context, approve=granted(ledger, context.approve))
    known = yield from _looked_up(context, task_id, within)
    if known is None:
        raise TaskError(
            f"the ledger knows no task {task_id!r}", field="task_id", hint="is this the ledger it was started on?"
        )
    opened = yield from _opened(context, known.row, deadline=within)
    with _resumable(context, opened):
        try:
            told = yield from _left_behind(opened)
            return (yield from _known(context, opened, {}, budget=budget, deadline=deadline, told=told))
        except ConfigError as error:
            if error.key != "validators":
                raise
            text = f"{task_id!r} was started with validators of the caller's own: {error.message}"
            hint = "call execute again with the same task_id and the same validators"
            raise TaskError(text, field="task_id", hint=hint) from error


def _late(context: TaskContext, brief: Brief, plan: Plan, error: LedgerBusyError) -> Outcome:
    """The outcome of a task whose time went by before the ledger knew of it: nobody was asked."""
    reason = f"the deadline of {brief.deadline:g} s has passed. {error}"
    context.publish(TaskStarted(task_id=brief.task_id, prompt=brief.prompt, resumed=False))
    outcome = Outcome(status="stopped", reason=reason, brief=brief, plan=plan, cause="deadline")
    context.publish(TaskEnded(task_id=brief.task_id, outcome=outcome))
    return outcome


def _looked_up(context: TaskContext, task_id: str, deadline: float | None) -> Flow[Opened | None]:
    ledger = context.ledger
    try:
        return (yield from asked(lambda: ledger.look(task_id), left_of(context, deadline)))
    except TimeoutError:
        raise LedgerBusyError(f"The ledger did not tell of {task_id!r} within {deadline:g} s.") from None


def _opened(
    context: TaskContext, row: TaskRow, *, new: bool = False, deadline: float | None = None
) -> Flow[Opened]:
    """Open a task; where the caller goes away meanwhile, it is given back once the ledger has opened it.

    A `new` one, whose id nobody else knows, is written together with the hold of its first call.
    """
    ledger = yield from opened_books(context, left_of(context, deadline))
    if new:
        ledger.open_task(row, new=True)
        return Opened(status="new", row=row)
    opening = ledger.open_task(row)
    try:
        opened = yield from written(opening, left_of(context, deadline))
    except BaseException:
        opening.add_done_callback(lambda done: _unopened(ledger, done))
        raise
    return opened


def _unopened(ledger: Archive, done: Future[Opened]) -> None:
    if not done.cancelled() and done.exception() is None:
        _give_back(ledger, done.result())


@contextmanager
def _resumable(context: TaskContext, opened: Opened) -> Iterator[None]:
    """Give the task back if the work on it is cut short, so that it can be resumed; what did it goes on upward."""
    ledger = context.ledger
    try:
        yield
    except BaseException:
        _give_back(ledger, opened)
        raise


def _give_back(ledger: Archive, opened: Opened) -> None:
    if opened.status in OURS:
        with suppress(LedgerError):  # a ledger that is closed by now has given everything back
            ledger.release(opened.row.task_id)


def _known(
    context: TaskContext,
    opened: Opened,
    given: Judges,
    *,
    budget: Decimal | float | str | None,
    deadline: float | None,
    told: tuple[str, ...] = (),
) -> Flow[Outcome]:
    brief = relimited(_stored(opened), budget=budget, deadline=deadline)
    if opened.status == "running":
        raise TaskError(
            f"somebody is working on {brief.task_id!r}, in this process or another",
            field="task_id",
            hint="wait for it, or choose a new id",
        )
    if opened.status == "closed":
        if not opened.outcome:
            raise _gone(brief.task_id)
        return _ended(opened, brief)
    return (yield from _worked(context, opened, brief, given, told=told))


def _worked(
    context: TaskContext,
    opened: Opened,
    brief: Brief,
    given: Judges,
    *,
    plan: Plan | None = None,
    told: tuple[str, ...] = (),
) -> Flow[Outcome]:
    """Work on a task that is ours: a new one, or one taken up again with what was recorded of it."""
    record = Record(opened.entries)
    spender = Spender(context, brief, record, deadline=deadline_of(context, brief))
    context.publish(TaskStarted(task_id=brief.task_id, prompt=brief.prompt, resumed=opened.status == "resumed"))
    overhead = tuple[Call, ...]()
    if plan is not None:
        pass
    elif is_planned(opened.row):
        plan, said = yield from _replanned(context, opened, brief, record=record, given=given)
        told = (*told, *said)
    else:
        wanted = wanted_of(opened.row)
        kind, overhead = yield from classified_by_model(context, brief, spender, opened.row.task_type)
        plan = planned(context, brief, kind, wanted, given)
        planning = context.ledger.plan_task(task_row(context, brief, kind, plan, wanted))
        yield from kept(planning, spender.remaining_with_grace())
    for message in told:
        context.publish(Warned(task_id=brief.task_id, message=message))
    outcome: Outcome = yield from _walked(
        context, brief, plan, spender, record=record, given=given, overhead=overhead, told=told
    )
    return outcome


def _check_same(
    opened: Opened, given: Brief, wanted: Sequence[ValidatorSpec] | None, stated: Classification | None
) -> None:
    """Raise `TaskError` where a task that is known is given otherwise than it was."""
    from escalator.execution import resuming

    stored = _stored(opened)
    given = BRIEFS.load(BRIEFS.dump(given))  # as the stored one went through JSON
    ended = _ended(opened, stored) if opened.outcome and is_planned(opened.row) else None
    resuming.check_same(stored, given, ended)
    if is_planned(opened.row):
        resuming.check_same_plan(PLANS.load(opened.row.plan), given, wanted=wanted, stated=stated)
    else:
        resuming.check_same_validators(wanted_of(opened.row), given, wanted)


def _left_behind(opened: Opened) -> Flow[tuple[str, ...]]:
    """What of the user's tree a resume does not take along; nothing for a task that is done."""
    from escalator.execution import resuming

    if opened.status != "resumed":
        return ()
    brief = _stored(opened)
    return (yield from computed(lambda: resuming.changed_since(brief), BIG))


def _replanned(
    context: TaskContext, opened: Opened, brief: Brief, *, record: Record, given: Judges
) -> Flow[tuple[Plan, tuple[str, ...]]]:
    """The plan a task goes on by under today's matrix, stored where it is another one."""
    from escalator.execution import resuming

    stored = PLANS.load(opened.row.plan)
    plan, said = resuming.replanned(context, brief, stored, record=record, given=given)
    if plan is not stored:
        yield from written(context.ledger.plan_task(task_row(context, brief, plan.classification, plan)))
    return plan, said


def _ended(opened: Opened, brief: Brief) -> Outcome:
    """How the task ended last."""
    return OUTCOMES.load(opened.outcome, brief=brief, plan=PLANS.load(opened.row.plan))


def _stored(opened: Opened) -> Brief:
    """The task as it was first given."""
    if not opened.row.brief:
        raise _gone(opened.row.task_id)
    return BRIEFS.load(opened.row.brief)


def _gone(task_id: str) -> TaskError:
    text = f"the ledger does not have the texts of {task_id!r} any more, or never kept them"
    return TaskError(text, field="task_id", hint="choose a new id to have it done again")


def _walked(
    context: TaskContext,
    brief: Brief,
    plan: Plan,
    spender: Spender,
    *,
    record: Record,
    given: Judges,
    overhead: tuple[Call, ...],
    told: tuple[str, ...],
) -> Flow[Outcome]:
    """The walk itself and what is written about it."""
    started = context.timer()
    context.publish(Planned(task_id=brief.task_id, classification=plan.classification, plan=plan))
    performer = Performer(
        context, brief, plan, judges=judges_of(context, plan, given), spender=spender, record=record
    )
    try:
        outcome: Outcome = yield from performer.interpret(walk(brief, plan), Place(key="walk"))
    finally:
        performer.stop()
    outcome = replace(outcome, overhead=(*overhead, *record.untold()))
    found = tuple(dict.fromkeys((*spender.notes, *warnings(outcome, record, context.ledger.trouble()))))
    for message in found:
        if message not in spender.notes:  # those were told when they came up
            context.publish(Warned(task_id=brief.task_id, message=message))
    outcome = replace(
        outcome,
        baseline=baseline(spender, outcome),
        warnings=(*told, *found),
        seconds=context.timer() - started,
    )
    trouble = yield from _recorded(context, outcome, performer, spender)
    if trouble:
        context.publish(Warned(task_id=brief.task_id, message=trouble))
        outcome = replace(outcome, warnings=(*outcome.warnings, trouble), unrecorded=trouble)
    context.publish(TaskEnded(task_id=brief.task_id, outcome=outcome))
    return outcome


def _recorded(context: TaskContext, outcome: Outcome, performer: Performer, spender: Spender) -> Flow[str]:
    """Write how a task ended. A store that cannot be written takes no outcome from its caller: the reason is
    returned, empty if everything is written. Raises `LedgerError` where the books refuse what is true no longer.
    """
    ledger, told = context.ledger, ""
    if outcome.status == "needs_review":
        keep = context.matrix.file.ledger.store_answers
        review = file_review(ledger, outcome, wanted=spender.consents.pending, keep=keep)
        filed = yield from attempted(review, spender.remaining_with_grace())
        told = str(filed) if isinstance(filed, LedgerError) else ""
    closed = ledger.close_task(outcome.task_id, closing(outcome))  # takes verdicts still unwritten along
    told = (yield from performer.settled()) or told
    told = (yield from kept(closed, spender.remaining_with_grace())) or told
    return ledger.trouble() or told
