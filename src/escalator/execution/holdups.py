"""Waiting for money that other calls only hold: most of it comes back when they are settled."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from escalator.errors import LedgerBusyError
from escalator.events import Warned
from escalator.execution.budgets import usd
from escalator.execution.effects import Sleep, asked
from escalator.flow import Flow
from escalator.ledger import Held, Refused, to_usd

if TYPE_CHECKING:
    from escalator.execution.context import TaskContext

FIRST_LOOK, LONGEST_LOOK = 0.02, 0.25
"""Seconds between two looks at the budget, at first and at most."""


def held_up(refused: Refused) -> bool:
    """Whether a reservation was refused only for what is held: what is spent leaves room for it."""
    return refused.spent + refused.amount <= refused.limit


def waited_for(
    context: TaskContext,
    task_id: str,
    refused: Refused,
    reserve: Callable[[], Flow[Held | Refused]],
    *,
    patience: float,
) -> Flow[Held | Refused]:
    """Reserve again once there is room, for at most `patience` seconds; the last refusal where there never was."""
    end = context.timer() + patience
    if held_up(refused) and patience > 0:
        what = f"waiting up to {patience:.0f} s for {usd(to_usd(refused.held))} that other calls hold of a budget"
        context.publish(Warned(task_id=task_id, message=what))
    reply: Held | Refused = refused
    pause = FIRST_LOOK
    while isinstance(reply, Refused) and held_up(reply) and (left := end - context.timer()) > 0:
        yield Sleep(min(left, pause * random.uniform(0.5, 1.5)))  # noqa: S311  # so that not all look at once
        pause = min(2 * pause, LONGEST_LOOK)
        spent, held = yield from _looked(context, reply.scope, within=left)
        if spent + held + reply.amount > reply.limit:
            reply = replace(reply, spent=spent, held=held)
        else:
            reply = yield from reserve()
    return reply


def _looked(context: TaskContext, scope: str, *, within: float) -> Flow[tuple[int, int]]:
    ledger = context.ledger
    try:
        return (yield from asked(lambda: ledger.spent([scope])[scope], within))
    except TimeoutError:
        raise LedgerBusyError(f"The ledger did not tell within {within:.3g} s what is left of a budget.") from None
