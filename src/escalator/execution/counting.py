"""Asking a provider how many tokens a prompt has: a free question that may take a moment and no longer."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING

from escalator.errors import ProviderError

if TYPE_CHECKING:
    from escalator.providers import Provider
    from escalator.records import Request

COUNTING = 5.0
"""Seconds a count may take; without it the call is judged by its byte bound."""


def counted_in_time(provider: Provider, request: Request, left: float | None) -> int | None:
    """The tokens of a prompt as its provider counts them; None where it does not, or not in time.

    `left` is what the task's deadline leaves, in seconds, None if it has none. A counter that keeps to no time is
    left behind in its thread; what it raises, but for a `ProviderError`, is raised here.
    """
    counter = getattr(provider, "count_tokens", None)
    seconds = COUNTING if left is None else min(COUNTING, left)
    if not callable(counter) or seconds <= 0:
        return None
    limits = request.timeouts
    first, total = min(limits.first_byte, seconds), min(limits.total, seconds)
    timed = replace(request, timeouts=replace(limits, first_byte=first, total=total))
    counts: list[object] = []
    errors: list[Exception] = []

    def count() -> None:
        try:
            counts.append(counter(timed))
        except Exception as error:  # noqa: BLE001 - handed over to the thread that waits
            errors.append(error)

    thread = Thread(target=count, name="escalator-count", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors and not isinstance(errors[0], ProviderError):
        raise errors[0]
    counted = counts[0] if counts else None
    return counted if isinstance(counted, int) else None
