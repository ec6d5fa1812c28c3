"""The protocol over a database: what is asked becomes a request to the writer, or a question to a reader."""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Protocol, TypeVar

from escalator.errors import LedgerError
from escalator.forking import FORK_SECONDS, Forks, look_after, undivided
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
from escalator.ledger.writes import Undo

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

    def pause(self, seconds: float) -> bool:
        """Write nothing until `go_on`; whether it came to rest within so many seconds."""
        ...

    def go_on(self) -> None:
        """Write again."""
        ...

    def close(self) -> None:
        """Write everything that waits."""
        ...


class Database(Protocol):
    """A store that can be written, read, closed, and left behind by a fork."""

    def writer(self) -> Writing:
        """Who writes to it."""
        ...

    def read(self, question: Callable[[Reading], T]) -> T:
        """The answer to a question, of one moment of the ledger."""
        ...

    def now(self) -> float:
        """The ledger's clock."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...

    def pause(self, seconds: float) -> bool:
        """Answer nothing until `go_on`; whether it came to rest within so many seconds."""
        ...

    def go_on(self) -> None:
        """Answer again."""
        ...

    def abandon(self, *, at_rest: bool) -> None:
        """In a forked child: let go of what the parent still uses. `at_rest`: nothing was under way then."""
        ...

    def again(self) -> Database:
        """The same store, opened anew."""
        ...


class SqlLedger(Forks):
    """A ledger in a database. A forked child gets connections and a name of its own at its first use."""

    def __init__(self, database: Database, *, store_answers: bool) -> None:
        self._keep = store_answers
        self._renewing = Lock()
        self._start(database)
        _LIVING.add(self)
        look_after(self)

    def _start(self, database: Database) -> None:
        self._database = database
        self._writer = database.writer()
        self._pid = os.getpid()
        self._closing = self._closed = self._at_rest = self._orphaned = self._broken = False

    def _writing(self) -> Writing:
        if self._pid != os.getpid():
            with self._renewing:
                if self._broken:
                    raise LedgerError(
                        "This process was forked while its parent was busy with the ledger for longer than "
                        f"{FORK_SECONDS:g} s. Fork when it is at rest, or start processes by spawn."
                    )
                if self._pid != os.getpid():
                    with undivided():
                        self._start(self._database.again())
        return self._writer

    def _read(self, question: Callable[[Reading], T]) -> T:
        self._writing()
        return self._database.read(question)

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
        return self._read(lambda session: money.allowed(session, task_id, model, self.now()))

    def spent(self, scopes: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Nano-dollars (spent, held) of each scope, in doubt counted as spent."""
        return self._read(lambda session: money.spent(session, scopes))

    def now(self) -> float:
        """The ledger's clock."""
        return self._database.now()

    def trouble(self) -> str:
        """Why writes are waiting in memory, as a sentence; empty if all is well."""
        return "" if self._orphaned else self._writer.trouble()

    def close(self) -> None:
        """Write what waits and release the store. Raises `LedgerError` if something could not be written."""
        if self._closed or self._closing or self._pid != os.getpid():
            return
        self._closing = True
        try:
            self._writer.close()
        finally:
            with undivided():
                self._closed = True
                self._database.close()

    def tasks(self, query: LogQuery = LogQuery()) -> list[TaskRecord]:  # noqa: B008
        """Tasks by the time they were opened."""
        return self._read(lambda session: rows.tasks(session, query))

    def tries(self, query: LogQuery = LogQuery()) -> list[TryRecord]:  # noqa: B008
        """Attempts of closed tasks."""
        return self._read(lambda session: rows.tries(session, query))

    def calls(self, query: LogQuery = LogQuery()) -> list[CallRecord]:  # noqa: B008
        """Model calls, those under way included."""
        return self._read(lambda session: rows.calls(session, query))

    def look(self, task_id: str) -> Opened | None:
        """What opening the task would find, without claiming it."""
        return self._read(lambda session: tasks.look(session, task_id))

    def examine(self, task_id: str) -> Examined | None:
        """Whether the rows of a task are what was written; None for a task nobody knows."""
        return self._read(lambda session: examine(session, clean(task_id)))

    def tally(
        self, kind: type[AnyTally], by: Sequence[str], *, since: str = "", until: str = ""
    ) -> list[AnyTally]:
        """Sums grouped by some of `DIMENSIONS[kind]`."""
        return self._read(lambda session: tally.read(session, kind, by, since=since, until=until))

    def cache_saved(self, *, since: str = "", until: str = "") -> int:
        """Nano-dollars that providers' caches saved on the calls of those days, both included."""
        return self._read(lambda session: rows.cache_saved(session, since=since, until=until))

    def sweep(self) -> Future[int]:
        """Give up the tasks of every process that died; returns how many."""
        return self._writing().submit(tasks.sweep)

    def forget(self, before: float) -> Future[int]:
        """Erase prompts, answers and outcomes of up to 100 final tasks closed before that time."""
        return self._writing().submit(lambda session: rows.forget(session, before))

    def review_add(self, task_id: str, kind: ReviewKind, summary: str, payload: str) -> Future[int]:
        """Ask for a decision and return its id."""
        return self._writing().submit(
            lambda session: queues.review_add(session, task_id, kind, summary=summary, payload=payload),
            keep=True,
        )

    def review_decide(self, review_id: int, decision: Decision, *, by: str, note: str = "") -> Future[Review]:
        """Decide a waiting review."""
        return self._writing().submit(
            lambda session: queues.review_decide(session, review_id, decision, by=by, note=note)
        )

    def review(self, review_id: int) -> Review | None:
        """One review, or None."""
        return self._read(lambda session: queues.review(session, review_id))

    def reviews(self, *, state: ReviewState | None = None, task_id: str = "") -> list[Review]:
        """Reviews, oldest first."""
        return self._read(lambda session: queues.reviews(session, state, task_id))

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
        return self._read(queues.prompts)

    def before_fork(self) -> None:
        """Wait for what is being written or read, so that a child finds nothing half done."""
        if not (self._closed or self._orphaned):
            resting = self._writer.pause(FORK_SECONDS)
            self._at_rest = self._database.pause(FORK_SECONDS) and resting

    def after_fork(self) -> None:
        """Go on."""
        if not (self._closed or self._orphaned):
            self._database.go_on()
            self._writer.go_on()

    def begin_anew(self) -> None:
        """Let go of the parent's connections and locks; the first use makes new ones."""
        self._renewing = Lock()
        if not (self._closed or self._orphaned):
            self._orphaned, self._broken = True, not self._at_rest
            self._database.abandon(at_rest=self._at_rest)

    def _at_exit(self) -> None:
        with contextlib.suppress(Exception):
            self.close()


_LIVING: weakref.WeakSet[SqlLedger] = weakref.WeakSet()


def _at_exit() -> None:
    for ledger in list(_LIVING):
        ledger._at_exit()  # noqa: SLF001  # the hook belongs to this module


atexit.register(_at_exit)
