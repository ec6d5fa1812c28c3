"""What a ledger is: the journal, the budget, the log and the review queue in one durable store.

Writes return a `concurrent.futures.Future` that is resolved after the commit, so one protocol serves threads
(`.result()`) and event loops (`asyncio.wrap_future`). Money is integer nano-dollars (1e-9 USD) here and
`Decimal` USD everywhere else. All times are seconds since the epoch, read from the ledger's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from escalator.records import Effort, OutcomeStatus, Purpose, Usage
from escalator.records.calls import exactly

NANO = Decimal(1_000_000_000)

TaskState: TypeAlias = Literal["open", "accepted", "needs_review", "skipped", "stopped"]
"""`stopped` and `needs_review` can be resumed; `accepted` and `skipped` are final."""

FINAL = frozenset({"accepted", "skipped"})
"""States in which a task is never opened again."""

CallState: TypeAlias = Literal["sent", "done", "failed", "doubt"]
"""sent: money held, no answer recorded yet. doubt: the process died in between, counted at the full hold."""


@exactly
def to_nano(usd: Decimal) -> int:
    """USD to integer nano-dollars, rounded up so that the books never understate a charge."""
    return int((usd * NANO).to_integral_value(rounding=ROUND_CEILING))


@exactly
def to_usd(nano: int) -> Decimal:
    """Integer nano-dollars to USD, exactly."""
    return Decimal(nano) / NANO


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A budget a call counts to, such as "day:2026-11-21" or "type:critical:day:2026-11-21".

    `limit` is nano-dollars; None counts without limiting. `approved`: the limit is the one `Ledger.allow` gave;
    without an approval, or after it expired, the call is refused.
    """

    name: str
    limit: int | None = None
    approved: bool = False


_OWN = "task:"


def own_scope(task_id: str) -> str:
    """The name of a task's own budget, which is counted from its calls."""
    return f"{_OWN}{task_id}"


def task_of(scope: str) -> str | None:
    """The task whose own budget this is; None for any other."""
    return scope.removeprefix(_OWN) if scope.startswith(_OWN) else None


def approval_scope(task_id: str, model: str) -> str:
    """The name of what a paid model may cost a task after somebody allowed it."""
    return f"approval:{model}:{task_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRow:
    """A task as it is stored before anything is done for it. `brief` and `plan` are JSON texts; the plan of a task
    that a model is yet to classify is a list of the validators it must have, null for those of its type.
    """

    task_id: str
    brief: str
    plan: str
    task_type: str
    complexity: float
    description: str = ""
    team: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One recorded reply. `key` is the step's place in the walk, stable over a resume; `digest` identifies
    what was asked, so that a resume under a changed library notices. `payload` is JSON.
    """

    key: str
    kind: Literal["call", "verdict", "note"]
    digest: str
    payload: str
    state: CallState = "done"


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """What the ledger knows of a task that is opened: new, to be resumed with `entries`, or settled.

    `running`: another live process works on it. `outcome`: the outcome (JSON) the task was closed with last.
    `row`: what was stored when the task was first opened, which a resume must use. `entries`: the newest call
    of each key in the order they were sent, then everything else in the order it was recorded.
    """

    status: Literal["new", "resumed", "closed", "running"]
    row: TaskRow
    entries: tuple[Entry, ...] = ()
    outcome: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Money to be reserved for one call, and what the log should say of it. `amount` is nano-dollars."""

    task_id: str
    key: str
    digest: str
    amount: int
    scopes: tuple[Scope, ...]
    purpose: Purpose
    model: str
    provider: str
    rung: int = -1
    number: int = 0
    effort: str = ""
    prompt_digest: str = ""
    local: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """The money is reserved: `amount` nano-dollars, which are all that a call without figures is charged.

    `hold_id` settles it.
    """

    hold_id: int
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The reservation would pass a limit. All figures are nano-dollars."""

    scope: str
    limit: int
    spent: int
    held: int
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What a call came to. `cost` may exceed the hold (an overrun: recorded as it is, never clamped).

    `payload` is the reply as JSON, from which a resume rebuilds it. `cache_saved`: nano-dollars that the cache of
    the provider saved, negative where it was only written.
    """

    cost: int
    state: Literal["done", "failed"]
    payload: str
    usage: Usage = Usage()
    answered_by: str = ""
    finish: str = ""
    error: str = ""
    seconds: float = 0.0
    cache_saved: int = 0


