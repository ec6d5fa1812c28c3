"""Processor time in tests: it tells slow code from a busy machine, which the clock on the wall does not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

UNSEEN = 0.3
"""Seconds of processor time within which no growth is told from noise."""


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


def check_linear(work: Callable[[int], object], *, size: int) -> None:
    """Fail if four times as much work takes more than ten times as long: linear is four, quadratic sixteen.

    `work` does as much as it is told to, in this thread. A busy machine slows the large and the small alike; the
    small is measured before and after, and its longer time counts.
    """
    before, large, after = (_seconds(work, amount) for amount in (size // 4, size, size // 4))
    assert large < 10 * max(before, after) + UNSEEN, f"{large:.2f} s for four times what took {before:.2f} s"


def _seconds(work: Callable[[int], object], amount: int) -> float:
    begun = time.thread_time()
    work(amount)
    return time.thread_time() - begun
