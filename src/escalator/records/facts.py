"""What is said of an attempt and of its task, told once.

The log, reports, event lines, traces, evidence and the command line are made from these two records. A new fact is
a field here and how `attempt_facts` knows it; `flat` gives it to every output under its name. The log has it once
the ledger's rows have a column of that name.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from escalator.records.flat import by_name, described, gist
from escalator.records.outcome import Attempt, Outcome
from escalator.records.plan import Rung
from escalator.records.verdict import Verdict

Move: TypeAlias = Literal["first", "retry", "fallback", "escalation"]
"""How an attempt came about: the task's first, or why the walk did not stay with the one before."""

Result: TypeAlias = Literal["passed", "failed", "inconclusive", "unusable", "unavailable"]
"""What became of an attempt. unusable: no change set could be taken from the answer. unavailable: there was no
answer to judge, which says nothing of the model's ability."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFacts:
    """A task that has an outcome. `cost`, `cache_saved` and `saved` are USD; `calls` and tokens count every model.

    `cache_saved`: what the same tokens would have cost without the providers' caches, less what they did cost.
    """

    task_id: str
    task_type: str
    complexity: float
    description: str
    tags: tuple[str, ...] = ()
    status: str
    cause: str = ""
    reason: str = ""
    worker: str = ""
    checker: str = ""
    validation: str = ""
    attempts: int = 0
    retries: int = 0
    fallbacks: int = 0
    escalations: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost: Decimal = Decimal(0)
    cache_saved: Decimal = Decimal(0)
    baseline: str = ""
    saved: Decimal = Decimal(0)
    simulated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptFacts:
    """One attempt: which task, who answered and who checked, how it came about, how it ended, what it took.

    `worker` is the matrix's name of the model, `answered_by` the id that answered; `number` counts from 1 on its
    rung. `cause` names the validator, rejection or failure that ended it, empty if it passed; `validation` lists
    who judged it. `confidence` is 0 to 1. `finish` and `error` are those of the worker's last call, the tokens
    those of all its calls. `cost` is USD with the checker's calls in it, `seconds` the time in calls and checks.
    `status`, `attempts`, `retries`, `fallbacks` and `escalations` are the task's.

    None is what the source of the facts does not know: only the log has `id`, `at` (when the task was closed,
    seconds since the epoch) and `team`, only a walk `tier`, `isolation` and `confidence`.
    """

    id: int | None = None
    at: float | None = None
    task_id: str = ""
    task_type: str = ""
    complexity: float = 0.0
    description: str = ""
    team: str | None = None
    tags: tuple[str, ...] = ()
    worker: str
    answered_by: str = ""
    provider: str = ""
    tier: str | None = None
    local: bool = False
    checker: str = ""
    rung: int = 0
    number: int = 1
    move: Move = "first"
    effort: str = ""
    outcome: Result = "inconclusive"
    cause: str = ""
    validation: str = ""
    confidence: float | None = None
    isolation: str | None = None
    finish: str = ""
    error: str = ""
    prompt_digest: str = ""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost: Decimal = Decimal(0)
    status: str = ""
    attempts: int = 0
    retries: int = 0
    fallbacks: int = 0
    escalations: int = 0

    @property
    def failure(self) -> str | None:
        """The kind of failure where there was no answer to judge."""
        return self.cause if self.outcome == "unavailable" else None

    @property
    def rejection(self) -> str | None:
        """Why no change set could be taken from the answer."""
        return self.cause if self.outcome == "unusable" else None


def asked(rung: Rung, number: int) -> AttemptFacts:
    """What is known of an attempt before its model has answered."""
    model = rung.model
    return AttemptFacts(
        worker=model.name,
        provider=model.provider,
        tier=model.tier.value,
        local=model.local,
        rung=rung.index,
        number=number,
        effort=rung.effort or "",
    )


def attempt_facts(
    attempt: Attempt,
    rung: Rung | None = None,
    *,
    task: TaskFacts | None = None,
    before: AttemptFacts | None = None,
) -> AttemptFacts:
    """One attempt. `rung` tells provider, tier and where the model runs; `before` is the task's attempt before."""
    word = result(attempt)
    answers = [call for call in attempt.calls if call.purpose == "worker"]
    last = answers[-1] if answers else None
    return by_name(
        AttemptFacts,
        *([task] if task is not None else []),
        worker=attempt.model,
        answered_by=attempt.answered_by,
        provider=rung.model.provider if rung is not None else "",
        tier=rung.model.tier.value if rung is not None else None,
        local=rung is not None and rung.model.local,
        checker=next((call.model for call in attempt.calls if call.purpose == "checker"), ""),
        rung=attempt.rung,
        number=attempt.number,
        move=came_about(before, attempt.rung),
        effort=attempt.effort or "",
        outcome=word,
        cause="" if word == "passed" else cause(attempt),
        validation=validation(attempt),
        confidence=attempt.confidence,
        isolation=next((v.isolation.kind for v in reversed(attempt.verdicts) if v.isolation is not None), ""),
        finish=last.finish if last is not None else "",
        error=(last.error or "") if last is not None else "",
        prompt_digest=attempt.prompt_digest,
        calls=len(attempt.calls),
        input_tokens=sum(call.usage.input_tokens for call in answers),
        output_tokens=sum(call.usage.output_tokens for call in answers),
        seconds=attempt.seconds,
        cost=attempt.cost,
    )


