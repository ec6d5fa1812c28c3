"""What every ledger refuses in the same words."""

from __future__ import annotations

from escalator.errors import LedgerError
from escalator.ledger.protocol import CallState, Hold


def refuse_second_purchase(hold: Hold, state: CallState, *, kept: bool) -> None:
    """Raise `LedgerError` where the key was bought already or is being bought now.

    A failed or doubtful call may be tried again, and so may one whose answer was not kept.
    """
    if state == "sent" or (state == "done" and kept):
        what = "is under way" if state == "sent" else "was paid for already"
        raise LedgerError(
            f"The call {hold.key!r} of task {hold.task_id!r} {what}; use the recorded answer, or another key."
        )


def negative(hold: Hold) -> LedgerError:
    """A hold below nothing."""
    return LedgerError(f"A call cannot hold {hold.amount} nano-dollars; give an upper bound of its price.")


def not_ours(task_id: str) -> LedgerError:
    """The error for a write to a task that this ledger has not opened, or that another worker took over."""
    return LedgerError(
        f"Task {task_id!r} is not held by this process, so nothing may be spent or recorded for it; open it first."
    )


def no_hold(hold_id: int) -> LedgerError:
    """The error for settling what was never reserved."""
    return LedgerError(f"There is no hold {hold_id} in this ledger; settle what `reserve` returned.")


def no_review(review_id: int) -> LedgerError:
    """The error for a decision on a review that does not exist."""
    return LedgerError(f"There is no review {review_id}; list the waiting ones with `escalator review`.")


def decided_already(review_id: int, state: str, by: str) -> LedgerError:
    """The error for a second decision."""
    return LedgerError(f"Review {review_id} was {state} by {by} already; add a new one to decide anew.")
