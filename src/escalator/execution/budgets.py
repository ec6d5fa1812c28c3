"""Which budgets a call counts to, and how a refusal is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from escalator.ledger import Refused, Scope, to_nano, to_usd

if TYPE_CHECKING:
    from escalator.matrix.schema import BudgetSection, PeriodBudgets
    from escalator.records import Brief


def scopes(budgets: BudgetSection, brief: Brief, *, task_type: str, team: str, now: float) -> tuple[Scope, ...]:
    """Every budget one call of this task counts to, at the moment `now` (seconds since the epoch, UTC days).

    Day, week and month of everything are always counted, so that a limit written today knows what was spent
    before; the parts are counted where a limit is written.
    """
    by_type = budgets.task_type.get(task_type)
    limits = [brief.budget, budgets.task, by_type.task if by_type else None]
    limits += [budgets.tag[tag].task for tag in brief.tags if tag in budgets.tag]
    known = [limit for limit in limits if limit is not None]
    found = [Scope(name=f"task:{brief.task_id}", limit=to_nano(min(known)) if known else None)]
    found += _periods("", budgets, now, always=True)
    if by_type is not None:
        found += _periods(f"type:{task_type}:", by_type, now)
    if team:
        found += _periods(f"team:{team}:", budgets.team, now)
    for tag in brief.tags:
        if tag in budgets.tag:
            found += _periods(f"tag:{tag}:", budgets.tag[tag], now)
    return tuple(found)


def _periods(prefix: str, budgets: PeriodBudgets, now: float, *, always: bool = False) -> Iterator[Scope]:
    for period, name in _names_on(datetime.fromtimestamp(now, UTC).date()):
        limit: Decimal | None = getattr(budgets, period)
        if always or limit is not None:
            yield Scope(name=f"{prefix}{period}:{name}", limit=None if limit is None else to_nano(limit))


@lru_cache(maxsize=8)
def _names_on(day: date) -> tuple[tuple[str, str], ...]:
    """Day, week and month of a date, as their scopes are called."""
    year, week, _ = day.isocalendar()
    return ("day", f"{day:%Y-%m-%d}"), ("week", f"{year}-W{week:02}"), ("month", f"{day:%Y-%m}")


def refusal(refused: Refused, model: str) -> str:
    """Why the cost guard refused a call, and what to do next."""
    left = to_usd(max(refused.limit - refused.spent - refused.held, 0))
    where = "this task" if refused.scope.startswith("task:") else refused.scope
    held = f" ({usd(to_usd(refused.held))} is held by calls under way)" if refused.held else ""
    return (
        f"asking {model} could cost up to {usd(to_usd(refused.amount))}, but of the {usd(to_usd(refused.limit))} "
        f"budget of {where} only {usd(left)} is left{held}; raise the budget and resume the task"
    )


def usd(amount: Decimal) -> str:
    """An amount as people write it, with enough digits that a small one is not shown as nothing."""
    digits = 2 if amount >= 1 or amount == 0 else 4 if amount >= Decimal("0.01") else 6
    return f"${amount:.{digits}f}"
