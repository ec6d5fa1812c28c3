"""What a call can cost, what it did cost, and what is said where the two do not fit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from escalator.execution.budgets import usd
from escalator.pricing import Bound, PriceRecord, ceiling, token_ceiling, token_floor, token_floor_exceeds
from escalator.records import Completion, Model, Request
from escalator.records.money import exactly

if TYPE_CHECKING:
    from escalator.matrix import Matrix


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
