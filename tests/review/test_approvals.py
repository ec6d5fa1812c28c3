"""Approvals of paid models that are given later, by somebody else, elsewhere."""

from __future__ import annotations

from decimal import Decimal

import pytest

from escalator.errors import TaskError
from escalator.events import Substitution
from escalator.ledger import Archive
from escalator.review import APPROVAL_SECONDS, approve, granted, reject, retry, reviews
from escalator.testing import VirtualClock, failure
from houses import BROKEN, RIGHT
from review.desk import CONFIRM, Desk, pending


def test_a_pending_approval_is_a_case_with_its_price(ledger: Archive) -> None:
    """The case names the model and the most it can cost."""
    pending(ledger)
    (case,) = reviews(ledger)
    assert case.kind == "approval"
    assert case.wanted is not None
    assert (case.wanted.from_model, case.wanted.to_model) == ("large", "haiku")
    assert case.wanted.highest_cost > 0


def test_an_approved_model_is_used_on_resume(ledger: Archive) -> None:
    """After the approval a resume goes on where it stopped, without buying the earlier answers again."""
    desk = pending(ledger)
    approve(ledger, reviews(ledger)[0].id, by="ann")
    outcome = desk.resume(approve=granted(ledger))
    assert (outcome.status, outcome.model) == ("accepted", "haiku")
    assert desk.models() == ["small", "small", "large", "large", "haiku"]


def test_undecided_it_waits_on(ledger: Archive) -> None:
    """A resume before the decision asks nobody and leaves one case in the queue."""
    desk = pending(ledger)
    assert desk.resume(approve=granted(ledger)).cause == "pending"
    assert len(reviews(ledger)) == 1
    assert "haiku" not in desk.models()


def test_a_declined_model_is_never_asked(ledger: Archive) -> None:
    """Rejecting the approval stops the task, and a resume does not ask again."""
    desk = pending(ledger)
    case = reject(ledger, reviews(ledger)[0].id, by="ann", note="too dear")
    assert case.outcome is not None
    assert (case.outcome.status, case.outcome.cause) == ("stopped", "declined")
    assert desk.resume(approve=granted(ledger, otherwise=lambda _: True)).cause == "declined"
    assert "haiku" not in desk.models()


def test_an_approval_expires(ledger: Archive, clock: VirtualClock) -> None:
    """A day later the same question is asked again."""
    desk = pending(ledger)
    approve(ledger, reviews(ledger)[0].id, by="ann")
    clock.jump(APPROVAL_SECONDS + 1)
    assert desk.resume(approve=granted(ledger)).cause == "pending"


def test_an_approval_is_for_one_task_model_and_cost(ledger: Archive) -> None:
    """Another task, another model or a higher cost is another question."""
    pending(ledger)
    case = approve(ledger, reviews(ledger)[0].id, by="ann")
    assert case.wanted is not None
    ask = granted(ledger)

    def wanted(task_id: str = "t1", model: str = "haiku", extra: str = "0") -> Substitution:
        assert case.wanted is not None
        cost = case.wanted.highest_cost + Decimal(extra)
        return Substitution(
            task_id=task_id, from_model="large", to_model=model, reason="", highest_cost=cost, expires=0
        )

    assert ask(wanted()) is True
    assert ask(wanted(task_id="t2")) is None
    assert ask(wanted(model="opus")) is None
    assert ask(wanted(extra="0.000001")) is None


def test_what_was_spent_since_is_taken_off(ledger: Archive) -> None:
    """An approval used once does not pay for a second full round."""
    script = {"small": [BROKEN] * 2, "large": [BROKEN] * 2, "haiku": [BROKEN, RuntimeError("power cut"), RIGHT]}
    desk = Desk(script, ledger=ledger, cost_guard=CONFIRM)
    desk.execute()
    approve(ledger, reviews(ledger)[0].id, by="ann")
    with pytest.raises(RuntimeError):
        desk.resume(approve=granted(ledger))
    assert desk.resume(approve=granted(ledger)).cause == "pending"
    assert desk.models().count("haiku") == 2


def test_who_is_not_in_the_queue_is_asked_otherwise(ledger: Archive) -> None:
    """Without a decision the caller's own callback decides."""
    desk = pending(ledger)
    outcome = desk.resume(approve=granted(ledger, otherwise=lambda _: True))
    assert outcome.status == "accepted"
    assert reviews(ledger) == []


def test_an_approval_cannot_be_retried(ledger: Archive) -> None:
    """There is no answer to do again; the message names the two decisions there are."""
    pending(ledger)
    with pytest.raises(TaskError, match="approve or reject"):
        retry(ledger, reviews(ledger)[0].id, by="ann")


def test_a_later_question_makes_the_earlier_case_history(ledger: Archive) -> None:
    """Resumed with a callback, the task waits for its answer now, not for the old approval."""
    script = {"small": [failure("server")] * 3, "large": [failure("server")] * 3, "haiku": [RIGHT]}
    desk = Desk(script, ledger=ledger, cost_guard=CONFIRM)
    assert desk.execute(task_type="critical").cause == "pending"
    assert desk.resume(approve=lambda _: True).status == "needs_review"
    assert [case.kind for case in reviews(ledger)] == ["answer"]
