"""Events as flat JSON facts: the words that every sink and the log page of the documentation share.

Money is decimal text in USD, durations are seconds. Prompts, answers and findings are left out unless asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from escalator.events import (
    Answered,
    AttemptStarted,
    CallFinished,
    Event,
    Judged,
    Moved,
    PaidModelAhead,
    Planned,
    TaskEnded,
    TaskStarted,
    Warned,
)
from escalator.records import Outcome
from escalator.records.facts import asked, attempt_facts, attempts_of, task_facts
from escalator.records.flat import described, flat

Facts: TypeAlias = dict[str, Any]
"""One line of the log: JSON values under the names below, `event` and `task_id` always among them."""


def facts_of(event: Event, *, content: bool = False) -> list[Facts]:
    """What happened as one or more lines; the end of a task also gives a line for each of its attempts.

    `content` adds prompts, answers and validators' findings.
    """
    if isinstance(event, TaskEnded):
        return _ended(event.outcome, content=content)
    name, reader = _READERS[type(event)]
    facts, said = reader(event)
    return [{"event": name, "task_id": event.task_id, **facts, **(said if content else {})}]


def _ended(outcome: Outcome, *, content: bool) -> list[Facts]:
    task = task_facts(outcome)
    attempts = [{"event": "attempt", **flat(facts)} for facts in attempts_of(outcome, task)]
    if content:
        for line, attempt in zip(attempts, outcome.attempts, strict=True):
            line["answer"] = attempt.answer
    return [*attempts, {"event": "task_ended", **flat(task)}]


def _started(event: TaskStarted) -> Read:
    return {"description": described(event.prompt), "resumed": event.resumed}, {"prompt": event.prompt}


def _planned(event: Planned) -> Read:
    kind, plan = event.classification, event.plan
    facts = {
        **flat(kind, "task_type", "complexity", "confidence", "reasons"),
        "classifier": kind.source,
        "chain": [rung.model.name for rung in plan.chain],
        "validators": [spec.name for spec in plan.validators],
        "matrix": plan.matrix,
    }
    return facts, {}


def _rung(event: AttemptStarted) -> Read:
    facts = asked(event.rung, event.number)
    return flat(facts, "worker", "provider", "tier", "local", "rung", "number", "effort"), {}


def _called(event: CallFinished) -> Read:
    call = event.call
    said = ("purpose", "model", "provider", "answered_by", "rung", "finish", "condition", "error")
    facts = {**_told(call, *said, "seconds", "cost", "simulated"), **flat(call.usage)}
    return {**facts, "replayed": event.replayed}, {}


def _answer(event: Answered) -> Read:
    attempt = event.attempt
    facts = {
        **_told(attempt_facts(attempt), "worker", "answered_by", "rung", "number", "failure", "rejection"),
        "files": sorted(attempt.changes.files) if attempt.changes else [],
        "prompt_digest": attempt.prompt_digest,
    }
    return facts, {"answer": attempt.answer}


def _verdict(event: Judged) -> Read:
    verdict = event.verdict
    facts = _told(
        verdict, "validator", "status", "reason", "confidence", "required", "opinion", "isolation", "seconds"
    )
    return {"worker": event.model, **facts}, {"feedback": verdict.feedback}


def _moved(event: Moved) -> Read:
    return flat(event.transition, "kind", "from_model", "to_model", "cause"), flat(event.transition, "reason")


def _paid(event: PaidModelAhead) -> Read:
    facts = flat(event.substitution, "from_model", "to_model", "reason", "highest_cost")
    return {**facts, "approved": event.approved}, {}


def _warned(event: Warned) -> Read:
    return {"message": event.message}, {}


def _told(record: object, *names: str) -> Facts:
    """Facts of a record by their names; what there is none of is an empty text."""
    return {name: "" if value is None else value for name, value in flat(record, *names).items()}


Read: TypeAlias = tuple[Facts, Facts]
"""What is always told of an event, and its content, told only if asked for."""

_READERS: dict[type[Any], tuple[str, Callable[[Any], Read]]] = {
    TaskStarted: ("task_started", _started),
    Planned: ("task_planned", _planned),
    AttemptStarted: ("attempt_started", _rung),
    CallFinished: ("call", _called),
    Answered: ("answered", _answer),
    Judged: ("verdict", _verdict),
    Moved: ("moved", _moved),
    PaidModelAhead: ("paid_model_ahead", _paid),
    Warned: ("warning", _warned),
}
