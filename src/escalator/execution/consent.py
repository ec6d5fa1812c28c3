"""Asking before money is spent: warn, ask or refuse, once for each paid model of a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from escalator.errors import TaskError
from escalator.events import PaidModelAhead, Substitution
from escalator.execution.budgets import usd
from escalator.execution.effects import Consult
from escalator.flow import Flow
from escalator.records import Brief, Failure, Model

if TYPE_CHECKING:
    from escalator.execution.context import Desk

VALID_SECONDS = 900.0
"""How long an approval counts."""


@dataclass
class Consents:
    """Which paid models may be used for this task, up to how much. One approval is good for one model.

    `pending` is the substitution that nobody decided, which the review queue then shows to a person.
    """

    desk: Desk
    brief: Brief
    granted: dict[str, Decimal | None] = field(default_factory=dict)
    expires: dict[str, float] = field(default_factory=dict)
    pending: Substitution | None = None

    def ask(
        self, model: Model, policy: str, *, from_model: str, reason: str, highest: Decimal
    ) -> Flow[Failure | None]:
        """May this paid model be used? None if so, else why not. `highest` is the most it can cost, USD."""
        if model.name in self.granted:
            return None
        if policy == "deny":
            text = f"{model.name} costs money and the cost guard denies paid models (cost_guard.before_paid: deny)"
            return Failure(kind="denied", message=text, provider=model.provider)
        wanted = self._wanted(model, from_model, reason, highest)
        if policy == "warn":
            self.desk.publish(PaidModelAhead(task_id=self.brief.task_id, substitution=wanted))
            self.granted[model.name] = None
            return None
        return (yield from self._confirm(model, wanted))

    def _wanted(self, model: Model, from_model: str, reason: str, highest: Decimal) -> Substitution:
        return Substitution(
            task_id=self.brief.task_id,
            from_model=from_model,
            to_model=model.name,
            reason=reason or "it is the first model of the chain",
            highest_cost=highest,
            expires=self.desk.clock() + VALID_SECONDS,
        )

    def _confirm(self, model: Model, wanted: Substitution) -> Flow[Failure | None]:
        approve = self.desk.approve
        answer = None if approve is None else (yield Consult(lambda: approve(wanted)))
        if answer is not None and not isinstance(answer, bool):
            text = f"approve returned {answer!r}"
            raise TaskError(text, field="approve", hint="return True to approve, False to decline, None to wait")
        self.desk.publish(PaidModelAhead(task_id=self.brief.task_id, substitution=wanted, approved=answer))
        what = f"asking {model.name} for up to {usd(wanted.highest_cost)}"
        if answer is None:
            self.pending = wanted
            text = f"{what} waits for approval: pass approve=… to execute, or `escalator review` to decide"
            return Failure(kind="pending", message=text, provider=model.provider)
        if not answer:
            return Failure(kind="declined", message=f"{what} was declined", provider=model.provider)
        self.granted[model.name] = wanted.highest_cost
        self.expires[model.name] = wanted.expires
        return None

    def charge(self, model: Model, amount: Decimal) -> Failure | None:
        """Take what a call may cost off the approval; a call beyond it, or after it expired, needs a new one."""
        left = self.granted.get(model.name)
        if left is None:
            return None
        if self.desk.clock() > self.expires[model.name] or amount > left:
            del self.granted[model.name]
            self.pending = self._wanted(model, "", "what was approved is used up or has expired", amount)
            text = f"a call of up to {usd(amount)} is more than what is left of the approval for {model.name}"
            return Failure(kind="pending", message=text, provider=model.provider)
        self.granted[model.name] = left - amount
        return None

    def give_back(self, model: Model, amount: Decimal) -> None:
        """Return to the approval what a call did not use."""
        left = self.granted.get(model.name)
        if left is not None:
            self.granted[model.name] = left + amount
