"""One writer for many callers: requests that wait together are committed together.

A request is answered only after its commit. Where nobody else waits, the caller's own thread does the writing,
which saves two thread switches. An event loop writes the first request of a turn at once and what follows in the
same turn together at its end; where a commit waits for the disk, a thread does it. What must not be lost (a paid
answer) waits in memory when the store cannot be written, and is written first once it can.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from escalator.errors import EscalatorError, LedgerBusyError, LedgerError
from escalator.ledger.session import Session
from escalator.ledger.writes import PATIENCE, Request, Undo, Work, Written, undoing

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

T = TypeVar("T")

_BATCH = 256
_RETRY_SECONDS = 1.0
_AGAIN_SECONDS = 0.1
"""Between two tries to write to a store that is away for a moment."""
_SLOW_SECONDS = 1.0
"""From when on it is worth a word that another process holds the lock."""
_LOOP_BATCH = 32


class Backend(Protocol):
    """What the writer needs of a store. `inline`: writing is quick enough for the caller's own thread;
    `loop_inline`: even for an event loop's.
    """

    inline: bool
    loop_inline: bool

    def lock(self, within: float = 0.0) -> bool:
        """Exclude other writers, in this process and others; whether that was possible within so many seconds."""
        ...

    def wait_for_lock(self) -> None:
        """The same for the writer's thread, which waits as long as it takes."""
        ...

    def unlock(self, *, waited: bool = False) -> None:
        """Let other writers on. `waited`: it was `wait_for_lock` that locked."""
        ...

    def transaction(self) -> AbstractContextManager[Session]:
        """Begin under the lock; commit at the end of the block, roll back if it raises."""
        ...

    def trouble(self, error: BaseException) -> str:
        """A sentence if the error says that the store cannot be written now; empty for any other error."""
        ...

    def passing(self, error: BaseException) -> bool:
        """Whether such an error may be over in a moment, and nothing of its transaction was written."""
        ...

    def holdup(self) -> str:
        """What a write may be waiting for just now, to follow a colon."""
        ...

    def upkeep(self, *, wanted_only: bool) -> bool:
        """Do what is due between transactions, such as a checkpoint; `wanted_only` just says whether it is."""
        ...


