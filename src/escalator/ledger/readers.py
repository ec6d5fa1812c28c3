"""A few connections to read from, however many threads want to read."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from escalator.errors import LedgerBusyError

C = TypeVar("C")

MOST = 4
"""Connections of one process for reading; who comes when all are lent waits."""


class Readers(Generic[C]):
    """Lends connections, each opened when first needed and kept for the next reader."""

    def __init__(self, connect: Callable[[], C], *, patience: float, most: int = MOST) -> None:
        self._connect, self._patience, self._most = connect, patience, most
        self._idle: list[C] = []
        self._lent = 0
        self._paused = False
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def lend(self, usable: Callable[[C], bool] = lambda _: True) -> Iterator[C]:
        """A connection for the length of the block. `usable` says whether it can be lent (again).

        Raises `LedgerBusyError` where none is given back within the ledger's patience.
        """
        self._take_place()
        kept = None
        try:
            kept = self._from_idle(usable)
            yield kept
        finally:
            with self._changed:
                self._lent -= 1
                if kept is not None and usable(kept):
                    self._idle.append(kept)
                self._changed.notify_all()

    def _take_place(self) -> None:
        with self._changed:
            free = self._changed.wait_for(lambda: self._lent < self._most and not self._paused, self._patience)
            if not free:
                raise LedgerBusyError(
                    f"All {self._most} connections to read the ledger were in use for {self._patience:g} s. "
                    "Read less at once, or raise ledger.patience."
                )
            self._lent += 1

    def _from_idle(self, usable: Callable[[C], bool]) -> C:
        while True:
            with self._changed:
                found = self._idle.pop() if self._idle else None
            if found is None:
                return self._connect()
            if usable(found):
                return found

    def pause(self, seconds: float) -> bool:
        """Lend nothing more, and wait until everything is back; whether that was within so many seconds."""
        with self._changed:
            self._paused = True
            return self._changed.wait_for(lambda: not self._lent, seconds)

    def go_on(self) -> None:
        """Lend again."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def take_all(self, seconds: float = 0.0) -> list[Any]:
        """Every connection that is not lent, to be closed by the caller, after waiting for those that are."""
        end = time.monotonic() + seconds
        with self._changed:
            self._changed.wait_for(lambda: not self._lent, max(end - time.monotonic(), 0.0))
            idle, self._idle = self._idle, []
        return idle
