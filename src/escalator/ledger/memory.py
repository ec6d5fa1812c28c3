"""A ledger that lives and dies with the process: the same promises as the durable ones, minus durability."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import asdict, replace
from typing import Any, TypeVar

from escalator.ledger import tally
from escalator.ledger.log import (
    AnyTally,
    CallRecord,
    Decision,
    LogQuery,
    Review,
    ReviewKind,
    ReviewState,
    TaskRecord,
    TryRecord,
    Waiting,
)
from escalator.ledger.memory_books import FINAL, CallSlot, MemoryBooks, TaskSlot
from escalator.ledger.protocol import Opened, Settlement
from escalator.ledger.refusals import decided_already, no_review

_COUNTED = (
    "sent",
    "seconds",
    "task_type",
    "purpose",
    "model",
    "provider",
    "state",
    "error",
    "cost",
    "input_tokens",
    "output_tokens",
)

R = TypeVar("R", TaskRecord, TryRecord, CallRecord)


class MemoryLedger(MemoryBooks):
    """The whole ledger over dictionaries: thread-safe, every returned future is already resolved.

    `crash()` plays the death of the process, so that a resume can be tried without one.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._reviews: dict[int, Review] = {}
        self._prompts: dict[int, Waiting] = {}
        self._taken: set[int] = set()
        self._prompt_ids = 0

    def tasks(self, query: LogQuery = LogQuery()) -> list[TaskRecord]:  # noqa: B008
        """Tasks by the time they were opened."""
        with self._lock:
            records = sorted((_task(slot) for slot in self._tasks.values()), key=lambda r: (r.opened, r.task_id))
        return _matching(records, query, lambda r: (r.worker, r.state, r.opened, 0))

    def tries(self, query: LogQuery = LogQuery()) -> list[TryRecord]:  # noqa: B008
        """Attempts of closed tasks, in the order they were logged."""
        with self._lock:
            records = sorted((t for slot in self._tasks.values() for t in _tries(slot)), key=lambda r: r.id)
        return _matching(records, query, lambda r: (r.model, r.result, r.at, r.id))

    def calls(self, query: LogQuery = LogQuery()) -> list[CallRecord]:  # noqa: B008
        """Model calls in the order they were sent."""
        with self._lock:
            teams = {task_id: slot.row.team for task_id, slot in self._tasks.items()}
            records = [_call(call, self._tasks[call.hold.task_id]) for call in self._calls.values()]
        if query.team:
            records = [record for record in records if teams[record.task_id] == query.team]
        return _matching(records, query, lambda r: (r.model, r.state, r.sent, r.id))

    def look(self, task_id: str) -> Opened | None:
        """What opening the task would find, without claiming it."""
        with self._lock:
            slot = self._tasks.get(task_id)
            return slot.found if slot else None

    def tally(
        self, kind: type[AnyTally], by: Sequence[str], *, since: str = "", until: str = ""
    ) -> list[AnyTally]:
        """Sums grouped by some of `DIMENSIONS[kind]`, added up from the log itself."""
        tally.check_dimensions(kind, by)
        groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        with self._lock:
            for one in self._counted():
                if isinstance(one, kind) and since <= one.day <= (until or "9999-12-31"):
                    groups[tuple(getattr(one, name) for name in by)].append(one)
        return [
            kind(
                **dict(zip(by, group, strict=True)),
                **{name: sum(getattr(one, name) for one in members) for name in tally.SUMS[kind]},
            )
            for group, members in sorted(groups.items())
        ]

    def sweep(self) -> Future[int]:
        """Nothing to do: `crash` has given every task up."""
        return self._do(lambda: 0)

    def forget(self, before: float) -> Future[int]:
        """Erase prompts, answers and outcomes of up to 100 final tasks closed before that time."""
        return self._do(lambda: self._forget(before))

    def review_add(self, task_id: str, kind: ReviewKind, summary: str, payload: str) -> Future[int]:
        """Ask for a decision and return its id."""
        return self._do(lambda: self._review_add(task_id, kind, summary, payload))

    def review_decide(self, review_id: int, decision: Decision, *, by: str, note: str = "") -> Future[Review]:
        """Decide a waiting review."""
        return self._do(lambda: self._review_decide(review_id, decision, by, note))

    def review(self, review_id: int) -> Review | None:
        """One review, or None."""
        return self._reviews.get(review_id)

    def reviews(self, *, state: ReviewState | None = None, task_id: str = "") -> list[Review]:
        """Reviews, oldest first."""
        with self._lock:
            found = list(self._reviews.values())
        return [r for r in found if state in (None, r.state) and task_id in ("", r.task_id)]

    def prompt_add(self, task_id: str, *, provider: str, model: str, reason: str, payload: str) -> Future[int]:
        """Queue a prompt nobody could serve."""
        facts = {"task_id": task_id, "provider": provider, "model": model, "reason": reason, "payload": payload}
        return self._do(lambda: self._prompt_add(**facts))

    def prompt_take(self, provider: str = "") -> Future[Waiting | None]:
        """The oldest prompt that nobody has taken, now taken by this process."""
        return self._do(lambda: self._prompt_take(provider))

    def prompt_drop(self, prompt_id: int) -> Future[None]:
        """Remove a prompt that was served."""
        return self._do(lambda: self._prompt_drop(prompt_id))

    def prompt_return(self, prompt_id: int) -> Future[None]:
        """Put a taken prompt back for anybody to take."""
        return self._do(lambda: self._taken.discard(prompt_id))

    def prompts(self) -> list[Waiting]:
        """Every queued prompt, oldest first."""
        with self._lock:
            return list(self._prompts.values())

    def crash(self) -> None:
        """As if the process had died here: tasks and prompts lose their owner, calls become doubtful."""
        with self._lock:
            super().crash()
            self._taken.clear()

    def _counted(self) -> Iterator[Any]:
        """What each task, attempt and ended call adds to the sums."""
        for slot in self._tasks.values():
            if slot.closing is not None and slot.closed is not None:
                yield tally.of_task(slot.row.task_type, slot.row.team, slot.closing, slot.closed)
                for tried in slot.closing.tries:
                    yield tally.of_try(slot.row.task_type, tried, slot.closed)
            for call in slot.calls:
                if call.state != "sent":
                    record = _call(call, slot)
                    yield tally.of_call(**{name: getattr(record, name) for name in _COUNTED})

    def _forget(self, before: float) -> int:
        def due(slot: TaskSlot) -> bool:
            return slot.state in FINAL and not slot.forgotten and slot.closed is not None and slot.closed < before

        slots = sorted((slot for slot in self._tasks.values() if due(slot)), key=lambda slot: slot.closed or 0)
        for slot in slots[:100]:
            slot.row, slot.outcome, slot.forgotten = replace(slot.row, brief="", plan=""), "", True
            slot.notes = {key: replace(note, payload="") for key, note in slot.notes.items()}
            for call in slot.calls:
                call.payload = None
            task_id = slot.row.task_id
            self._reviews = {
                i: replace(r, payload="") if r.task_id == task_id else r for i, r in self._reviews.items()
            }
            self._prompts = {i: p for i, p in self._prompts.items() if p.task_id != task_id}
        return len(slots[:100])

    def _review_add(self, task_id: str, kind: ReviewKind, summary: str, payload: str) -> int:
        for review in self._reviews.values():
            if (review.task_id, review.kind, review.state) == (task_id, kind, "waiting"):
                self._reviews[review.id] = replace(review, summary=summary, payload=payload)
                return review.id
        number = len(self._reviews) + 1
        self._reviews[number] = Review(
            id=number,
            task_id=task_id,
            kind=kind,
            summary=summary,
            payload=payload,
            state="waiting",
            created=self._clock(),
        )
        return number

    def _review_decide(self, review_id: int, decision: Decision, by: str, note: str) -> Review:
        review = self._reviews.get(review_id)
        if review is None:
            raise no_review(review_id)
        if review.state != "waiting":
            raise decided_already(review_id, review.state, review.decided_by)
        decided = replace(review, state=decision, decided=self._clock(), decided_by=by, note=note)
        self._reviews[review_id] = decided
        return decided

    def _prompt_add(self, **facts: Any) -> int:
        for waiting in self._prompts.values():
            if waiting.task_id == facts["task_id"]:
                self._prompts[waiting.id] = replace(waiting, **facts)
                self._taken.discard(waiting.id)
                return waiting.id
        self._prompt_ids += 1
        self._prompts[self._prompt_ids] = Waiting(id=self._prompt_ids, created=self._clock(), **facts)
        return self._prompt_ids

    def _prompt_drop(self, prompt_id: int) -> None:
        self._prompts.pop(prompt_id, None)
        self._taken.discard(prompt_id)

    def _prompt_take(self, provider: str) -> Waiting | None:
        for waiting in self._prompts.values():
            if waiting.id not in self._taken and provider in ("", waiting.provider):
                self._taken.add(waiting.id)
                return waiting
        return None