class Writer:
    """The queue, the thread behind it, and what waits for a better day.

    `chore` is written now and then by the thread, and at the end, in a transaction of its own. `patience`: seconds
    a store that is locked or away is waited for. `name` is the ledger's, for what is said.
    """

    def __init__(
        self, backend: Backend, chore: Work | None = None, *, name: str = "", patience: float = PATIENCE
    ) -> None:
        self._backend, self._chore, self._name, self.patience = backend, chore, name, patience
        self._queue: deque[Request] = deque()
        self._wake = threading.Condition()
        self._mutex = threading.Lock()
        self._backlog: list[Request] = []
        self._trouble, self._lost = "", 0
        self._again = self._locking = 0.0
        self._thread: threading.Thread | None = None
        self._turn: AbstractEventLoop | None = None
        self._closed = self._ended = self._wrote = self._paused = False
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
        return Written(self, alone=alone, undo=undo)

    def _write_undo(self, undo: Undo, value: Any) -> None:
        with suppress(LedgerError):  # a ledger that is closed by now counts the call as doubtful
            self.submit(undoing(undo, value).work, keep=True)

    def hurry(self, now: bool) -> None:  # a future's only word
        """Have written what waits: at once, or at the end of a loop's turn."""
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
        locked = self._locking and time.monotonic() - self._locking
        if self._again or locked > _SLOW_SECONDS:
            waiting += sum(request.keep for request in tuple(self._queue))
        if waiting:
            why = self._trouble if self._backlog or self._again else self.holdup(locked)
            return f"{why} Results waiting in memory to be written: {waiting}."
        return f"{self._trouble} Results lost: {self._lost}." if self._lost else ""

    def holdup(self, seconds: float) -> str:
        """What a write has been waiting for."""
        if self._again:
            return f"{self._trouble} It was waited for, for {seconds:.3g} s."
        return (
            f"The ledger {self._name} could not be written for {seconds:.3g} s: {self._backend.holdup()}. "
            "Nothing is bought meanwhile."
        )

    def pause(self, seconds: float) -> bool:
        """Write nothing until `go_on`; whether what was being written came to its end within so many seconds."""
        self._paused = self._mutex.acquire(timeout=seconds)
        return self._paused

    def go_on(self) -> None:
        """Write again."""
        if self._paused:
            self._paused = False
            self._mutex.release()

    def close(self) -> None:
        """Write everything that waits. Raises `LedgerError` if that cannot be done within `patience`."""
        end = time.monotonic() + self.patience
        with self._wake:
            self._closed = True
            self._wake.notify()
        while self._queue and self._write_now(None, len(self._queue)):
            pass
        if self._queue:
            self._rouse()
        if self._thread is not None:
            self._thread.join(self.patience)
        self._write_last(max(end - time.monotonic(), 0.0))
        self._give_up_rest()
        self._answer()
        if self.trouble():
            raise LedgerError(f"{self.trouble()} They are lost now that the ledger is closed.")

    def _write_last(self, seconds: float) -> None:
        if not self._mutex.acquire(timeout=seconds + _AGAIN_SECONDS):
            self._ended = True
            return
        try:
            self._ended = True
            if self._backend.lock(within=seconds):
                try:
                    if self._backlog:
                        self._write([])
                    elif self._chore is not None and self._wrote:
                        self._write([Request(work=self._chore)])  # or short processes would leave it to nobody
                finally:
                    self._backend.unlock()
        finally:
            self._mutex.release()

    def _give_up_rest(self) -> None:
        """Tell who still waits; what had to be kept is lost."""
        rest = self._take(len(self._queue))
        if rest:
            self._trouble = self.holdup(self.patience)
            self._lost += sum(request.keep for request in rest)
            for request in rest:
                self._refuse(request, LedgerBusyError(self._trouble))

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
        waiting = self._locking or self._again  # others were first: who is quick must not push in
        if not self._backend.inline or self._backlog or waiting or len(self._queue) > most:
            return False
        if not self._mutex.acquire(blocking=False):
            return False
        try:
            if self._ended or self._backlog or not self._backend.lock():
                return False
            try:
                self._write(self._take(most) + ([request] if request else []))
            finally:
                self._backend.unlock()
        finally:
            self._mutex.release()
        self._answer()
        if self._upkeep or self._backlog or self._again:
            self._rouse()
        return True

    def _run(self) -> None:
        while self._work_comes():
            self._locking = time.monotonic()
            error = self._lock()
            self._locking = 0.0
            try:
                with self._mutex:
                    if self._ended:
                        return
                    if error is not None:
                        self._failed(self._take(_BATCH), error)
                    else:
                        self._write_what_waits()
            finally:
                if error is None:
                    self._backend.unlock(waited=True)
            self._answer()

    def _lock(self) -> OSError | None:
        try:
            self._backend.wait_for_lock()
        except OSError as error:
            return error
        return None

    def _work_comes(self) -> bool:
        """Wait until there is something to do; False when there will be nothing more."""
        with self._wake:
            while True:
                pause = self._again and self._again - time.monotonic()
                if self._queue and pause > 0:
                    self._wake.wait(pause)
                elif self._queue or (self._upkeep and not self._closed):
                    return True
                elif self._closed:
                    return False
                elif not self._wake.wait(_RETRY_SECONDS if self._backlog else None) and self._backlog:
                    return True

    def _write_what_waits(self) -> None:
        """The next batch; where there is none, what is due now and then: the chore, and the backend's own."""
        if self._queue or self._backlog:
            self._write(self._take(_BATCH))
        elif self._upkeep:
            if self._chore is not None:
                self._write([Request(work=self._chore)])
            self._upkeep = False
            self._backend.upkeep(wanted_only=False)

    def _take(self, most: int) -> list[Request]:
        """The next requests, without those nobody wants any more."""
        taken = [self._queue.popleft() for _ in range(min(len(self._queue), most))]
        return [request for request in taken if not request.future.cancelled()]

    def _write(self, batch: list[Request]) -> None:
        """Write one transaction, what waits in memory first, and decide every answer. Never raises."""
        try:
            self._transact([*self._backlog, *batch])
        except BaseException as error:  # noqa: BLE001  # every caller is told, in `_failed`
            self._failed(batch, error)
            return
        self._backlog, self._wrote, self._again = [], True, 0.0
        for request in batch:
            if request.wanted():
                self._answered.append(request)
            elif request.undo is not None:
                self._backlog.append(undoing(request.undo, request.value))
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
        """Try again what may be written in a moment, keep what must not be lost, refuse the rest."""
        self._trouble = trouble
        now, again = time.monotonic(), list[Request]()
        passing = self._backend.passing(error) and not self._ended
        told = LedgerBusyError(trouble) if passing else LedgerError(trouble)
        told.__cause__ = error
        for request in batch:
            if passing and now - request.since < self.patience:
                again.append(request)
            elif request.keep:
                self._backlog.append(request)
                self._answered.append(Request(work=request.work, future=request.future))
            else:
                if request.undo is not None and not passing:
                    self._backlog.append(undoing(request.undo, None))
                self._refuse(request, told)
        self._queue.extendleft(reversed(again))
        self._again = now + _AGAIN_SECONDS if again else 0.0

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


def _running_loop() -> AbstractEventLoop | None:
    import sys

    if "asyncio" not in sys.modules:
        return None
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
