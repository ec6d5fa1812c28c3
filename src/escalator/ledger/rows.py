"""The log as it is read: tasks, attempts and calls that match a query, and the erasing of old answers."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

from escalator.ledger.chain import COLUMNS
from escalator.ledger.log import CallRecord, LogQuery, TaskRecord, TryRecord
from escalator.ledger.session import Reading, Session, clean, has, marks

_ALL = 2**62


def _columns(kind: type[Any], table: str, renamed: dict[str, str]) -> str:
    return ", ".join(renamed.get(f.name, f"{table}.{f.name}") for f in fields(kind))


_TASKS = f"SELECT {_columns(TaskRecord, 't', {})} FROM task t"  # noqa: S608
_TRIES = f"SELECT {_columns(TryRecord, 'a', {})} FROM attempt a"  # noqa: S608
_GONE = "(c.state = 'sent' AND t.owner IN ({gone}))"
_TASK_TEXT = "t.description || ' ' || t.reason"
_TRY_TEXT = "t.description || ' ' || a.cause || ' ' || a.validation"


@cache
def _calls(gone: int) -> str:
    """Calls of a process that is gone are doubtful, though nobody has opened their task since to write it down."""
    left = _GONE.format(gone=marks(gone))
    renamed = {"key": "c.step", "task_type": "t.task_type"}
    if gone:
        renamed |= {
            "state": f"CASE WHEN {left} THEN 'doubt' ELSE c.state END",
            "cost": f"CASE WHEN {left} THEN c.held ELSE c.cost END",
            "held": f"CASE WHEN {left} THEN 0 ELSE c.held END",
        }
    return f"SELECT {_columns(CallRecord, 'c', renamed)} FROM call c JOIN task t ON t.task_id = c.task_id"  # noqa: S608


def tasks(session: Reading, query: LogQuery) -> list[TaskRecord]:
    """Tasks by the time they were opened."""
    where = {
        **_common(query, "t"),
        "t.worker = ?": clean(query.model),
        "t.state = ?": query.status,
        "t.opened >= ?": query.since,
        "t.opened < ?": query.until,
        "(t.opened, t.task_id) > (?, ?)": query.past,
        has(_TASK_TEXT): clean(query.text).lower(),
    }
    found = _select(session, _TASKS, where, query, order="t.opened, t.task_id")
    names = [f.name for f in fields(TaskRecord)]
    tags = names.index("tags")
    return [
        TaskRecord(**dict(zip(names, (*row[:tags], tuple(json.loads(row[tags])), *row[tags + 1 :]), strict=True)))
        for row in found
    ]


def tries(session: Reading, query: LogQuery) -> list[TryRecord]:
    """Attempts of closed tasks, in the order they were logged."""
    where = {
        **_common(query, "a"),
        "a.model = ?": clean(query.model),
        "a.result = ?": query.status,
        "a.at >= ?": query.since,
        "a.at < ?": query.until,
        "a.id > ?": query.after or None,
        has(_TRY_TEXT): clean(query.text).lower(),
    }
    names = [f.name for f in fields(TryRecord)]
    sql = f"{_TRIES} JOIN task t ON t.task_id = a.task_id" if query.text else _TRIES
    return [
        TryRecord(**dict(zip(names, row, strict=True)))
        for row in _select(session, sql, where, query, order="a.id")
    ]


def calls(session: Reading, query: LogQuery) -> list[CallRecord]:
    """Model calls in the order they were sent; one whose process is gone is doubtful."""
    gone = _gone(session)
    left = _GONE.format(gone=marks(len(gone)))
    state: dict[str, Any] = {"c.state = ?": query.status}
    if gone and query.status == "doubt":
        state = {f"(c.state = ? OR {left})": ("doubt", *gone)}
    elif gone and query.status == "sent":
        state = {f"(c.state = ? AND NOT {left})": ("sent", *gone)}
    where = {
        **_common(query, "c"),
        "c.model = ?": clean(query.model),
        **state,
        "c.sent >= ?": query.since,
        "c.sent < ?": query.until,
        "c.id > ?": query.after or None,
        has("t.description"): clean(query.text).lower(),
    }
    names = [f.name for f in fields(CallRecord)]
    found = _select(session, _calls(len(gone)), where, query, order="c.id", first=gone * 3)
    records = [dict(zip(names, row, strict=True)) for row in found]
    return [CallRecord(**{**r, "local": bool(r["local"]), "estimated": bool(r["estimated"])}) for r in records]


def _common(query: LogQuery, table: str) -> dict[str, Any]:
    """The filters that every kind of row has."""
    kept = "t" if table == "c" else table  # a call has no type of its own
    return {
        f"{table}.task_id = ?": clean(query.task_id),
        f"{table}.task_id IN ({marks(len(query.tasks))})": tuple(map(clean, query.tasks)) or None,
        f"{kept}.task_type = ?": clean(query.task_type),
        f"{kept}.team = ?": clean(query.team),
    }


def _gone(session: Reading) -> tuple[str, ...]:
    """The names of workers that left tasks open and do not live any more."""
    owners = session.rows(
        "SELECT DISTINCT t.owner FROM pending p JOIN task t ON t.task_id = p.task_id WHERE t.owner <> ''"
    )
    return tuple(owner for (owner,) in owners if not session.alive(owner))


def _select(
    session: Reading, sql: str, where: dict[str, Any], query: LogQuery, *, order: str, first: tuple[Any, ...] = ()
) -> list[Any]:
    """Rows by the tests that have a value; one of several values fills several marks."""
    wanted = {test: value for test, value in where.items() if value not in ("", None)}
    values = [each for value in wanted.values() for each in (value if isinstance(value, tuple) else (value,))]
    parts = [sql, f"WHERE {' AND '.join(wanted)}" if wanted else ""]
    down = ", ".join(f"{column} DESC" for column in order.split(", "))
    parts += [f"ORDER BY {down if query.newest else order} LIMIT ?"]
    rows = session.rows(" ".join(parts), *first, *values, _ALL if query.count is None else query.count)
    return rows[::-1] if query.newest else rows


def cache_saved(session: Reading, *, since: str, until: str) -> int:
    """Nano-dollars that providers' caches saved on the calls of those days, both included; empty for no bound."""
    rows = session.rows(
        "SELECT COALESCE(SUM(cache_saved), 0) FROM call WHERE cache_saved <> 0 AND sent >= ? AND sent < ?",
        _beginning(since) if since else 0.0,
        _beginning(until) + 86_400 if until else float(_ALL),
    )
    return int(rows[0][0])


