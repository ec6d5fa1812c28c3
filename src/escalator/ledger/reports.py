"""The usual questions to the log, answered from roll-ups: a few rows, whatever the number of attempts.

Days bound every report, both included, as in since="2026-11-01"; empty means unbounded. Money is USD.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from escalator.ledger.log import Archive, CallTally, TaskTally, TryTally, quantile
from escalator.ledger.protocol import to_usd


@dataclass(frozen=True, kw_only=True, slots=True)
class TypeLine:
    """One task type: how many tasks, how they ended, what they took. `share` is of all tasks."""

    task_type: str
    tasks: int
    share: float
    accepted: int
    attempts: float
    retries: float
    fallbacks: float
    escalations: float
    cost: Decimal
    cost_per_task: Decimal
    saved: Decimal
    p50_seconds: float
    p95_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLine:
    """One worker's attempts on one task type, or with one checker. `success` is of the attempts that were judged:
    failures of a provider and inconclusive verdicts say nothing of the model and are left out; None without any.
    """

    worker: str
    task_type: str = ""
    checker: str = ""
    attempts: int
    judged: int
    passed: int
    success: float | None
    cost: Decimal
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelLine:
    """One model's calls: how many, how many failed or stayed in doubt, tokens, cost, latency."""

    model: str
    provider: str
    purpose: str
    calls: int
    failed: int
    doubtful: int
    input_tokens: int
    output_tokens: int
    cost: Decimal
    p50_seconds: float
    p95_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Savings:
    """What accepted tasks with a named baseline saved against it, net of everything spent on them."""

    tasks: int
    baseline: Decimal
    saved: Decimal
    spent_on_all: Decimal


def by_task_type(archive: Archive, *, since: str = "", until: str = "") -> list[TypeLine]:
    """Task types, commonest first, with mean attempts, retries, fallbacks and escalations a task."""
    groups: dict[str, list[TaskTally]] = defaultdict(list)
    for tally in archive.tally(TaskTally, ("task_type", "status", "bucket"), since=since, until=until):
        groups[tally.task_type].append(tally)
    total = sum(tally.n for members in groups.values() for tally in members)
    lines = [_type_line(task_type, members, total) for task_type, members in groups.items()]
    return sorted(lines, key=lambda line: (-line.tasks, line.task_type))


def _type_line(task_type: str, members: list[TaskTally], total: int) -> TypeLine:
    n = sum(tally.n for tally in members)
    cost = to_usd(sum(tally.cost for tally in members))
    buckets = _buckets(members)
    return TypeLine(
        task_type=task_type,
        tasks=n,
        share=n / total,
        accepted=sum(tally.n for tally in members if tally.status == "accepted"),
        attempts=sum(tally.attempts for tally in members) / n,
        retries=sum(tally.retries for tally in members) / n,
        fallbacks=sum(tally.fallbacks for tally in members) / n,
        escalations=sum(tally.escalations for tally in members) / n,
        cost=cost,
        cost_per_task=cost / n,
        saved=to_usd(sum(tally.saved for tally in members)),
        p50_seconds=quantile(buckets, 0.5),
        p95_seconds=quantile(buckets, 0.95),
    )


def by_worker(archive: Archive, *, since: str = "", until: str = "") -> list[WorkerLine]:
    """Success of each worker on each task type."""
    tallies = archive.tally(TryTally, ("model", "task_type", "result"), since=since, until=until)
    return _worker_lines(tallies, by_checker=False)


def by_pair(archive: Archive, *, since: str = "", until: str = "") -> list[WorkerLine]:
    """Worker and checker pairs, best first; attempts no checker judged are left out."""
    tallies = archive.tally(TryTally, ("model", "checker", "result"), since=since, until=until)
    lines = _worker_lines([tally for tally in tallies if tally.checker], by_checker=True)
    return sorted(lines, key=lambda line: (-(line.success or 0), -line.judged, line.worker))


def _worker_lines(tallies: list[TryTally], *, by_checker: bool) -> list[WorkerLine]:
    groups: dict[tuple[str, str], list[TryTally]] = defaultdict(list)
    for tally in tallies:
        groups[tally.model, tally.checker if by_checker else tally.task_type].append(tally)
    return [_worker_line(worker, other, members, by_checker) for (worker, other), members in groups.items()]


def _worker_line(worker: str, other: str, members: list[TryTally], by_checker: bool) -> WorkerLine:
    passed = sum(tally.n for tally in members if tally.result == "passed")
    judged = passed + sum(tally.n for tally in members if tally.result in ("failed", "unusable"))
    n = sum(tally.n for tally in members)
    return WorkerLine(
        worker=worker,
        task_type="" if by_checker else other,
        checker=other if by_checker else "",
        attempts=n,
        judged=judged,
        passed=passed,
        success=passed / judged if judged else None,
        cost=to_usd(sum(tally.cost for tally in members)),
        seconds=sum(tally.millis for tally in members) / 1000 / n,
    )


def by_model(archive: Archive, *, since: str = "", until: str = "") -> list[ModelLine]:
    """Calls of each model for each purpose, dearest first."""
    groups: dict[tuple[str, str, str], list[CallTally]] = defaultdict(list)
    by = ("model", "provider", "purpose", "state", "bucket")
    for tally in archive.tally(CallTally, by, since=since, until=until):
        groups[tally.model, tally.provider, tally.purpose].append(tally)
    lines = []
    for (model, provider, purpose), members in groups.items():
        buckets = _buckets([tally for tally in members if tally.state == "done"])
        line = ModelLine(
            model=model,
            provider=provider,
            purpose=purpose,
            calls=sum(tally.n for tally in members),
            failed=sum(tally.n for tally in members if tally.state == "failed"),
            doubtful=sum(tally.n for tally in members if tally.state == "doubt"),
            input_tokens=sum(tally.input_tokens for tally in members),
            output_tokens=sum(tally.output_tokens for tally in members),
            cost=to_usd(sum(tally.cost for tally in members)),
            p50_seconds=quantile(buckets, 0.5),
            p95_seconds=quantile(buckets, 0.95),
        )
        lines.append(line)
    return sorted(lines, key=lambda line: (-line.cost, line.model, line.purpose))


def savings(archive: Archive, *, since: str = "", until: str = "") -> Savings:
    """What the cascade saved, over accepted tasks whose baseline has a price."""
    tallies = archive.tally(TaskTally, ("status",), since=since, until=until)
    return Savings(
        tasks=sum(tally.n for tally in tallies if tally.status == "accepted"),
        baseline=to_usd(sum(tally.baseline for tally in tallies)),
        saved=to_usd(sum(tally.saved for tally in tallies)),
        spent_on_all=to_usd(sum(tally.cost for tally in tallies)),
    )


def _buckets(members: list[TaskTally] | list[CallTally]) -> dict[int, int]:
    counts: dict[int, int] = defaultdict(int)
    for tally in members:
        counts[tally.bucket] += tally.n
    return counts
