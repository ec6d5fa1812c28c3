"""Money: reserved before a call, settled after it, counted in full where nobody knows.

Each function is one step of a transaction, in SQL that SQLite and PostgreSQL both speak.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from escalator.ledger import tally
from escalator.ledger.chain import COLUMNS
from escalator.ledger.protocol import (
    CallState,
    Held,
    Hold,
    Refused,
    Scope,
    Settlement,
    approval_scope,
    own_scope,
    task_of,
)
from escalator.ledger.refusals import negative, no_hold, not_ours, refuse_second_purchase
from escalator.ledger.session import Reading, Session, clean, into, marks

_HOLD = (
    "task_id, step, digest, state, purpose, model, provider, rung, number, effort, local, prompt_digest, details, "
    "scopes, amount, held, sent"
)
_SENT = f"{into('call', _HOLD)} RETURNING {COLUMNS['call']}"
_ENDED = f"RETURNING task_id, amount, scopes, cache_saved, {COLUMNS['reply']}"


@dataclass
class _Sums:
    """What a scope has come to. `allowed` and `expires` are those of an approval."""

    spent: int = 0
    held: int = 0
    allowed: int = 0
    expires: float = 0.0


@dataclass
class _Known:
    """Whose the task is, state and answer of the newest call of the key, and the sums of every scope."""

    owner: str = ""
    call: tuple[int, Any, bool] | None = None
    sums: dict[str, _Sums] = field(default_factory=dict)


def reserve(session: Session, hold: Hold) -> Held | Refused:
    """Hold money in every scope and write the call as sent, or refuse."""
    if hold.amount < 0:
        raise negative(hold)
    scopes = tuple({scope.name: scope for scope in hold.scopes}.values())
    names = [clean(scope.name) for scope in scopes if scope.name != own_scope(hold.task_id)]
    known = _known(session, hold, names)
    if known.owner != session.owner:
        raise not_ours(hold.task_id)
    if known.call is not None:
        refuse_second_purchase(hold, known.call[1], kept=known.call[2])
    refusal = _refusal(hold, scopes, known, session.now)
    if refusal is not None:
        return refusal
    rows = session.rows(
        _SENT,
        clean(hold.task_id),
        clean(hold.key),
        clean(hold.digest),
        "sent",
        hold.purpose,
        clean(hold.model),
        clean(hold.provider),
        hold.rung,
        hold.number,
        hold.effort,
        int(hold.local),
        hold.prompt_digest,
        clean(json.dumps(dict(hold.details), default=str)) if hold.details else "{}",
        json.dumps(names),
        hold.amount,
        hold.amount,
        session.now,
    )
    session.chains.written(session, clean(hold.task_id), "call", rows)
    _move(session, names, held=hold.amount, spent=0)
    return Held(hold_id=rows[0][0], amount=hold.amount)


def _known(session: Session, hold: Hold, names: Sequence[str]) -> _Known:
    """Owner of the task, its calls and the scopes' sums, in one question; its own sum is that of its calls."""
    asked = names or [""]
    rows = session.rows(
        "SELECT 1, owner, '', 0, 0, 0, CAST(0 AS DOUBLE PRECISION) FROM task WHERE task_id = ? UNION ALL "  # noqa: S608
        "SELECT CASE WHEN payload IS NULL THEN 2 ELSE 3 END, step, state, cost, held, id, 0 "
        "FROM call WHERE task_id = ? UNION ALL "
        "SELECT 4, name, '', spent, held, COALESCE(allowed, 0), COALESCE(expires, 0) "
        f"FROM budget WHERE name IN ({marks(len(asked))})",
        clean(hold.task_id),
        clean(hold.task_id),
        *asked,
    )
    own, step = _Sums(), clean(hold.key)
    known = _Known(sums={own_scope(hold.task_id): own})
    for what, name, state, spent, held, number, expires in rows:
        if what == _TASK:
            known.owner = name
        elif what == _BUDGET:
            known.sums[name] = _Sums(spent, held, number, expires)
        else:
            own.spent, own.held = own.spent + spent, own.held + held
            if name == step and (known.call is None or number > known.call[0]):
                known.call = (number, state, what == _ANSWERED)
    return known


_TASK, _ANSWERED, _BUDGET = 1, 3, 4


def _refusal(hold: Hold, scopes: Sequence[Scope], known: _Known, now: float) -> Refused | None:
    """The first scope that the hold would carry past its limit; a call that costs nothing passes none."""
    for scope in scopes if hold.amount else ():
        sums = known.sums.get(scope.name if scope.name in known.sums else clean(scope.name), _Sums())
        limit = scope.limit
        if scope.approved:
            limit = sums.allowed if now <= sums.expires else min(sums.allowed, sums.spent + sums.held)
        if limit is not None and sums.spent + sums.held + hold.amount > limit:
            return Refused(scope=scope.name, limit=limit, spent=sums.spent, held=sums.held, amount=hold.amount)
    return None


def allow(session: Session, task_id: str, model: str, *, amount: int, expires: float) -> None:
    """Let a paid model cost a task that much more until then; an earlier approval is replaced."""
    session.run(
        "INSERT INTO budget (name, spent, held, allowed, expires) VALUES (?, 0, 0, ?, ?) ON CONFLICT (name) "
        "DO UPDATE SET allowed = budget.spent + budget.held + excluded.allowed, expires = excluded.expires",
        clean(approval_scope(task_id, model)),
        amount,
        expires,
    )


