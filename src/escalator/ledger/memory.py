"""A ledger that lives and dies with the process: the same promises as the durable ones, minus durability."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeVar

from escalator.errors import LedgerError
from escalator.ledger.protocol import (
    CallState,
    Closing,
    Entry,
    Held,
    Hold,
    Opened,
    Refused,
    Scope,
    Settlement,
    TaskRow,
    TaskState,
)

T = TypeVar("T")


@dataclass(slots=True)
class Money:
    """Nano-dollars of one scope."""

    spent: int = 0
    held: int = 0


@dataclass(slots=True)
class CallSlot:
    """One call under one key; `held` is 0 once it is settled, `settlement` None until then."""

    id: int
    hold: Hold
    sent: float
    state: CallState = "sent"
    held: int = 0
    cost: int = 0
    ended: float | None = None
    settlement: Settlement | None = None
    payload: str = ""


@dataclass(slots=True)
class TaskSlot:
    """One task and everything recorded for it. `current` is the newest call of each key."""

    row: TaskRow
    opened: float
    state: TaskState = "open"
    owned: bool = True
    outcome: str = ""
    closing: Closing | None = None
    closed: float | None = None
    notes: dict[str, Entry] = field(default_factory=dict)
    current: dict[str, CallSlot] = field(default_factory=dict)
    calls: list[CallSlot] = field(default_factory=list)


def resolved(value: T) -> Future[T]:
    """A future that already has its value."""
    future: Future[T] = Future()
    future.set_result(value)
    return future


class MemoryLedger:
    """The ledger protocol over dictionaries: thread-safe, every returned future is already resolved.

    Errors are raised at the call, not stored in the future. `crash()` plays the death of the process, so that
    a resume can be tried without one.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, store_answers: bool = True) -> None:
        self._clock, self._store_answers = clock, store_answers
        self._lock = threading.RLock()
        self._money: dict[str, Money] = {}
        self._tasks: dict[str, TaskSlot] = {}
        self._calls: dict[int, CallSlot] = {}

    def open_task(self, row: TaskRow) -> Future[Opened]:
        """Store the task if it is new and claim it; see `Opened`."""
        with self._lock:
            slot = self._tasks.get(row.task_id)
            if slot is None:
                self._tasks[row.task_id] = TaskSlot(row=row, opened=self._clock())
                return resolved(Opened(status="new", row=row))
            if slot.state in ("accepted", "skipped"):
                return resolved(Opened(status="closed", row=slot.row, outcome=slot.outcome))
            if slot.owned:
                return resolved(Opened(status="running", row=slot.row))
            slot.owned, slot.state = True, "open"
            return resolved(Opened(status="resumed", row=slot.row, entries=_entries(slot)))

    def reserve(self, hold: Hold) -> Future[Held | Refused]:
        """Hold money in every scope and note the call as sent, or refuse."""
        if hold.amount < 0:
            raise LedgerError(f"A call cannot hold {hold.amount} nano-dollars; give an upper bound of its price.")
        with self._lock:
            task = self._owned(hold.task_id)
            earlier = task.current.get(hold.key)
            if earlier is not None:
                refuse_second_purchase(hold, earlier.state, kept=bool(earlier.payload))
            refusal = self._refusal(hold)
            if refusal is not None:
                return resolved(refusal)
            for scope in _distinct(hold.scopes):
                self._money.setdefault(scope.name, Money()).held += hold.amount
            call = CallSlot(id=len(self._calls) + 1, hold=hold, sent=self._clock(), held=hold.amount)
            self._calls[call.id] = call
            task.current.pop(hold.key, None)
            task.current[hold.key] = call
            task.calls.append(call)
            return resolved(Held(hold_id=call.id))

    def settle(self, hold_id: int, settlement: Settlement) -> Future[None]:
        """Release the hold, count the true cost to the same scopes and keep the reply. A second time: nothing."""
        with self._lock:
            call = self._calls.get(hold_id)
            if call is None:
                raise LedgerError(f"There is no hold {hold_id} in this ledger; settle what `reserve` returned.")
            if call.state in ("sent", "doubt"):
                self._move(call, held=0, cost=settlement.cost)
                call.state, call.settlement, call.ended = settlement.state, settlement, self._clock()
                call.payload = settlement.payload if self._store_answers else ""
        return resolved(None)

    def record(self, task_id: str, entry: Entry) -> Future[None]:
        """Keep a reply that cost nothing; the same key again replaces it."""
        with self._lock:
            notes = self._owned(task_id).notes
            notes.pop(entry.key, None)
            notes[entry.key] = entry
        return resolved(None)

    def close_task(self, task_id: str, closing: Closing) -> Future[None]:
        """Keep the outcome and give the task up; calls still under way become doubtful."""
        with self._lock:
            slot = self._owned(task_id)
            self._give_up(slot)
            slot.state, slot.closing, slot.closed = closing.status, closing, self._clock()
            slot.outcome = closing.outcome if self._store_answers else ""
        return resolved(None)

    def release(self, task_id: str) -> Future[None]:
        """Give the task up without closing it."""
        with self._lock:
            self._give_up(self._owned(task_id))
        return resolved(None)

    def spent(self, scopes: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Nano-dollars (spent, held) of each scope, in doubt counted as spent."""
        with self._lock:
            money = {name: self._money.get(name, Money()) for name in scopes}
            return {name: (of.spent, of.held) for name, of in money.items()}

    def now(self) -> float:
        """The ledger's clock."""
        return self._clock()

    def trouble(self) -> str:
        """Always empty: nothing waits to be written."""
        return ""

    def close(self) -> None:
        """Give every task up, as a process that ends does."""
        self.crash()

    def crash(self) -> None:
        """As if the process had died here: tasks lose their owner, calls under way become doubtful."""
        with self._lock:
            for slot in self._tasks.values():
                if slot.owned:
                    self._give_up(slot)

    def _owned(self, task_id: str) -> TaskSlot:
        slot = self._tasks.get(task_id)
        if slot is None or not slot.owned:
            raise not_ours(task_id)
        return slot

    def _refusal(self, hold: Hold) -> Refused | None:
        for scope in _distinct(hold.scopes) if hold.amount else ():
            money = self._money.get(scope.name, Money())
            if scope.limit is not None and money.spent + money.held + hold.amount > scope.limit:
                return Refused(
                    scope=scope.name, limit=scope.limit, spent=money.spent, held=money.held, amount=hold.amount
                )
        return None

    def _give_up(self, slot: TaskSlot) -> None:
        slot.owned = False
        for call in slot.calls:
            if call.state == "sent":
                self._move(call, held=0, cost=call.held)
                call.state, call.ended = "doubt", self._clock()

    def _move(self, call: CallSlot, *, held: int, cost: int) -> None:
        for scope in _distinct(call.hold.scopes):
            money = self._money.setdefault(scope.name, Money())
            money.held += held - call.held
            money.spent += cost - call.cost
        call.held, call.cost = held, cost


def refuse_second_purchase(hold: Hold, state: CallState, *, kept: bool) -> None:
    """Raise `LedgerError` where the key was bought already or is being bought now.

    A failed or doubtful call may be tried again, and so may one whose answer was not kept.
    """
    if state == "sent" or (state == "done" and kept):
        what = "is under way" if state == "sent" else "was paid for already"
        raise LedgerError(
            f"The call {hold.key!r} of task {hold.task_id!r} {what}; use the recorded answer, or another key."
        )


def not_ours(task_id: str) -> LedgerError:
    """The error for a write to a task that this ledger has not opened, or that another worker took over."""
    return LedgerError(
        f"Task {task_id!r} is not held by this process, so nothing may be spent or recorded for it; open it first."
    )


def _distinct(scopes: Sequence[Scope]) -> tuple[Scope, ...]:
    return tuple({scope.name: scope for scope in scopes}.values())


def _entries(slot: TaskSlot) -> tuple[Entry, ...]:
    calls = (
        Entry(key=key, kind="call", digest=call.hold.digest, payload=call.payload, state=call.state)
        for key, call in slot.current.items()
    )
    return (*calls, *slot.notes.values())
