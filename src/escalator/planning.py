"""From a classified task to a plan: who answers, who checks, what must pass, and what happens otherwise."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from escalator.records import Brief, Classification, Model, Plan, Policies, Rung, ValidatorSpec

if TYPE_CHECKING:
    from escalator.matrix import Matrix
    from escalator.matrix.schema import PolicySection, RungSection, TaskTypeSection

SELF_CHECK_BELOW = 5.0
"""Below this complexity the automatic rule names no checker."""

FIRST_CHECKS_BELOW = 8.0
"""Below this complexity the chain's first model checks; from here on the next one up does."""


def make_plan(
    brief: Brief,
    classification: Classification,
    matrix: Matrix,
    *,
    validators: Sequence[ValidatorSpec] | None = None,
) -> Plan:
    """The plan for one task. `validators` replaces the task type's list, and nothing is added to it."""
    classification = fitted(classification, matrix)
    section = matrix.task_type(classification.task_type)
    chain = _chain(section, classification, matrix, local_only=brief.local_only)
    listed = specs_of(section.validators)
    specs, notes = _suited(listed, brief, chain) if validators is None else (tuple(validators), tuple[str, ...]())
    guard = matrix.file.cost_guard
    return Plan(
        classification=classification,
        chain=chain,
        validators=specs,
        at_end=section.at_end,
        review_accepted=section.review,
        before_paid=section.before_paid or guard.before_paid,
        policies=_policies(matrix, section),
        baseline=_baseline(matrix),
        matrix=matrix.fingerprint,
        notes=notes,
        own_validators=validators is not None,
    )


def plan_key(brief: Brief, fitted: Classification) -> Hashable:
    """What the plan of a task depends on, beside the matrix: tasks of one key get one plan."""
    steps = (fitted.complexity >= SELF_CHECK_BELOW, fitted.complexity >= FIRST_CHECKS_BELOW)
    needs = (brief.response_schema is not None, brief.benchmark is not None, bool(brief.tests), bool(brief.files))
    return (fitted.task_type, brief.local_only, steps, needs)


def fitted(classification: Classification, matrix: Matrix) -> Classification:
    """The classification in the matrix's own task types.

    A type the matrix does not have is replaced by the one whose band holds the complexity, or by the next band
    above it. A complexity outside its type's band is moved to the band's nearer end.
    """
    types = matrix.file.task_types
    name = classification.task_type
    if name not in types:
        name = type_for(classification.complexity, matrix)
        reason = f"this matrix has no {classification.task_type}; its complexity falls to {name}"
        classification = replace(classification, task_type=name, reasons=(*classification.reasons, reason))
    low, high = types[name].complexity
    if low <= classification.complexity <= high:
        return classification
    return replace(classification, complexity=min(max(classification.complexity, low), high))


def type_for(complexity: float, matrix: Matrix) -> str:
    """The task type whose band holds a complexity, or the next band above it; the highest band is open upward."""
    bands = sorted(matrix.file.task_types.items(), key=lambda item: (item[1].complexity[1], item[0]))
    return next((name for name, section in bands if complexity <= section.complexity[1]), bands[-1][0])


def specs_of(items: Iterable[str | Mapping[str, Mapping[str, object] | None]]) -> tuple[ValidatorSpec, ...]:
    """Validators as written in YAML: a name, or {name: {option: value}} where `required: false` only advises."""
    specs = []
    for item in items:
        if isinstance(item, str):
            specs.append(ValidatorSpec(name=item))
            continue
        name, options = next(iter(item.items()))
        options = dict(options or {})
        required = bool(options.pop("required", True))
        specs.append(ValidatorSpec(name=name, options=options, required=required))
    return tuple(specs)


