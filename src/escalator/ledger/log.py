"""What can be read from a ledger, and the two queues people and workers take from it.

Everything here reads what the performer wrote, or keeps reviews and unserved prompts beside it. Days are UTC,
written "2026-11-21"; money is nano-dollars; times are seconds since the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

from escalator.ledger.examining import Examined
from escalator.ledger.protocol import CallState, Ledger, Opened, TaskState, Tried

ReviewKind: TypeAlias = Literal["answer", "approval"]
"""answer: an answer to be judged by a person. approval: a paid call to be allowed or not."""

Decision: TypeAlias = Literal["approved", "rejected", "retry"]

ReviewState: TypeAlias = Literal["waiting", "approved", "rejected", "retry"]

BUCKETS_PER_OCTAVE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class LogQuery:
    """Which rows of the log are wanted, oldest first. Empty fields do not filter.

    `since` and `until` bound the time a call was sent, a task opened, an attempt logged. `status` is the
    state of a task or call, the result of an attempt. `after` is the last id already seen, for following.
    `newest` takes the last `count` rows instead of the first. `tasks` are the ids of those wanted, some hundred at
    most. `text` must occur, in any case, in the description of the task, or in why a task or an attempt ended.
    `past` is the last task already seen: when it was opened, and its id.
    """

    task_id: str = ""
    tasks: tuple[str, ...] = ()
    text: str = ""
    past: tuple[float, str] | None = None
    task_type: str = ""
    team: str = ""
    model: str = ""
    status: str = ""
    since: float | None = None
    until: float | None = None
    after: int = 0
    count: int | None = None
    newest: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRecord:
    """One task in the log. Until it was closed once, everything from `closed` on is empty."""

    task_id: str
    state: TaskState
    task_type: str
    complexity: float
    description: str
    team: str
    tags: tuple[str, ...]
    opened: float
    closed: float | None = None
    status: str = ""
    reason: str = ""
    worker: str = ""
    checker: str = ""
    attempts: int = 0
    retries: int = 0
    fallbacks: int = 0
    escalations: int = 0
    validation: str = ""
    seconds: float = 0.0
    cost: int = 0
    baseline: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TryRecord(Tried):
    """One attempt in the log, written when its task was closed at `at`."""

    id: int
    task_id: str
    at: float
    task_type: str
    team: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CallRecord:
    """One model call in the log. `amount` was reserved, `held` of it still is; `cost` above `amount` is an
    overrun. `details` is JSON.
    """

    id: int
    task_id: str
    key: str
    task_type: str
    state: CallState
    purpose: str
    model: str
    provider: str
    rung: int
    number: int
    effort: str
    local: bool
    prompt_digest: str
    details: str
    amount: int
    held: int
    cost: int
    sent: float
    ended: float | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    reasoning_tokens: int
    estimated: bool
    answered_by: str
    finish: str
    error: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskTally:
    """Closed tasks of one group; what was not grouped by is empty. `saved` is the sum of baseline less cost over
    accepted tasks that have a baseline, `baseline` the sum of those baselines.
    """

    day: str = ""
    task_type: str = ""
    team: str = ""
    worker: str = ""
    checker: str = ""
    status: str = ""
    bucket: int = 0
    n: int = 0
    attempts: int = 0
    retries: int = 0
    fallbacks: int = 0
    escalations: int = 0
    millis: int = 0
    cost: int = 0
    baseline: int = 0
    saved: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class TryTally:
    """Attempts of one group; what was not grouped by is empty."""

    day: str = ""
    task_type: str = ""
    model: str = ""
    checker: str = ""
    result: str = ""
    cause: str = ""
    n: int = 0
    millis: int = 0
    cost: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class CallTally:
    """Ended calls of one group; what was not grouped by is empty."""

    day: str = ""
    task_type: str = ""
    purpose: str = ""
    model: str = ""
    provider: str = ""
    state: str = ""
    error: str = ""
    bucket: int = 0
    n: int = 0
    millis: int = 0
    cost: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


Tally: TypeAlias = TaskTally | TryTally | CallTally
AnyTally = TypeVar("AnyTally", TaskTally, TryTally, CallTally)

DIMENSIONS: Mapping[type[Any], tuple[str, ...]] = {
    TaskTally: ("day", "task_type", "team", "worker", "checker", "status", "bucket"),
    TryTally: ("day", "task_type", "model", "checker", "result", "cause"),
    CallTally: ("day", "task_type", "purpose", "model", "provider", "state", "error", "bucket"),
}
"""What each tally can be grouped by; its other fields are sums."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """A decision waiting for a person, or made. `payload` is JSON."""

    id: int
    task_id: str
    kind: ReviewKind
    summary: str
    payload: str
    state: ReviewState
    created: float
    decided: float | None = None
    decided_by: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A prompt nobody could serve, to be run again when `provider` is back. `payload` is JSON."""

    id: int
    task_id: str
    provider: str
    model: str
    reason: str
    payload: str
    created: float


