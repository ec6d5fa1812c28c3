"""Which budgets a call counts to, what it can cost, and what is said where bill and hold do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from escalator.errors import ProviderError
from escalator.ledger import Refused, Scope, to_nano, to_usd
from escalator.pricing import (
    Bound,
    PriceRecord,
    ceiling,
    cost,
    token_ceiling,
    token_floor,
    token_floor_exceeds,
    uncached,
)
from escalator.records.calls import Usage, exactly

if TYPE_CHECKING:
    from escalator.execution.context import TaskContext
    from escalator.matrix import Matrix
    from escalator.matrix.schema import BudgetSection, PeriodBudgets
    from escalator.records import Brief, Completion, Model, Request


NOTHING = Decimal(0)
DAY = 24 * 3600


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


class Tariff:
    """What the calls of one task can cost, and what they are booked at."""

    def __init__(self, context: TaskContext) -> None:
        self._context = context
        self._prices: dict[tuple[str, str, float, float], PriceRecord | None] = {}

    def price(self, model: Model, answered_by: str = "", *, since: float | None = None) -> PriceRecord | None:
        """What the model costs: before a call on the dearest day it may end on, after it from `since` till now."""
        now = self._context.clock()
        patience = self._context.matrix.file.cost_guard.patience
        until = now if since is not None else now + model.timeouts.total + patience
        key = (model.name, answered_by, (now if since is None else since) // DAY, until // DAY)
        if key not in self._prices:
            days = [datetime.fromtimestamp(day * DAY, UTC).date() for day in key[2:]]
            self._prices[key] = self._context.prices.price_within(
                model, since=days[0], until=days[1], answered_by=answered_by
            )
        return self._prices[key]

    def highest(self, price: PriceRecord, request: Request, *, output: int = 0, times: int = 1) -> Decimal:
        """USD so many requests can cost at most, as the wire bounds them; `output`: tokens an answer may have."""
        try:
            bound = bound_of(self._context.provider(request.model.provider), request)
        except ProviderError:  # it is told when the call is made
            bound = bound_of(None, request)
        return most(price, replace(bound, output_tokens=max(bound.output_tokens, output)), times=times)

    def cost(self, model: Model, reply: Completion, held: Decimal, *, since: float) -> Decimal:
        """What an answer is booked at: by its figures, or all that was held where they cannot be read."""
        if is_free(model):
            return NOTHING
        price = self.price(model, reply.model, since=since)
        return held if price is None or reply.usage.estimated else cost(price, reply.usage)

    def cache_saved(self, model: Model, reply: Completion, *, since: float) -> Decimal:
        """What the provider's cache saved; writing to it costs more than reading the same anew."""
        usage = reply.usage
        cached = usage.cache_read_tokens or usage.cache_write_tokens or usage.cache_write_1h_tokens
        if usage.estimated or not cached:
            return NOTHING
        price = None if is_free(model) else self.price(model, reply.model, since=since)
        return NOTHING if price is None else uncached(price, usage) - cost(price, usage)

    def of_failure(self, error: ProviderError, request: Request, amount: Decimal) -> tuple[Decimal, Usage]:
        """A failed call that may have been billed is charged in full, unless its whole usage was reported.

        What was seen of an answer bounds nothing: a model may have thought unseen.
        """
        if not error.billed:
            return NOTHING, Usage(estimated=True)
        if error.input_tokens is None or error.output_tokens is None:
            usage = Usage(input_tokens=token_ceiling(request), output_tokens=request.max_tokens, estimated=True)
        else:
            usage = Usage(input_tokens=error.input_tokens, output_tokens=error.output_tokens)
        if is_free(request.model):
            return NOTHING, usage
        price = self.price(request.model)
        return (amount if price is None or usage.estimated else cost(price, usage)), usage
