"""The two queues beside the journal: decisions waiting for a person, prompts waiting for a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from escalator.ledger.chain import COLUMNS
from escalator.ledger.log import Decision, Review, ReviewKind, ReviewState, Waiting
from escalator.ledger.refusals import decided_already, no_review
from escalator.ledger.session import Reading, Row, Session, clean, into

_REVIEW = "id, task_id, kind, summary, payload, state, created, decided, decided_by, note"
_PROMPT = "id, task_id, provider, model, reason, payload, created"


def review_add(session: Session, task_id: str, kind: ReviewKind, *, summary: str, payload: str) -> int:
    """Ask for a decision; a waiting one of the same task and kind is renewed."""
    waiting = session.rows(
        "SELECT id FROM review WHERE task_id = ? AND kind = ? AND state = 'waiting'", clean(task_id), kind
    )
    if waiting:
        sql = f"UPDATE review SET summary = ?, payload = ? WHERE id = ? RETURNING {COLUMNS['review']}"  # noqa: S608
        return _asked(session, session.rows(sql, clean(summary), clean(payload), waiting[0][0]), task_id)
    rows = session.rows(
        f"{into('review', 'task_id, kind, summary, payload, state, created')} RETURNING {COLUMNS['review']}",
        clean(task_id),
        kind,
        clean(summary),
        clean(payload),
        "waiting",
        session.now,
    )
    return _asked(session, rows, task_id)


def _asked(session: Session, rows: Sequence[Row], task_id: str) -> int:
    """The number of a review whose row has just been written."""
    session.chains.written(session, clean(task_id), "review", rows)
    return int(rows[0][0])


def review_decide(session: Session, review_id: int, decision: Decision, *, by: str, note: str) -> Review:
    """Decide a waiting review once."""
    found = review(session, review_id)
    if found is None:
        raise no_review(review_id)
    if found.state != "waiting":
        raise decided_already(review_id, found.state, found.decided_by)
    rows = session.rows(
        "UPDATE review SET state = ?, decided = ?, decided_by = ?, note = ? WHERE id = ? "  # noqa: S608
        f"RETURNING {COLUMNS['decision']}",
        decision,
        session.now,
        clean(by),
        clean(note),
        review_id,
    )
    session.chains.written(session, found.task_id, "decision", rows)
    return replace(found, state=decision, decided=session.now, decided_by=clean(by), note=clean(note))


def review(session: Reading, review_id: int) -> Review | None:
    """One review, or None."""
    rows = session.rows(f"SELECT {_REVIEW} FROM review WHERE id = ?", review_id)  # noqa: S608
    return _review(rows[0]) if rows else None


def reviews(session: Reading, state: ReviewState | None, task_id: str) -> list[Review]:
    """Reviews, oldest first."""
    sql = f"SELECT {_REVIEW} FROM review WHERE (? = '' OR state = ?) AND (? = '' OR task_id = ?) ORDER BY id"  # noqa: S608
    wanted, key = state or "", clean(task_id)
    return [_review(row) for row in session.rows(sql, wanted, wanted, key, key)]


def _review(row: object) -> Review:
    return Review(**dict(zip(_REVIEW.split(", "), row, strict=True)))  # type: ignore[call-overload]


def prompt_add(session: Session, task_id: str, *, provider: str, model: str, reason: str, payload: str) -> int:
    """Queue a prompt; a task is queued once."""
    texts = [clean(text) for text in (task_id, provider, model, reason, payload)]
    found = session.rows("SELECT id FROM prompt WHERE task_id = ?", texts[0])
    if found:
        session.run(
            "UPDATE prompt SET provider = ?, model = ?, reason = ?, payload = ?, owner = '' WHERE id = ?",
            *texts[1:],
            found[0][0],
        )
        return int(found[0][0])
    return session.insert(
        into("prompt", "task_id, provider, model, reason, payload, created"),
        *texts,
        session.now,
    )


def prompt_take(session: Session, provider: str) -> Waiting | None:
    """Take the oldest prompt that no live worker has taken."""
    rows = session.rows(
        f"SELECT {_PROMPT}, owner FROM prompt WHERE (? = '' OR provider = ?) ORDER BY id",  # noqa: S608
        provider,
        provider,
    )
    alive: dict[str, bool] = {"": False}
    for *row, owner in rows:
        if owner not in alive:
            alive[owner] = session.alive(owner)
        if not alive[owner]:
            session.run("UPDATE prompt SET owner = ? WHERE id = ?", session.owner, row[0])
            return _prompt(row)
    return None


def prompt_drop(session: Session, prompt_id: int) -> None:
    """Remove a prompt that was served."""
    session.run("DELETE FROM prompt WHERE id = ?", prompt_id)


def prompt_return(session: Session, prompt_id: int) -> None:
    """Put a taken prompt back."""
    session.run("UPDATE prompt SET owner = '' WHERE id = ? AND owner = ?", prompt_id, session.owner)


def prompts(session: Reading) -> list[Waiting]:
    """Every queued prompt, oldest first."""
    return [_prompt(row) for row in session.rows(f"SELECT {_PROMPT} FROM prompt ORDER BY id")]  # noqa: S608


def _prompt(row: object) -> Waiting:
    return Waiting(**dict(zip(_PROMPT.split(", "), row, strict=True)))  # type: ignore[call-overload]