@runtime_checkable
class Archive(Ledger, Protocol):
    """A ledger that can also be read, and that keeps the two queues. Every ledger of ours is one."""

    def tasks(self, query: LogQuery = ...) -> list[TaskRecord]:
        """Tasks by the time they were opened; `model` filters by worker, `past` instead of `after`."""
        ...

    def tries(self, query: LogQuery = ...) -> list[TryRecord]:
        """Attempts of closed tasks."""
        ...

    def calls(self, query: LogQuery = ...) -> list[CallRecord]:
        """Model calls, those under way included; one whose process is gone counts as doubtful."""
        ...

    def look(self, task_id: str) -> Opened | None:
        """What opening the task would find, without claiming it; None if it is unknown."""
        ...

    def examine(self, task_id: str) -> Examined | None:
        """Whether the rows of a task are what was written; None for a task nobody knows."""
        ...

    def tally(
        self, kind: type[AnyTally], by: Sequence[str], *, since: str = "", until: str = ""
    ) -> list[AnyTally]:
        """Sums grouped by some of `DIMENSIONS[kind]` and sorted by them; both days are included."""
        ...

    def cache_saved(self, *, since: str = "", until: str = "") -> int:
        """Nano-dollars that providers' caches saved on the calls of those days, both included."""
        ...

    def sweep(self) -> Future[int]:
        """Give up the tasks of every process that died, so that their calls are listed as doubtful; how many.

        Opening a task does this for that task; without it, its money stays held, which limits count just as well.
        """
        ...

    def forget(self, before: float) -> Future[int]:
        """Erase prompts, answers and outcomes of up to 100 final tasks closed before that time.

        Returns how many were erased: call it until it returns 0. The log, its costs and roll-ups stay.
        """
        ...

    def review_add(self, task_id: str, kind: ReviewKind, summary: str, payload: str) -> Future[int]:
        """Ask for a decision and return its id; a waiting one of the same task and kind is renewed instead."""
        ...

    def review_decide(self, review_id: int, decision: Decision, *, by: str, note: str = "") -> Future[Review]:
        """Decide a waiting review. Raises `LedgerError` if it is unknown or was decided already."""
        ...

    def review(self, review_id: int) -> Review | None:
        """One review, or None."""
        ...

    def reviews(self, *, state: ReviewState | None = None, task_id: str = "") -> list[Review]:
        """Reviews, oldest first."""
        ...

    def prompt_add(self, task_id: str, *, provider: str, model: str, reason: str, payload: str) -> Future[int]:
        """Queue a prompt nobody could serve; a task is queued once, later reasons replace the earlier."""
        ...

    def prompt_take(self, provider: str = "") -> Future[Waiting | None]:
        """The oldest prompt (of that provider) that no live process has taken, now taken by this one."""
        ...

    def prompt_drop(self, prompt_id: int) -> Future[None]:
        """Remove a prompt that was served."""
        ...

    def prompt_return(self, prompt_id: int) -> Future[None]:
        """Put a taken prompt back for anybody to take."""
        ...

    def prompts(self) -> list[Waiting]:
        """Every queued prompt, taken or not, oldest first."""
        ...


def day_of(moment: float) -> str:
    """The UTC day of a time, as in "2026-11-21"."""
    return _day(int(moment // 86_400))


@lru_cache(maxsize=512)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, tz=UTC).strftime("%Y-%m-%d")


def millis_of(seconds: float) -> int:
    """Whole milliseconds, so that sums of durations are exact."""
    return round(seconds * 1000)


def bucket_of(millis: int) -> int:
    """The histogram bucket of a duration: 0 below one millisecond, then four an octave."""
    return int(math.log2(millis) * BUCKETS_PER_OCTAVE) + 1 if millis >= 1 else 0


def quantile(counts: Mapping[int, int], share: float) -> float:
    """Seconds below which that share of the durations lies, from bucket counts; off by at most 9 %."""
    total, seen = sum(counts.values()), 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= share * total and seen:
            return 2 ** ((bucket - 0.5) / BUCKETS_PER_OCTAVE) / 1000 if bucket else 0.0
    return 0.0
