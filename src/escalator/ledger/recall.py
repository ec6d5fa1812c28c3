"""A task as the ledger remembers it: brief, plan, what was recorded, and the outcome where there is one."""

from __future__ import annotations

from dataclasses import dataclass

from escalator.errors import LedgerError, TaskError
from escalator.ledger import Archive, Entry, TaskRow
from escalator.records import Brief, Outcome, Plan
from escalator.records.codec import BRIEFS, OUTCOMES, PLANS


def is_planned(row: TaskRow) -> bool:
    """Whether the task has its plan; one that a model is yet to classify has none."""
    return row.plan.startswith("{")


@dataclass(frozen=True, kw_only=True, slots=True)
class Recalled:
    """What is known of a task. `entries` are the recorded replies; `outcome` is None until it is final, `ended` is
    how it ended last, also where it can be resumed.
    """

    row: TaskRow
    brief: Brief
    plan: Plan
    entries: tuple[Entry, ...]
    outcome: Outcome | None = None
    ended: Outcome | None = None
    running: bool = False


def recall(ledger: Archive, task_id: str) -> Recalled:
    """Read a task back.

    Raises `TaskError` if the ledger does not know it, and `LedgerError` if its texts were erased or never kept.
    """
    known = ledger.look(task_id)
    if known is None:
        raise TaskError(
            f"the ledger knows no task {task_id!r}",
            field="task_id",
            hint="`escalator log tasks` lists those it knows",
        )
    if not known.row.brief:
        raise LedgerError(
            f"the texts of task {task_id!r} are not in the ledger: they were erased, or answers are not stored "
            "(ledger.store_answers); only its figures are left"
        )
    if not is_planned(known.row):
        raise LedgerError(f"task {task_id!r} was stopped before it was planned; resume it first")
    brief, plan = BRIEFS.load(known.row.brief), PLANS.load(known.row.plan)
    ended = OUTCOMES.load(known.outcome, brief=brief, plan=plan) if known.outcome else None
    return Recalled(
        row=known.row,
        brief=brief,
        plan=plan,
        entries=known.entries,
        outcome=ended if known.status == "closed" else None,
        ended=ended,
        running=known.status == "running",
    )
