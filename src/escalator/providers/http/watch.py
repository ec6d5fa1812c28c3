"""The clock of one exchange: which deadline holds now, what came when, and how much."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass

from escalator.records import Timeouts


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Wall seconds of a finished exchange; `first_byte` is None where no body came."""

    seconds: float
    first_byte: float | None


class Watch:
    """Times one exchange. Until the first byte of the body the first-byte limit holds, from then on the idle limit
    between two pieces of it; the total holds always.

    `reused` and `received` are set by the connection that serves the exchange: whether it had served others
    before, and whether any byte of an answer came over it. `status` is set once the head of the answer is in.
    """

    __slots__ = ("_end", "deadline", "first_byte", "received", "reused", "size", "started", "status", "timeouts")

    def __init__(self, timeouts: Timeouts) -> None:
        self.timeouts = timeouts
        self.started = time.monotonic()
        self._end = self.started + timeouts.total
        self.deadline = min(self._end, self.started + timeouts.first_byte)
        self.first_byte: float | None = None
        self.size = 0
        self.reused = self.received = False
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

    @property
    def stale(self) -> bool:
        """A kept connection died before a byte of the answer came: the server cannot have worked on it."""
        return self.reused and not self.received

    def timing(self) -> Timing:
        """The seconds so far."""
        return Timing(seconds=time.monotonic() - self.started, first_byte=self.first_byte)


watching: ContextVar[Watch] = ContextVar("escalator_exchange")
"""The watch of the exchange that the running thread or task performs; connections consult it."""
