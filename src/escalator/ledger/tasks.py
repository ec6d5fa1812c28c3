"""Tasks: claimed, journalled, closed, given up.

Each function is one step of a transaction, in SQL that SQLite and PostgreSQL both speak; the stores differ in
how they open a transaction and how they tell whether a worker is alive.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from escalator.ledger import tally
from escalator.ledger.money import doubt
from escalator.ledger.protocol import FINAL, Closing, Entry, Opened, TaskRow, Tried
from escalator.ledger.refusals import not_ours
from escalator.ledger.session import Reading, Session, clean, into


def open_task(session: Session, row: TaskRow) -> Opened:
    """Store the task if it is new and claim it for this worker."""
    found = _find(session, row.task_id)
    if found is None:
        _insert_task(session, row)
        return Opened(status="new", row=row)
    if found.status != "resumed":
        return found
    doubt(session, row.task_id)
    session.run("UPDATE task SET owner = ?, state = 'open' WHERE task_id = ?", session.owner, clean(row.task_id))
    return replace(found, entries=entries(session, row.task_id))


def plan_task(session: Session, row: TaskRow) -> None:
    """Store the plan of a task that was opened without one, with its type and complexity."""
    _owned(session, row.task_id)
    session.run(
        "UPDATE task SET task_type = ?, complexity = ? WHERE task_id = ?",
        clean(row.task_type),
        row.complexity,
        clean(row.task_id),
    )
    session.run("UPDATE paper SET plan = ? WHERE task_id = ?", clean(row.plan), clean(row.task_id))


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
        "SELECT t.state, t.owner, t.task_type, t.complexity, t.description, t.team, t.tags, p.brief, p.plan, "
        "p.outcome FROM task t JOIN paper p ON p.task_id = t.task_id WHERE t.task_id = ?",
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
    return Opened(status="running" if running else "resumed", row=row)


def _insert_task(session: Session, row: TaskRow) -> None:
    session.run(
        into("task", "task_id, state, owner, task_type, complexity, description, team, tags, opened"),
        clean(row.task_id),
        "open",
        session.owner,
        clean(row.task_type),
        row.complexity,
        clean(row.description),
        clean(row.team),
        json.dumps(row.tags),
        session.now,
    )
    session.run(
        into("paper", "task_id, brief, plan"),
        clean(row.task_id),
        clean(row.brief),
        clean(row.plan),
    )


def entries(session: Reading, task_id: str) -> tuple[Entry, ...]:
    """The newest call of each key as sent, then every other reply as recorded."""
    calls: dict[str, Entry] = {}
    for step, digest, state, payload in session.rows(
        "SELECT c.step, c.digest, c.state, COALESCE(a.payload, '') FROM call c "
        "LEFT JOIN answer a ON a.call_id = c.id WHERE c.task_id = ? ORDER BY c.id",
        clean(task_id),
    ):
        calls.pop(step, None)
        calls[step] = Entry(key=step, kind="call", digest=digest, payload=payload, state=state)
    notes = session.rows(
        "SELECT step, kind, digest, payload, state FROM entry WHERE task_id = ? ORDER BY id", clean(task_id)
    )
    return (
        *calls.values(),
        *(Entry(key=step, kind=kind, digest=d, payload=p, state=state) for step, kind, d, p, state in notes),
    )


def record(session: Session, task_id: str, entry: Entry) -> None:
    """Store a reply that cost nothing; the same key again replaces it."""
    _owned(session, task_id)
    session.run("DELETE FROM entry WHERE task_id = ? AND step = ?", clean(task_id), clean(entry.key))
    session.run(
        into("entry", "task_id, step, kind, digest, state, payload, at"),
        clean(task_id),
        clean(entry.key),
        entry.kind,
        clean(entry.digest),
        entry.state,
        clean(entry.payload),
        session.now,
    )


def close_task(session: Session, task_id: str, closing: Closing, *, keep: bool) -> None:
    """Store the outcome, give the task up and bring the log and its roll-ups up to date."""
    task_type, team = _owned(session, task_id)
    doubt(session, task_id)
    _take_back(session, task_id, task_type, team)
    session.run(
        "UPDATE task SET state = ?, owner = '', closed = ?, status = ?, reason = ?, worker = ?, checker = ?, "
        "attempts = ?, retries = ?, fallbacks = ?, escalations = ?, validation = ?, seconds = ?, cost = ?, "
        "baseline = ? WHERE task_id = ?",
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
        clean(task_id),
    )
    if keep:
        session.run("UPDATE paper SET outcome = ? WHERE task_id = ?", clean(closing.outcome), clean(task_id))
    elif closing.status in FINAL:
        session.run("UPDATE paper SET brief = '', plan = '', outcome = '' WHERE task_id = ?", clean(task_id))
    tally.count(session, tally.of_task(task_type, team, closing, session.now))
    for tried in closing.tries:
        _log_try(session, task_id, task_type, team, tried)


def _owned(session: Session, task_id: str) -> tuple[str, str]:
    """Type and team of a task this worker holds. Raises `LedgerError` for any other."""
    rows = session.rows(
        "SELECT task_type, team FROM task WHERE task_id = ? AND owner = ?", clean(task_id), session.owner
    )
    if not rows:
        raise not_ours(task_id)
    return rows[0][0], rows[0][1]


def _log_try(session: Session, task_id: str, task_type: str, team: str, tried: Tried) -> None:
    facts = asdict(tried)
    session.run(
        into("attempt", f"task_id, at, task_type, team, {', '.join(facts)}"),
        clean(task_id),
        session.now,
        task_type,
        team,
        *(clean(value) if isinstance(value, str) else value for value in facts.values()),
    )
    tally.count(session, tally.of_try(task_type, tried, session.now))


_CLOSING = (
    "status, reason, worker, checker, attempts, retries, fallbacks, escalations, validation, seconds, cost, "
    "baseline"
)
_TRIED = (
    "model, result, rung, number, answered_by, checker, effort, cause, validation, cost, seconds, input_tokens, "
    "output_tokens"
)


def _take_back(session: Session, task_id: str, task_type: str, team: str) -> None:
    """Undo what an earlier closing of the same task added, before the new one is counted."""
    key = clean(task_id)
    sql = f"SELECT closed, {_CLOSING} FROM task WHERE task_id = ? AND closed IS NOT NULL"  # noqa: S608
    earlier = session.rows(sql, key)
    if not earlier:
        return
    closed, *facts = earlier[0]
    closing = Closing(outcome="", **dict(zip(_CLOSING.split(", "), facts, strict=True)))
    tally.count(session, tally.of_task(task_type, team, closing, closed), -1)
    for at, *facts in session.rows(f"SELECT at, {_TRIED} FROM attempt WHERE task_id = ?", key):  # noqa: S608
        tried = Tried(**dict(zip(_TRIED.split(", "), facts, strict=True)))
        tally.count(session, tally.of_try(task_type, tried, at), -1)
    session.run("DELETE FROM attempt WHERE task_id = ?", key)


def sweep(session: Session) -> int:
    """Give up the tasks of every worker that died; returns how many."""
    found = session.rows("SELECT task_id, owner FROM task WHERE state = 'open' AND owner <> ''")
    alive = {owner: session.alive(owner) for owner in {owner for _, owner in found}}
    left = [task_id for task_id, owner in found if not alive[owner]]
    for task_id in left:
        doubt(session, task_id)
        session.run("UPDATE task SET owner = '' WHERE task_id = ?", task_id)
    return len(left)


def release(session: Session, task_id: str) -> None:
    """Give the task up without closing it; calls under way become doubtful."""
    _owned(session, task_id)
    doubt(session, task_id)
    session.run("UPDATE task SET owner = '' WHERE task_id = ?", clean(task_id))
