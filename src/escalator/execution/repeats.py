"""When a failed request is sent again: tenacity decides, this flow performs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, TypeVar

from escalator.execution.effects import Sleep
from escalator.flow import Flow
from escalator.records import Failure, Policies

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

TRANSIENT = frozenset(
    {"busy", "connection", "model_loading", "overloaded", "rate_limit", "server", "server_timeout", "unavailable"}
)
"""Failures that a second request may cure. All others would be answered the same way again."""

LONGEST_BACKOFF = 8.0
"""Seconds between two requests at most, where the server names no wait."""


def may_repeat(
    failure: Failure | None, policies: Policies, *, alone: Collection[str], remaining: float | None
) -> bool:
    """Whether one more request is worth its time.

    A server that names a wait within `patience`, or is loading the model, is asked again. Otherwise, unless the
    matrix states how often, only who cannot be replaced: while another model can be asked, asking that one is
    faster. `alone`: the failures after which nobody else could be asked.
    """
    if failure is None or failure.kind not in TRANSIENT or policies.transport_retries == 0:
        return False
    if failure.retry_after is not None:
        fits = remaining is None or failure.retry_after < remaining
        return fits and failure.retry_after <= policies.patience
    return policies.retry_every_rung or failure.kind == "model_loading" or failure.kind in alone


def repeated(
    first: T,
    again: Callable[[int], Flow[T]],
    *,
    failure_of: Callable[[T], Failure | None],
    worth: Callable[[Failure | None], bool],
    retries: int,
) -> Flow[T]:
    """The first reply, or the reply of a later request if the first one failed in a way worth repeating."""
    if not worth(failure_of(first)):
        return first
    from tenacity import DoAttempt, DoSleep, RetryCallState, Retrying, retry_if_result, stop_after_attempt

    retrying = Retrying(
        stop=stop_after_attempt(retries + 1),
        wait=_wait(failure_of),
        retry=retry_if_result(lambda reply: worth(failure_of(reply))),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else first,
    )
    retrying.begin()
    state = RetryCallState(retrying, None, (), {})
    while True:
        action = retrying.iter(retry_state=state)
        if isinstance(action, DoAttempt):
            number = state.attempt_number
            state.set_result(first if number == 1 else (yield from again(number - 1)))
        elif isinstance(action, DoSleep):
            state.prepare_for_next_attempt()
            yield Sleep(float(action))
        else:
            reply: T = action
            return reply


def _wait(failure_of: Callable[[T], Failure | None]) -> Callable[[RetryCallState], float]:
    """The wait the server asked for, else an exponential back-off with jitter from half a second."""
    from tenacity import wait_exponential_jitter

    backoff = wait_exponential_jitter(initial=0.5, max=LONGEST_BACKOFF, jitter=0.25)

    def wait(state: RetryCallState) -> float:
        failure = failure_of(state.outcome.result()) if state.outcome else None
        asked = failure.retry_after if failure else None
        return asked if asked is not None else backoff(state)

    return wait