def _matching(records: list[R], query: LogQuery, facts: Callable[[R], tuple[str, str, float, int]]) -> list[R]:
    def wanted(record: R) -> bool:
        model, status, moment, number = facts(record)
        team = getattr(record, "team", query.team)
        return (
            query.task_id in ("", record.task_id)
            and query.task_type in ("", record.task_type)
            and query.team in ("", team)
            and query.model in ("", model)
            and query.status in ("", status)
            and (query.since is None or moment >= query.since)
            and (query.until is None or moment < query.until)
            and (not number or number > query.after)
        )

    found = [record for record in records if wanted(record)]
    if query.count is None:
        return found
    return found[max(0, len(found) - query.count) :] if query.newest else found[: query.count]


def _task(slot: TaskSlot) -> TaskRecord:
    row, closing = slot.row, slot.closing
    facts = {} if closing is None else {k: v for k, v in asdict(closing).items() if k not in ("outcome", "tries")}
    return TaskRecord(
        task_id=row.task_id,
        state=slot.state,
        task_type=row.task_type,
        complexity=row.complexity,
        description=row.description,
        team=row.team,
        tags=row.tags,
        opened=slot.opened,
        closed=slot.closed,
        **facts,
    )


def _tries(slot: TaskSlot) -> list[TryRecord]:
    if slot.closing is None or slot.closed is None:
        return []
    row = slot.row
    shared: dict[str, Any] = {
        "task_id": row.task_id,
        "at": slot.closed,
        "task_type": row.task_type,
        "team": row.team,
    }
    return [
        TryRecord(id=slot.first_try + place, **shared, **asdict(tried))
        for place, tried in enumerate(slot.closing.tries)
    ]


def _call(call: CallSlot, slot: TaskSlot) -> CallRecord:
    hold, ending = call.hold, call.settlement or Settlement(cost=0, state="failed", payload="")
    return CallRecord(
        id=call.id,
        task_id=hold.task_id,
        key=hold.key,
        task_type=slot.row.task_type,
        state=call.state,
        purpose=hold.purpose,
        model=hold.model,
        provider=hold.provider,
        rung=hold.rung,
        number=hold.number,
        effort=hold.effort,
        local=hold.local,
        prompt_digest=hold.prompt_digest,
        details=json.dumps(dict(hold.details), default=str),
        amount=hold.amount,
        held=call.held,
        cost=call.cost,
        sent=call.sent,
        ended=call.ended,
        answered_by=ending.answered_by,
        finish=ending.finish,
        error=ending.error,
        seconds=ending.seconds,
        **asdict(ending.usage),
    )
