"""A report from the ledger's roll-ups: a few hundred rows are read, however many attempts there were."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any

from escalator.ledger import Archive, to_usd
from escalator.ledger.log import DIMENSIONS, CallTally, LogQuery, TaskTally, TryTally
from escalator.ledger.reports import Savings, WorkerLine, by_model, by_pair, by_task_type, by_worker, savings
from escalator.records.calls import exactly
from escalator.records.flat import by_name
from escalator.report.records import Cause, LocalShare, Money, Report, Success, Totals

Z = 1.96
"""Standard deviations of a 95 % interval."""


def report(ledger: Archive, *, since: str | date = "", until: str | date = "", baseline_model: str = "") -> Report:
    """Everything the log can say of the days from `since` to `until`, both included, as in "2026-11-21".

    `baseline_model` is only a name for the report: the baseline itself was priced when each task ended.
    Raises `ValueError` for a day that is none.
    """
    first, last = day(since), day(until)
    once: Any = _Once(ledger, first, last)
    tries: list[TryTally] = once.tally(TryTally, ("task_type", "result", "cause"))
    tasks: list[TaskTally] = once.tally(TaskTally, ("status", "worker"))
    lines = by_worker(once)
    return Report(
        since=first,
        until=last,
        totals=_totals(tasks),
        types=tuple(by_task_type(once)),
        workers=_ranked(_altogether(lines)),
        workers_by_type=_ranked(lines),
        pairs=_ranked(by_pair(once)),
        causes=_causes(tries),
        models=tuple(by_model(once)),
        local=_local(ledger, tasks, once.tally(CallTally, ("model",))),
        money=replace(
            _money(savings(once), tasks, tries, baseline_model),
            cache_saved=to_usd(ledger.cache_saved(since=first, until=last)),
        ),
    )


class _Once:
    """The roll-ups of a period, each table read once and grouped again here for every question."""

    FINEST: Mapping[type[Any], tuple[str, ...]] = {
        TaskTally: ("task_type", "worker", "status", "bucket"),
        TryTally: ("task_type", "model", "checker", "result", "cause"),
        CallTally: ("model", "provider", "purpose", "state", "bucket"),
    }

    def __init__(self, ledger: Archive, since: str, until: str) -> None:
        self._rows = {kind: ledger.tally(kind, by, since=since, until=until) for kind, by in self.FINEST.items()}

    def tally(self, kind: type[Any], by: Sequence[str], **_: str) -> list[Any]:
        """As the ledger's own `tally`, from what was read."""
        sums = [field.name for field in fields(kind) if field.name not in DIMENSIONS[kind]]
        of_group, of_row = attrgetter(*by), attrgetter(*sums)
        groups: dict[Any, list[Any]] = defaultdict(list)
        for row in self._rows[kind]:
            groups[of_group(row)].append(of_row(row))
        found = []
        for group, members in sorted(groups.items()):
            key = dict(zip(by, group if len(by) > 1 else (group,), strict=True))
            found.append(kind(**key, **dict(zip(sums, map(sum, zip(*members, strict=True)), strict=True))))
        return found


def day(given: str | date) -> str:
    """A day in the form the ledger uses; raises `ValueError` for a text that is none."""
    if isinstance(given, str):
        return date.fromisoformat(given).isoformat() if given else ""
    return given.strftime("%Y-%m-%d")


def _totals(tasks: Sequence[TaskTally]) -> Totals:
    ended: dict[str, int] = defaultdict(int)
    for tally in tasks:
        ended[tally.status] += tally.n
    return Totals(
        tasks=sum(ended.values()),
        accepted=ended["accepted"],
        needs_review=ended["needs_review"],
        skipped=ended["skipped"],
        stopped=ended["stopped"],
        attempts=sum(tally.attempts for tally in tasks),
        retries=sum(tally.retries for tally in tasks),
        fallbacks=sum(tally.fallbacks for tally in tasks),
        escalations=sum(tally.escalations for tally in tasks),
        cost=to_usd(sum(tally.cost for tally in tasks)),
    )


def _altogether(lines: Iterable[WorkerLine]) -> list[WorkerLine]:
    """Each worker over all task types."""
    groups: dict[str, list[WorkerLine]] = defaultdict(list)
    for line in lines:
        groups[line.worker].append(line)
    return [_sum(worker, members) for worker, members in groups.items()]


@exactly
def _sum(worker: str, members: Sequence[WorkerLine]) -> WorkerLine:
    attempts, judged = sum(line.attempts for line in members), sum(line.judged for line in members)
    passed = sum(line.passed for line in members)
    return WorkerLine(
        worker=worker,
        attempts=attempts,
        judged=judged,
        passed=passed,
        success=passed / judged if judged else None,
        cost=sum((line.cost for line in members), Decimal(0)),
        seconds=sum(line.seconds * line.attempts for line in members) / attempts,
    )


def _ranked(lines: Iterable[WorkerLine]) -> tuple[Success, ...]:
    """Best first: by what the success is at least, then by how often it was seen."""
    found = [
        by_name(
            Success,
            line,
            at_least=at_least(line.passed, line.judged),
            cost_per_pass=line.cost / line.passed if line.passed else None,
        )
        for line in lines
    ]
    return tuple(sorted(found, key=lambda s: (s.task_type, -s.at_least, -s.judged, s.worker, s.checker)))


def at_least(passed: int, judged: int) -> float:
    """The lower end of the 95 % Wilson interval of a success rate; 0 where nothing was judged."""
    if not judged:
        return 0.0
    share, square = passed / judged, Z * Z
    centre = share + square / (2 * judged)
    spread = Z * math.sqrt(share * (1 - share) / judged + square / (4 * judged * judged))
    return min(share, max(0.0, (centre - spread) / (1 + square / judged)))


def _causes(tries: Sequence[TryTally]) -> tuple[Cause, ...]:
    found = [
        Cause(
            task_type=tally.task_type,
            result=tally.result,
            cause=tally.cause,
            attempts=tally.n,
            cost=to_usd(tally.cost),
        )
        for tally in tries
        if tally.result != "passed"
    ]
    return tuple(sorted(found, key=lambda cause: (-cause.attempts, cause.task_type, cause.result, cause.cause)))


def _local(ledger: Archive, tasks: Sequence[TaskTally], calls: Sequence[CallTally]) -> LocalShare:
    here = {tally.model for tally in calls if _is_local(ledger, tally.model)}
    accepted = [tally for tally in tasks if tally.status == "accepted"]
    return LocalShare(
        tasks=sum(tally.n for tally in accepted),
        local_tasks=sum(tally.n for tally in accepted if tally.worker in here),
        calls=sum(tally.n for tally in calls),
        local_calls=sum(tally.n for tally in calls if tally.model in here),
        output_tokens=sum(tally.output_tokens for tally in calls),
        local_output_tokens=sum(tally.output_tokens for tally in calls if tally.model in here),
    )


def _is_local(ledger: Archive, model: str) -> bool:
    """Where a model ran when it was last called."""
    return any(call.local for call in ledger.calls(LogQuery(model=model, count=1, newest=True)))


def _money(found: Savings, tasks: Sequence[TaskTally], tries: Sequence[TryTally], baseline_model: str) -> Money:
    return Money(
        baseline_model=baseline_model,
        baseline=found.baseline,
        saved=found.saved,
        compared=found.tasks if found.baseline else 0,
        unaccepted=to_usd(sum(tally.cost for tally in tasks if tally.status != "accepted")),
        wasted=to_usd(sum(tally.cost for tally in tries if tally.result != "passed")),
    )
