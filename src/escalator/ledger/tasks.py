"""Tasks: claimed, journalled, closed, given up.

Each function is one step of a transaction, in SQL that SQLite and PostgreSQL both speak; the stores differ in
how they open a transaction and how they tell whether a worker is alive.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from escalator.ledger import tally
from escalator.ledger.chain import COLUMNS
from escalator.ledger.money import doubt
from escalator.ledger.protocol import FINAL, Closing, Entry, Opened, TaskRow, Tried
from escalator.ledger.refusals import not_ours
from escalator.ledger.session import Reading, Session, clean, into, marks

_INSERT = into("task", "task_id, state, owner, task_type, complexity, description, team, tags, opened")
_OPENED = f"{_INSERT} RETURNING id, state, task_type, complexity, {COLUMNS['task']}"
_REOPENED = f"UPDATE task SET owner = ?, state = 'open' WHERE task_id = ? RETURNING {COLUMNS['state']}"  # noqa: S608
_TYPED = (
    "UPDATE task SET task_type = ?, complexity = ? WHERE task_id = ? AND owner = ? "  # noqa: S608
    f"RETURNING id, {COLUMNS['type']}"
)
_PLANNED = f"UPDATE paper SET plan = ? WHERE id = ? RETURNING {COLUMNS['plan']}"  # noqa: S608


def open_task(session: Session, row: TaskRow, *, new: bool = False) -> Opened:
    """Store the task if it is new and claim it for this worker; `new`: nobody can know it, so do not look."""
    found = None if new else _find(session, row.task_id)
    if found is None:
        _insert_task(session, row)
        return Opened(status="new", row=row)
    if found.status != "resumed":
        return found
    tally.unfold(session, clean(row.task_id))
    doubt(session, row.task_id)
    rows = session.rows(_REOPENED, session.owner, clean(row.task_id))
    session.chains.written(session, clean(row.task_id), "state", rows)
    return replace(found, entries=entries(session, row.task_id))


def plan_task(session: Session, row: TaskRow) -> None:
    """Store the plan of a task that was opened without one, with its type and complexity."""
    found = session.rows(
        _TYPED,
        clean(row.task_type),
        row.complexity,
        clean(row.task_id),
        session.owner,
    )
    if not found:
        raise not_ours(row.task_id)
    number, *typed = found[0]
    session.chains.written(session, clean(row.task_id), "type", [typed])
    session.chains.written(session, clean(row.task_id), "plan", session.rows(_PLANNED, clean(row.plan), number))


def look(session: Reading, task_id: str) -> Opened | None:
    """What opening the task would find; None if it is unknown."""
    found = _find(session, task_id)
    if found is None:
        return None
    known = entries(session, task_id)
    if found.status == "resumed":
        known = tuple(replace(entry, state="doubt") if entry.state == "sent" else entry for entry in known)
    return replace(found, entries=known)


def _find(session: Reading, task_id: str) -> Opened | None:
    rows = session.rows(
        "SELECT t.state, t.owner, t.task_type, t.complexity, t.description, t.team, t.tags, "
        "COALESCE(p.brief, ''), COALESCE(p.plan, ''), t.outcome "
        "FROM task t LEFT JOIN paper p ON p.id = t.id WHERE t.task_id = ?",
        clean(task_id),
    )
    if not rows:
        return None
    state, owner, task_type, complexity, description, team, tags, brief, plan, outcome = rows[0]
    row = TaskRow(
        task_id=task_id,
        brief=brief,
        plan=plan,
        task_type=task_type,
        complexity=complexity,
        description=description,
        team=team,
        tags=tuple(json.loads(tags)),
    )
    if state in FINAL:
        return Opened(status="closed", row=row, outcome=outcome)
    running = bool(owner) and session.alive(owner)
    return Opened(status="running" if running else "resumed", row=row, outcome=outcome)


def _insert_task(session: Session, row: TaskRow) -> None:
    task_id = clean(row.task_id)
    number, state, task_type, complexity, *stored = session.rows(
        _OPENED,
        task_id,
        "open",
        session.owner,
        clean(row.task_type),
        row.complexity,
        clean(row.description),
        clean(row.team),
        json.dumps(row.tags),
        session.now,
    )[0]
    brief, plan = clean(row.brief), clean(row.plan)
    session.run(into("paper", "id, brief, plan"), number, brief, plan)
    session.run(into("pending", "task_id"), task_id)
    session.chains.start(task_id)
    session.chains.written(session, task_id, "task", [stored])
    session.chains.written(session, task_id, "type", [(task_id, task_type, complexity)])
    session.chains.written(session, task_id, "state", [(task_id, state)])
    session.chains.written(session, task_id, "brief", [(number, brief)])
    session.chains.written(session, task_id, "plan", [(number, plan)])


def entries(session: Reading, task_id: str) -> tuple[Entry, ...]:
    """The newest call of each key as sent, then the newest of every other reply as recorded."""
    calls: dict[str, Entry] = {}
    for step, digest, state, payload in session.rows(
        "SELECT step, digest, state, COALESCE(payload, '') FROM call WHERE task_id = ? ORDER BY id",
        clean(task_id),
    ):
        calls.pop(step, None)
        calls[step] = Entry(key=step, kind="call", digest=digest, payload=payload, state=state)
    notes: dict[str, Entry] = {}
    for step, kind, digest, payload, state in session.rows(
        "SELECT step, kind, digest, payload, state FROM entry WHERE task_id = ? ORDER BY id", clean(task_id)
    ):
        notes.pop(step, None)
        notes[step] = Entry(key=step, kind=kind, digest=digest, payload=payload, state=state)
    return (*calls.values(), *notes.values())


_ENTRY = "task_id, step, kind, digest, state, payload, at"


def record(session: Session, task_id: str, entry: Entry) -> None:
    """Store a reply that cost nothing; of the same key, the newest counts."""
    kept = session.rows(
        f"INSERT INTO entry ({_ENTRY}) SELECT task_id, {marks(6)} FROM task WHERE task_id = ? AND owner = ? "  # noqa: S608
        f"RETURNING {COLUMNS['entry']}",
        clean(entry.key),
        entry.kind,
        clean(entry.digest),
        entry.state,
        clean(entry.payload),
        session.now,
        clean(task_id),
        session.owner,
    )
    if not kept:
        raise not_ours(task_id)
    session.chains.written(session, clean(task_id), "entry", kept)


_CLOSE = (
    "UPDATE task SET state = ?, owner = '', closed = ?, status = ?, reason = ?, worker = ?, checker = ?, "  # noqa: S608
    "attempts = ?, retries = ?, fallbacks = ?, escalations = ?, validation = ?, seconds = ?, cost = ?, "
    "baseline = ?, outcome = ? WHERE task_id = ? AND owner = ? "
    f"RETURNING id, task_type, team, state, {COLUMNS['end']}"
)


def close_task(session: Session, task_id: str, closing: Closing, *, keep: bool) -> None:
    """Store the outcome, give the task up and log its attempts, in place of those of an earlier closing."""
    found = session.rows(
        _CLOSE,
        closing.status,
        session.now,
        closing.status,
        clean(closing.reason),
        clean(closing.worker),
        clean(closing.checker),
        closing.attempts,
        closing.retries,
        closing.fallbacks,
        closing.escalations,
        clean(closing.validation),
        closing.seconds,
        closing.cost,
        closing.baseline,
        clean(closing.outcome) if keep else "",
        clean(task_id),
        session.owner,
    )
    if not found:
        raise not_ours(task_id)
    number, task_type, team, state, *ended = found[0]
    doubt(session, task_id)
    if not keep and closing.status in FINAL:
        session.run("DELETE FROM paper WHERE id = ?", number)
        session.chains.removed(session, clean(task_id), "brief", [number])
        session.chains.removed(session, clean(task_id), "plan", [number])
    replaced = session.rows("DELETE FROM attempt WHERE task_id = ? RETURNING id", clean(task_id))
    session.chains.removed(session, clean(task_id), "attempt", [row[0] for row in replaced])
    if closing.tries:
        _log_tries(session, (clean(task_id), session.now, task_type, team), closing.tries)
    session.chains.written(session, clean(task_id), "state", [(ended[0], state)])
    session.chains.written(session, clean(task_id), "end", [ended])


_TRIED = tuple(f.name for f in fields(Tried))
_ATTEMPT = ", ".join(("task_id", "at", "task_type", "team", *_TRIED))


def _log_tries(session: Session, shared: tuple[Any, ...], tries: Sequence[Tried]) -> None:
    one = f"({marks(len(shared) + len(_TRIED))})"
    values: list[Any] = []
    for tried in tries:
        facts = (getattr(tried, name) for name in _TRIED)
        values += (*shared, *(clean(value) if isinstance(value, str) else value for value in facts))
    many = ", ".join([one] * len(tries))
    sql = f"INSERT INTO attempt ({_ATTEMPT}) VALUES {many} RETURNING {COLUMNS['attempt']}"  # noqa: S608
    logged = session.rows(sql, *values)
    session.chains.written(session, shared[0], "attempt", sorted(logged))


def sweep(session: Session) -> int:
    """Give up the tasks of every worker that died; returns how many."""
    found = session.rows(
        "SELECT t.task_id, t.owner FROM pending p JOIN task t ON t.task_id = p.task_id WHERE t.owner <> ''"
    )
    alive = {owner: session.alive(owner) for owner in {owner for _, owner in found}}
    left = [task_id for task_id, owner in found if not alive[owner]]
    for task_id in left:
        doubt(session, task_id)
        session.run("UPDATE task SET owner = '' WHERE task_id = ?", task_id)
    return len(left)


GONE = "gone"
"""The name of a worker that ended in good order and left tasks open: nobody has it, so it never lives."""


def leave(session: Session) -> None:
    """Take this worker's name from what it leaves open, as one that ends must."""
    session.run(
        "UPDATE task SET owner = ? WHERE owner = ? AND task_id IN (SELECT task_id FROM pending)",
        GONE,
        session.owner,
    )
    session.run("UPDATE prompt SET owner = '' WHERE owner = ?", session.owner)


def leaves_something(session: Reading, owner: str) -> bool:
    """Whether any task or prompt bears a worker's name."""
    return bool(
        session.rows(
            "SELECT 1 FROM pending p JOIN task t ON t.task_id = p.task_id WHERE t.owner = ? "
            "UNION ALL SELECT 1 FROM prompt WHERE owner = ? LIMIT 1",
            owner,
            owner,
        )
    )


def release(session: Session, task_id: str) -> None:
    """Give the task up without closing it; calls under way become doubtful."""
    given = session.rows(
        "UPDATE task SET owner = '' WHERE task_id = ? AND owner = ? RETURNING id", clean(task_id), session.owner
    )
    if not given:
        raise not_ours(task_id)
    doubt(session, task_id)
