"""One writer for many callers: requests that wait together are committed together.

A request is answered only after its commit. Where nobody else waits, the caller's own thread does the writing,
which saves two thread switches. An event loop writes the first request of a turn at once and what follows in the
same turn together at its end; where a commit waits for the disk, a thread does it. What must not be lost (a paid
answer) waits in memory when the store cannot be written, and is written first once it can.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from escalator.errors import EscalatorError, LedgerError
from escalator.ledger.session import Session

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

T = TypeVar("T")
Work = Callable[[Session], Any]
Undo = Callable[[Session, Any], None]

_BATCH = 256
_RETRY_SECONDS = 1.0
_LOOP_BATCH = 32


class Backend(Protocol):
    """What the writer needs of a store."""

    loop_inline: bool

    def lock(self, *, wait: bool) -> bool:
        """Exclude writers of other processes. Without waiting: whether that was possible at once."""
        ...

    def unlock(self) -> None:
        """Let other writers on."""
        ...

    def transaction(self) -> AbstractContextManager[Session]:
        """Begin under the lock; commit at the end of the block, roll back if it raises."""
        ...

    def trouble(self, error: BaseException) -> str:
        """A sentence if the error says that the store cannot be written now; empty for any other error."""
        ...

    def upkeep(self, *, wanted_only: bool) -> bool:
        """Do what is due between transactions, such as a checkpoint; `wanted_only` just says whether it is."""
        ...


@dataclass(slots=True, eq=False)
class Request:
    """One thing to be written. `keep`: it must not be lost. `undo`: what to write, given
    the value or None, if nobody takes the value or it is not known whether it was written.
    """

    work: Work
    keep: bool = False
    undo: Undo | None = None
    future: Future[Any] = field(default_factory=Future)
    value: Any = None
    error: BaseException | None = None

    def wanted(self) -> bool:
        """Whether somebody still waits for the answer; from then on it cannot be cancelled."""
        return self.keep or self.future.set_running_or_notify_cancel()

    def answer(self) -> None:
        """Resolve the future with what came of it."""
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


class Written(Future[T]):
    """The future of a write. Who asks for its result has it written now, if it was waiting for company.

    `undo`: what becomes of a result that nobody takes, because the write was cancelled before it was read. A plain
    future can be cancelled only until its answer is decided, and its caller may go away right then.
    """

    def __init__(self, hurry: Callable[[bool], None], *, alone: bool, undo: Callable[[T], None] | None) -> None:
        super().__init__()
        self._hurry, self._alone, self._undo = hurry, alone, undo
        self._taken = self._left = False

    def result(self, timeout: float | None = None) -> T:
        """The result, which from now on somebody has."""
        self._ask()
        value = super().result(timeout)
        self._taken = True
        return value

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """The error, written now if it was not yet."""
        self._ask()
        return super().exception(timeout)

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Call back when it is written; a write that waits for company is sent off for it."""
        super().add_done_callback(fn)
        if self._alone and not self.done():
            self._hurry(False)  # nobody blocks: it may wait for the end of a loop's turn

    def cancel(self) -> bool:
        """Whether it was in time. Where it was not and nobody has the result yet, the result is undone."""
        if super().cancel():
            return True
        if self._undo is not None and not self._taken and not self._left:
            self._left = True
            super().add_done_callback(self._nobody_takes)
        return False

    def _ask(self) -> None:
        if not self.done():
            self._hurry(True)  # somebody blocks, perhaps the loop itself

    def _nobody_takes(self, done: Future[T]) -> None:
        if self._undo is not None and done.exception() is None:
            self._undo(Future.result(done))


