"""What is settled about a task before it is walked: its type, its validators, its plan.

What asks models or writes to the ledger is elsewhere, so that a plan can be had without loading either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from escalator import plugins, validators
from escalator.errors import ConfigError, LedgerBusyError, TaskError
from escalator.execution.briefing import make_brief
from escalator.execution.context import TaskContext
from escalator.execution.effects import BIG, computed, written
from escalator.flow import Flow
from escalator.planning import fitted, make_plan, plan_key, specs_of, type_for
from escalator.records import Brief, Classification, Judge, Plan, Task, ValidatorSpec

if TYPE_CHECKING:
    from escalator.ledger import Archive
    from escalator.validators import Validator

Judges = Mapping[str, "Validator"]
"""Validators by name."""


def reading(task: Task) -> Flow[Brief]:
    """Reading a task into its brief, away from the event loop where files are read."""
    from_disk = task.workspace is not None or bool(task.images)
    return computed(lambda: make_brief(task), BIG if from_disk else 0)


def chosen(
    items: Sequence[Judge] | Judge | None,
) -> tuple[tuple[ValidatorSpec, ...] | None, dict[str, Validator]]:
    """The caller's own validators, one or a list, as specs; callables are kept under their names."""
    if items is None:
        return None, {}
    from escalator.validators.python_callable import as_validator

    specs: list[ValidatorSpec] = []
    given: dict[str, Validator] = {}
    for item in _several(items):
        if callable(item):
            judge = as_validator(item, taken=given)
            name = validators.name_of(judge)
            given[name] = judge
            specs.append(ValidatorSpec(name=name))
        elif isinstance(item, ValidatorSpec):
            specs.append(item)
        else:
            specs += specs_of([item])
    if not specs:
        raise TaskError("the list is empty", field="validators", hint="name at least one, or leave it out")
    return tuple(specs), given


def _several(items: object) -> list[Any]:
    """The items of a sequence, one alone as a list of one. Raises `TaskError` for what is no validator."""
    alone = _may_judge(items) or not isinstance(items, Sequence)
    several = [items] if alone else list(items)  # type: ignore[call-overload]
    wrong = [item for item in several if not _may_judge(item)]
    if wrong:
        text = f"{wrong[0]!r} is {type(wrong[0]).__name__}"
        hint = "pass names, {name: options} or functions of one candidate"
        raise TaskError(text, field="validators", hint=hint)
    for item in several:
        if isinstance(item, Mapping) and not _is_written_well(item):
            text = f"a validator with options is written as {{name: {{option: value}}}}, not as {item!r}"
            raise TaskError(text, field="validators", hint="give each validator an item of its own")
    return several


def _is_written_well(item: Mapping[object, object]) -> bool:
    """Whether a mapping is one validator: nothing that was asked for may be left out in silence."""
    return len(item) == 1 and all(
        isinstance(name, str) and isinstance(options, Mapping | None) for name, options in item.items()
    )


def _may_judge(item: object) -> bool:
    return isinstance(item, str | Mapping | ValidatorSpec) or callable(item)


def judges_of(context: TaskContext, plan: Plan, given: Judges) -> dict[str, Validator]:
    """The validators of a plan by name, built or as the caller gave them."""
    judges = {spec.name: given.get(spec.name) or context.validator(spec) for spec in plan.validators}
    if len(judges) != len(plan.validators):
        names = [spec.name for spec in plan.validators]
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"the validator {twice!r} stands in the list twice", key="validators")
    return judges


def planned(
    context: TaskContext, brief: Brief, kind: Classification, wanted: Sequence[ValidatorSpec] | None, given: Judges
) -> Plan:
    """The plan of a classified task, its validators cheapest first; equals keep their order.

    All tasks of a kind that bring no validators of their own share one plan, but for their classification.
    """
    if wanted is not None:
        return _planned(context, brief, kind, wanted, given)
    kind = fitted(kind, context.matrix)
    key = plan_key(brief, kind)
    plan = context.plans.get(key)
    if plan is None:
        plan = context.plans[key] = _planned(context, brief, kind, None, given)
    return plan if plan.classification is kind else replace(plan, classification=kind)


def _planned(
    context: TaskContext, brief: Brief, kind: Classification, wanted: Sequence[ValidatorSpec] | None, given: Judges
) -> Plan:
    plan = make_plan(brief, kind, context.matrix, validators=wanted)
    judges = judges_of(context, plan, given)
    ordered = sorted(plan.validators, key=lambda spec: validators.cost_rank(judges[spec.name]))
    return replace(plan, validators=tuple(ordered))


def stated(task: Task, context: TaskContext) -> Classification | None:
    """What the caller says the task is, where the caller says it; of type and complexity, one gives the other."""
    name, complexity = task.task_type, task.complexity
    if name is None and complexity is None:
        return None
    if name is None:
        name = type_for(complexity or 0.0, context.matrix)
    low, high = context.matrix.task_type(name).complexity
    if complexity is None:
        complexity = (low + high) / 2
    return Classification(
        task_type=name, complexity=complexity, reasons=("stated by the caller",), source="caller"
    )


def by_rules(brief: Brief) -> Classification:
    """The built-in classification; it reads a bounded window, so an event loop can do it."""
    from escalator.classify import classify_brief

    return classify_brief(brief)


def named_classifier(context: TaskContext) -> Any:
    """The classifier the matrix names, None for the built-in rules."""
    section = context.matrix.file.classifier
    if section.llm is not None:
        from escalator.classify import llm_classifier

        return llm_classifier(context.matrix.model(section.llm))
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


def deadline_of(context: TaskContext, brief: Brief) -> float | None:
    """The moment of the context's timer at which the task is stopped."""
    if brief.deadline is None:
        return None
    return (context.timer() if context.started is None else context.started) + brief.deadline


def left_of(context: TaskContext, deadline: float | None) -> float | None:
    """Seconds until a deadline that counts from when the task was given; None for no deadline."""
    if deadline is None:
        return None
    begun = context.timer() if context.started is None else context.started
    return max(begun + deadline - context.timer(), 0.0)


def opened_books(context: TaskContext, within: float | None = None) -> Flow[Archive]:
    """The ledger, opened beside the caller if need be. Raises `LedgerBusyError` if that takes too long."""
    opening = None if context.opening is None else context.opening()
    if opening is None:
        return context.ledger
    try:
        return (yield from written(opening, within))
    except TimeoutError:
        text = f"The ledger is still being opened after {within or 0.0:.3g} s; another process may keep it."
        raise LedgerBusyError(text) from None
