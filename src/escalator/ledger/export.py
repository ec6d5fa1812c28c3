"""The log as JSON Lines or CSV, and as a stream that goes on; old texts erased."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, Any, Literal, TypeAlias

from escalator.ledger.log import Archive, CallRecord, LogQuery, TaskRecord, TryRecord
from escalator.ledger.protocol import to_usd

LogKind: TypeAlias = Literal["attempts", "calls", "tasks"]

_MONEY = ("cost", "amount", "held", "baseline")
_PAGE = 1000
_as_json = json.JSONEncoder(ensure_ascii=False).encode


def export(
    archive: Archive,
    kind: LogKind,
    stream: IO[str],
    *,
    form: Literal["jsonl", "csv"] = "jsonl",
    query: LogQuery = LogQuery(),  # noqa: B008
) -> int:
    """Write every matching row, a page at a time; returns how many. Money becomes USD in exact decimals."""
    count, table = 0, None
    for record in rows(archive, kind, query):
        facts = plain(record)
        if form == "jsonl":
            stream.write(_as_json(facts) + "\n")
        else:
            if table is None:
                table = csv.writer(stream, lineterminator="\n")
                table.writerow(facts)
            table.writerow(map(_cell, facts.values()))
        count += 1
    return count


def rows(
    archive: Archive,
    kind: LogKind,
    query: LogQuery = LogQuery(),  # noqa: B008
) -> Iterator[TaskRecord | TryRecord | CallRecord]:
    """Every matching row, oldest first, read a page at a time."""
    for page in pages(archive, kind, query):
        yield from page


def pages(
    archive: Archive,
    kind: LogKind,
    query: LogQuery = LogQuery(),  # noqa: B008
) -> Iterator[list[Any]]:
    """The same, as the pages they are read in."""
    if query.newest or query.count is not None:
        yield _read(archive, kind, query)
        return
    page = replace(query, count=_PAGE)
    while found := _read(archive, kind, page):
        yield found
        last = found[-1]
        page = replace(page, past=(last.opened, last.task_id)) if kind == "tasks" else replace(page, after=last.id)


def follow(
    archive: Archive,
    kind: Literal["attempts", "calls"],
    query: LogQuery = LogQuery(),  # noqa: B008
    *,
    seconds: float = 0.5,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[TryRecord | CallRecord]:
    """Matching rows for ever, looking for new ones every so many seconds; a call shows as first seen."""
    page = replace(query, count=_PAGE, newest=False)
    while True:
        found = _read(archive, kind, page)
        yield from found
        if found:
            page = replace(page, after=found[-1].id)
        else:
            sleep(seconds)


def forget_all(archive: Archive, before: float) -> int:
    """Erase the texts of every final task closed before that time, in small transactions; returns how many."""
    total = 0
    while erased := archive.forget(before).result():
        total += erased
    return total


def plain(record: TaskRecord | TryRecord | CallRecord) -> dict[str, Any]:
    """A row as JSON values; money as decimal text in USD, such as "0.00012"."""
    facts = {name: getattr(record, name) for name in record.__dataclass_fields__}
    for name in _MONEY:
        if facts.get(name) is not None:
            facts[name] = f"{to_usd(facts[name]):f}" if facts[name] else "0"
    return facts


def _cell(value: Any) -> Any:
    return " ".join(value) if isinstance(value, tuple) else value


def _read(archive: Archive, kind: LogKind, query: LogQuery) -> list[Any]:
    if kind == "tasks":
        return list(archive.tasks(query))
    return list(archive.tries(query)) if kind == "attempts" else list(archive.calls(query))
