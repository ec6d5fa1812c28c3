"""Roll-ups, so that a report over a million attempts reads a few hundred rows.

A task that somebody works on, or that was closed a moment ago, stands in `pending` and is counted as it is found;
many are folded into the stored sums together. The stored sums are those of every task that is not pending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

from escalator.ledger.log import (
    DIMENSIONS,
    AnyTally,
    CallTally,
    Tally,
    TaskTally,
    TryTally,
    bucket_of,
    day_of,
    millis_of,
)
from escalator.ledger.session import Reading, Session, into, marks

TABLES: Mapping[type[Any], str] = {TaskTally: "task_tally", TryTally: "try_tally", CallTally: "call_tally"}

SUMS: Mapping[type[Any], tuple[str, ...]] = {
    kind: tuple(f.name for f in fields(kind) if f.name not in dimensions)
    for kind, dimensions in DIMENSIONS.items()
}


def _upsert(kind: type[Tally]) -> str:
    table, dimensions, sums = TABLES[kind], DIMENSIONS[kind], SUMS[kind]
    names = (*dimensions, *sums)
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    return f"{into(table, ', '.join(names))} ON CONFLICT ({', '.join(dimensions)}) DO UPDATE SET {added}"


_UPSERTS = {kind: _upsert(kind) for kind in TABLES}

Fact: TypeAlias = tuple[tuple[Any, ...], tuple[int, ...]]
"""A group, its dimensions in the order of `DIMENSIONS`, and what is added to its `SUMS`."""

_MANY = 256
"""How many tasks are folded in one transaction."""


def fold(session: Session, most: int = _MANY) -> int:
    """Add up to `most` tasks that nobody works on to the stored sums; returns how many."""
    found = session.rows(
        "SELECT p.task_id FROM pending p JOIN task t ON t.task_id = p.task_id WHERE t.owner = '' LIMIT ?", most
    )
    ids = [task_id for (task_id,) in found]
    if ids:
        _store(session, _facts(session, f"IN ({marks(len(ids))})", *ids), 1)
        session.run(f"DELETE FROM pending WHERE task_id IN ({marks(len(ids))})", *ids)  # noqa: S608
    return len(ids)


def unfold(session: Session, task_id: str) -> None:
    """Take a task out of the stored sums before anything of it changes; it is counted live from then on."""
    if session.rows("SELECT 1 FROM pending WHERE task_id = ?", task_id):
        return
    _store(session, _facts(session, "= ?", task_id), -1)
    session.run(into("pending", "task_id"), task_id)


def unfold_owned(session: Session) -> None:
    """Unfold every task that somebody works on, in a ledger that stored its sums as they came."""
    for (task_id,) in session.rows("SELECT task_id FROM task WHERE owner <> ''"):
        unfold(session, task_id)


def _store(session: Session, facts: Mapping[type[Tally], Iterable[Fact]], sign: int) -> None:
    for kind, of_kind in facts.items():
        for group, sums in _grouped(of_kind, {}).items():
            session.run(_UPSERTS[kind], *group, *(sign * value for value in sums))


def _grouped(
    facts: Iterable[Fact], groups: dict[tuple[Any, ...], Sequence[int]]
) -> dict[tuple[Any, ...], Sequence[int]]:
    """Add facts to the sums of each group."""
    for group, values in facts:
        known = groups.get(group)
        groups[group] = values if known is None else [a + b for a, b in zip(known, values, strict=True)]
    return groups


def _facts(session: Reading, these: str, *ids: str) -> dict[type[Tally], Iterable[Fact]]:
    """What each of these tasks, its attempts and its ended calls add, as they stand now."""
    return {kind: facts(session, these, *ids) for kind, facts in _FACTS.items()}


def _task_facts(session: Reading, these: str, *ids: str) -> Iterator[Fact]:
    """Order of the sums: n, attempts, retries, fallbacks, escalations, millis, cost, baseline, saved."""
    sql = (
        "SELECT closed, seconds, cost, baseline, status, task_type, team, worker, checker, attempts, retries, "  # noqa: S608
        f"fallbacks, escalations FROM task WHERE closed IS NOT NULL AND task_id {these}"
    )
    for closed, seconds, cost, baseline, status, *others in session.rows(sql, *ids):
        named, moves, millis = others[:4], others[4:], millis_of(seconds)
        compared = baseline if status == "accepted" else None
        saved = 0 if compared is None else compared - cost
        yield (day_of(closed), *named, status, bucket_of(millis)), (1, *moves, millis, cost, compared or 0, saved)


def _try_facts(session: Reading, these: str, *ids: str) -> Iterator[Fact]:
    """Order of the sums: n, millis, cost, input_tokens, output_tokens."""
    sql = (
        "SELECT at, seconds, cost, input_tokens, output_tokens, task_type, model, checker, result, cause "  # noqa: S608
        f"FROM attempt WHERE task_id {these}"
    )
    for at, seconds, cost, read_, written, *group in session.rows(sql, *ids):
        yield (day_of(at), *group), (1, millis_of(seconds), cost, read_, written)


def _call_facts(session: Reading, these: str, *ids: str) -> Iterator[Fact]:
    """Order of the sums: n, millis, cost, input_tokens, output_tokens."""
    sql = (
        "SELECT c.sent, c.seconds, c.cost, c.input_tokens, c.output_tokens, t.task_type, c.purpose, c.model, "  # noqa: S608
        "c.provider, c.state, c.error FROM call c JOIN task t ON t.task_id = c.task_id "
        f"WHERE c.state <> 'sent' AND c.task_id {these}"
    )
    for sent, seconds, cost, read_, written, *group in session.rows(sql, *ids):
        millis = millis_of(seconds)
        yield (day_of(sent), *group, bucket_of(millis)), (1, millis, cost, read_, written)


_FACTS: Mapping[type[Any], Callable[..., Iterator[Fact]]] = {
    TaskTally: _task_facts,
    TryTally: _try_facts,
    CallTally: _call_facts,
}


def read(session: Reading, kind: type[AnyTally], by: Sequence[str], *, since: str, until: str) -> list[AnyTally]:
    """Sums grouped by `by`, those of tasks not folded yet included; groups that come to nothing are left out."""
    check_dimensions(kind, by)
    names = (*by, *SUMS[kind])
    found = [
        kind(**dict(zip(names, row, strict=True))) for row in _rows(session, kind, by, since=since, until=until)
    ]
    return [tally for tally in found if tally.n]


def _rows(
    session: Reading, kind: type[Tally], by: Sequence[str], *, since: str, until: str
) -> list[tuple[Any, ...]]:
    """Each group followed by its sums, in the order of the groups."""
    until = until or "9999-12-31"
    places = [DIMENSIONS[kind].index(name) for name in by]
    live = (
        (tuple(group[place] for place in places), sums)
        for group, sums in _FACTS[kind](session, "IN (SELECT task_id FROM pending)")
        if since <= group[0] <= until
    )
    groups = _grouped(live, _stored(session, kind, by, since=since, until=until))
    return sorted((*group, *sums) for group, sums in groups.items())


def _stored(
    session: Reading, kind: type[Tally], by: Sequence[str], *, since: str, until: str
) -> dict[tuple[Any, ...], Sequence[int]]:
    sums = ", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT)" for name in SUMS[kind])
    columns, tail = (f"{', '.join(by)}, ", f"GROUP BY {', '.join(by)}") if by else ("", "")
    sql = f"SELECT {columns}{sums} FROM {TABLES[kind]} WHERE day >= ? AND day <= ? {tail}"  # noqa: S608
    return {tuple(row[: len(by)]): row[len(by) :] for row in session.rows(sql, since, until)}


def check_dimensions(kind: type[Tally], by: Sequence[str]) -> None:
    """Raise `ValueError` for a dimension this tally does not have."""
    unknown = [name for name in by if name not in DIMENSIONS[kind]]
    if unknown:
        known = ", ".join(DIMENSIONS[kind])
        raise ValueError(f"{kind.__name__} cannot be grouped by {unknown[0]!r}; group by some of {known}.")
