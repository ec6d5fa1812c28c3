"""Outcomes that need a person: put into the review queue, and the approvals a person gave there."""

from __future__ import annotations

import json
from concurrent.futures import Future
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from escalator.events import Approve, Substitution
from escalator.ledger import Archive, to_nano
from escalator.ledger.log import Review, ReviewKind
from escalator.records import Outcome
from escalator.records.codec import OUTCOMES

APPROVAL_SECONDS = 24 * 3600.0
"""How long an approval counts after it was given."""


def file_review(
    ledger: Archive, outcome: Outcome, *, wanted: Substitution | None = None, keep: bool = True
) -> Future[int]:
    """Put an outcome that needs a person into the queue; the one waiting for the same task is renewed.

    `wanted`: the paid model, where the task waits for an approval. `keep` False leaves the answers out, for a
    ledger that stores none; they can then be judged no more, only retried or given up.
    """
    kind: ReviewKind = "approval" if outcome.cause == "pending" else "answer"
    asked = None
    if wanted is not None and kind == "approval":
        asked = {**asdict(wanted), "highest_cost": str(wanted.highest_cost)}
    payload = {"outcome": OUTCOMES.dump(outcome if keep else _without_answers(outcome)), "wanted": asked}
    return ledger.review_add(outcome.task_id, kind, outcome.reason, json.dumps(payload))


def _without_answers(outcome: Outcome) -> Outcome:
    attempts = tuple(replace(attempt, answer="", changes=None) for attempt in outcome.attempts)
    return replace(outcome, attempts=attempts)


def substitution_of(row: Review) -> Substitution | None:
    """The paid model a review asks to be approved; None for an answer, or where its texts were erased."""
    wanted = json.loads(row.payload).get("wanted") if row.payload else None
    return Substitution(**{**wanted, "highest_cost": Decimal(wanted["highest_cost"])}) if wanted else None


def granted(ledger: Archive, otherwise: Approve | None = None) -> Approve:
    """An `approve` callback that knows the queue's decisions; who is not in them is left to `otherwise`.

    A decision counts for its task and model only. An approval counts for 24 hours and up to its cost, less what
    that model has cost the task since it was given.
    """

    def decide(wanted: Substitution) -> Any:
        if ledger.allowed(wanted.task_id, wanted.to_model) >= to_nano(wanted.highest_cost):
            return True
        for row in reversed(ledger.reviews(task_id=wanted.task_id)):
            asked = substitution_of(row)
            if asked is None or asked.to_model != wanted.to_model or row.state == "waiting":
                continue
            if row.state != "approved":
                return False
            break
        return otherwise(wanted) if otherwise is not None else None

    return decide
