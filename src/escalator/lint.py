"""What is wrong with a matrix although it can be read: found before anything is spent."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from escalator import plugins, providers
from escalator.errors import ConfigError
from escalator.kinds import kind_of
from escalator.matrix import Matrix
from escalator.matrix.matrix import bought_at, dotted
from escalator.planning import make_plan, specs_of
from escalator.pricing import PriceBook, ceiling
from escalator.records import Brief, Classification, Model, Plan

if TYPE_CHECKING:
    from escalator.matrix.reading import KeyPath
    from escalator.matrix.schema import TaskTypeSection

SMALL_WINDOW = 8192
"""Tokens below which a coding task with its files and an answer hardly fits."""

USUAL_PROMPT = 4000
"""Tokens of a prompt that budgets are held against."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing to mend. An error cannot work as written; a warning probably does not do what was meant."""

    severity: Literal["error", "warning"]
    message: str
    key: str
    file: str
    line: int | None = None


def lint(matrix: Matrix) -> tuple[Finding, ...]:
    """Everything that is wrong with a matrix, in the order of its keys."""
    findings = [*_providers(matrix), *_models(matrix)]
    for name, section in matrix.file.task_types.items():
        plan = _plan(matrix, name, section)
        findings += [
            *_validators(matrix, name, section),
            *_chain(matrix, name, plan),
            *_budget(matrix, name, plan),
        ]
        findings += _checkers(matrix, name, plan)
    return tuple(findings)


def _finding(matrix: Matrix, key: KeyPath, message: str, *, error: bool = False) -> Finding:
    place = matrix.document.place(key)
    return Finding(
        severity="error" if error else "warning",
        message=message,
        key=dotted(key),
        file=place.file if place else matrix.source,
        line=place.line if place else None,
    )


def _plan(matrix: Matrix, name: str, section: TaskTypeSection) -> Plan:
    kind = Classification(task_type=name, complexity=section.complexity[0])
    brief = Brief(task_id="lint", prompt="lint", tests={"test.py": ""})
    return make_plan(brief, kind, matrix)


def _providers(matrix: Matrix) -> Iterator[Finding]:
    used = {model.provider for model in matrix.models.values()}
    for name, section in matrix.file.providers.items():
        wrong = _no_such_kind(section.kind)
        if wrong:
            yield _finding(matrix, ("providers", name, "kind"), wrong, error=True)
        if name not in used:
            yield _finding(matrix, ("providers", name), "no model uses this provider")
        elif section.api_key_env and not os.environ.get(section.api_key_env):
            key = ("providers", name, "api_key_env")
            yield _finding(matrix, key, f"the environment variable {section.api_key_env} is not set here")


def _no_such_kind(kind: str) -> str:
    """What is wrong with a kind of provider; empty for one that can be loaded, or that comes with the package."""
    if kind in providers.BUILT_IN:
        return ""
    try:
        plugins.find(kind, "provider", providers.BUILT_IN, key="kind")
    except ConfigError as error:
        return f"{error.message}; {error.hint}"
    return ""


def _models(matrix: Matrix) -> Iterator[Finding]:
    used = {
        rung if isinstance(rung, str) else rung.model for s in matrix.file.task_types.values() for rung in s.chain
    }
    for section in matrix.file.task_types.values():
        used |= set([section.checker] if isinstance(section.checker, str) else section.checker or [])
    used |= {name for name in (matrix.file.cost_guard.baseline, matrix.file.classifier.llm) if name}
    today = datetime.fromtimestamp(time.time(), UTC)
    for name, model in matrix.models.items():
        key = ("models", name)
        yield from _sold(matrix, name)
        if name not in used:
            yield _finding(matrix, key, "no chain and no checker uses this model")
        if not PriceBook().knows(model, at=today):
            text = f"nobody knows the price of {model.id}, so the cost guard will refuse it; write price:"
            yield _finding(matrix, key, text, error=True)
        if model.context is not None and model.context < SMALL_WINDOW:
            text = f"a window of {model.context:,} tokens is too small for most coding tasks"
            yield _finding(matrix, (*key, "context"), text)
        if model.context is not None and model.max_output >= model.context:
            text = f"max_output {model.max_output:,} leaves no room for a prompt in {model.context:,} tokens"
            yield _finding(matrix, (*key, "max_output"), text, error=True)


