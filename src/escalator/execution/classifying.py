"""Classification by what the matrix names: a model, asked and paid like any other call."""

from __future__ import annotations

from escalator.execution.context import TaskContext
from escalator.execution.effects import written
from escalator.execution.journal import CLASSIFIER, Record
from escalator.execution.performer import interpret
from escalator.execution.prepare import deadline_of, named_classifier, opened_books
from escalator.execution.rows import closing, task_row
from escalator.execution.spending import Place, Spender
from escalator.flow import Flow
from escalator.planning import make_plan
from escalator.records import Brief, Call, Classification, Outcome
from escalator.steps import Ask, Asked, Step


def classified_by_model(
    context: TaskContext, brief: Brief, spender: Spender, task_type: str
) -> Flow[tuple[Classification, tuple[Call, ...]]]:
    """The classification of the classifier the matrix names, and the calls it cost; they count to `task_type`."""
    from escalator.classify import classified

    def ask(step: Step, place: Place) -> Flow[Asked]:
        if not isinstance(step, Ask):
            raise TypeError(f"a classifier may ask models and nothing else, not {type(step).__name__}")
        return (yield from spender.spend(step, place))

    flow = classified(named_classifier(context), brief)
    place = Place(key=CLASSIFIER, task_type=task_type)
    result = yield from interpret(flow, ask, place, size=len(brief.prompt))
    return result.classification, result.calls


def only_classified(context: TaskContext, brief: Brief, by_rules: Classification) -> Flow[Classification]:
    """The classification of a task that is not done: its call is on the books, and the task closed again."""
    yield from opened_books(context)
    yield from written(context.ledger.open_task(task_row(context, brief, by_rules, None)))
    spender = Spender(context, brief, Record(), deadline=deadline_of(context, brief))
    kind, calls = yield from classified_by_model(context, brief, spender, by_rules.task_type)
    made = make_plan(brief, kind, context.matrix)
    context.ledger.plan_task(task_row(context, brief, kind, made))
    done = Outcome(
        status="skipped", reason="only classified", brief=brief, plan=made, overhead=calls, cause="classify"
    )
    yield from written(context.ledger.close_task(brief.task_id, closing(done)))
    return kind
