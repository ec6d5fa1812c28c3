"""Tasks, holds and replies over dictionaries: the writing half of the ledger in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
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
from escalator.ledger.refusals import no_hold, not_ours, refuse_negative, refuse_second_purchase

T = TypeVar("T")

FINAL = ("accepted", "skipped")
"""States in which a task is never opened again."""


@dataclass(slots=True)
class Money:
    """Nano-dollars of one scope."""

    spent: int = 0
    held: int = 0


@dataclass(slots=True)
class CallSlot:
    """One call; `held` is 0 once it is settled, `settlement` None until then."""

    id: int
    hold: Hold
    sent: float
    state: CallState = "sent"
    held: int = 0
    cost: int = 0
    ended: float | None = None
    settlement: Settlement | None = None
    payload: str | None = None

    @property
    def entry(self) -> Entry:
        """The call as the journal has it."""
        hold = self.hold
        return Entry(key=hold.key, kind="call", digest=hold.digest, payload=self.payload or "", state=self.state)


@dataclass(slots=True)
class TaskSlot:
    """One task and everything recorded for it. `current` is the newest call of each key."""

    row: TaskRow
    opened: float
    state: TaskState = "open"
    owned: bool = True
    forgotten: bool = False
    outcome: str = ""
    closing: Closing | None = None
    closed: float | None = None
    first_try: int = 0
    notes: dict[str, Entry] = field(default_factory=dict)
    current: dict[str, CallSlot] = field(default_factory=dict)
    calls: list[CallSlot] = field(default_factory=list)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The newest call of each key, then the other replies."""
        return (*(call.entry for call in self.current.values()), *self.notes.values())

    @property
    def found(self) -> Opened:
        """What opening the task would find."""
        if self.state in FINAL:
            return Opened(status="closed", row=self.row, entries=self.entries, outcome=self.outcome)
        return Opened(status="running" if self.owned else "resumed", row=self.row, entries=self.entries)


class MemoryBooks:
    """Tasks, holds and replies over dictionaries; `MemoryLedger` adds what can be read."""

    def __init__(self, *, clock: Callable[[], float] = time.time, store_answers: bool = True) -> None:
        self._clock, self._store_answers = clock, store_answers
        self._lock = threading.RLock()
        self._money: dict[str, Money] = {}
        self._tasks: dict[str, TaskSlot] = {}
        self._calls: dict[int, CallSlot] = {}
        self._tries = 0

    def open_task(self, row: TaskRow) -> Future[Opened]:
        """Store the task if it is new and claim it; see `Opened`."""
        return self._do(lambda: self._open(row))

    def plan_task(self, row: TaskRow) -> Future[None]:
        """Keep the plan of a task that was opened without one."""
        return self._do(lambda: self._plan(row))

    def reserve(self, hold: Hold) -> Future[Held | Refused]:
        """Hold money in every scope and note the call as sent, or refuse."""
        return self._do(lambda: self._reserve(hold))

    def settle(self, hold_id: int, settlement: Settlement) -> Future[None]:
        """Release the hold, count the true cost to the same scopes and keep the reply. A second time: nothing."""
        return self._do(lambda: self._settle(hold_id, settlement))

    def record(self, task_id: str, entry: Entry) -> Future[None]:
        """Keep a reply that cost nothing; the same key again replaces it."""
        return self._do(lambda: self._record(task_id, entry))

    def close_task(self, task_id: str, closing: Closing) -> Future[None]:
        """Keep the outcome and give the task up; calls still under way become doubtful."""
        return self._do(lambda: self._close(task_id, closing))

    def release(self, task_id: str) -> Future[None]:
        """Give the task up without closing it."""
        return self._do(lambda: self._give_up(self._owned(task_id)))

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

    def _do(self, work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            try:
                future.set_result(work())
            except LedgerError as error:
                future.set_exception(error)
        return future

    def _owned(self, task_id: str) -> TaskSlot:
        slot = self._tasks.get(task_id)
        if slot is None or not slot.owned:
            raise not_ours(task_id)
        return slot

    def _open(self, row: TaskRow) -> Opened:
        slot = self._tasks.get(row.task_id)
        if slot is None:
            self._tasks[row.task_id] = TaskSlot(row=row, opened=self._clock())
            return Opened(status="new", row=row)
        found = slot.found
        if found.status != "resumed":
            return replace(found, entries=())
        slot.owned, slot.state = True, "open"
        return found

    def _plan(self, row: TaskRow) -> None:
        slot = self._owned(row.task_id)
        slot.row = replace(slot.row, plan=row.plan, task_type=row.task_type, complexity=row.complexity)

    def _reserve(self, hold: Hold) -> Held | Refused:
        refuse_negative(hold)
        task = self._owned(hold.task_id)
        earlier = task.current.get(hold.key)
        if earlier is not None:
            refuse_second_purchase(hold, earlier.state, kept=earlier.payload is not None)
        scopes = _distinct(hold.scopes)
        for scope in scopes if hold.amount else ():
            money = self._money.get(scope.name, Money())
            if scope.limit is not None and money.spent + money.held + hold.amount > scope.limit:
                return Refused(
                    scope=scope.name, limit=scope.limit, spent=money.spent, held=money.held, amount=hold.amount
                )
        call = CallSlot(id=len(self._calls) + 1, hold=replace(hold, scopes=scopes), sent=self._clock())
        self._move(call, held=hold.amount, cost=0)
        self._calls[call.id] = call
        task.current.pop(hold.key, None)
        task.current[hold.key] = call
        task.calls.append(call)
        return Held(hold_id=call.id)

    def _settle(self, hold_id: int, settlement: Settlement) -> None:
        call = self._calls.get(hold_id)
        if call is None:
            raise no_hold(hold_id)
        if call.state in ("sent", "doubt"):
            self._move(call, held=0, cost=settlement.cost)
            call.state, call.settlement, call.ended = settlement.state, settlement, self._clock()
            call.payload = settlement.payload if self._store_answers else None

    def _record(self, task_id: str, entry: Entry) -> None:
        notes = self._owned(task_id).notes
        notes.pop(entry.key, None)
        notes[entry.key] = entry

    def _close(self, task_id: str, closing: Closing) -> None:
        slot = self._owned(task_id)
        self._give_up(slot)
        slot.state, slot.closing, slot.closed = closing.status, closing, self._clock()
        slot.first_try = self._tries + 1
        self._tries += len(closing.tries)
        if self._store_answers:
            slot.outcome = closing.outcome
        elif slot.state in FINAL:
            slot.row = replace(slot.row, brief="", plan="")

    def _give_up(self, slot: TaskSlot) -> None:
        slot.owned = False
        for call in slot.calls:
            if call.state == "sent":
                self._move(call, held=0, cost=call.held)
                call.state, call.ended = "doubt", self._clock()

    def _move(self, call: CallSlot, *, held: int, cost: int) -> None:
        for scope in call.hold.scopes:
            money = self._money.setdefault(scope.name, Money())
            money.held += held - call.held
            money.spent += cost - call.cost
        call.held, call.cost = held, cost


def _distinct(scopes: Sequence[Scope]) -> tuple[Scope, ...]:
    return tuple({scope.name: scope for scope in scopes}.values())
