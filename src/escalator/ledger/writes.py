"""What is to be written, and the future of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

from escalator.errors import LedgerBusyError
from escalator.ledger.session import Session

T = TypeVar("T")
Work: TypeAlias = Callable[[Session], Any]
Undo: TypeAlias = Callable[[Session, Any], None]

PATIENCE = 30.0
"""Seconds a ledger that is locked, stopped or away is waited for, where the configuration says nothing else."""


GRACE = 1.0
"""Seconds more for the future of a write: the writer, which knows better what is wrong, speaks first."""


class Queue(Protocol):
    """What the future of a write must know of the queue it waits in."""

    patience: float

    def hurry(self, now: bool) -> None:
        """Have written what waits: at once, or at the end of a loop's turn."""
        ...

    def holdup(self, seconds: float) -> str:
        """What a write has been waiting for, as a sentence."""
        ...


@dataclass(slots=True, eq=False)
class Request:
    """One thing to be written. `keep`: it must not be lost. `undo`: what to write, given
    the value or None, if nobody takes the value or it is not known whether it was written. `since`: a moment of
    the monotonic clock.
    """

    work: Work
    keep: bool = False
    undo: Undo | None = None
    future: Future[Any] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)
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


def undoing(undo: Undo, value: Any) -> Request:
    """The request that takes a value back."""
    return Request(work=lambda session: undo(session, value))


class Written(Future[T]):
    """The future of a write. Who asks for its result has it written now, if it was waiting for company.

    `undo`: what becomes of a result that nobody takes, because the write was cancelled before it was read. A plain
    future can be cancelled only until its answer is decided, and its caller may go away right then.
    """

    def __init__(self, queue: Queue, *, alone: bool, undo: Callable[[T], None] | None) -> None:
        super().__init__()
        self._queue, self._alone, self._undo = queue, alone, undo
        self._taken = self._left = False

    def result(self, timeout: float | None = None) -> T:
        """The result, which from now on somebody has. Raises `LedgerBusyError` where it does not come in time (the
        ledger's patience, if no other is given); then what can be taken back is.
        """
        self._ask()
        seconds = self.patience if timeout is None else timeout
        try:
            value = super().result(seconds)
        except TimeoutError:
            if self.done():
                raise
            raise self.give_up(seconds) from None
        self._taken = True
        return value

    @property
    def patience(self) -> float:
        """Seconds it is waited for where nobody says otherwise."""
        return self._queue.patience + GRACE

    def give_up(self, seconds: float) -> LedgerBusyError:
        """Nobody waits any longer, after so many seconds; the error that says what for."""
        self.cancel()
        return LedgerBusyError(self._queue.holdup(seconds))

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """The error, written now if it was not yet."""
        self._ask()
        return super().exception(self.patience if timeout is None else timeout)

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Call back when it is written; a write that waits for company is sent off for it."""
        super().add_done_callback(fn)
        if self._alone and not self.done():
            self._queue.hurry(False)  # nobody blocks: it may wait for the end of a loop's turn

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
            self._queue.hurry(True)  # somebody blocks, perhaps the loop itself

    def _nobody_takes(self, done: Future[T]) -> None:
        if self._undo is not None and done.exception() is None:
            self._undo(Future.result(done))
