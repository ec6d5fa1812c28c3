"""The story of one task, from what the ledger recorded while it happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from escalator.errors import TaskError
from escalator.execution.journal import JUDGEMENTS
from escalator.ledger import Archive, Entry, to_usd
from escalator.ledger.log import CallRecord, LogQuery, Review, TaskRecord
from escalator.ledger.recall import is_planned, recall
from escalator.records import Outcome, Transition, Verdict
from escalator.records.flat import gist
from escalator.review import PERSON

MomentKind: TypeAlias = Literal[
    "opened", "call", "verdict", "retry", "fallback", "escalation", "skip", "review", "closed"
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One thing that happened to a task. `at` is seconds since it was opened, None where only the order is known.

    `who` is the model, validator or person; `result` how it ended in a word; `detail` the rest in a line.
    """

    kind: MomentKind
    at: float | None = None
    who: str = ""
    result: str = ""
    detail: str = ""
    seconds: float = 0.0
    cost: Decimal = Decimal(0)
    isolation: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """A task and its moments in order."""

    task: TaskRecord
    moments: tuple[Moment, ...]


def timeline(ledger: Archive, task_id: str) -> Timeline:
    """What happened to a task so far. Verdicts and moves are missing where its texts were erased."""
    found = ledger.tasks(LogQuery(task_id=task_id))
    if not found:
        raise TaskError(
            f"the ledger knows no task {task_id!r}",
            field="task_id",
            hint="`escalator log tasks` lists those it knows",
        )
    (task,) = found
    calls = ledger.calls(LogQuery(task_id=task_id))
    stored = ledger.look(task_id)
    known = recall(ledger, task_id) if stored is not None and is_planned(stored.row) else None
    verdicts = _verdicts(stored.entries if stored is not None else ())
    moves: tuple[Transition, ...] = ()
    if known is not None and known.ended is not None:
        moves = known.ended.transitions
        verdicts |= _judged(known.ended)
    moments = [
        Moment(kind="opened", at=0.0, who=task.task_type, detail=task.description),
        *_work(task, calls, verdicts, moves),
        *(_review(task, row) for row in ledger.reviews(task_id=task_id)),
    ]
    if task.closed is not None:
        moments.append(_closed(task))
    return Timeline(task=task, moments=tuple(moments))


def _work(
    task: TaskRecord,
    calls: Sequence[CallRecord],
    verdicts: dict[tuple[int, int], list[Verdict]],
    moves: Sequence[Transition],
) -> Iterator[Moment]:
    """Calls and verdicts by attempt, with the moves between the attempts."""
    groups: dict[tuple[int, int], list[CallRecord]] = {}
    for call in calls:
        groups.setdefault((call.rung, call.number), []).append(call)
    left = list(moves)
    for place, (where, members) in enumerate(group for group in groups.items() if group[0][0] >= 0):
        yield from _moved(left, first=place == 0)
        for call in members:
            if call.purpose == "worker":
                yield _call(task, call)
        for call in members:
            if call.purpose != "worker":
                yield _call(task, call)
        yield from (_verdict(verdict) for verdict in verdicts.get(where, ()))
    for move in left:
        yield _move(move)


def _moved(left: list[Transition], *, first: bool) -> Iterator[Moment]:
    """The moves before an attempt: rungs passed by, then the one that led here."""
    while left and (left[0].kind == "skip" or not first):
        move = left.pop(0)
        yield _move(move)
        if move.kind != "skip":
            return


def _move(move: Transition) -> Moment:
    who = move.from_model if move.kind == "skip" else move.to_model
    return Moment(kind=move.kind, who=who, result=move.cause, detail=move.reason)


def _call(task: TaskRecord, call: CallRecord) -> Moment:
    said = call.error or call.finish or call.state
    used = call.input_tokens or call.output_tokens
    tokens = f", {call.input_tokens} → {call.output_tokens} tokens" if used else ""
    tokens += " at most" if used and call.estimated else ""
    effort = f", effort {call.effort}" if call.effort else ""
    cost = to_usd(max(call.cost, call.held))
    return Moment(
        kind="call",
        at=call.sent - task.opened,
        who=call.model,
        result=call.state,
        detail=f"{call.purpose}, {said}{tokens}{effort}",
        seconds=call.seconds,
        cost=cost,
    )


def _verdict(verdict: Verdict) -> Moment:
    return Moment(
        kind="verdict",
        who=verdict.validator,
        result=verdict.reason or verdict.status,
        detail=gist(verdict.hint or verdict.feedback),
        seconds=verdict.seconds,
        isolation=verdict.isolation.kind if verdict.isolation else "",
    )


def _review(task: TaskRecord, row: Review) -> Moment:
    at = (row.decided if row.decided is not None else row.created) - task.opened
    note = row.note or row.summary
    return Moment(kind="review", at=at, who=row.decided_by or f"review {row.id}", result=row.state, detail=note)


def _closed(task: TaskRecord) -> Moment:
    at = None if task.closed is None else task.closed - task.opened
    return Moment(
        kind="closed",
        at=at,
        who=task.worker,
        result=task.status,
        detail=task.reason,
        seconds=task.seconds,
        cost=to_usd(task.cost),
    )


def _verdicts(entries: Sequence[Entry]) -> dict[tuple[int, int], list[Verdict]]:
    """Recorded verdicts by rung and number, from keys such as "r0.a1.syntax.verdict"."""
    found: dict[tuple[int, int], list[Verdict]] = {}
    for entry in entries:
        rung, _, rest = entry.key.partition(".")
        number = rest.partition(".")[0]
        if entry.kind == "verdict" and entry.payload and rung[1:].isdigit() and number[1:].isdigit():
            where = (int(rung[1:]), int(number[1:]))
            found.setdefault(where, []).append(JUDGEMENTS.load(entry.payload).verdict)
    return found


def _judged(ended: Outcome) -> dict[tuple[int, int], list[Verdict]]:
    """The verdicts of a task that ended, by rung and number; a person's stands with the review it was given in."""
    return {
        (attempt.rung, attempt.number): [verdict for verdict in attempt.verdicts if verdict.validator != PERSON]
        for attempt in ended.attempts
    }
