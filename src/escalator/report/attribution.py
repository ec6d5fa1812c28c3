"""The log of attempts, each with what its task and its call say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from escalator.ledger import Archive, to_usd
from escalator.ledger.export import follow, pages
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
    query = replace(query, text=text or query.text)
    if following:
        found: Iterator[list[Any]] = ([row] for row in follow(ledger, "attempts", query, seconds=seconds))
    else:
        found = pages(ledger, "attempts", query)
    for page in found:
        for first in range(0, len(page), _TASKS_AT_ONCE):
            part = page[first : first + _TASKS_AT_ONCE]
            told = _attempts(ledger, tuple(dict.fromkeys(row.task_id for row in part)))
            yield from (
                told[row.id] for row in part if row.id in told
            )  # a task may have been closed anew just now


_TASKS_AT_ONCE = 500


def _attempts(ledger: Archive, task_ids: tuple[str, ...]) -> dict[int, Attribution]:
    """The attempts of some tasks by their row's id; those of one task stand together."""
    query = LogQuery(tasks=task_ids)
    tasks = {task.task_id: task for task in ledger.tasks(query)}
    calls: dict[tuple[str, int, int], list[CallRecord]] = {}
    for call in ledger.calls(query):
        calls.setdefault((call.task_id, call.rung, call.number), []).append(call)
    found: dict[int, Attribution] = {}
    before: dict[str, Attribution] = {}
    for row in ledger.tries(query):
        own = calls.get((row.task_id, row.rung, row.number), [])
        line = _told(row, tasks.get(row.task_id), own, before.get(row.task_id))
        found[row.id] = before[row.task_id] = line
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