def attempts_of(outcome: Outcome, task: TaskFacts) -> tuple[AttemptFacts, ...]:
    """Every attempt of a task in order, each with its task's facts and how it came about."""
    rungs = {rung.index: rung for rung in outcome.plan.chain}
    found: list[AttemptFacts] = []
    for attempt in outcome.attempts:
        before = found[-1] if found else None
        found.append(attempt_facts(attempt, rungs.get(attempt.rung), task=task, before=before))
    return tuple(found)


def task_facts(outcome: Outcome) -> TaskFacts:
    """A task by its outcome. `worker` and `validation` are those of the answer that counts."""
    best, kind, calls = outcome.best, outcome.classification, outcome.calls
    return TaskFacts(
        task_id=outcome.task_id,
        task_type=kind.task_type,
        complexity=kind.complexity,
        description=described(outcome.brief.prompt),
        tags=tuple(outcome.brief.tags),
        status=outcome.status,
        cause=outcome.cause,
        reason=outcome.reason,
        worker=best.model if best is not None else "",
        checker=next((call.model for call in reversed(calls) if call.purpose == "checker"), ""),
        validation=validation(best) if best is not None else "",
        attempts=len(outcome.attempts),
        retries=outcome.count("retry"),
        fallbacks=outcome.count("fallback"),
        escalations=outcome.count("escalation"),
        calls=len(calls),
        input_tokens=sum(call.usage.input_tokens for call in calls),
        output_tokens=sum(call.usage.output_tokens for call in calls),
        seconds=outcome.seconds,
        cost=outcome.cost,
        cache_saved=sum((call.cache_saved for call in calls), Decimal(0)),
        baseline=outcome.baseline.model if outcome.baseline is not None else "",
        saved=outcome.saved,
        simulated=outcome.simulated,
    )


def came_about(before: AttemptFacts | None, rung: int) -> Move:
    """How an attempt on a rung came about after the one before it in its task."""
    if before is None:
        return "first"
    if before.rung == rung:
        return "retry"
    return "escalation" if before.outcome == "failed" else "fallback"


def result(attempt: Attempt) -> Result:
    """What became of an attempt, in a word."""
    if attempt.failure is not None:
        return "unavailable"
    if attempt.rejection is not None:
        return "unusable"
    if attempt.failed_verdict is not None:
        return "failed"
    return "passed" if attempt.passed else "inconclusive"


def cause(attempt: Attempt) -> str:
    """Why an attempt did not pass, as one machine-readable word."""
    if attempt.failure is not None:
        return attempt.failure.kind
    if attempt.rejection is not None:
        return attempt.rejection.kind
    verdict = attempt.failed_verdict or next(iter(attempt.undecided), None)
    return verdict.validator if verdict is not None else "unproven"


def why(attempt: Attempt) -> str:
    """Why an attempt did not pass, as one line for a person."""
    if attempt.failure is not None:
        return attempt.failure.message
    if attempt.rejection is not None:
        return f"the answer could not be used ({attempt.rejection.kind})"
    failed = attempt.failed_verdict
    if failed is not None:
        return f"{failed.validator} failed: {gist(failed.feedback, 300) or 'no details'}"
    if attempt.undecided:
        return "; ".join(why_undecided(verdict) for verdict in attempt.undecided)
    return "nothing but an opinion supports this answer; add tests or another executed check"


def why_undecided(verdict: Verdict) -> str:
    """Why a verdict decided nothing, as one line for a person."""
    detail = verdict.hint or gist(verdict.feedback, 300) or "no details"
    return f"{verdict.validator} could not decide ({verdict.reason}): {detail}"


def validation(attempt: Attempt) -> str:
    """Who judged an attempt and how, such as "syntax passed, tests unavailable"; empty if nobody did."""
    return ", ".join(f"{verdict.validator} {verdict.reason or verdict.status}" for verdict in attempt.verdicts)
