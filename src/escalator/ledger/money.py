"""Money: reserved before a call, settled after it, counted in full where nobody knows.

Each function is one step of a transaction, in SQL that SQLite and PostgreSQL both speak.
"""

from __future__ import annotations

import json
from typing import Any

from escalator.ledger import tally
from escalator.ledger.log import CallTally
from escalator.ledger.protocol import Held, Hold, Refused, Scope, Settlement
from escalator.ledger.refusals import no_hold, not_ours, refuse_negative, refuse_second_purchase
from escalator.ledger.session import Session, clean, into, marks

_HOLD = (
    "task_id, step, digest, state, purpose, model, provider, rung, number, effort, local, prompt_digest, details, "
    "scopes, amount, held, sent"
)


def reserve(session: Session, hold: Hold) -> Held | Refused:
    """Hold money in every scope and write the call as sent, or refuse."""
    scopes = tuple({scope.name: scope for scope in hold.scopes}.values())
    known = _known(session, hold, scopes)
    _check_hold(session, hold, known)
    refusal = _refusal(hold, scopes, known)
    if refusal is not None:
        return refusal
    names = [clean(scope.name) for scope in scopes]
    call_id = session.insert(
        into("call", _HOLD),
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
        clean(json.dumps(dict(hold.details), default=str)),
        json.dumps(names),
        hold.amount,
        hold.amount,
        session.now,
    )
    _move(session, names, held=hold.amount, spent=0)
    return Held(hold_id=call_id)


def _known(session: Session, hold: Hold, scopes: tuple[Scope, ...]) -> list[Any]:
    """Owner of the task, earlier calls of the key and the scopes' sums, in one question."""
    names = [clean(scope.name) for scope in scopes] or [""]
    return session.rows(
        "SELECT 'owner', owner, 0, 0 FROM task WHERE task_id = ? UNION ALL "  # noqa: S608
        "SELECT 'call', c.state, c.id, CASE WHEN a.payload IS NULL THEN 0 ELSE 1 END FROM call c "
        "LEFT JOIN answer a ON a.call_id = c.id WHERE c.task_id = ? AND c.step = ? UNION ALL "
        f"SELECT 'budget', name, spent, held FROM budget WHERE name IN ({marks(len(names))})",
        clean(hold.task_id),
        clean(hold.task_id),
        clean(hold.key),
        *names,
    )


def _check_hold(session: Session, hold: Hold, known: list[Any]) -> None:
    refuse_negative(hold)
    if not any(kind == "owner" and owner == session.owner for kind, owner, _, _ in known):
        raise not_ours(hold.task_id)
    calls = [(call_id, state, kept) for kind, state, call_id, kept in known if kind == "call"]
    if calls:
        _, state, kept = max(calls)
        refuse_second_purchase(hold, state, kept=bool(kept))


def _refusal(hold: Hold, scopes: tuple[Scope, ...], known: list[Any]) -> Refused | None:
    sums = {name: (spent, held) for kind, name, spent, held in known if kind == "budget"}
    for scope in scopes if hold.amount else ():
        spent, held = sums.get(clean(scope.name), (0, 0))
        if scope.limit is not None and spent + held + hold.amount > scope.limit:
            return Refused(scope=scope.name, limit=scope.limit, spent=spent, held=held, amount=hold.amount)
    return None


def _move(session: Session, names: list[str], *, held: int, spent: int) -> None:
    """Add to every scope, in one statement; a call that costs nothing leaves them alone."""
    if not names or not (held or spent):
        return
    rows = ", ".join(["(?, ?, ?)"] * len(names))
    session.run(
        f"INSERT INTO budget (name, spent, held) VALUES {rows} ON CONFLICT (name) DO UPDATE SET "  # noqa: S608
        "spent = budget.spent + excluded.spent, held = budget.held + excluded.held",
        *(value for name in names for value in (name, spent, held)),
    )


_CALL = (
    "SELECT c.id, c.task_id, c.state, c.held, c.cost, c.scopes, c.sent, c.purpose, c.model, c.provider, "
    "c.seconds, c.input_tokens, c.output_tokens, t.task_type FROM call c JOIN task t ON t.task_id = c.task_id "
)


def settle(session: Session, hold_id: int, settlement: Settlement, *, keep: bool) -> None:
    """Release the hold and count the true cost to the same scopes; does nothing if it is settled already."""
    rows = session.rows(_CALL + "WHERE c.id = ?", hold_id)
    if not rows:
        raise no_hold(hold_id)
    if rows[0][2] in ("sent", "doubt"):
        _end_call(session, rows[0], settlement.state, settlement)
        if keep:
            session.run("INSERT INTO answer (call_id, payload) VALUES (?, ?)", hold_id, clean(settlement.payload))


def void(session: Session, hold: Hold, value: Held | Refused | None) -> None:
    """Release a hold that nobody took, so that no call was made under it. `value` None: found by its key."""
    if isinstance(value, Refused):
        return
    test = "WHERE c.id = ?" if value else "WHERE c.task_id = ? AND c.step = ?"
    key = (value.hold_id,) if value else (clean(hold.task_id), clean(hold.key))
    for row in session.rows(f"{_CALL} {test} AND c.state = 'sent'", *key):
        _end_call(session, row, "failed", Settlement(cost=0, state="failed", payload="", error="not_sent"))


def doubt(session: Session, task_id: str) -> None:
    """Count every unsettled call of a task as spent in full: it was sent, and nobody will hear the answer."""
    for row in session.rows(_CALL + "WHERE c.task_id = ? AND c.state = 'sent'", clean(task_id)):
        _end_call(session, row, "doubt", Settlement(cost=row[3], state="failed", payload=""))


def _end_call(session: Session, row: Any, state: str, ending: Settlement) -> None:
    call_id, _, old_state, held, old_cost, scopes, sent, purpose, model, provider, *rest = row
    old_seconds, old_input, old_output, task_type = rest
    usage = ending.usage
    session.run(
        "UPDATE call SET state = ?, held = 0, cost = ?, ended = ?, input_tokens = ?, output_tokens = ?, "
        "cache_read_tokens = ?, cache_write_tokens = ?, cache_write_1h_tokens = ?, reasoning_tokens = ?, "
        "estimated = ?, answered_by = ?, finish = ?, error = ?, seconds = ? WHERE id = ?",
        state,
        ending.cost,
        session.now,
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
        call_id,
    )
    _move(session, json.loads(scopes), held=-held, spent=ending.cost - old_cost)

    def counted(how: str, error: str, seconds: float, cost: int, tokens: tuple[int, int]) -> CallTally:
        return tally.of_call(
            sent=sent,
            task_type=task_type,
            purpose=purpose,
            model=model,
            provider=provider,
            state=how,
            error=error,
            seconds=seconds,
            cost=cost,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
        )

    if old_state == "doubt":
        tally.count(session, counted("doubt", "", old_seconds, old_cost, (old_input, old_output)), -1)
    tokens = (usage.input_tokens, usage.output_tokens)
    tally.count(session, counted(state, clean(ending.error), ending.seconds, ending.cost, tokens))
