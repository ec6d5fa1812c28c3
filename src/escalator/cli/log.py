"""`escalator log`: attempts as they are attributed, the story of one task, exports, retention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from escalator import TaskError
from escalator.cli.books import books, moment, when
from escalator.cli.console import BAD, DIM, GOOD, NOTE, console, money, print_json, table
from escalator.cli.loading import PlainCommand, PlainGroup
from escalator.cli.options import (
    JsonLines,
    LedgerOption,
    MatrixOption,
    ModelFilter,
    Since,
    StatusFilter,
    TeamFilter,
    TextFilter,
    TypeFilter,
    Until,
)

if TYPE_CHECKING:
    from escalator.ledger import Archive
    from escalator.ledger.log import LogQuery, TaskRecord
    from escalator.report import Attribution, Moment

COLOURS = {
    "passed": GOOD,
    "accepted": GOOD,
    "done": GOOD,
    "approved": GOOD,
    "failed": BAD,
    "stopped": BAD,
    "skipped": BAD,
    "rejected": BAD,
}
MARKS = {
    "opened": "▸",
    "call": "●",
    "verdict": " ",
    "retry": "↻",
    "fallback": "⤳",
    "escalation": "↑",
    "skip": "–",
    "review": "✎",
    "closed": "■",
}
PREFIXES = 10_000
"""Newest tasks among which the beginning of an id is looked for."""


class LogGroup(PlainGroup):
    """A group whose first word may also be a task: `escalator log TASK` is `escalator log show TASK`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the command that is meant where none is named."""
        if not args or (args[0] not in self.commands and args[0] not in {"--help", "-h"}):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=LogGroup,
    rich_markup_mode=None,
    short_help="Read the log: the newest attempts, or the story of one task.",
    help="Read the log: the newest attempts, or with a task's id what happened to it.",
)


@app.command(cls=PlainCommand)
def show(
    *,
    task: Annotated[str, typer.Argument(help="A task's id: what happened to it.")] = "",
    task_type: TypeFilter = "",
    model: ModelFilter = "",
    status: StatusFilter = "",
    team: TeamFilter = "",
    since: Since = "",
    until: Until = "",
    text: TextFilter = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Newest attempts to show.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones as tasks end.")] = False,
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Show the newest attempts, or the story of one task."""
    with books(matrix, ledger) as house:
        from escalator.report import attributions

        archive = house.ledger
        if task:
            _story(archive, task, as_json=as_json)
            return
        query = _query(
            archive, task_type=task_type, model=model, status=status, team=team, since=since, until=until
        )
        found = list(attributions(archive, replace(query, count=count, newest=True), text=text))
        _lines(found, as_json=as_json)
        if follow:
            _follow(archive, query, text, found, as_json=as_json)


def _query(
    archive: Archive, *, task_type: str, model: str, status: str, team: str, since: str, until: str
) -> LogQuery:
    from escalator.ledger.log import LogQuery

    now = archive.now()
    return LogQuery(
        task_type=task_type,
        model=model,
        status=status,
        team=team,
        since=moment(since, now=now, option="--since"),
        until=moment(until, now=now, option="--until"),
    )


def _follow(archive: Archive, query: LogQuery, text: str, seen: list[Attribution], *, as_json: bool) -> None:
    from escalator.report import attributions

    newest = max((line.id for line in seen), default=0)
    for line in attributions(archive, replace(query, after=newest), text=text, following=True):
        _lines([line], as_json=as_json, heading=False)


def _lines(found: Iterable[Attribution], *, as_json: bool, heading: bool = True) -> None:
    from escalator.records.flat import flat

    found = list(found)
    if as_json:
        for line in found:
            print_json(flat(line))
        return
    out = console()
    if not found:
        if heading:
            out.print("No attempt matches.")
        return
    widths = {"when": 11, "task": 8, "": 1, "worker": 11, "result": 9, "cost": 7, "s": 5, "what": 0}
    one_line_each(out, widths, (_row(line) for line in found), heading=heading)


def one_line_each(
    out: Console, widths: dict[str, int], rows: Iterable[Iterable[str | Text]], *, heading: bool = True
) -> None:
    """A table of one line a row, whatever is in it: cells are cut, the last column gets the room that is left."""
    room = out.width - sum(widths.values()) - 2 * (len(widths) - 1)
    sizes = [size or max(room, 12) for size in widths.values()]
    made = table(*widths, rows=([_cut(cell, size) for cell, size in zip(row, sizes, strict=True)] for row in rows))
    made.show_header = heading
    for column, size in zip(made.columns, sizes, strict=True):
        column.width, column.ratio, column.no_wrap = size, None, True
    out.print(made)


def _cut(cell: str | Text, size: int) -> Text:
    text = cell.copy() if isinstance(cell, Text) else Text(cell)
    text.truncate(size, overflow="ellipsis")
    return text


def _row(line: Attribution) -> tuple[str | Text, ...]:
    result = line.outcome if line.outcome == "passed" else line.cause or line.outcome
    what = line.description if line.move == "first" else line.validation or line.cause
    return (
        when(line.at),
        line.task_id,
        MARKS.get(line.move, ""),
        line.worker,
        Text(result, COLOURS.get(line.outcome, NOTE)),
        money(line.cost),
        f"{line.seconds:.1f}",
        what,
    )


