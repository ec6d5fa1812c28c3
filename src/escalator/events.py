"""Typed events for everything that happens to a task, and the one rule for those who listen.

A *sink* is any callable that takes an event. A sink that raises is reported once and never called again; it
cannot stop a task.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from escalator.records import Attempt, Call, Classification, Outcome, Plan, Rung, Transition, Verdict

_log = logging.getLogger("escalator")


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskStarted:
    """A task was taken up. `resumed`: parts of it were done before."""

    task_id: str
    prompt: str
    resumed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """The task was classified and its plan made."""

    task_id: str
    classification: Classification
    plan: Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptStarted:
    """A rung is asked for an answer; `number` counts from 1 on that rung."""

    task_id: str
    rung: Rung
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFinished:
    """One request came back or failed. `replayed`: it was read from the ledger and cost nothing now."""

    task_id: str
    call: Call
    replayed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A rung gave an answer, an unusable one, or none; its verdicts follow."""

    task_id: str
    attempt: Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A validator gave its verdict on an answer of `model`."""

    task_id: str
    model: str
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """The walk retried, fell back, escalated or passed a rung by."""

    task_id: str
    transition: Transition


@dataclass(frozen=True, kw_only=True, slots=True)
class Substitution:
    """What a person is asked to approve: letting one paid model do one thing for one task.

    `highest_cost`: the most it can cost, USD. `expires`: seconds since the epoch after which it counts no more.
    """

    task_id: str
    from_model: str
    to_model: str
    reason: str
    highest_cost: Decimal
    expires: float


Approve: TypeAlias = Callable[[Substitution], object]
"""Asked before a paid model: True approves, False declines, None leaves the task waiting. May be a coroutine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaidModelAhead:
    """A model that costs money is about to be used. `approved`: True or False once asked, None if only warned."""

    task_id: str
    substitution: Substitution
    approved: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Warned:
    """Something a person should know that does not stop the task."""

    task_id: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskEnded:
    """The task has its outcome."""

    task_id: str
    outcome: Outcome


Event: TypeAlias = (
    TaskStarted
    | Planned
    | AttemptStarted
    | CallFinished
    | Answered
    | Judged
    | Moved
    | PaidModelAhead
    | Warned
    | TaskEnded
)

Sink: TypeAlias = Callable[[Event], object]
"""Anything that takes an event."""


class Publisher:
    """Hands events to sinks in order; a sink that raises is reported once and left out from then on."""

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        self._sinks = list(sinks)

    def __call__(self, event: Event) -> None:
        """Hand one event to every sink."""
        for sink in tuple(self._sinks):
            try:
                sink(event)
            except Exception:  # noqa: BLE001  a stranger's sink may raise anything
                self._sinks.remove(sink)
                _log.exception("An event sink failed and gets no more events; the task goes on.")
