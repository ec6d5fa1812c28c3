"""Which budgets a call counts to, what it can cost, and what is said where bill and hold do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from escalator.ledger import Refused, Scope, to_nano, to_usd
from escalator.pricing import Bound, PriceRecord, ceiling, token_ceiling, token_floor, token_floor_exceeds
from escalator.records.calls import exactly

if TYPE_CHECKING:
    from escalator.matrix import Matrix
    from escalator.matrix.schema import BudgetSection, PeriodBudgets
    from escalator.records import Brief, Completion, Model, Request


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


def is_free(model: Model) -> bool:
    """Whether the matrix states a price of zero, as it does for local models."""
    return model.price is not None and not (model.price.input or model.price.output)


def bound_of(provider: object, request: Request) -> Bound:
    """What the provider's wire states of a request; where it states nothing, what holds for every tokenizer."""
    stated = getattr(provider, "bound", None)
    found = stated(request) if callable(stated) else None
    if isinstance(found, Bound):
        return found
    return Bound(input_tokens=token_ceiling(request), output_tokens=request.max_tokens)


@exactly
def most(price: PriceRecord, bound: Bound, *, times: int = 1) -> Decimal:
    """USD so many requests within a bound can cost at most."""
    each = ceiling(
        price,
        input_tokens=bound.input_tokens,
        max_output_tokens=bound.output_tokens,
        cache_write=bound.cache_write,
        for_an_hour=bound.for_an_hour,
    )
    return each * times


@exactly
def running_cost(model: Model, seconds: float) -> Decimal:
    """USD for the time of a machine of one's own, to a nano-dollar."""
    if not model.hourly:
        return Decimal(0)
    return (model.hourly * Decimal(str(seconds)) / 3600).quantize(Decimal("1e-9"))


def warnings(
    request: Request, reply: Completion, *, held: Decimal, billed: Decimal, matrix: Matrix
) -> tuple[str, ...]:
    """What a person should know of an answer that was paid for all the same."""
    found = [_overrun(request.model, held, billed), _unread(request, reply), _bought(reply, request.model, matrix)]
    return tuple(text for text in found if text)


def _overrun(model: Model, held: Decimal, billed: Decimal) -> str:
    if billed <= held:
        return ""
    return (
        f"a call of {model.name} was billed {usd(billed)}, more than the {usd(held)} that its wire allows for; "
        "all of it counts to the budgets, so check what stands between"
    )


def _unread(request: Request, reply: Completion) -> str:
    read = reply.usage.input_tokens
    if reply.usage.estimated or not token_floor_exceeds(request, read):
        return ""
    return (
        f"{request.model.name} read {read:,} tokens, it says, of a prompt that has over {token_floor(request):,}"
        "; its server may have cut the prompt to its window: give it a larger context, or state the smaller one"
    )


def _bought(reply: Completion, model: Model, matrix: Matrix) -> str:
    """Said of a free model here in whose place a gateway lets one answer that is sold."""
    from escalator.matrix.matrix import alias_of

    seller = alias_of(matrix, model, reply.model) if model.local and is_free(model) else ""
    if not seller:
        return ""
    return (
        f"{model.name} was answered by {reply.model}, which {seller} sells, and was booked as local and free; "
        "write local: false and its price for this model, or local: true if its weights run here"
    )
