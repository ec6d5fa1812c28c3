"""Reserve, call, settle: the one road on which a request leaves the house.

Every call of every purpose comes through `Spender.spend`. A row is written and money held before the request
is sent, and the true cost is settled after it. A repeated request is a reservation and a row of its own.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from escalator.answers.prompts import digest as prompt_digest
from escalator.errors import LedgerBusyError, LedgerError, ProviderError
from escalator.events import CallFinished, Warned
from escalator.execution.budgets import (
    NOTHING,
    Tariff,
    bound_of,
    is_free,
    most,
    refusal,
    running_cost,
    scopes,
    warnings,
)
from escalator.execution.consent import Consents
from escalator.execution.effects import BIG, Compute, Send, attempted, kept
from escalator.execution.holdups import waited_for
from escalator.execution.journal import REPLIES, CallReply, Record
from escalator.execution.locality import Locality
from escalator.execution.repeats import (
    ADAPTED,
    MOST_ADAPTATIONS,
    TRANSIENT,
    fitting,
    is_adapted,
    may_repeat,
    repeated,
)
from escalator.flow import Flow
from escalator.foreign import shown
from escalator.ledger import Held, Hold, Refused, Scope, Settlement, approval_scope, to_nano, to_usd
from escalator.pricing import PriceRecord
from escalator.records import (
    Brief,
    Call,
    Completion,
    Failure,
    Model,
    Plan,
    Policies,
    Purpose,
    Request,
)
from escalator.steps import Ask, Asked

if TYPE_CHECKING:
    from concurrent.futures import Future

    from escalator.execution.context import TaskContext
    from escalator.ledger import Archive
    from escalator.providers import Provider

NEARLY = 0.05
"""Seconds before its deadline from which on a wait of a task counts as ended by it."""

GRACE = 0.25
"""Seconds beyond its deadline that a task takes at most to write down how it ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where in the walk a call is made. `alone`: the failures after which nobody could answer instead."""

    key: str
    rung: int = -1
    number: int = 0
    alone: frozenset[str] = TRANSIENT
    task_type: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispatched:
    """What came of one request. `call` is None where it was never sent."""

    completion: Completion | None = None
    failure: Failure | None = None
    call: Call | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Digests:
    """What identifies a request, and the part of it that the model reads."""

    request: str
    prompt: str


class Spender:
    """Dispatches the calls of one task. `deadline` is a moment of the context's timer, None for no deadline."""

    def __init__(self, context: TaskContext, brief: Brief, record: Record, *, deadline: float | None) -> None:
        self._context, self._brief, self._record, self._deadline = context, brief, record, deadline
        self.policies = Policies()
        self.before_paid = context.matrix.file.cost_guard.before_paid
        self.consents, self.locality = Consents(context, brief), Locality(context, brief)
        self._unwritten: list[Future[None]] = []
        self._sent = False
        self.notes: list[str] = []
        self.tariff = Tariff(context)

    def under(self, plan: Plan) -> None:
        """Spend under this plan from now on; before it only a classifier is called."""
        self.policies, self.before_paid = plan.policies, plan.before_paid

    def note(self, message: str) -> None:
        """Tell whoever watches, once, and keep it for the outcome."""
        if message and message not in self.notes:
            self.notes.append(message)
            self._context.publish(Warned(task_id=self._brief.task_id, message=message))

    def compare(self, model: Model, highest: Decimal, task_type: str) -> None:
        """Say so where a model may cost more than a budget allows."""
        limited = [scope for scope in self._scopes(task_type) if scope.limit is not None]
        if limited:
            from escalator.execution.said import beyond

            self.note(beyond(model, highest, limited))

    def remaining(self) -> float | None:
        """Seconds until the task's deadline; None if it has none."""
        return None if self._deadline is None else self._deadline - self._context.timer()

    def remaining_with_grace(self) -> float | None:
        """Seconds that may go by until the task's end is written."""
        remaining = self.remaining()
        return None if remaining is None else max(remaining, 0.0) + GRACE

    def overdue(self) -> Failure | None:
        """The failure that ends the task once its deadline has passed."""
        remaining = self.remaining()
        return None if remaining is None or remaining > 0 else self._too_late()

    def nearly_overdue(self) -> bool:
        """Whether a wait that was to end with the deadline may have ended by it."""
        remaining = self.remaining()
        return remaining is not None and remaining < NEARLY

    def _too_late(self, more: str = "") -> Failure:
        text = f"the deadline of {self._brief.deadline:g} s has passed{more}"
        return Failure(kind="deadline", message=text)

    def written(self) -> Flow[None]:
        """Wait until what was settled is written: before anything slow, and at the end."""
        while self._unwritten:
            yield from kept(self._unwritten[0], self.remaining_with_grace())
            del self._unwritten[0]

    def spend(self, step: Ask, place: Place) -> Flow[Asked]:
        """Ask one question, as often as the transport policy allows."""
        sent: list[Call] = []
        digests = digests_of(step.request)

        def once(number: int) -> Flow[Dispatched]:
            here = replace(place, key=f"{place.key}~{number}" if number else place.key)
            request, marks = step.request, digests
            while True:
                reply: Dispatched = yield from self._dispatch(step.purpose, request, here, marks)
                if reply.call is not None:
                    sent.append(reply.call)
                if reply.failure is None or not is_adapted(reply.failure):
                    return reply
                if here.key.endswith(ADAPTED * MOST_ADAPTATIONS):
                    return reply
                here = replace(here, key=here.key + ADAPTED)
                request = fitting(request, reply.failure)
                marks = digests_of(request)

        def worth(failure: Failure | None) -> bool:
            return may_repeat(failure, self.policies, alone=place.alone, remaining=self.remaining())

        first = yield from once(0)
        reply = first
        if first.failure is not None:
            reply = yield from repeated(
                first, once, failure_of=lambda r: r.failure, worth=worth, retries=self.policies.transport_retries
            )
        return Asked(
            completion=reply.completion, failure=reply.failure, calls=tuple(sent), prompt_digest=digests.prompt
        )

    def _dispatch(self, purpose: Purpose, request: Request, place: Place, digests: Digests) -> Flow[Dispatched]:
        entry = self._record.take(place.key, digests.request)
        if entry is not None:
            return self._replayed(REPLIES.load(entry.payload))
        failure = self.overdue() or self.locality.forbidden(request.model)
        if failure is None:
            failure = yield from self.locality.strayed(request.model, remaining=self.remaining())
        if failure is None and not is_free(request.model):
            price = self.tariff.price(request.model)
            failure = unknown_price(request.model) if price is None else None
            if price is not None and request.model.name not in self.consents.settled:
                yield from self.written()
                highest = self.tariff.highest(price, request, times=self.policies.transport_retries + 1)
                self.compare(request.model, highest, place.task_type)
                failure = yield from self.consents.ask(
                    request.model, self.before_paid, from_model="", reason=f"needed as {purpose}", highest=highest
                )
        if failure is not None:
            return Dispatched(failure=failure)
        fresh = self._record.fresh(place.key)
        if fresh != place.key:
            place = replace(place, key=fresh)
        return (yield from self._reserve_and_send(purpose, request, place, digests))

    def _reserve_and_send(
        self, purpose: Purpose, request: Request, place: Place, digests: Digests
    ) -> Flow[Dispatched]:
        model, price = request.model, self.tariff.price(request.model)
        try:
            provider = self._context.provider(model.provider)
        except ProviderError as error:
            return Dispatched(failure=as_failure(error, model))
        amount = NOTHING if is_free(model) or price is None else self.tariff.highest(price, request)
        wanted = self._wanted(purpose, request, place, digests=digests, amount=amount)
        try:
            held = yield from self._hold(wanted, provider, request, price)
        except LedgerBusyError as error:
            if not self.nearly_overdue():
                raise
            return Dispatched(failure=self._too_late(f". {error}"))
        except LedgerError as error:
            if not self._sent:
                raise
            return Dispatched(failure=Failure(kind="cancelled", message=str(error)))  # what was bought is returned
        if isinstance(held, Failure):
            return Dispatched(failure=held)
        return (yield from self._send(purpose, self._timed(request), place, provider=provider, held=held))

    def _hold(
        self, hold: Hold, provider: Provider, request: Request, price: PriceRecord | None
    ) -> Flow[Held | Failure]:
        """Reserve the worst case; where that does not fit, count the tokens exactly, then wait for others."""
        model = request.model
        reply = yield from self._reserve(hold)
        if isinstance(reply, Refused) and price is not None:
            from escalator.execution.counting import counted_in_time

            left = self.remaining()
            counted = yield Compute(lambda: counted_in_time(provider, request, left), size=BIG)
            if counted is not None:
                bound = bound_of(provider, request)
                exact = min(counted + counted // 50 + 1, bound.input_tokens)
                hold = replace(hold, amount=to_nano(most(price, replace(bound, input_tokens=exact))))
                reply = yield from self._reserve(hold)
        if isinstance(reply, Refused) and reply.scope == approval_scope(hold.task_id, model.name):
            return self.consents.used_up(model, to_usd(hold.amount))
        if isinstance(reply, Refused):
            reply = yield from waited_for(
                self._context, hold.task_id, reply, lambda: self._reserve(hold), patience=self._patience()
            )
        if isinstance(reply, Refused):
            return Failure(kind="budget", message=refusal(reply, model.name), provider=model.provider)
        return reply

    def _patience(self) -> float:
        """Seconds a call waits for money that others hold: as the matrix says, within the deadline."""
        patience, remaining = self._context.matrix.file.cost_guard.patience, self.remaining()
        return patience if remaining is None else max(min(patience, remaining), 0.0)

    def _reserve(self, hold: Hold) -> Flow[Held | Refused]:
        """Hold the money; where the caller goes away meanwhile, nothing is sent and so nothing is held."""
        ledger = self._context.ledger
        reserving = ledger.reserve(hold)
        try:
            remaining = self.remaining()
            within = None if remaining is None else max(remaining, 0.0)
            reply: Held | Refused | LedgerError = yield from attempted(reserving, within)
        except BaseException:
            if not reserving.cancel():  # the answer is on its way, or here already
                reserving.add_done_callback(lambda done: _give_back(ledger, done))
            raise
        if isinstance(reply, LedgerError):
            raise reply
        return reply

    def _send(
        self, purpose: Purpose, request: Request, place: Place, *, provider: Provider, held: Held
    ) -> Flow[Dispatched]:
        since, started = self._context.clock(), self._context.timer()
        self._sent = True
        reply: Completion | ProviderError = yield Send(provider, request)
        seconds = self._context.timer() - started
        base = Call(
            purpose=purpose,
            model=request.model.name,
            provider=request.model.provider,
            rung=place.rung,
            simulated=request.model.simulated,
            seconds=seconds,
            running_cost=running_cost(request.model, seconds),
        )
        done = self._read(reply, base, request, held=to_usd(held.amount), since=since)
        call = done.call or base
        payload = REPLIES.dump(CallReply(call=call, completion=done.completion, failure=done.failure))
        settlement = _settlement(call, payload, failed=done.failure is not None)
        self._unwritten.append(self._context.ledger.settle(held.hold_id, settlement))
        if done.failure is not None or len(payload) >= BIG:
            yield from self.written()  # a wait or a long computation may come first
        self._context.publish(CallFinished(task_id=self._brief.task_id, call=call))
        return done

    def _read(
        self, reply: Completion | ProviderError, base: Call, request: Request, *, held: Decimal, since: float
    ) -> Dispatched:
        model = request.model
        if isinstance(reply, ProviderError):
            charged, usage = self.tariff.of_failure(reply, request, held)
            call = replace(base, error=reply.kind, cost=charged, usage=usage)
            late = self.overdue() if reply.kind == "timeout" else None  # its time was what the deadline left
            return Dispatched(failure=late or as_failure(reply, model), call=call)
        billed = self.tariff.cost(model, reply, held, since=since)
        call = replace(
            base,
            answered_by=shown(reply.model),
            finish=shown(reply.finish),
            condition=reply.condition,
            usage=reply.usage,
            cost=billed,
            cache_saved=self.tariff.cache_saved(model, reply, since=since),
            warnings=warnings(request, reply, held=held, billed=billed, matrix=self._context.matrix),
        )
        if reply.host and model.local:
            return Dispatched(failure=self.locality.elsewhere(model, reply.host), call=call)
        return Dispatched(completion=reply, call=call)

    def _replayed(self, reply: CallReply) -> Dispatched:
        self._context.publish(CallFinished(task_id=self._brief.task_id, call=reply.call, replayed=True))
        return Dispatched(completion=reply.completion, failure=reply.failure, call=reply.call)

    def _scopes(self, task_type: str) -> tuple[Scope, ...]:
        """Every budget that a call of this task counts to."""
        file = self._context.matrix.file
        now = self._context.ledger.now()
        return scopes(file.cost_guard.budgets, self._brief, task_type=task_type, team=file.team, now=now)

    def _wanted(
        self, purpose: Purpose, request: Request, place: Place, *, digests: Digests, amount: Decimal
    ) -> Hold:
        model = request.model
        return Hold(
            task_id=self._brief.task_id,
            key=place.key,
            digest=digests.request,
            amount=to_nano(amount),
            scopes=self._scopes(place.task_type)
            + (() if is_free(model) else self.consents.scopes(model, self.before_paid)),
            purpose=purpose,
            model=model.name,
            provider=model.provider,
            rung=place.rung,
            number=place.number,
            effort=request.effort or "",
            prompt_digest=digests.prompt,
            local=model.local,
        )

    def _timed(self, request: Request) -> Request:
        """The request with its timeouts cut to what the deadline leaves."""
        remaining = self.remaining()
        limits = request.timeouts
        if remaining is None or remaining >= limits.total:
            return request
        first = min(limits.first_byte, remaining)
        return replace(request, timeouts=replace(limits, first_byte=first, total=remaining))


def _give_back(ledger: Archive, done: Future[Held | Refused]) -> None:
    """Release the hold that a reservation came to after its caller had gone: no request was sent under it."""
    if done.exception() is None and isinstance(held := done.result(), Held):
        with suppress(LedgerError):  # a ledger that is closed by now counts the call as doubtful
            ledger.settle(held.hold_id, Settlement(cost=0, state="failed", payload="", error="not_sent"))


def unknown_price(model: Model) -> Failure:
    """Nobody knows what the model costs, so it is not asked."""
    text = f"nobody knows the price of {model.id}; write models.{model.name}.price in the matrix"
    return Failure(kind="unknown_price", message=text, provider=model.provider)


def as_failure(error: ProviderError, model: Model) -> Failure:
    """A provider's error as a value."""
    return Failure(
        kind=error.kind,
        message=error.message,
        provider=model.provider,
        retry_after=error.retry_after,
        needed=error.needed,
        limit=error.limit,
    )


def digests_of(request: Request) -> Digests:
    """Identifies a request: what is asked, of whom, how hard and within which bounds."""
    model, prompt = request.model, prompt_digest(request)
    bounds = (request.max_tokens, request.effort, request.temperature, request.seed)
    whole = sha256(repr((prompt, model.name, model.id, *bounds)).encode()).hexdigest()[:32]
    return Digests(request=whole, prompt=prompt)


def _settlement(call: Call, payload: str, *, failed: bool) -> Settlement:
    return Settlement(
        cost=to_nano(call.cost),
        state="failed" if failed else "done",
        payload=payload,
        usage=call.usage,
        answered_by=call.answered_by,
        finish=call.finish,
        error=call.error or "",
        seconds=call.seconds,
        cache_saved=to_nano(call.cache_saved),
    )
