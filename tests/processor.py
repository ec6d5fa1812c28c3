"""Processor time in tests: it tells slow code from a busy machine, which the clock on the wall does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


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