def _beginning(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def forget(session: Session, before: float, batch: int = 100) -> int:
    """Erase the texts of up to `batch` final tasks closed before that time; returns how many."""
    found = session.rows(
        "SELECT task_id FROM task WHERE forgotten = 0 AND state IN ('accepted', 'skipped') AND closed < ? "
        "ORDER BY closed LIMIT ?",
        before,
        batch,
    )
    ids = [row[0] for row in found]
    if ids:
        these = f"IN ({marks(len(ids))})"
        papers = f"DELETE FROM paper WHERE id IN (SELECT id FROM task WHERE task_id {these}) RETURNING id"  # noqa: S608
        taken = {number for (number,) in session.rows(papers, *ids)}
        session.run(f"UPDATE call SET payload = NULL WHERE task_id {these}", *ids)  # noqa: S608
        session.run(f"UPDATE entry SET payload = '' WHERE task_id {these}", *ids)  # noqa: S608
        session.run(f"UPDATE review SET payload = '' WHERE task_id {these}", *ids)  # noqa: S608
        session.run(f"DELETE FROM prompt WHERE task_id {these}", *ids)  # noqa: S608
        told = (
            f"UPDATE task SET forgotten = 1, outcome = '' WHERE task_id {these} RETURNING id, {COLUMNS['erased']}"  # noqa: S608
        )
        for number, *row in session.rows(told, *ids):
            session.chains.removed(session, row[0], "brief", {number} & taken)
            session.chains.removed(session, row[0], "plan", {number} & taken)
            session.chains.written(session, row[0], "erased", [row])
    return len(ids)
