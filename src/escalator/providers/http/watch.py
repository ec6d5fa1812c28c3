"""The clock of one exchange: which deadline holds now, what came when, and how much."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from escalator.records import Timeouts

if TYPE_CHECKING:
    import asyncio


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Wall seconds of a finished exchange; `first_byte` is None where no body came."""

    seconds: float
    first_byte: float | None


class Watch:
    """Times one exchange. Until the first byte of the body the first-byte limit holds, from then on the idle limit
    between two pieces of it; the total holds always.

    `sent`, `received` and `stale` are set by the connection that serves the exchange: whether any byte of the
    request was written to it (None: it does not say), whether any byte of an answer came over it, and whether it
    was a kept one that turned out dead before anything was written. `status` is set once the head of the answer
    is in.
    """

    __slots__ = (
        "_end",
        "deadline",
        "first_byte",
        "received",
        "sent",
        "size",
        "stale",
        "started",
        "status",
        "timeouts",
    )

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.started = time.monotonic()
        self._end = self.started + timeouts.total
        self.deadline = min(self._end, self.started + timeouts.first_byte)
        self.first_byte: float | None = None
        self.size = 0
        self.sent: bool | None = None
        self.received = self.stale = False
        self.status: int | None = None

    def left(self) -> float:
        """Seconds until the deadline; negative once it has passed."""
        return self.deadline - time.monotonic()

    def take(self, chunk: bytes) -> None:
        """Note a piece of the body: it lifts the first-byte limit and begins the idle limit anew."""
        if not chunk:
            return
        now = time.monotonic()
        self.size += len(chunk)
        if self.first_byte is None:
            self.first_byte = now - self.started
        self.deadline = min(self._end, now + self.timeouts.idle)

    def hurry(self, grace: float) -> None:
        """What matters has come: wait at most this many seconds more."""
        self._end = min(self._end, time.monotonic() + grace)
        self.deadline = min(self.deadline, self._end)

    @property
    def stalled(self) -> bool:
        """Whether the idle limit is what holds: an answer that has begun has until then for its next byte."""
        return self.first_byte is not None and self.deadline < self._end

    def unsent(self) -> bool:
        """Whether a stale connection is all that failed, so that another may carry the request; asked once each.

        Whatever fails later has been sent and is nobody's to repeat down here: it may have been billed.
        """
        stale, self.stale = self.stale, False
        return stale and not self.sent and self.left() > 0

    def timing(self) -> Timing:
        """The seconds so far."""
        return Timing(seconds=time.monotonic() - self.started, first_byte=self.first_byte)


watching: ContextVar[Watch] = ContextVar("escalator_exchange")
"""The watch of the exchange that the running thread or task performs; connections consult it."""


class Alarm:
    """Ends a block of `asyncio.timeout` at the deadline of a watch, however often that moves.

    The timer is set anew only where the deadline came nearer; where it moved away, the timer finds out when it
    rings.
    """

    __slots__ = ("_loop", "_timeout", "_timer", "_watch", "_when")

    def __init__(self, watch: Watch, timeout: asyncio.Timeout, loop: asyncio.AbstractEventLoop) -> None:
        self._watch, self._timeout, self._loop = watch, timeout, loop
        self._set()

    def _set(self) -> None:
        self._when = self._watch.deadline
        self._timer = self._loop.call_later(max(0.0, self._watch.left()), self._ring)

    def _ring(self) -> None:
        if self._watch.left() > 0:
            self._set()
        else:
            self._timeout.reschedule(self._loop.time())

    def check(self) -> None:
        """To be called after whatever may have moved the deadline."""
        if self._watch.deadline < self._when:
            self._timer.cancel()
            self._set()

    def stop(self) -> None:
        """The block is left."""
        self._timer.cancel()