def _story(archive: Archive, task_id: str, *, as_json: bool) -> None:
    from escalator.report import timeline

    found = timeline(archive, _full_id(archive, task_id))
    if as_json:
        print_json({"task": task_json(found.task), "moments": [asdict(each) for each in found.moments]})
        return
    out = console()
    task = found.task
    ended = task.status or task.state
    opened = datetime.fromtimestamp(task.opened, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    out.print(
        Text.assemble((task.task_id, "bold"), f" {task.task_type}, complexity {task.complexity:g}, {opened}")
    )
    made = table("at", "", "", "", "s", "cost", "", rows=(_moment(each) for each in found.moments))
    made.show_header = False
    out.print(made)
    out.print(Text(f"{ended}: {money(_usd(task.cost))}, {task.attempts} attempts, {task.seconds:.1f} s", "dim"))


def _full_id(archive: Archive, given: str) -> str:
    """The task's whole id; the beginning of one is enough where only one of the newest tasks begins so."""
    from escalator.ledger.log import LogQuery

    if archive.look(given) is not None:
        return given
    newest = archive.tasks(LogQuery(count=PREFIXES, newest=True))
    found = [task.task_id for task in newest if task.task_id.startswith(given)]
    if len(found) > 1:
        raise TaskError(f"{len(found)} tasks begin with {given!r}", field="task", hint=f"for instance {found[-1]}")
    return found[0] if found else given


def _moment(each: Moment) -> tuple[str | Text, ...]:
    colour = COLOURS.get(each.result, NOTE if each.kind in ("retry", "fallback", "escalation", "skip") else "")
    words = (
        f"{each.result}: {each.detail}" if each.kind == "verdict" and each.detail else each.detail or each.result
    )
    isolation = f" ({each.isolation})" if each.isolation else ""
    return (
        Text("" if each.at is None else f"{each.at:.1f}", DIM),
        Text(MARKS[each.kind], colour),
        f"  {each.who}" if each.kind == "verdict" else each.who,
        Text(each.kind if each.kind not in ("call", "verdict") else "", DIM),
        f"{each.seconds:.1f}" if each.seconds else "",
        money(each.cost) if each.cost else "",
        Text(words[:400] + isolation, colour),
    )


def task_json(task: TaskRecord) -> dict[str, object]:
    """A task's row as JSON values."""
    from escalator.ledger.export import plain

    return plain(task)


def _usd(nano: int) -> Decimal:
    from escalator.ledger import to_usd

    return to_usd(nano)


@app.command(cls=PlainCommand)
def tasks(
    *,
    task_type: TypeFilter = "",
    model: ModelFilter = "",
    status: StatusFilter = "",
    team: TeamFilter = "",
    since: Since = "",
    until: Until = "",
    text: TextFilter = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Newest tasks to show.")] = 20,
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """List tasks with how they ended; an open one that nobody works on can be resumed."""
    with books(matrix, ledger) as house:
        archive = house.ledger
        query = _query(
            archive, task_type=task_type, model=model, status=status, team=team, since=since, until=until
        )
        found = archive.tasks(replace(query, text=text, count=count, newest=True))
    if as_json:
        for task in found:
            print_json(task_json(task))
        return
    rows = (
        (
            when(task.opened),
            task.task_id,
            Text(task.state, COLOURS.get(task.state, NOTE)),
            task.worker or "–",
            money(_usd(task.cost)),
            task.description,
        )
        for task in found
    )
    widths = {"opened": 11, "task": 16, "state": 12, "worker": 9, "cost": 7, "what": 0}
    one_line_each(console(), widths, rows)


@app.command(cls=PlainCommand)
def export(
    *,
    path: Annotated[Path, typer.Argument(help="File to write.")],
    kind: Annotated[
        Literal["attempts", "calls", "tasks"], typer.Option("--kind", help="What to write.")
    ] = "attempts",
    form: Annotated[
        Literal["jsonl", "csv", "parquet"] | None, typer.Option("--format", help="Default: by the file's ending.")
    ] = None,
    task_type: TypeFilter = "",
    model: ModelFilter = "",
    status: StatusFilter = "",
    team: TeamFilter = "",
    since: Since = "",
    until: Until = "",
    text: TextFilter = "",
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Write the log to a file: JSON Lines, CSV or Parquet."""
    endings: dict[str, Literal["jsonl", "csv", "parquet"]] = {".csv": "csv", ".parquet": "parquet"}
    chosen = form or endings.get(path.suffix.lower(), "jsonl")
    with books(matrix, ledger) as house:
        from escalator.report import export as write

        archive = house.ledger
        query = _query(
            archive, task_type=task_type, model=model, status=status, team=team, since=since, until=until
        )
        count = write(archive, kind, path, form=chosen, query=query, text=text)
    if as_json:
        print_json({"written": count, "kind": kind, "format": chosen, "path": str(path)})
    else:
        console().print(f"{count:,} {kind} written to {path} as {chosen}.")


@app.command(cls=PlainCommand)
def forget(
    *,
    older_than: Annotated[str, typer.Option("--older-than", help="Age such as 90d, or a day such as 2026-11-21.")],
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Erase prompts, answers and outcomes of finished tasks; the log, its costs and the reports stay."""
    with books(matrix, ledger) as house:
        from escalator.ledger.export import forget_all

        archive = house.ledger
        before = moment(older_than, now=archive.now(), option="--older-than")
        if before is None:
            raise TaskError("no age is given", field="--older-than", hint="write an age such as 90d")
        count = forget_all(archive, before)
    if as_json:
        print_json({"forgotten": count})
    else:
        console().print(f"The texts of {count:,} tasks were erased.")
