"""The arithmetic of money: the same whatever decimal context the caller works in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, DivisionByZero, InvalidOperation, Overflow, localcontext
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

CONTEXT = Context(
    prec=60,
    rounding=ROUND_HALF_EVEN,
    Emin=-999999,
    Emax=999999,
    traps=[DivisionByZero, InvalidOperation, Overflow],
)
"""More digits than any product of a price and a token count needs, so that no sum is ever rounded."""

MOST = 1_000_000_000
"""USD; no budget is larger, so that every amount fits the ledger's integers."""


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """The function, computing in the context of money: a caller's precision, rounding and traps change no sum."""

    @wraps(function)
    def computed(*given: P.args, **named: P.kwargs) -> R:
        with localcontext(CONTEXT):
            return function(*given, **named)

    return computed
