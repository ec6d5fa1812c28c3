"""A task as the ledger has it: before anything is done for it, when it has ended, and what is said of it then."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from escalator.execution.budgets import is_free
from escalator.execution.context import TaskContext
from escalator.execution.journal import Record
from escalator.execution.spending import Spender
from escalator.ledger import Closing, TaskRow, Tried, to_nano
from escalator.pricing import cost
from escalator.records import Baseline, Brief, Classification, Outcome, Plan, ValidatorSpec
from escalator.records.codec import BRIEFS, OUTCOMES, PLANS
from escalator.records.facts import AttemptFacts, attempts_of, task_facts
from escalator.records.flat import by_name, described


def task_row(
    context: TaskContext,
    brief: Brief,
    kind: Classification,
    plan: Plan | None,
    wanted: Sequence[ValidatorSpec] | None = None,
) -> TaskRow:
    """The task as the ledger stores it before anything is done for it.

    Without a plan, which a model's classification is to decide, the row keeps what that plan must contain.
    """
    specs = None if wanted is None else [asdict(spec) for spec in wanted]
    kind = plan.classification if plan is not None else kind
    return TaskRow(
        task_id=brief.task_id,
        brief=BRIEFS.dump(brief),
        plan=json.dumps(specs) if plan is None else PLANS.dump(plan),
        task_type=kind.task_type,
        complexity=kind.complexity,
        description=described(brief.prompt),
        team=context.matrix.file.team,
        tags=brief.tags,
    )


def wanted_of(row: TaskRow) -> tuple[ValidatorSpec, ...] | None:
    """The caller's own validators of a task that has no plan yet; None for those of its type."""
    specs = json.loads(row.plan)
    return None if specs is None else tuple(ValidatorSpec(**spec) for spec in specs)


def closing(outcome: Outcome) -> Closing:
    """How the task ended, for the log."""
    task = task_facts(outcome)
    return by_name(
        Closing,
        task,
        outcome=OUTCOMES.dump(outcome),
        cost=to_nano(task.cost),
        baseline=to_nano(outcome.baseline.cost) if outcome.baseline else None,
        tries=tuple(_tried(facts) for facts in attempts_of(outcome, task)),
    )


def _tried(facts: AttemptFacts) -> Tried:
    return by_name(Tried, facts, model=facts.worker, result=facts.outcome, cost=to_nano(facts.cost))


def warnings(outcome: Outcome, record: Record, trouble: str = "") -> tuple[str, ...]:
    """What the caller should know although it did not stop the task; `trouble` is the ledger's."""
    ids = {rung.model.id for rung in outcome.plan.chain}
    found = [*outcome.brief.left_out, *([trouble] if trouble else [])]
    if any(call.answered_by not in {"", *ids} for call in outcome.calls):
        from escalator.execution.said import stood_in

        found += stood_in(outcome)
    if record.diverged:
        found.append(
            f"the recorded work no longer matches from {record.diverged} on; it was done again from there"
        )
    if record.unkept:
        found.append(
            f"the ledger keeps no answers (store_answers: false), so {record.unkept} replies were asked for "
            "again; budgets count what they had cost, and this outcome's cost leaves it out"
        )
    if record.doubtful and not all(is_free(rung.model) for rung in outcome.plan.chain):
        found.append(
            f"calls that were under way when an earlier process ended: {record.doubtful}; they may have been "
            "billed, so budgets count them in full, and this outcome's cost leaves them out"
        )
    if any(call.estimated and call.cost for call in outcome.calls):
        found.append("some calls reported no usage that can be read; their cost is an upper bound")
    found += dict.fromkeys(text for call in outcome.calls for text in call.warnings)
    return tuple(found)


def baseline(spender: Spender, outcome: Outcome) -> Baseline | None:
    """What the accepted answer's tokens would have cost at the baseline model."""
    model = outcome.plan.baseline
    best = outcome.best
    if model is None or best is None:
        return None
    answers = [call for call in best.calls if call.purpose == "worker" and call.error is None]
    price = spender.tariff.price(model) if answers else None
    if price is None:
        return None
    return Baseline(model=model.name, cost=cost(price, answers[-1].usage))