def allowed(session: Reading, task_id: str, model: str, now: float) -> int:
    """What is left of an approval; 0 where there is none or it has expired."""
    rows = session.rows(
        "SELECT allowed - spent - held FROM budget WHERE name = ? AND expires >= ?",
        clean(approval_scope(task_id, model)),
        now,
    )
    return max(int(rows[0][0]), 0) if rows else 0


def spent(session: Reading, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Nano-dollars (spent, held) of each scope that was ever counted."""
    cleaned = [clean(name) for name in names] or [""]
    sql = f"SELECT name, spent, held FROM budget WHERE name IN ({marks(len(cleaned))})"  # noqa: S608
    found = {name: (spent, held) for name, spent, held in session.rows(sql, *cleaned)}
    for name in cleaned:
        task_id = task_of(name)
        if task_id is not None and name not in found:
            found[name] = _own(session, task_id)
    return {name: found.get(clean(name), (0, 0)) for name in names}


def _own(session: Reading, task_id: str) -> tuple[int, int]:
    sql = "SELECT COALESCE(SUM(cost), 0), COALESCE(SUM(held), 0) FROM call WHERE task_id = ?"
    ((spent, held),) = session.rows(sql, task_id)
    return int(spent), int(held)


def _move(session: Session, names: Sequence[str], *, held: int, spent: int) -> None:
    """Add to every scope, in one statement; a call that costs nothing leaves them alone."""
    if not names or not (held or spent):
        return
    rows = ", ".join(["(?, ?, ?)"] * len(names))
    session.run(
        f"INSERT INTO budget (name, spent, held) VALUES {rows} ON CONFLICT (name) DO UPDATE SET "  # noqa: S608
        "spent = budget.spent + excluded.spent, held = budget.held + excluded.held",
        *(value for name in names for value in (name, spent, held)),
    )


_END = (
    "UPDATE call SET state = ?, held = 0, cost = ?, ended = ?, payload = ?, input_tokens = ?, output_tokens = ?, "
    "cache_read_tokens = ?, cache_write_tokens = ?, cache_write_1h_tokens = ?, reasoning_tokens = ?, "
    "estimated = ?, answered_by = ?, finish = ?, error = ?, seconds = ?, cache_saved = ? "
    "WHERE id = ? AND state = ?"
)


def settle(session: Session, hold_id: int, settlement: Settlement, *, keep: bool) -> None:
    """Release the hold and count the true cost to the same scopes; does nothing if it is settled already."""
    ended = _end(session, hold_id, "sent", settlement, keep=keep)
    if ended is not None:
        amount, scopes = ended
        _move(session, json.loads(scopes), held=-amount, spent=settlement.cost)
    else:
        _settle_late(session, hold_id, settlement, keep=keep)


def _settle_late(session: Session, hold_id: int, settlement: Settlement, *, keep: bool) -> None:
    """Correct a call that was given up as doubtful: it was counted as spent in full."""
    rows = session.rows("SELECT task_id, state, cost FROM call WHERE id = ?", hold_id)
    if not rows:
        raise no_hold(hold_id)
    task_id, state, counted = rows[0]
    if state == "doubt":
        tally.unfold(session, task_id)
        ended = _end(session, hold_id, "doubt", settlement, keep=keep)
        if ended is not None:
            _move(session, json.loads(ended[1]), held=0, spent=settlement.cost - counted)


def _end(
    session: Session, hold_id: int, state: CallState, ending: Settlement, *, keep: bool
) -> tuple[int, str] | None:
    """Write how a call of that state ended. Its hold and scopes; None where it is in another state."""
    usage = ending.usage
    ended = _ended(
        session,
        _END,
        ending.state,
        ending.cost,
        session.now,
        clean(ending.payload) if keep else None,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
        int(usage.estimated),
        clean(ending.answered_by),
        clean(ending.finish),
        clean(ending.error),
        ending.seconds,
        ending.cache_saved,
        hold_id,
        state,
    )
    return ended[0] if ended else None


def _ended(session: Session, sql: str, *values: Any) -> list[tuple[int, str]]:
    """Write how calls ended; hold and scopes of each."""
    rows = session.rows(f"{sql} {_ENDED}", *values)
    for task_id, _, _, saved, *row in sorted(rows, key=lambda row: row[_ID]):
        session.chains.written(session, task_id, "reply", [row])
        session.chains.written(session, task_id, "saving", [(row[0], saved)] if saved else [])
    return [(amount, scopes) for _, amount, scopes, *_ in rows]


_ID = 4


def void(session: Session, hold: Hold, value: Held | Refused | None) -> None:
    """Release a hold that nobody took, so that no call was made under it. `value` None: found by its key."""
    if isinstance(value, Refused):
        return
    test, key = ("id = ?", (value.hold_id,)) if value else ("task_id = ? AND step = ?", _place(hold))
    unsent = "UPDATE call SET state = 'failed', held = 0, ended = ?, error = 'not_sent' WHERE state = 'sent'"
    for amount, scopes in _ended(session, f"{unsent} AND {test}", session.now, *key):
        _move(session, json.loads(scopes), held=-amount, spent=0)


def _place(hold: Hold) -> tuple[str, str]:
    return clean(hold.task_id), clean(hold.key)


def doubt(session: Session, task_id: str) -> None:
    """Count every unsettled call of a task as spent in full: it was sent, and nobody will hear the answer."""
    for amount, scopes in _ended(
        session,
        "UPDATE call SET state = 'doubt', cost = held, held = 0, ended = ? WHERE task_id = ? AND state = 'sent'",
        session.now,
        clean(task_id),
    ):
        _move(session, json.loads(scopes), held=-amount, spent=amount)