TryResult: TypeAlias = Literal["passed", "failed", "inconclusive", "unusable", "unavailable"]
"""What became of one attempt. unusable: no change set could be taken from the answer. unavailable: the
provider failed, which says nothing of the model's ability."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One attempt as the log has it. `cause` names the validator, rejection or error that ended it; `cost` is
    nano-dollars with the checker's calls included; `validation` lists the validators that judged it.
    """

    model: str
    result: TryResult
    rung: int = 0
    number: int = 1
    answered_by: str = ""
    checker: str = ""
    effort: Effort | Literal[""] = ""
    cause: str = ""
    validation: str = ""
    cost: int = 0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Closing:
    """How a task ended, for the log and its roll-ups. `outcome` is JSON; money is nano-dollars. `tries` are all
    attempts of the task, those before a resume included: a later closing replaces the earlier one.
    """

    status: OutcomeStatus
    reason: str
    outcome: str
    worker: str = ""
    checker: str = ""
    attempts: int = 0
    retries: int = 0
    fallbacks: int = 0
    escalations: int = 0
    validation: str = ""
    seconds: float = 0.0
    cost: int = 0
    baseline: int | None = None
    tries: tuple[Tried, ...] = ()


@runtime_checkable
class Ledger(Protocol):
    """The durable store. Implementations: SQLite, PostgreSQL, and in memory for tests."""

    def open_task(self, row: TaskRow, *, new: bool = False) -> Future[Opened]:
        """Store the task if it is new and claim it for this process; see `Opened`.

        `new`: its id was made for it just now, so nobody else can know it. It may then be written only with the
        next write.
        """
        ...

    def plan_task(self, row: TaskRow) -> Future[None]:
        """Store the plan of a task that was opened without one, with its type and complexity."""
        ...

    def reserve(self, hold: Hold) -> Future[Held | Refused]:
        """Hold money in every scope and write the call as sent, in one transaction, or refuse."""
        ...

    def settle(self, hold_id: int, settlement: Settlement) -> Future[None]:
        """Release the hold, count the true cost to the same scopes and store the reply.

        It may be written only with the next write, or when the future is asked: who starts something slow waits
        for it first.
        """
        ...

    def record(self, task_id: str, entry: Entry) -> Future[None]:
        """Store a reply that cost nothing (a verdict, an admission). It may be written only with the next write,
        or when the future is asked through its own methods or `asyncio.wrap_future`.
        """
        ...

    def close_task(self, task_id: str, closing: Closing) -> Future[None]:
        """Store the outcome and give the task up; stopped and needs_review tasks can be opened again."""
        ...

    def release(self, task_id: str) -> Future[None]:
        """Give the task up without closing it, as after a bug: calls under way become doubtful, it stays open."""
        ...

    def allow(self, task_id: str, model: str, amount: int, *, expires: float) -> Future[None]:
        """Approve a paid model for a task: up to so many nano-dollars more, until then (seconds since the epoch).

        It replaces an earlier approval and may be written only with the next write.
        """
        ...

    def allowed(self, task_id: str, model: str) -> int:
        """Nano-dollars left of an approval; 0 where there is none or it has expired."""
        ...

    def now(self) -> float:
        """The ledger's clock, which decides the day a budget scope is named after."""
        ...

    def trouble(self) -> str:
        """Why writes are waiting in memory (a full disk, a lost server), as a sentence; empty if all is well."""
        ...

    def spent(self, scopes: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Nano-dollars (spent, held) of each scope, in doubt counted as spent."""
        ...

    def close(self) -> None:
        """Wait for writes under way and release the store. Raises `LedgerError` if some could not be written."""
        ...
