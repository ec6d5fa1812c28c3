"""`escalator report`: what the log says of a period, readable at 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from escalator.cli.books import books, moment
from escalator.cli.console import BAD, GOOD, console, money, print_json, table
from escalator.cli.loading import PlainCommand, command_app
from escalator.cli.options import JsonLines, LedgerOption, MatrixOption

if TYPE_CHECKING:
    from escalator.report import Report, Success


app = command_app()


def _calibration(matrix: str | None, ledger: str | None, *, as_json: bool) -> None:
    with books(matrix, ledger) as house:
        from escalator.report import calibration
        from escalator.report.calibration import ENOUGH

        found = calibration(house.ledger)
    curves = {"outcome": found.outcome, "semantic": found.semantic}
    if as_json:
        points = {name: curve.points if curve else None for name, curve in curves.items()}
        print_json({"decisions": found.decisions, **points})
        return
    out = console()
    out.print(f"{found.decisions} decisions of people on answers")
    for name, curve in curves.items():
        if curve is None:
            out.print(f"{name}: not calibrated; that takes {ENOUGH} decisions")
            continue
        rows = [(f"{raw:.2f}", f"{share:.0%}") for raw, share in curve.points]
        out.print(table("confidence", "right", rows=rows, title=name))


@app.command(cls=PlainCommand, short_help="Task types, success by worker, causes, latency, cost, savings.")
def report(
    *,
    since: Annotated[str, typer.Option("--since", help="First day: 2026-11-21, or an age such as 30d.")] = "",
    until: Annotated[str, typer.Option("--until", help="Last day, included; written like --since.")] = "",
    top: Annotated[int, typer.Option("--top", min=1, help="Lines a table at most.")] = 12,
    calibration: Annotated[
        bool, typer.Option("--calibration", help="How sure verdicts were against what people decided.")
    ] = False,
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Task types, success by worker, causes, latency, cost and savings. Days are UTC."""
    if calibration:
        _calibration(matrix, ledger, as_json=as_json)
        return
    with books(matrix, ledger) as house:
        from escalator.report import report as analyse

        archive, baseline = house.ledger, house.matrix.file.cost_guard.baseline
        now = archive.now()
        found = analyse(
            archive,
            since=_day(since, now, "--since"),
            until=_day(until, now, "--until"),
            baseline_model=baseline or "",
        )
    if as_json:
        print_json(report_json(found))
        return
    out = console()
    if not found.totals.tasks:
        out.print("No task ended in this period.")
        return
    _totals(found)
    for made in tables(found, top):
        out.print()
        out.print(made)
    out.print()
    _money(found)


def _day(given: str, now: float, option: str) -> str:
    at = moment(given, now=now, option=option)
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def report_json(found: Report) -> dict[str, object]:
    """A report as plain data, with what is computed from it."""
    shown = asdict(found)
    shown["local"] |= {
        "of_tasks": found.local.of_tasks,
        "of_calls": found.local.of_calls,
        "of_tokens": found.local.of_tokens,
    }
    shown["money"] |= {"net": found.money.net}
    return shown


def _totals(found: Report) -> None:
    totals, out = found.totals, console()
    period = f"{found.since or 'the beginning'} to {found.until or 'now'}"
    waiting = f", {totals.needs_review} wait for a person" if totals.needs_review else ""
    stopped = f", {totals.stopped} stopped" if totals.stopped else ""
    out.print(Text(f"{totals.tasks:,} tasks, {period}", "bold"))
    out.print(f"{totals.accepted:,} accepted, {totals.skipped:,} skipped{stopped}{waiting}")
    out.print(
        f"{totals.attempts:,} attempts: {totals.retries:,} retries, {totals.escalations:,} escalations, "
        f"{totals.fallbacks:,} fallbacks"
    )


def tables(found: Report, top: int) -> Iterator[Table]:
    """The tables of a report, those without lines left out."""
    yield table(
        "task type", "tasks", "accepted", "tries", "escal.", "cost/task", "p50 s", "p95 s",
        rows=[
            (
                line.task_type,
                f"{line.tasks:,}",
                f"{line.accepted / line.tasks:.0%}",
                f"{line.attempts:.1f}",
                f"{line.escalations:.2f}",
                money(line.cost_per_task),
                f"{line.p50_seconds:.1f}",
                f"{line.p95_seconds:.1f}",
            )
            for line in found.types[:top]
        ],
    )  # fmt: skip
    yield _success("worker", found.workers[:top], other=lambda _: "")
    if len({line.task_type for line in found.workers_by_type}) > 1:
        yield _success("worker", found.workers_by_type[:top], other=lambda line: line.task_type)
    if found.pairs:
        yield _success("worker", found.pairs[:top], other=lambda line: f"checked by {line.checker}")
    if found.causes:
        yield table(
            "why not passed", "result", "tries", "cost", "task type",
            rows=[
                (line.cause, line.result, f"{line.attempts:,}", money(line.cost), line.task_type)
                for line in found.causes[:top]
            ],
        )  # fmt: skip
    if found.models:
        yield table(
            "model", "for", "calls", "failed", "tokens in", "out", "cost", "p50 s", "p95 s",
            rows=[
                (
                    line.model,
                    line.purpose,
                    f"{line.calls:,}",
                    f"{line.failed + line.doubtful:,}",
                    _short(line.input_tokens),
                    _short(line.output_tokens),
                    money(line.cost),
                    f"{line.p50_seconds:.1f}",
                    f"{line.p95_seconds:.1f}",
                )
                for line in found.models[:top]
            ],
        )  # fmt: skip


def _success(heading: str, lines: Sequence[Success], *, other: Any) -> Table:
    rows = [
        (
            line.worker,
            f"{line.passed:,}/{line.judged:,}",
            "–" if line.success is None else f"{line.success:.0%}",
            f"{line.at_least:.0%}",
            "–" if line.cost_per_pass is None else money(line.cost_per_pass),
            f"{line.seconds:.1f}",
            other(line),
        )
        for line in lines
    ]
    return table(heading, "passed", "rate", "at least", "cost/pass", "mean s", "", rows=rows)


def _short(count: int) -> str:
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if count >= size:
            return f"{count / (1000 if unit == 'k' else size):.1f}{unit}"
    return f"{count:,}"


def _money(found: Report) -> None:
    spent, out, local = found.money, console(), found.local
    out.print(
        f"local: {local.of_tasks:.0%} of accepted tasks, {local.of_calls:.0%} of calls, "
        f"{local.of_tokens:.0%} of tokens written"
    )
    out.print(f"spent: {money(found.totals.cost)}, of it {money(spent.wasted)} on attempts that did not pass")
    if spent.cache_saved:
        out.print(f"caches: {money(spent.cache_saved)} saved by providers that kept what a prompt begins with")
    if not spent.compared:
        out.print("saved: unknown; name a model with a price under cost_guard.baseline")
        return
    name = spent.baseline_model or "the baseline"
    out.print(
        Text.assemble(
            f"saved: {money(spent.saved)} of {money(spent.baseline)} against {name} alone; less "
            f"{money(spent.unaccepted)} on tasks that came to nothing: ",
            (f"net {money(spent.net)}", GOOD if spent.net >= 0 else BAD),
        )
    )
