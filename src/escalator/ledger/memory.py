"""A ledger that lives and dies with the process: the SQL ledger over a database in memory."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from threading import RLock
from typing import TypeVar

from escalator.errors import EscalatorError
from escalator.ledger import tasks
from escalator.ledger.migration import run_step
from escalator.ledger.schema import STEPS
from escalator.ledger.session import Reading, Session, SqliteSession, teach
from escalator.ledger.sqlledger import SqlLedger
from escalator.ledger.writes import PATIENCE, Undo, Written

T = TypeVar("T")


class MemoryLedger(SqlLedger):
    """A ledger in memory: thread-safe, every returned future is already resolved.

    `clock` gives seconds since the epoch. `store_answers` False keeps no model answers. `crash()` plays the death
    of the process, so that a resume can be tried without one.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, store_answers: bool = True) -> None:
        self._memory = MemoryDatabase(clock)
        super().__init__(self._memory, store_answers=store_answers)

    def crash(self) -> None:
        """As if the process had died here: tasks and prompts lose their owner, calls become doubtful."""
        self._memory.owner = secrets.token_hex(8)
        self._memory.submit(tasks.sweep)

    def close(self) -> None:
        """Give every task up, as a process that ends does."""
        self.crash()


class MemoryDatabase:
    """A SQLite database in memory, read and written by one caller at a time. `owner` names this worker."""

    patience = PATIENCE

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self.owner = clock, secrets.token_hex(8)
        self._lock, self._pauses = RLock(), list[bool]()
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=256
        )
        teach(self._connection)
        weakref.finalize(self, self._connection.close)
        for step in STEPS:
            run_step(self._connection, step)

    def writer(self) -> MemoryDatabase:
        """Itself: what is written is written at once."""
        return self

    def now(self) -> float:
        """The injected clock."""
        return self._clock()

    def alive(self, owner: str) -> bool:
        """Whether the worker of that name still lives: there is one, and `crash` gives it another name."""
        return owner == self.owner

    def submit(self, work: Callable[[Session], T], *, keep: bool = False, undo: Undo | None = None) -> Future[T]:
        """Write now. What the books refuse is the future's error; any other error is raised."""
        undoing = None if undo is None else partial(self._undo, undo)
        future: Future[T] = Written(self, alone=False, undo=undoing)
        try:
            with self._transaction() as session:
                value = work(session)
        except EscalatorError as error:
            future.set_exception(error)
        else:
            future.set_result(value)
        return future

    def hurry(self, now: bool) -> None:  # see `writes.Queue`
        """Nothing waits."""

    def holdup(self, seconds: float) -> str:
        """Nothing waits."""
        return ""

    def submit_with_next(self, work: Callable[[Session], T]) -> Future[T]:
        """Write now: nothing is saved by waiting."""
        return self.submit(work)

    def _undo(self, undo: Undo, value: object) -> None:
        self.submit(lambda session: undo(session, value))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Session]:
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                session = SqliteSession(self._connection, self.owner, self._clock(), self.alive)
                yield session
                session.chains.flush(session)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def read(self, question: Callable[[Reading], T]) -> T:
        """The answer to a question; nobody writes meanwhile."""
        with self._lock:
            return question(SqliteSession(self._connection, self.owner, 0.0, self.alive))

    def trouble(self) -> str:
        """Always empty: nothing waits to be written."""
        return ""

    def close(self) -> None:
        """Nothing to let go of: what was written can still be read."""

    def pause(self, seconds: float) -> bool:
        """Whether nobody reads or writes from now on, within so many seconds."""
        self._pauses.append(self._lock.acquire(timeout=seconds))
        return self._pauses[-1]

    def go_on(self) -> None:
        """Let others have it again."""
        if self._pauses and self._pauses.pop():
            self._lock.release()

    def abandon(self, *, at_rest: bool) -> None:
        """In a forked child: the copy is its own, under a lock that nobody holds there."""
        self._lock, self._pauses = RLock(), []

    def again(self) -> MemoryDatabase:
        """The same database: a forked child has its own copy of it."""
        return self
