"""A task as the ledger stores it before anything is done for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from escalator.execution.context import TaskContext
from escalator.ledger import TaskRow
from escalator.records import Brief, Classification, Plan, ValidatorSpec
from escalator.records.codec import BRIEFS, PLANS
from escalator.records.flat import described


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
