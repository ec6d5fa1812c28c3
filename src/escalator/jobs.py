"""What happens to one task from beginning to end, written once as flows of effects for threads and event loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from escalator import plugins, validators
from escalator.briefing import make_brief
from escalator.closing import baseline, closing, warnings
from escalator.errors import ConfigError, LedgerError, TaskError
from escalator.events import Planned, TaskEnded, TaskStarted, Warned
from escalator.flow import Flow
from escalator.ledger import Entry, Opened, TaskRow
from escalator.perform import Desk, Performer
from escalator.perform.effects import BIG, Compute, Wait
from escalator.perform.journal import BRIEFS, OUTCOMES, PLANS, Record
from escalator.perform.spending import Place, Spender
from escalator.planning import make_plan, specs_of
from escalator.records import (
    Attempt,
    Brief,
    Call,
    ChangeSet,
    Classification,
    Outcome,
    Plan,
    Rejection,
    Rung,
    Task,
    ValidatorSpec,
    Verdict,
)
from escalator.steps import Check
from escalator.walk import walk

if TYPE_CHECKING:
    from concurrent.futures import Future

    from escalator.ledger import Archive
    from escalator.validators import Validator

Judges = Mapping[str, "Validator"]

OURS = frozenset({"new", "resumed"})
"""How the ledger opens a task that this process may work on."""


def execute(desk: Desk, task: Task) -> Flow[Outcome]:
    """Read, classify, plan, walk, close. A task id the ledger knows is resumed, or answered from its outcome."""
    brief: Brief = yield Compute(lambda: make_brief(task), BIG)
    specs, given = _chosen(task.validators)
    classification = _stated(task, desk) or (yield from _by_rules(brief))
    plan = _sorted(desk, make_plan(brief, classification, desk.matrix, validators=specs), given)
    opened = yield from _opened(desk, _row(desk, brief, plan))
    with _resumable(desk, opened):
        if opened.status == "new":
            return (yield from _fresh(desk, task, brief, plan, specs, given))
        if BRIEFS.load(opened.row.brief).prompt != brief.prompt:
            text = f"the ledger knows {brief.task_id!r} as another task"
            raise TaskError(text, field="task_id", hint="choose a new id, or none")
        return (yield from _known(desk, opened, given))


def resume(desk: Desk, task_id: str) -> Flow[Outcome]:
    """Go on with a task the ledger knows."""
    known = desk.ledger.look(task_id)
    if known is None:
        raise TaskError(
            f"the ledger knows no task {task_id!r}", field="task_id", hint="is this the ledger it was started on?"
        )
    opened = yield from _opened(desk, known.row)
    with _resumable(desk, opened):
        return (yield from _known(desk, opened, {}))


def _opened(desk: Desk, row: TaskRow) -> Flow[Opened]:
    """Open a task; where the caller goes away meanwhile, it is given back once the ledger has opened it."""
    opening = desk.ledger.open_task(row)
    try:
        opened: Opened = yield Wait(opening)
    except BaseException:
        opening.add_done_callback(lambda done: _give_back(desk, done))
        raise
    return opened


def _give_back(desk: Desk, done: Future[Opened]) -> None:
    if not done.cancelled() and done.exception() is None and done.result().status in OURS:
        with suppress(LedgerError):  # a ledger that is closed by now has given everything back
            desk.ledger.release(done.result().row.task_id)


@contextmanager
def _resumable(desk: Desk, opened: Opened) -> Iterator[None]:
    """Give the task back if the work on it is cut short, so that it can be resumed; what did it goes on upward."""
    try:
        yield
    except BaseException:
        if opened.status in OURS:
            desk.ledger.release(opened.row.task_id)
        raise


def _fresh(
    desk: Desk, task: Task, brief: Brief, plan: Plan, specs: Sequence[ValidatorSpec] | None, given: Judges
) -> Flow[Outcome]:
    record = Record()
    spender = Spender(desk, brief, record, deadline=_deadline(desk, brief))
    desk.publish(TaskStarted(task_id=brief.task_id, prompt=brief.prompt))
    overhead: tuple[Call, ...] = ()
    if _stated(task, desk) is None and _classifier(desk) is not None:
        classification, overhead = yield from _classified(desk, brief, spender, plan, given)
        plan = _sorted(desk, make_plan(brief, classification, desk.matrix, validators=specs), given)
        noted = Entry(key="plan", kind="note", digest="", payload=PLANS.dump(plan))
        yield Wait(desk.ledger.record(brief.task_id, noted))
    return (yield from _walked(desk, brief, plan, spender, record, given, overhead))


def _known(desk: Desk, opened: Opened, given: Judges) -> Flow[Outcome]:
    brief, plan = BRIEFS.load(opened.row.brief), PLANS.load(opened.row.plan)
    noted = next((entry for entry in opened.entries if entry.key == "plan"), None)
    plan = PLANS.load(noted.payload) if noted is not None else plan
    if opened.status == "running":
        raise TaskError(
            f"another process is working on {brief.task_id!r}",
            field="task_id",
            hint="wait for it, or choose a new id",
        )
    if opened.status == "closed":
        return OUTCOMES.load(opened.outcome, brief=brief, plan=plan)
    record = Record(opened.entries)
    spender = Spender(desk, brief, record, deadline=_deadline(desk, brief))
    desk.publish(TaskStarted(task_id=brief.task_id, prompt=brief.prompt, resumed=True))
    return (yield from _walked(desk, brief, plan, spender, record, given, ()))


def _walked(
    desk: Desk,
    brief: Brief,
    plan: Plan,
    spender: Spender,
    record: Record,
    given: Judges,
    overhead: tuple[Call, ...],
) -> Flow[Outcome]:
    """The walk itself and what is written about it."""
    started = desk.timer()
    desk.publish(Planned(task_id=brief.task_id, classification=plan.classification, plan=plan))
    performer = Performer(desk, brief, plan, judges=_judges(desk, plan, given), spender=spender, record=record)
    outcome: Outcome = yield from performer.interpret(walk(brief, plan), Place(key="walk"))
    told = warnings(outcome, record)
    for message in told:
        desk.publish(Warned(task_id=brief.task_id, message=message))
    outcome = replace(
        outcome,
        overhead=overhead,
        baseline=baseline(desk, outcome),
        warnings=told,
        seconds=desk.timer() - started,
    )
    yield from performer.settled()
    yield Wait(desk.ledger.close_task(brief.task_id, closing(outcome)))
    desk.publish(TaskEnded(task_id=brief.task_id, outcome=outcome))
    return outcome


def classify(desk: Desk, task: Task) -> Flow[Classification]:
    """The classification alone; an LLM classifier is asked and paid like any other call."""
    brief: Brief = yield Compute(lambda: make_brief(task), BIG)
    stated = _stated(task, desk)
    if stated is not None:
        return stated
    classification = yield from _by_rules(brief)
    if _classifier(desk) is None:
        return classification
    plan = make_plan(brief, classification, desk.matrix)
    yield Wait(desk.ledger.open_task(_row(desk, brief, plan)))
    spender = Spender(desk, brief, Record(), deadline=_deadline(desk, brief))
    classification, calls = yield from _classified(desk, brief, spender, plan, {})
    done = Outcome(
        status="skipped", reason="only classified", brief=brief, plan=plan, overhead=calls, cause="classify"
    )
    yield Wait(desk.ledger.close_task(brief.task_id, closing(done)))
    return classification


def plan(desk: Desk, task: Task) -> Flow[Plan]:
    """The plan alone."""
    brief: Brief = yield Compute(lambda: make_brief(task), BIG)
    specs, given = _chosen(task.validators)
    classification = yield from classify(desk, task)
    return _sorted(desk, make_plan(brief, classification, desk.matrix, validators=specs), given)


def validate(
    desk: Desk,
    answer_or_files: str | Mapping[str, str | None] | ChangeSet,
    task: Task,
    chosen: Sequence[Any] | None,
) -> Flow[tuple[Verdict, ...]]:
    """Verdicts on an answer or files, without a worker."""
    brief: Brief = yield Compute(lambda: make_brief(task), BIG)
    specs, given = _chosen(chosen if chosen is not None else task.validators)
    classification = _stated(task, desk) or (yield from _by_rules(brief))
    made = make_plan(brief, classification, desk.matrix, validators=specs)
    if specs is None:
        made = replace(made, validators=tuple(spec for spec in made.validators if spec.name != "semantic"))
    made = _sorted(desk, made, given)
    changes = yield Compute(lambda: _changes(answer_or_files, brief), BIG)
    if isinstance(changes, Rejection):
        return (
            Verdict(
                validator="answer", status="failed", feedback=changes.feedback, evidence={"kind": changes.kind}
            ),
        )
    if not any(spec.name == "semantic" for spec in made.validators):
        desk = replace(desk, books=_scratch())  # nothing is spent, so nothing need be kept
    yield Wait(desk.ledger.open_task(_row(desk, brief, made)))
    spender = Spender(desk, brief, Record(), deadline=_deadline(desk, brief))
    performer = Performer(desk, brief, made, judges=_judges(desk, made, given), spender=spender, record=Record())
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
    yield Wait(desk.ledger.close_task(brief.task_id, closing(done)))
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
        from escalator.answers import extract

        target = next(iter(brief.files)) if len(brief.files) == 1 else None
        return extract(given, target=target, workspace=brief.files, protected=brief.protected)
    return ChangeSet(files=dict(given))


def _by_rules(brief: Brief) -> Flow[Classification]:
    from escalator.classify import classify_brief

    classification: Classification = yield Compute(lambda: classify_brief(brief))
    return classification


def _classifier(desk: Desk) -> Any:
    """The classifier the matrix names, None for the built-in rules."""
    section = desk.matrix.file.classifier
    if section.llm is not None:
        from escalator.classify import llm_classifier

        return llm_classifier(desk.matrix.model(section.llm))
    if section.name is not None:
        key = "classifier.name"
        return plugins.make(
            plugins.find(section.name, "classifier", {}, key=key),
            {},
            name=section.name,
            kind="classifier",
            key=key,
        )
    return None


def _classified(
    desk: Desk, brief: Brief, spender: Spender, plan: Plan, given: Judges
) -> Flow[tuple[Classification, tuple[Call, ...]]]:
    from escalator.classify import classified

    performer = Performer(desk, brief, plan, judges=given, spender=spender, record=Record())
    place = Place(key="classify", task_type=plan.classification.task_type)
    result = yield from performer.interpret(classified(_classifier(desk), brief), place, size=len(brief.prompt))
    return result.classification, result.calls


def _stated(task: Task, desk: Desk) -> Classification | None:
    """What the caller says the task is, where the caller says it."""
    if task.task_type is None:
        return None
    low, high = desk.matrix.task_type(task.task_type).complexity
    complexity = task.complexity if task.complexity is not None else (low + high) / 2
    return Classification(
        task_type=task.task_type, complexity=complexity, reasons=("stated by the caller",), source="caller"
    )


def _chosen(items: Sequence[Any] | None) -> tuple[tuple[ValidatorSpec, ...] | None, dict[str, Validator]]:
    """The caller's own list of validators as specs; callables are kept under their names."""
    if items is None:
        return None, {}
    specs: list[ValidatorSpec] = []
    given: dict[str, Validator] = {}
    for item in items:
        if callable(item):
            name = validators.name_of(item)
            given[name] = item
            specs.append(ValidatorSpec(name=name))
        elif isinstance(item, ValidatorSpec):
            specs.append(item)
        else:
            specs += specs_of([item])
    if not specs:
        raise TaskError("the list is empty", field="validators", hint="name at least one, or leave it out")
    return tuple(specs), given


def _judges(desk: Desk, plan: Plan, given: Judges) -> dict[str, Validator]:
    judges = {spec.name: given.get(spec.name) or desk.validator(spec) for spec in plan.validators}
    if len(judges) != len(plan.validators):
        names = [spec.name for spec in plan.validators]
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"the validator {twice!r} stands in the list twice", key="validators")
    return judges


def _sorted(desk: Desk, plan: Plan, given: Judges) -> Plan:
    """The plan with its validators cheapest first; equals keep their order."""
    judges = _judges(desk, plan, given)
    return replace(
        plan, validators=tuple(sorted(plan.validators, key=lambda s: validators.cost_rank(judges[s.name])))
    )


def _row(desk: Desk, brief: Brief, plan: Plan) -> TaskRow:
    return TaskRow(
        task_id=brief.task_id,
        brief=BRIEFS.dump(brief),
        plan=PLANS.dump(plan),
        task_type=plan.classification.task_type,
        complexity=plan.classification.complexity,
        description=" ".join(brief.prompt.split())[:200],
        team=desk.matrix.file.team,
        tags=brief.tags,
    )


def _deadline(desk: Desk, brief: Brief) -> float | None:
    return None if brief.deadline is None else desk.timer() + brief.deadline
