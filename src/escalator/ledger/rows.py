"""The log as it is read: tasks, attempts and calls that match a query, and the erasing of old answers."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from escalator.ledger.chain import COLUMNS
from escalator.ledger.log import CallRecord, LogQuery, TaskRecord, TryRecord
from escalator.ledger.session import Reading, Session, clean, marks

_ALL = 2**62


def _columns(kind: type[Any], table: str, renamed: dict[str, str]) -> str:
    return ", ".join(renamed.get(f.name, f"{table}.{f.name}") for f in fields(kind))


_TASKS = f"SELECT {_columns(TaskRecord, 't', {})} FROM task t"  # noqa: S608
_TRIES = f"SELECT {_columns(TryRecord, 'a', {})} FROM attempt a"  # noqa: S608
_CALLS = (
    f"SELECT {_columns(CallRecord, 'c', {'key': 'c.step', 'task_type': 't.task_type'})} "  # noqa: S608
    "FROM call c JOIN task t ON t.task_id = c.task_id"
)


def tasks(session: Reading, query: LogQuery) -> list[TaskRecord]:
    """Tasks by the time they were opened."""
    where = {
        "t.task_id = ?": clean(query.task_id),
        "t.task_type = ?": clean(query.task_type),
        "t.team = ?": clean(query.team),
        "t.worker = ?": clean(query.model),
        "t.state = ?": query.status,
        "t.opened >= ?": query.since,
        "t.opened < ?": query.until,
    }
    rows = _select(session, _TASKS, where, query, order="t.opened, t.task_id")
    names = [f.name for f in fields(TaskRecord)]
    records = [dict(zip(names, row, strict=True)) for row in rows]
    return [TaskRecord(**{**facts, "tags": tuple(json.loads(facts["tags"]))}) for facts in records]


def tries(session: Reading, query: LogQuery) -> list[TryRecord]:
    """Attempts of closed tasks, in the order they were logged."""
    where = {
        "a.task_id = ?": clean(query.task_id),
        "a.task_type = ?": clean(query.task_type),
        "a.team = ?": clean(query.team),
        "a.model = ?": clean(query.model),
        "a.result = ?": query.status,
        "a.at >= ?": query.since,
        "a.at < ?": query.until,
        "a.id > ?": query.after or None,
    }
    names = [f.name for f in fields(TryRecord)]
    rows = _select(session, _TRIES, where, query, order="a.id")
    return [TryRecord(**dict(zip(names, row, strict=True))) for row in rows]


def calls(session: Reading, query: LogQuery) -> list[CallRecord]:
    """Model calls in the order they were sent."""
    where = {
        "c.task_id = ?": clean(query.task_id),
        "t.task_type = ?": clean(query.task_type),
        "t.team = ?": clean(query.team),
        "c.model = ?": clean(query.model),
        "c.state = ?": query.status,
        "c.sent >= ?": query.since,
        "c.sent < ?": query.until,
        "c.id > ?": query.after or None,
    }
    names = [f.name for f in fields(CallRecord)]
    records = [dict(zip(names, row, strict=True)) for row in _select(session, _CALLS, where, query, order="c.id")]
    return [CallRecord(**{**r, "local": bool(r["local"]), "estimated": bool(r["estimated"])}) for r in records]


def _select(session: Reading, sql: str, where: dict[str, Any], query: LogQuery, *, order: str) -> list[Any]:
    wanted = {test: value for test, value in where.items() if value not in ("", None)}
    parts = [sql, f"WHERE {' AND '.join(wanted)}" if wanted else ""]
    down = ", ".join(f"{column} DESC" for column in order.split(", "))
    parts += [f"ORDER BY {down if query.newest else order} LIMIT ?"]
    rows = session.rows(" ".join(parts), *wanted.values(), _ALL if query.count is None else query.count)
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
