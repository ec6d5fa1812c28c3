"""Asking before money is spent: warn, ask or refuse, once for each paid model of a task.

What was approved is kept by the ledger as a budget of the task and the model, so it outlives the process and is
reserved from and settled to like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from escalator.errors import TaskError
from escalator.events import PaidModelAhead, Substitution
from escalator.execution.budgets import usd
from escalator.execution.effects import BIG, Compute, Consult
from escalator.flow import Flow
from escalator.ledger import Scope, approval_scope, to_nano
from escalator.records import Brief, Failure, Model

if TYPE_CHECKING:
    from escalator.execution.context import TaskContext

VALID_SECONDS = 900.0
"""How long an approval counts that was given while the task waited for it."""


@dataclass
class Consents:
    """Which paid models may be used for this task. One approval is good for one model.

    `pending` is the substitution that nobody decided, which the review queue then shows to a person.
    """

    context: TaskContext
    brief: Brief
    settled: set[str] = field(default_factory=set)
    pending: Substitution | None = None

    def ask(
        self, model: Model, policy: str, *, from_model: str, reason: str, highest: Decimal
    ) -> Flow[Failure | None]:
        """May this paid model be used? None if so, else why not. `highest` is the most it can cost, USD."""
        if model.name in self.settled:
            return None
        if policy == "deny":
            text = f"{model.name} costs money and the cost guard denies paid models (cost_guard.before_paid: deny)"
            return Failure(kind="denied", message=text, provider=model.provider)
        failure = None
        if policy == "warn":
            wanted = self._wanted(model, from_model, reason, highest)
            self.context.publish(PaidModelAhead(task_id=self.brief.task_id, substitution=wanted))
        elif (yield from self._allowed(model)) < to_nano(highest):
            failure = yield from self._confirm(model, self._wanted(model, from_model, reason, highest))
        if failure is None:
            self.settled.add(model.name)
        return failure

    def _allowed(self, model: Model) -> Flow[int]:
        ledger, task_id = self.context.ledger, self.brief.task_id
        left: int = yield Compute(lambda: ledger.allowed(task_id, model.name), BIG)
        return left

    def _wanted(self, model: Model, from_model: str, reason: str, highest: Decimal) -> Substitution:
        return Substitution(
            task_id=self.brief.task_id,
            from_model=from_model,
            to_model=model.name,
            reason=reason or "it is the first model of the chain",
            highest_cost=highest,
            expires=self.context.clock() + VALID_SECONDS,
        )

    def _confirm(self, model: Model, wanted: Substitution) -> Flow[Failure | None]:
        approve = self.context.approve
        answer = None if approve is None else (yield Consult(lambda: approve(wanted)))
        if answer is not None and not isinstance(answer, bool):
            text = f"approve returned {answer!r}"
            raise TaskError(text, field="approve", hint="return True to approve, False to decline, None to wait")
        self.context.publish(PaidModelAhead(task_id=self.brief.task_id, substitution=wanted, approved=answer))
        what = f"asking {model.name} for up to {usd(wanted.highest_cost)}"
        if answer is None:
            self.pending = wanted
            text = f"{what} waits for approval: pass approve=… to execute, or `escalator review` to decide"
            return Failure(kind="pending", message=text, provider=model.provider)
        if not answer:
            return Failure(kind="declined", message=f"{what} was declined", provider=model.provider)
        ledger = self.context.ledger
        ledger.allow(
            wanted.task_id, model.name, to_nano(wanted.highest_cost), expires=ledger.now() + VALID_SECONDS
        )
        return None

    def scopes(self, model: Model, policy: str) -> tuple[Scope, ...]:
        """The approval a call of this model counts to; none where nobody had to be asked."""
        if policy != "confirm":
            return ()
        return (Scope(name=approval_scope(self.brief.task_id, model.name), approved=True),)

    def used_up(self, model: Model, amount: Decimal) -> Failure:
        """The failure of a call beyond what was approved, or after it expired: it needs a new approval."""
        self.settled.discard(model.name)
        self.pending = self._wanted(model, "", "what was approved is used up or has expired", amount)
        text = f"a call of up to {usd(amount)} is more than what is left of the approval for {model.name}"
        return Failure(kind="pending", message=text, provider=model.provider)
