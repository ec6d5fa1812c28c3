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
from escalator.execution.closing import closing
from escalator.ledger import Tried, to_usd
from escalator.records import Attempt, Call, Outcome, Usage

Facts: TypeAlias = dict[str, Any]
"""One line of the log: JSON values under the names below, `event` and `task_id` always among them."""

DESCRIPTION = 200
"""Characters of the prompt that describe a task, as in the ledger."""


def facts_of(event: Event, *, content: bool = False) -> list[Facts]:
    """What happened as one or more lines; the end of a task also gives a line for each of its attempts.

    `content` adds prompts, answers and validators' findings.
    """
    if isinstance(event, TaskEnded):
        return [*_attempts(event.outcome, content=content), _ended(event.outcome)]
    name, reader = _READERS[type(event)]
    facts, said = reader(event)
    return [{"event": name, "task_id": event.task_id, **facts, **(said if content else {})}]


def _started(event: TaskStarted) -> Read:
    facts = {"description": " ".join(event.prompt.split())[:DESCRIPTION], "resumed": event.resumed}
    return facts, {"prompt": event.prompt}


def _planned(event: Planned) -> Read:
    kind, plan = event.classification, event.plan
    facts = {
        "task_type": kind.task_type,
        "complexity": kind.complexity,
        "confidence": kind.confidence,
        "reasons": list(kind.reasons),
        "classifier": kind.source,
        "chain": [rung.model.name for rung in plan.chain],
        "validators": [spec.name for spec in plan.validators],
        "matrix": plan.matrix,
    }
    return facts, {}


def _rung(event: AttemptStarted) -> Read:
    model = event.rung.model
    facts = {
        "worker": model.name,
        "provider": model.provider,
        "tier": model.tier.value,
        "local": model.local,
        "rung": event.rung.index,
        "number": event.number,
        "effort": event.rung.effort or "",
    }
    return facts, {}


def _called(event: CallFinished) -> Read:
    return {**call_facts(event.call), "replayed": event.replayed}, {}


def call_facts(call: Call) -> Facts:
    """One model call; tokens as in `Usage`."""
    return {
        "purpose": call.purpose,
        "model": call.model,
        "provider": call.provider,
        "answered_by": call.answered_by,
        "rung": call.rung,
        "finish": call.finish,
        "condition": call.condition,
        "error": call.error or "",
        "seconds": round(call.seconds, 6),
        "cost": f"{call.cost:f}",
        "simulated": call.simulated,
        **{name: getattr(call.usage, name) for name in Usage.__dataclass_fields__},
    }


def _answer(event: Answered) -> Read:
    attempt = event.attempt
    facts = {
        "worker": attempt.model,
        "answered_by": attempt.answered_by,
        "rung": attempt.rung,
        "number": attempt.number,
        "failure": attempt.failure.kind if attempt.failure else "",
        "rejection": attempt.rejection.kind if attempt.rejection else "",
        "files": sorted(attempt.changes.files) if attempt.changes else [],
        "prompt_digest": attempt.prompt_digest,
    }
    return facts, {"answer": attempt.answer}


def _verdict(event: Judged) -> Read:
    verdict = event.verdict
    facts = {
        "worker": event.model,
        "validator": verdict.validator,
        "status": verdict.status,
        "reason": verdict.reason or "",
        "confidence": verdict.confidence,
        "required": verdict.required,
        "opinion": verdict.opinion,
        "isolation": verdict.isolation.kind if verdict.isolation else "",
        "seconds": round(verdict.seconds, 6),
    }
    return facts, {"feedback": verdict.feedback}


def _moved(event: Moved) -> Read:
    move = event.transition
    facts = {"kind": move.kind, "from_model": move.from_model, "to_model": move.to_model, "cause": move.cause}
    return facts, {"reason": move.reason}


def _paid(event: PaidModelAhead) -> Read:
    wanted = event.substitution
    facts = {
        "from_model": wanted.from_model,
        "to_model": wanted.to_model,
        "reason": wanted.reason,
        "highest_cost": f"{wanted.highest_cost:f}",
        "approved": event.approved,
    }
    return facts, {}


def _warned(event: Warned) -> Read:
    return {"message": event.message}, {}


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


def _shared(outcome: Outcome) -> Facts:
    kind = outcome.classification
    return {
        "task_id": outcome.task_id,
        "task_type": kind.task_type,
        "complexity": kind.complexity,
        "description": " ".join(outcome.brief.prompt.split())[:DESCRIPTION],
        "tags": list(outcome.brief.tags),
    }


def _attempts(outcome: Outcome, *, content: bool) -> list[Facts]:
    tries = closing(outcome).tries
    return [
        {"event": "attempt", **_shared(outcome), **_attempt(attempt, tried, content=content)}
        for attempt, tried in zip(outcome.attempts, tries, strict=True)
    ]


def _attempt(attempt: Attempt, tried: Tried, *, content: bool) -> Facts:
    answered = [call for call in attempt.calls if call.purpose == "worker"]
    last = answered[-1] if answered else None
    said = {
        "worker": tried.model,
        "checker": tried.checker,
        "outcome": tried.result,
        "cause": tried.cause,
        "validation": tried.validation,
        "rung": tried.rung,
        "number": tried.number,
        "effort": tried.effort,
        "answered_by": tried.answered_by,
        "finish": last.finish if last else "",
        "error": (last.error or "") if last else "",
        "isolation": isolation_of(attempt),
        "prompt_digest": attempt.prompt_digest,
        "calls": len(attempt.calls),
        "input_tokens": tried.input_tokens,
        "output_tokens": tried.output_tokens,
        "seconds": round(tried.seconds, 6),
        "cost": f"{to_usd(tried.cost):f}",
    }
    return {**said, "answer": attempt.answer} if content else said


def isolation_of(attempt: Attempt) -> str:
    """What kept the attempt's code apart while it was judged; empty if none of it was run."""
    return next((v.isolation.kind for v in reversed(attempt.verdicts) if v.isolation is not None), "")


def _ended(outcome: Outcome) -> Facts:
    row = closing(outcome)
    return {
        "event": "task_ended",
        **_shared(outcome),
        "status": outcome.status,
        "cause": outcome.cause,
        "reason": outcome.reason,
        "worker": row.worker,
        "checker": row.checker,
        "validation": row.validation,
        "attempts": row.attempts,
        "retries": row.retries,
        "fallbacks": row.fallbacks,
        "escalations": row.escalations,
        "calls": len(outcome.calls),
        "input_tokens": sum(call.usage.input_tokens for call in outcome.calls),
        "output_tokens": sum(call.usage.output_tokens for call in outcome.calls),
        "seconds": round(outcome.seconds, 6),
        "cost": f"{outcome.cost:f}",
        "baseline": outcome.baseline.model if outcome.baseline else "",
        "saved": f"{outcome.saved:f}",
        "simulated": outcome.simulated,
    }
