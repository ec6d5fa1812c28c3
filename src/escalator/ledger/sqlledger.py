"""The protocol over a database: what is asked becomes a request to the writer, or a question to a reader."""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from escalator.ledger import money, queues, rows, tally, tasks
from escalator.ledger.examining import Examined, examine
from escalator.ledger.log import (
    AnyTally,
    CallRecord,
    Decision,
    LogQuery,
    Review,
    ReviewKind,
    ReviewState,
    TaskRecord,
    TryRecord,
    Waiting,
)
from escalator.ledger.protocol import Closing, Entry, Held, Hold, Opened, Refused, Settlement, TaskRow
from escalator.ledger.session import Reading, Session, clean
from escalator.ledger.writer import Undo

T = TypeVar("T")


class Writing(Protocol):
    """Who writes: what is submitted is done in a transaction, and its future resolved after the commit."""

    def submit(self, work: Callable[[Session], T], *, keep: bool = False, undo: Undo | None = None) -> Future[T]:
        """Write, and resolve the future after the commit."""
        ...

    def submit_with_next(self, work: Callable[[Session], T]) -> Future[T]:
        """Write together with the next request, or at once when somebody asks for the future's result."""
        ...

    def trouble(self) -> str:
        """Why writes are waiting, as a sentence; empty if all is well."""
        ...

    def close(self) -> None:
        """Write everything that waits."""
        ...