class Writer:
    """The queue, the thread behind it, and what waits for a better day.

    `chore` is written now and then by the thread, and at the end, in a transaction of its own.
    """

    def __init__(self, backend: Backend, chore: Work | None = None) -> None:
        self._backend, self._chore = backend, chore
        self._queue: deque[Request] = deque()
        self._wake = threading.Condition()
        self._mutex = threading.Lock()
        self._backlog: list[Request] = []
        self._trouble, self._lost = "", 0
        self._thread: threading.Thread | None = None
        self._turn: AbstractEventLoop | None = None
        self._closed = self._wrote = False
        self._upkeep = False
        self._answered: deque[Request] = deque()

    def submit(self, work: Callable[[Session], T], *, keep: bool = False, undo: Undo | None = None) -> Future[T]:
        """Write, and resolve the future after the commit."""
        undoing = None if undo is None else partial(self._write_undo, undo)
        request = self._request(work, keep=keep, undo=undo, future=self._future(undoing, alone=False))
        if not self._write_here(request):
            self._queue.append(request)
            self._rouse()
        return request.future

    def submit_with_next(self, work: Callable[[Session], T]) -> Future[T]:
        """Write together with the next request, or at once when somebody asks for the future's result.

        Such a write must not be lost, and waiting for it must go through the future's own methods.
        """
        request = self._request(work, keep=True, undo=None, future=self._future(None, alone=True))
        self._queue.append(request)
        return request.future

    def _request(self, work: Work, *, keep: bool, undo: Undo | None, future: Future[Any]) -> Request:
        if self._closed:
            raise LedgerError("This ledger is closed; open it again before you use it.")
        if keep:
            future.set_running_or_notify_cancel()
        return Request(work=work, keep=keep, undo=undo, future=future)

    def _future(self, undo: Callable[[Any], None] | None, *, alone: bool) -> Future[Any]:
        return Written(self._hurry, alone=alone, undo=undo)

    def _write_undo(self, undo: Undo, value: Any) -> None:
        with suppress(LedgerError):  # a ledger that is closed by now counts the call as doubtful
            self.submit(_undoing(undo, value).work, keep=True)

    def _hurry(self, now: bool) -> None:  # a callback's only word
        if self._queue and not self._write_here(None, now=now):
            self._rouse()

    def _rouse(self) -> None:
        """Let the thread see what there is to do."""
        with self._wake:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="escalator-ledger", daemon=True)
                self._thread.start()
            self._wake.notify()

    def trouble(self) -> str:
        """Why writes are waiting, as a sentence; empty if all is well."""
        waiting = sum(request.keep for request in self._backlog)
        if waiting:
            return f"{self._trouble} Results waiting in memory to be written: {waiting}."
        return f"{self._trouble} Results lost: {self._lost}." if self._lost else ""

    def close(self) -> None:
        """Write everything that waits. Raises `LedgerError` if that cannot be done."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        with self._mutex:
            while self._queue:
                self._write(self._take(_BATCH))
            if self._backlog:
                self._write([])
            elif self._chore is not None and self._wrote:
                self._write([Request(work=self._chore)])  # or short processes would leave it to nobody
        self._answer()
        if self.trouble():
            raise LedgerError(f"{self.trouble()} They are lost now that the ledger is closed.")

    def _write_here(self, request: Request | None, *, now: bool = False) -> bool:
        """Write in the caller's thread, with all that waits in the queue, unless somebody would have to wait.

        In an event loop that has written in this turn, it waits for the turn's end, unless it must be `now`.
        """
        loop = _running_loop()
        if loop is not None and not self._backend.loop_inline:
            return False
        if loop is not None and loop is self._turn and not now:
            if request is not None:
                self._queue.append(request)
            return True
        if not self._write_now(request, _BATCH):
            return False
        if loop is not None and loop is not self._turn:
            self._turn = loop
            loop.call_soon(self._end_turn)
        return True

    def _end_turn(self) -> None:
        """Write what came up in this turn of the loop, a batch a turn."""
        loop, self._turn = self._turn, None
        if not self._queue:
            return
        if not self._write_now(None, _LOOP_BATCH):
            self._rouse()
        elif self._queue and loop is not None:
            self._turn = loop
            loop.call_soon(self._end_turn)

    def _write_now(self, request: Request | None, most: int) -> bool:
        """Write up to so many of those that wait, and this one; False where that would mean waiting for others."""
        if self._backlog or len(self._queue) > most or not self._mutex.acquire(blocking=False):
            return False
        try:
            if self._backlog or not self._backend.lock(wait=False):
                return False
            self._write(self._take(most) + ([request] if request else []), locked=True)
        finally:
            self._mutex.release()
        self._answer()
        if self._upkeep or self._backlog:
            self._rouse()
        return True

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._queue or self._upkeep or self._closed):
                    if not self._wake.wait(_RETRY_SECONDS if self._backlog else None) and self._backlog:
                        break
                if self._closed and not self._queue:
                    return
            with self._mutex:
                if self._queue or self._backlog:
                    self._write(self._take(_BATCH))
            self._answer()
            with self._mutex:
                if self._upkeep:
                    self._keep_up()

    def _keep_up(self) -> None:
        """What is due now and then: the chore, and the backend's own."""
        self._upkeep = False
        if self._chore is not None and not self._backlog:
            self._write([Request(work=self._chore)])
            self._answer()
            self._upkeep = False
        self._backend.upkeep(wanted_only=False)

    def _take(self, most: int) -> list[Request]:
        """The next requests, without those nobody wants any more."""
        taken = [self._queue.popleft() for _ in range(min(len(self._queue), most))]
        return [request for request in taken if not request.future.cancelled()]

    def _write(self, batch: list[Request], *, locked: bool = False) -> None:
        """Write one transaction, what waits in memory first, and decide every answer. Never raises."""
        try:
            if not locked:
                self._backend.lock(wait=True)
            try:
                self._transact([*self._backlog, *batch])
            finally:
                self._backend.unlock()
        except BaseException as error:  # noqa: BLE001  # every caller is told, in `_failed`
            self._failed(batch, error)
            return
        self._backlog, self._wrote = [], True
        for request in batch:
            if request.wanted():
                self._answered.append(request)
            elif request.undo is not None:
                self._backlog.append(_undoing(request.undo, request.value))
        if self._backend.upkeep(wanted_only=True):
            self._upkeep = True

    def _answer(self) -> None:
        """Tell everybody, without the mutex: who is told wants to write again at once."""
        while True:
            try:
                request = self._answered.popleft()
            except IndexError:
                return
            request.answer()

    def _transact(self, requests: list[Request]) -> None:
        """Do the work of all in one transaction; what the books refuse is kept for its caller, and the others are
        written without it. Any other error is raised.
        """
        left = list(requests)
        while left:
            at = 0
            try:
                with self._backend.transaction() as session:
                    for at, request in enumerate(left):  # noqa: B007  # who was refused, below
                        request.error, request.value = None, request.work(session)
            except EscalatorError as error:
                refused = left.pop(at)
                refused.error, refused.value = error, None
            else:
                return

    def _failed(self, batch: list[Request], error: BaseException) -> None:
        trouble = self._backend.trouble(error)
        if trouble:
            self._postpone(batch, trouble, error)
        elif len(batch) + len(self._backlog) > 1:
            self._one_by_one(batch)
        elif batch:
            self._refuse(batch[0], error)
        else:
            self._drop(error)

    def _postpone(self, batch: list[Request], trouble: str, error: BaseException) -> None:
        """Keep what must not be lost, refuse the rest."""
        self._trouble = trouble
        told = LedgerError(trouble)
        told.__cause__ = error
        for request in batch:
            if request.keep:
                self._backlog.append(request)
                self._answered.append(Request(work=request.work, future=request.future))
                continue
            if request.undo is not None:
                self._backlog.append(_undoing(request.undo, None))
            self._refuse(request, told)

    def _refuse(self, request: Request, error: BaseException) -> None:
        request.error = error
        if request.wanted():
            self._answered.append(request)

    def _one_by_one(self, batch: list[Request]) -> None:
        """Find the culprit: nobody else shall suffer for it."""
        late, self._backlog = self._backlog, []
        for request in late:
            self._backlog.append(request)
            self._write([])
        for request in batch:
            self._write([request])

    def _drop(self, error: BaseException) -> None:
        """Give up a late write that fails for a reason of its own."""
        self._backlog = []
        self._lost += 1
        self._trouble = f"A result could not be written to the ledger: {error!r}."


def _undoing(undo: Undo, value: Any) -> Request:
    return Request(work=lambda session: undo(session, value))


def _running_loop() -> AbstractEventLoop | None:
    import sys

    if "asyncio" not in sys.modules:
        return None
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
