"""Roll-ups kept at write time, so that a report over a million attempts reads a few hundred rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

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
from escalator.ledger.protocol import Closing, Tried
from escalator.ledger.session import Reading, Session, clean, into

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


def count(session: Session, tally: Tally, sign: int = 1) -> None:
    """Add one group's sums to the stored ones; `sign` -1 takes them back."""
    kind = type(tally)
    values = [getattr(tally, name) for name in DIMENSIONS[kind]]
    dimensions = [clean(value) if isinstance(value, str) else value for value in values]
    session.run(_UPSERTS[kind], *dimensions, *(sign * getattr(tally, name) for name in SUMS[kind]))


def read(session: Reading, kind: type[AnyTally], by: Sequence[str], since: str, until: str) -> list[AnyTally]:
    """Sums grouped by `by`; groups whose tasks were all taken back are left out."""
    check_dimensions(kind, by)
    sums = ", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT)" for name in SUMS[kind])
    groups = ", ".join(by)
    where = "WHERE day >= ? AND day <= ?"
    tail = f"GROUP BY {groups}" if by else ""
    sql = f"SELECT {groups + ', ' if by else ''}{sums} FROM {TABLES[kind]} {where} {tail}"  # noqa: S608
    names = (*by, *SUMS[kind])
    rows = session.rows(sql, since, until or "9999-12-31")
    groups_of = [kind(**dict(zip(names, row, strict=True))) for row in rows]
    found = [group for group in groups_of if group.n]
    return sorted(found, key=lambda group: tuple(getattr(group, name) for name in by))


def check_dimensions(kind: type[Tally], by: Sequence[str]) -> None:
    """Raise `ValueError` for a dimension this tally does not have."""
    unknown = [name for name in by if name not in DIMENSIONS[kind]]
    if unknown:
        known = ", ".join(DIMENSIONS[kind])
        raise ValueError(f"{kind.__name__} cannot be grouped by {unknown[0]!r}; group by some of {known}.")


def of_task(task_type: str, team: str, closing: Closing, at: float) -> TaskTally:
    """What one closed task adds."""
    millis = millis_of(closing.seconds)
    compared = closing.status == "accepted" and closing.baseline is not None
    baseline = closing.baseline if compared and closing.baseline is not None else 0
    return TaskTally(
        day=day_of(at),
        task_type=task_type,
        team=team,
        worker=closing.worker,
        checker=closing.checker,
        status=closing.status,
        bucket=bucket_of(millis),
        n=1,
        attempts=closing.attempts,
        retries=closing.retries,
        fallbacks=closing.fallbacks,
        escalations=closing.escalations,
        millis=millis,
        cost=closing.cost,
        baseline=baseline,
        saved=baseline - closing.cost if compared else 0,
    )


def of_try(task_type: str, tried: Tried, at: float) -> TryTally:
    """What one attempt adds."""
    return TryTally(
        day=day_of(at),
        task_type=task_type,
        model=tried.model,
        checker=tried.checker,
        result=tried.result,
        cause=tried.cause,
        n=1,
        millis=millis_of(tried.seconds),
        cost=tried.cost,
        input_tokens=tried.input_tokens,
        output_tokens=tried.output_tokens,
    )


def of_call(*, sent: float, seconds: float, **facts: Any) -> CallTally:
    """What one ended call adds; the remaining facts are fields of `CallTally`."""
    millis = millis_of(seconds)
    return CallTally(day=day_of(sent), bucket=bucket_of(millis), n=1, millis=millis, **facts)
