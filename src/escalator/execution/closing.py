"""What is said of a task when it ends: the ledger's row, the warnings, and what it would have cost otherwise."""

from __future__ import annotations

from escalator.execution.journal import Record
from escalator.execution.spending import Spender, is_free
from escalator.ledger import Closing, Tried, TryResult, to_nano
from escalator.pricing import cost
from escalator.records import Attempt, Baseline, Outcome
from escalator.records.codec import OUTCOMES
from escalator.story import cause


def closing(outcome: Outcome) -> Closing:
    """How the task ended, for the log."""
    best = outcome.best
    checkers = [call.model for call in outcome.calls if call.purpose == "checker"]
    return Closing(
        status=outcome.status,
        reason=outcome.reason,
        outcome=OUTCOMES.dump(outcome),
        worker=outcome.model,
        checker=checkers[-1] if checkers else "",
        attempts=len(outcome.attempts),
        retries=outcome.count("retry"),
        fallbacks=outcome.count("fallback"),
        escalations=outcome.count("escalation"),
        validation=", ".join(f"{v.validator} {v.reason or v.status}" for v in best.verdicts) if best else "",
        seconds=outcome.seconds,
        cost=to_nano(outcome.cost),
        baseline=to_nano(outcome.baseline.cost) if outcome.baseline else None,
        tries=tuple(_tried(attempt) for attempt in outcome.attempts),
    )


def _tried(attempt: Attempt) -> Tried:
    return Tried(
        model=attempt.model,
        result=_result(attempt),
        rung=attempt.rung,
        number=attempt.number,
        answered_by=attempt.answered_by,
        checker=next((call.model for call in attempt.calls if call.purpose == "checker"), ""),
        effort=attempt.effort or "",
        cause="" if attempt.passed else cause(attempt),
        validation=", ".join(f"{v.validator} {v.reason or v.status}" for v in attempt.verdicts),
        cost=to_nano(attempt.cost),
        seconds=attempt.seconds,
        input_tokens=sum(call.usage.input_tokens for call in attempt.calls if call.purpose == "worker"),
        output_tokens=sum(call.usage.output_tokens for call in attempt.calls if call.purpose == "worker"),
    )


def _result(attempt: Attempt) -> TryResult:
    if attempt.failure is not None:
        return "unavailable"
    if attempt.rejection is not None:
        return "unusable"
    if attempt.failed_verdict is not None:
        return "failed"
    return "passed" if attempt.passed else "inconclusive"


def warnings(outcome: Outcome, record: Record, trouble: str = "") -> tuple[str, ...]:
    """What the caller should know although it did not stop the task; `trouble` is the ledger's."""
    found = [trouble] if trouble else []
    if record.diverged:
        found.append(
            f"the recorded work no longer matches from {record.diverged} on; it was done again from there"
        )
    if record.unkept:
        found.append(
            f"the ledger keeps no answers (store_answers: false), so {record.unkept} replies were asked for again"
        )
    if record.doubtful and not all(is_free(rung.model) for rung in outcome.plan.chain):
        found.append(
            f"calls that were under way when an earlier process ended: {record.doubtful}; they may have been "
            "billed, so budgets count them in full, and this outcome's cost leaves them out"
        )
    if any(call.estimated and call.cost for call in outcome.calls):
        found.append("some calls reported no usage; their cost is an upper bound")
    return tuple(found)


def baseline(spender: Spender, outcome: Outcome) -> Baseline | None:
    """What the accepted answer's tokens would have cost at the baseline model."""
    model = outcome.plan.baseline
    best = outcome.best
    if model is None or best is None:
        return None
    answers = [call for call in best.calls if call.purpose == "worker" and call.error is None]
    price = spender.price(model) if answers else None
    if price is None:
        return None
    return Baseline(model=model.name, cost=cost(price, answers[-1].usage))
