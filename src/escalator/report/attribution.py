"""The log of attempts, each with what its task and its call say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from escalator.ledger import Archive, to_usd
from escalator.ledger.export import follow, rows
from escalator.ledger.log import CallRecord, LogQuery, TaskRecord, TryRecord

Move: TypeAlias = Literal["first", "retry", "fallback", "escalation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribution:
    """One attempt: which task, who answered and who checked, how it came about, how it ended, what it took.

    `at` is when the task was closed, seconds since the epoch. `move` says how it came about; `status`, `attempts`,
    `retries`, `fallbacks` and `escalations` are the task's. `cost` is USD with the checker's calls included,
    `seconds` the time in calls and checks. `finish` and `error` are those of the worker's last call.
    """

    id: int
    at: float
    task_id: str
    task_type: str
    complexity: float
    description: str
    team: str
    tags: tuple[str, ...]
    worker: str
    answered_by: str
    provider: str
    local: bool
    checker: str
    rung: int
    number: int
    move: Move
    effort: str
    outcome: str
    cause: str
    validation: str
    finish: str
    error: str
    prompt_digest: str
    calls: int
    input_tokens: int
    output_tokens: int
    seconds: float
    cost: Decimal
    status: str
    attempts: int
    retries: int
    fallbacks: int
    escalations: int


def attributions(
    ledger: Archive,
    query: LogQuery = LogQuery(),  # noqa: B008
    *,
    text: str = "",
    following: bool = False,
    seconds: float = 0.5,
) -> Iterator[Attribution]:
    """Attempts that match, oldest first; `text` must occur in description, cause or validation.

    `following` goes on for ever, looking for new ones every so many seconds.
    """
    join = _Join(ledger)
    found = follow(ledger, "attempts", query, seconds=seconds) if following else rows(ledger, "attempts", query)
    wanted = text.lower()
    for record in found:
        if isinstance(record, TryRecord):
            line = join.line(record)
            if wanted in f"{line.description} {line.cause} {line.validation}".lower():
                yield line


def facts_of(line: Attribution) -> dict[str, Any]:
    """One attempt as JSON values; money as decimal text."""
    return {**asdict(line), "cost": f"{line.cost:f}", "tags": list(line.tags)}


class _Join:
    """Remembers the task it looked up last: attempts of one task stand together."""

    def __init__(self, ledger: Archive) -> None:
        self._ledger = ledger
        self._task_id = ""
        self._task: TaskRecord | None = None
        self._tries: list[TryRecord] = []
        self._calls: dict[tuple[int, int], list[CallRecord]] = {}

    def line(self, record: TryRecord) -> Attribution:
        if record.task_id != self._task_id or record not in self._tries:
            self._look_up(record.task_id)
        task = self._task
        calls = self._calls.get((record.rung, record.number), [])
        worker = next((call for call in reversed(calls) if call.purpose == "worker"), None)
        return Attribution(
            id=record.id,
            at=record.at,
            task_id=record.task_id,
            task_type=record.task_type,
            complexity=task.complexity if task else 0.0,
            description=task.description if task else "",
            team=record.team,
            tags=task.tags if task else (),
            worker=record.model,
            answered_by=record.answered_by,
            provider=worker.provider if worker else "",
            local=worker.local if worker else False,
            checker=record.checker,
            rung=record.rung,
            number=record.number,
            move=self._move(record),
            effort=record.effort,
            outcome=record.result,
            cause=record.cause,
            validation=record.validation,
            finish=worker.finish if worker else "",
            error=worker.error if worker else "",
            prompt_digest=worker.prompt_digest if worker else "",
            calls=len(calls),
            input_tokens=record.input_tokens,
            output_tokens=record.output_tokens,
            seconds=record.seconds,
            cost=to_usd(record.cost),
            status=task.state if task else "",
            attempts=task.attempts if task else 0,
            retries=task.retries if task else 0,
            fallbacks=task.fallbacks if task else 0,
            escalations=task.escalations if task else 0,
        )

    def _look_up(self, task_id: str) -> None:
        query = LogQuery(task_id=task_id)
        self._task_id = task_id
        self._task = next(iter(self._ledger.tasks(query)), None)
        self._tries = self._ledger.tries(query)
        self._calls = {}
        for call in self._ledger.calls(query):
            self._calls.setdefault((call.rung, call.number), []).append(call)

    def _move(self, record: TryRecord) -> Move:
        before = [other for other in self._tries if other.id < record.id]
        if not before:
            return "first"
        if before[-1].rung == record.rung:
            return "retry"
        return "escalation" if before[-1].result == "failed" else "fallback"
