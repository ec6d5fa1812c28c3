"""What can be said of a task without doing it: its kind and its plan."""

from __future__ import annotations

from escalator.execution.context import TaskContext
from escalator.execution.prepare import by_rules, chosen, named_classifier, planned, reading, stated
from escalator.flow import Flow
from escalator.records import Classification, Plan, Task


def classify(context: TaskContext, task: Task) -> Flow[Classification]:
    """The classification alone; an LLM classifier is asked and paid like any other call."""
    brief = yield from reading(task)
    said = stated(task, context)
    if said is not None:
        return said
    classification = by_rules(brief)
    if named_classifier(context) is None:
        return classification
    from escalator.execution.classifying import only_classified

    return (yield from only_classified(context, brief, classification))


def plan(context: TaskContext, task: Task) -> Flow[Plan]:
    """The plan alone."""
    brief = yield from reading(task)
    specs, given = chosen(task.validators)
    classification = yield from classify(context, task)
    return planned(context, brief, classification, specs, given)