def _chain(
    section: TaskTypeSection, classification: Classification, matrix: Matrix, *, local_only: bool
) -> tuple[Rung, ...]:
    entries = [_entry(item) for item in section.chain]
    models = [matrix.model(name) for name, _ in entries]
    rungs = []
    for index, (model, (_, entry)) in enumerate(zip(models, entries, strict=True)):
        rungs.append(
            Rung(
                index=index,
                model=model,
                attempts=(entry.attempts if entry else None) or section.max_attempts,
                effort=entry.effort if entry else None,
                checker=_checker(
                    models, index, section, matrix, complexity=classification.complexity, local_only=local_only
                ),
                last=index == len(models) - 1,
            )
        )
    return tuple(rungs)


def _entry(item: str | RungSection) -> tuple[str, RungSection | None]:
    return (item, None) if isinstance(item, str) else (item.model, item)


def _checker(
    chain: Sequence[Model],
    index: int,
    section: TaskTypeSection,
    matrix: Matrix,
    *,
    complexity: float,
    local_only: bool,
) -> Model | None:
    """Who judges the answers of one rung; never the model that gave them."""
    worker = chain[index]
    if section.checker is None or section.checker == "none":
        return None
    if section.checker == "auto":
        named = _automatic(index, chain, complexity)
    else:
        names = [section.checker] if isinstance(section.checker, str) else section.checker
        named = [matrix.model(name) for name in names]
    usable = [model for model in named if model.name != worker.name and (model.local or not local_only)]
    strong = [model for model in usable if model.tier.rank >= worker.tier.rank]
    return next(iter(strong or usable), None)


def _automatic(index: int, chain: Sequence[Model], complexity: float) -> list[Model]:
    if complexity < SELF_CHECK_BELOW:
        return []
    if complexity < FIRST_CHECKS_BELOW:
        return [chain[0], *chain[index + 1 : index + 2]]
    return list(chain[index + 1 : index + 2])


def _suited(
    specs: tuple[ValidatorSpec, ...], brief: Brief, chain: tuple[Rung, ...]
) -> tuple[tuple[ValidatorSpec, ...], tuple[str, ...]]:
    """The validators this task needs beyond its type's list, and why they were added."""
    names = {spec.name for spec in specs}
    notes = []
    if brief.response_schema is not None and "json_schema" not in names:
        specs = (ValidatorSpec(name="json_schema"), *specs)
        notes.append("the task names a response schema, so the answer must match it")
        if not brief.files:
            specs = tuple(
                s for s in specs if s.name not in {"syntax", "compile"} and (brief.tests or s.name != "tests")
            )
    if brief.benchmark is not None and "benchmark" not in names:
        specs = (*specs, ValidatorSpec(name="benchmark"))
        notes.append("the task names a benchmark, so the answer is measured")
    wants_tests = names & {"tests", "pytest"}
    if brief.tests and not wants_tests:
        specs = (*specs, ValidatorSpec(name="tests"))
        notes.append("the task brings tests, so they decide as well")
    if wants_tests and not brief.tests and "semantic" not in names and any(rung.checker for rung in chain):
        specs = (*specs, ValidatorSpec(name="semantic"))
        notes.append("no tests were given: the checker reads the answer, which may reject it but not accept it")
    return specs, tuple(notes)


def _policies(matrix: Matrix, section: TaskTypeSection) -> Policies:
    transport = matrix.file.transport
    base = Policies(patience=transport.patience)
    if transport.retries is not None:
        base = replace(base, transport_retries=transport.retries, retry_every_rung=True)
    return _with(_with(base, matrix.file.policies), section.policies)


def _with(policies: Policies, section: PolicySection) -> Policies:
    return replace(policies, **{name: action for name, action in vars(section).items() if action is not None})


def _baseline(matrix: Matrix) -> Model | None:
    """The model savings are counted against: the named one, else the strongest that costs money."""
    named = matrix.file.cost_guard.baseline
    if named is not None:
        return matrix.model(named)
    paid = [model for model in matrix.models.values() if not model.local]
    return max(paid, key=lambda model: model.tier.rank, default=None)
