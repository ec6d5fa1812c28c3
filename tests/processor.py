"""Time in tests, told apart from a busy machine: processor time, growth, and bounds held where nobody else works."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

UNSEEN = 0.3
"""Seconds of processor time within which no growth is told from noise."""

FAR = 200.0
"""Seconds no test takes, on a busy machine either: what ends sooner was ended by another limit."""

IDLE = 0.5
"""Cores that others may keep busy on a machine that still counts as quiet."""


@contextmanager
def processor_seconds(at_most: float) -> Iterator[None]:
    """Fail if the block takes more processor time than this, that of processes it waited for included."""
    begun = _used()
    yield
    used = _used() - begun
    assert used < at_most, f"this took {used:.2f} s of processor time, not less than {at_most:g} s"


def _used() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def check_linear(work: Callable[[int], object], *, size: int, at_most: float) -> None:
    """Fail if four times as much work takes more than ten times as long: linear is four, quadratic sixteen.

    `at_most` are the seconds of processor time that the larger may take. `work` does as much as it is told to, in this thread. A busy machine slows the large and the small alike; the
    small is measured before and after, and its longer time counts.
    """
    before, large, after = (_seconds(work, amount) for amount in (size // 4, size, size // 4))
    assert large < 10 * max(before, after) + UNSEEN, f"{large:.2f} s for four times what took {before:.2f} s"
    assert large < at_most, f"{large:.2f} s of processor time, not less than {at_most:g} s"


def _seconds(work: Callable[[int], object], amount: int) -> float:
    begun = time.thread_time()
    work(amount)
    return time.thread_time() - begun


class Stopwatch:
    """Seconds on the wall, and the cores that other processes kept busy meanwhile.

    A bound on time is held where nobody else was at work, as in the tests that run alone. On a busy machine it says
    nothing of our code, and what remains is that the test ended long before any other limit could have ended it.
    """

    def __init__(self) -> None:
        self._begun, self._busy = time.monotonic(), _busy() - _used()
        self.seconds = self.others = 0.0

    def stop(self) -> Stopwatch:
        """Take the time."""
        self.seconds = time.monotonic() - self._begun
        self.others = max(_busy() - _used() - self._busy, 0.0) / max(self.seconds, 0.1)
        return self

    def check(self, at_least: float, at_most: float) -> None:
        """Fail if it took less, or more on a machine that did nothing else."""
        allowed = at_most if self.others < IDLE else FAR / 2
        assert at_least <= self.seconds < allowed, (
            f"{self.seconds:.2f} s, not {at_least:g} to {at_most:g}; others kept {self.others:.1f} cores busy"
        )


def check_soon(happens: Callable[[float], bool], within: float) -> None:
    """Fail unless what is waited for, given the seconds to wait, happens within so many on a quiet machine."""
    watch = Stopwatch()
    assert happens(FAR), f"it never happened in {FAR:g} s"
    watch.stop().check(0, within)


def _busy() -> float:
    """Seconds that all cores together have worked; 0 where the system does not say, so that bounds are held."""
    try:
        words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    user, nice, system, _, _, interrupts, soft = map(int, words[:7])
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")
