"""The log as a file: JSON Lines, CSV or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeAlias

from escalator.errors import ConfigError
from escalator.foreign import cell, in_json
from escalator.ledger import Archive
from escalator.ledger.export import LogKind, plain, rows
from escalator.ledger.log import CallRecord, LogQuery, TaskRecord
from escalator.records.flat import flat
from escalator.report.attribution import COLUMNS, Attribution, attributions

Form: TypeAlias = Literal["jsonl", "csv", "parquet"]


def export(
    ledger: Archive,
    kind: LogKind,
    path: str | Path,
    *,
    form: Form = "jsonl",
    query: LogQuery = LogQuery(),  # noqa: B008
    text: str = "",
) -> int:
    """Write every matching attempt, call or task to a file; returns how many.

    Money is exact decimal text in JSON Lines and CSV, DECIMAL(18, 9) in Parquet; times are seconds since the
    epoch, in Parquet timestamps in UTC. Raises `ConfigError` for Parquet where duckdb is not installed.
    """
    lines = _lines(ledger, kind, query, text)
    target = Path(path)
    if form == "parquet":
        return _parquet(lines, target, kind)
    with target.open("w", encoding="utf-8", newline="") as stream:
        return _jsonl(lines, stream) if form == "jsonl" else _csv(lines, stream)


def _lines(ledger: Archive, kind: LogKind, query: LogQuery, text: str) -> Iterator[dict[str, Any]]:
    if kind == "attempts":
        yield from (flat(line) for line in attributions(ledger, query, text=text))
        return
    for record in rows(ledger, kind, query):
        facts = plain(record)
        if text.lower() in json.dumps(facts, ensure_ascii=False, default=str).lower():
            yield facts


def _jsonl(lines: Iterator[dict[str, Any]], stream: Any) -> int:
    count = 0
    for facts in lines:
        stream.write(in_json(json.dumps(facts, ensure_ascii=False)) + "\n")
        count += 1
    return count


def _csv(lines: Iterator[dict[str, Any]], stream: Any) -> int:
    count, table = 0, None
    for facts in lines:
        if table is None:
            table = csv.DictWriter(stream, fieldnames=list(facts), lineterminator="\n")
            table.writeheader()
        table.writerow({key: _cell(value) for key, value in facts.items()})
        count += 1
    return count


def _cell(value: Any) -> Any:
    """A value for a spreadsheet, which must not run what a model wrote."""
    if isinstance(value, list | tuple):
        value = " ".join(value)
    return cell(value) if isinstance(value, str) else value


MONEY = frozenset({"cost", "amount", "held", "baseline"})
TIMES = frozenset({"at", "opened", "closed", "sent", "ended"})
RECORDS: dict[LogKind, type[Any]] = {"attempts": Attribution, "calls": CallRecord, "tasks": TaskRecord}
TYPES = {"int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "tuple": "VARCHAR[]"}
"""Column types by the first word of a field's type; texts otherwise."""


def _parquet(lines: Iterator[dict[str, Any]], target: Path, kind: LogKind) -> int:
    try:
        import duckdb
    except ImportError as error:
        raise ConfigError(
            "Parquet needs duckdb", key="format", hint="pip install 'escalator-router[analytics]', or write jsonl"
        ) from error
    told = [field for field in fields(RECORDS[kind]) if kind != "attempts" or field.name in COLUMNS]
    types = {field.name: _type(field.name, str(field.type)) for field in told}
    columns = ", ".join(f"\"{name}\": '{type_}'" for name, type_ in types.items())
    chosen = ", ".join(_column(name) for name in types)
    with TemporaryDirectory() as folder, duckdb.connect() as database:
        source = Path(folder) / "log.jsonl"
        with source.open("w", encoding="utf-8") as stream:
            count = _jsonl(lines, stream)
        read = f"read_json(?, format = 'newline_delimited', columns = {{{columns}}})"
        copied = f"COPY (SELECT {chosen} FROM {read}) TO ? (FORMAT parquet, COMPRESSION zstd)"  # noqa: S608
        database.execute(copied, [str(source), str(target)])
    return count


def _type(name: str, annotation: str) -> str:
    if name in MONEY:
        return "VARCHAR"
    return TYPES.get(annotation.partition("[")[0].partition(" ")[0], "VARCHAR")


def _column(name: str) -> str:
    if name in MONEY:
        return f'CAST("{name}" AS DECIMAL(18, 9)) AS "{name}"'
    if name in TIMES:
        return f'to_timestamp("{name}") AS "{name}"'
    return f'"{name}"'
