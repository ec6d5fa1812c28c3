"""The log of attempts, each with what its task and its call say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from escalator.ledger import Archive, to_usd
from escalator.ledger.export import follow, rows
from escalator.ledger.log import CallRecord, LogQuery, TaskRecord, TryRecord
from escalator.records.facts import AttemptFacts, came_about
from escalator.records.flat import by_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribution(AttemptFacts):
    """One attempt as the log has it: its facts, the `id` of its row, `at` when its task was closed (seconds since
    the epoch), and for which `team`. Facts that are None are not kept in the log.
    """

    id: int
    at: float
    team: str


COLUMNS = tuple(field.name for field in fields(Attribution) if field.default is not None)
"""The facts that every line of the log has."""


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
    task: dict[int, Attribution] = {}
    found = follow(ledger, "attempts", query, seconds=seconds) if following else rows(ledger, "attempts", query)
    wanted = text.lower()
    for row in found:
        if not isinstance(row, TryRecord):
            continue
        if row.id not in task:  # attempts of one task stand together
            task = _attempts(ledger, row.task_id)
        line = task.get(row.id)  # none where its task was closed anew just now
        if line is not None and wanted in f"{line.description} {line.cause} {line.validation}".lower():
            yield line


def _attempts(ledger: Archive, task_id: str) -> dict[int, Attribution]:
    """The attempts of one task by their row's id."""
    query = LogQuery(task_id=task_id)
    task = next(iter(ledger.tasks(query)), None)
    calls: dict[tuple[int, int], list[CallRecord]] = {}
    for call in ledger.calls(query):
        calls.setdefault((call.rung, call.number), []).append(call)
    found: dict[int, Attribution] = {}
    before = None
    for row in ledger.tries(query):
        found[row.id] = before = _told(row, task, calls.get((row.rung, row.number), []), before)
    return found


def _told(
    row: TryRecord, task: TaskRecord | None, calls: list[CallRecord], before: Attribution | None
) -> Attribution:
    """One attempt from its rows: what the attempt's own says, else its worker's last call, else its task."""
    answers = [call for call in calls if call.purpose == "worker"]
    return by_name(
        Attribution,
        row,
        *answers[-1:],
        *([task] if task is not None else []),
        worker=row.model,
        outcome=row.result,
        cost=to_usd(row.cost),
        calls=len(calls),
        move=came_about(before, row.rung),
        status=task.state if task is not None else "",
    )