class Database(Protocol):
    """A store that can be written, read, closed, and left behind by a fork."""

    def writer(self) -> Writing:
        """Who writes to it."""
        ...

    def reading(self) -> AbstractContextManager[Reading]:
        """Something to read from for the length of the block."""
        ...

    def now(self) -> float:
        """The ledger's clock."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...

    def abandon(self) -> list[Any]:
        """In a forked child: let go of what the parent still uses; returns what must not be finalised."""
        ...

    def again(self) -> Database:
        """The same store, opened anew."""
        ...


class SqlLedger:
    """A ledger in a database. A forked child gets connections and a name of its own at its first use."""

    def __init__(self, database: Database, *, store_answers: bool) -> None:
        self._keep = store_answers
        self._start(database)
        _LIVING.add(self)

    def _start(self, database: Database) -> None:
        self._database = database
        self._writer = database.writer()
        self._pid = os.getpid()
        self._closed = self._orphaned = False

    def _writing(self) -> Writing:
        if self._pid != os.getpid():
            self._start(self._database.again())
        return self._writer

    def _reading(self) -> AbstractContextManager[Reading]:
        self._writing()
        return self._database.reading()

    def open_task(self, row: TaskRow, *, new: bool = False) -> Future[Opened]:
        """Store the task if it is new and claim it for this process; see `Opened`.

        `new`: its id was made for it just now, so that it can be written together with its first call.
        """
        writing = self._writing()
        submit = writing.submit_with_next if new else writing.submit
        return submit(lambda session: tasks.open_task(session, row, new=new))

    def plan_task(self, row: TaskRow) -> Future[None]:
        """Store the plan of a task that was opened without one. It is written with the next write."""
        return self._writing().submit_with_next(lambda session: tasks.plan_task(session, row))

    def reserve(self, hold: Hold) -> Future[Held | Refused]:
        """Hold money in every scope and write the call as sent, in one transaction, or refuse.

        Raises (from the future) `LedgerError` if the task is not held by this process, if the key was bought
        already, or if the store cannot be written. A future cancelled in time holds nothing.
        """
        return self._writing().submit(
            lambda session: money.reserve(session, hold),
            undo=lambda session, value: money.void(session, hold, value),
        )

    def settle(self, hold_id: int, settlement: Settlement) -> Future[None]:
        """Release the hold, count the true cost to the same scopes and store the reply. A second time: nothing.

        It is written with the next write, or when its future is asked (`result`, `asyncio.wrap_future`).
        While the store cannot be written this waits in memory and the future is resolved all the same; see
        `trouble`.
        """
        return self._writing().submit_with_next(
            lambda session: money.settle(session, hold_id, settlement, keep=self._keep)
        )

    def record(self, task_id: str, entry: Entry) -> Future[None]:
        """Store a reply that cost nothing; the same key again replaces it. Waits in memory like `settle`.

        It is written with the next write, or when its future is asked (`result`, `asyncio.wrap_future`).
        """
        return self._writing().submit_with_next(lambda session: tasks.record(session, task_id, entry))

    def close_task(self, task_id: str, closing: Closing) -> Future[None]:
        """Store the outcome and give the task up. Waits in memory like `settle`."""
        return self._writing().submit(
            lambda session: tasks.close_task(session, task_id, closing, keep=self._keep), keep=True
        )

    def release(self, task_id: str) -> Future[None]:
        """Give the task up without closing it; calls under way become doubtful."""
        return self._writing().submit(lambda session: tasks.release(session, task_id), keep=True)

    def allow(self, task_id: str, model: str, amount: int, *, expires: float) -> Future[None]:
        """Approve a paid model for a task. It is written with the next write, or when its future is asked."""
        return self._writing().submit_with_next(
            lambda session: money.allow(session, task_id, model, amount=amount, expires=expires)
        )

    def allowed(self, task_id: str, model: str) -> int:
        """Nano-dollars left of an approval."""
        with self._reading() as session:
            return money.allowed(session, task_id, model, self.now())

    def spent(self, scopes: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Nano-dollars (spent, held) of each scope, in doubt counted as spent."""
        with self._reading() as session:
            return money.spent(session, scopes)

    def now(self) -> float:
        """The ledger's clock."""
        return self._database.now()

    def trouble(self) -> str:
        """Why writes are waiting in memory, as a sentence; empty if all is well."""
        return self._writer.trouble()

    def close(self) -> None:
        """Write what waits and release the store. Raises `LedgerError` if something could not be written."""
        if self._closed or self._pid != os.getpid():
            return
        self._closed = True
        try:
            self._writer.close()
        finally:
            self._database.close()

    def tasks(self, query: LogQuery = LogQuery()) -> list[TaskRecord]:  # noqa: B008
        """Tasks by the time they were opened."""
        with self._reading() as session:
            return rows.tasks(session, query)

    def tries(self, query: LogQuery = LogQuery()) -> list[TryRecord]:  # noqa: B008
        """Attempts of closed tasks."""
        with self._reading() as session:
            return rows.tries(session, query)

    def calls(self, query: LogQuery = LogQuery()) -> list[CallRecord]:  # noqa: B008
        """Model calls, those under way included."""
        with self._reading() as session:
            return rows.calls(session, query)

    def look(self, task_id: str) -> Opened | None:
        """What opening the task would find, without claiming it."""
        with self._reading() as session:
            return tasks.look(session, task_id)

    def examine(self, task_id: str) -> Examined | None:
        """Whether the rows of a task are what was written; None for a task nobody knows."""
        with self._reading() as session:
            return examine(session, clean(task_id))

    def tally(
        self, kind: type[AnyTally], by: Sequence[str], *, since: str = "", until: str = ""
    ) -> list[AnyTally]:
        """Sums grouped by some of `DIMENSIONS[kind]`."""
        with self._reading() as session:
            return tally.read(session, kind, by, since=since, until=until)

    def cache_saved(self, *, since: str = "", until: str = "") -> int:
        """Nano-dollars that providers' caches saved on the calls of those days, both included."""
        with self._reading() as session:
            return rows.cache_saved(session, since=since, until=until)

    def sweep(self) -> Future[int]:
        """Give up the tasks of every process that died; returns how many."""
        return self._writing().submit(tasks.sweep)

    def forget(self, before: float) -> Future[int]:
        """Erase prompts, answers and outcomes of up to 100 final tasks closed before that time."""
        return self._writing().submit(lambda session: rows.forget(session, before))

    def review_add(self, task_id: str, kind: ReviewKind, summary: str, payload: str) -> Future[int]:
        """Ask for a decision and return its id."""
        return self._writing().submit(
            lambda session: queues.review_add(session, task_id, kind, summary=summary, payload=payload)
        )

    def review_decide(self, review_id: int, decision: Decision, *, by: str, note: str = "") -> Future[Review]:
        """Decide a waiting review."""
        return self._writing().submit(
            lambda session: queues.review_decide(session, review_id, decision, by=by, note=note)
        )

    def review(self, review_id: int) -> Review | None:
        """One review, or None."""
        with self._reading() as session:
            return queues.review(session, review_id)

    def reviews(self, *, state: ReviewState | None = None, task_id: str = "") -> list[Review]:
        """Reviews, oldest first."""
        with self._reading() as session:
            return queues.reviews(session, state, task_id)

    def prompt_add(self, task_id: str, *, provider: str, model: str, reason: str, payload: str) -> Future[int]:
        """Queue a prompt nobody could serve."""
        return self._writing().submit(
            lambda session: queues.prompt_add(
                session, task_id, provider=provider, model=model, reason=reason, payload=payload
            )
        )

    def prompt_take(self, provider: str = "") -> Future[Waiting | None]:
        """The oldest prompt that no live process has taken, now taken by this one."""
        return self._writing().submit(lambda session: queues.prompt_take(session, provider))

    def prompt_drop(self, prompt_id: int) -> Future[None]:
        """Remove a prompt that was served."""
        return self._writing().submit(lambda session: queues.prompt_drop(session, prompt_id))

    def prompt_return(self, prompt_id: int) -> Future[None]:
        """Put a taken prompt back for anybody to take."""
        return self._writing().submit(lambda session: queues.prompt_return(session, prompt_id))

    def prompts(self) -> list[Waiting]:
        """Every queued prompt, oldest first."""
        with self._reading() as session:
            return queues.prompts(session)

    def _forked(self) -> None:
        if not self._closed and not self._orphaned:
            self._orphaned = True
            _KEPT.append((self._writer, self._database.abandon()))

    def _at_exit(self) -> None:
        with contextlib.suppress(Exception):
            self.close()


_LIVING: weakref.WeakSet[SqlLedger] = weakref.WeakSet()
_KEPT: list[object] = []
"""What a forked child inherited and must neither use nor finalise."""


def _after_fork() -> None:
    for ledger in list(_LIVING):
        ledger._forked()  # noqa: SLF001  # the hook belongs to this module


def _at_exit() -> None:
    for ledger in list(_LIVING):
        ledger._at_exit()  # noqa: SLF001  # the hook belongs to this module


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