def _sold(matrix: Matrix, name: str) -> Iterator[Finding]:
    """What is said of a model behind a gateway here that its id shows to be bought elsewhere."""
    section = matrix.file.models[name]
    seller = bought_at(matrix.file.providers[section.provider], section)
    if seller:
        text = (
            f"{section.id} is sold by {seller}, so it counts as paid and remote although its server has a private "
            "address; if its weights run here, write local: true"
        )
        yield _finding(matrix, ("models", name, "id"), text)


def _validators(matrix: Matrix, name: str, section: TaskTypeSection) -> Iterator[Finding]:
    from escalator import validators

    brief = Brief(task_id="lint", prompt="lint", tests={"test.py": "def test(): pass"}, files={"x.py": ""})
    for index, spec in enumerate(specs_of(section.validators)):
        key = ("task_types", name, "validators", index)
        try:
            validator = validators.build(spec)
        except ConfigError as error:
            yield _finding(matrix, key, f"{error.message}; {error.hint}".removesuffix("; "), error=True)
            continue
        why = validators.why_unavailable(validator, brief)
        if why is not None:
            yield _finding(matrix, key, f"{spec.name} cannot run here: {why}")


def _chain(matrix: Matrix, name: str, plan: Plan) -> Iterator[Finding]:
    seen: set[tuple[str, str | None]] = set()
    for rung, following in zip(plan.chain, (*plan.chain[1:], None), strict=True):
        key = ("task_types", name, "chain", rung.index)
        identity = (rung.model.name, rung.effort)
        if identity in seen:
            yield _finding(
                matrix, key, f"{rung.model.name} stands in this chain before; it will not answer better now"
            )
        seen.add(identity)
        if plan.before_paid == "deny" and not rung.model.local:
            yield _finding(matrix, key, f"never reached: {rung.model.name} is paid and before_paid is deny")
        if following is not None and following.model.tier.rank < rung.model.tier.rank:
            yield _finding(matrix, key, f"{following.model.name} after it is of a weaker tier")
        if following is not None and _swaps(rung.model, following.model):
            text = f"{rung.model.provider} swaps {rung.model.name} for {following.model.name} at each escalation"
            yield _finding(matrix, key, text)


def _swaps(one: Model, other: Model) -> bool:
    """Whether one server holds both models in turn, unless a person has loaded both."""
    return kind_of(one.kind).swaps_models and one.provider == other.provider and one.id != other.id


def _checkers(matrix: Matrix, name: str, plan: Plan) -> Iterator[Finding]:
    for rung in plan.chain:
        if rung.checker is not None and rung.checker.tier.rank < rung.model.tier.rank:
            text = f"{rung.checker.name} checks {rung.model.name}, which is of a stronger tier"
            yield _finding(matrix, ("task_types", name, "checker"), text)
    named = {spec.name for spec in plan.validators}
    if "semantic" in named and not any(rung.checker for rung in plan.chain):
        key = ("task_types", name, "validators")
        yield _finding(matrix, key, "semantic is listed and no checker can be assigned", error=True)


def _budget(matrix: Matrix, name: str, plan: Plan) -> Iterator[Finding]:
    budgets = matrix.file.cost_guard.budgets
    own = budgets.task_type.get(name)
    limits = [limit for limit in (budgets.task, own.task if own else None) if limit is not None]
    if not limits:
        return
    today = datetime.fromtimestamp(time.time(), UTC)
    for rung in plan.chain:
        price = PriceBook().price_of(replace(rung.model), at=today)
        if price is None:
            continue
        highest = ceiling(price, input_tokens=USUAL_PROMPT, max_output_tokens=rung.model.max_output)
        if highest > min(limits):
            text = f"one call of {rung.model.name} can cost ${highest:.4f}; the task's budget is ${min(limits)}"
            yield _finding(matrix, ("task_types", name, "chain", rung.index), text)
