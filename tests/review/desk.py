"""A house whose tasks file their reviews, on any ledger."""

from __future__ import annotations

from typing import Any

from escalator.events import Event, PaidModelAhead, Substitution, TaskEnded
from escalator.review import file_review
from houses import BROKEN, RIGHT, House

CONFIRM = {"before_paid": "confirm", "baseline": "haiku"}


class Desk(House):
    """A house that files what needs a person as the engine does when it closes a task."""

    def __init__(self, script: Any, **options: Any) -> None:
        super().__init__(script, **options)
        self._wanted: Substitution | None = None

    def execute(self, prompt: str = "Fix add() in adding.py.", **options: Any) -> Any:
        options = {"validators": ["syntax"], "task_id": "t1", **options}
        return super().execute(prompt, on_event=self.file, **options)

    def resume(self, task_id: str = "t1", **options: Any) -> Any:
        return self.escalator.resume(task_id, on_event=self.file, **options)

    def file(self, event: Event) -> None:
        if isinstance(event, PaidModelAhead):
            self._wanted = event.substitution
        if isinstance(event, TaskEnded) and event.outcome.status == "needs_review":
            file_review(self.ledger, event.outcome, wanted=self._wanted).result()


def critical(ledger: Any, **more: Any) -> Desk:
    """A critical task whose answer passed and waits for a person."""
    desk = Desk({"small": [RIGHT] * 3, "large": [RIGHT], **more}, ledger=ledger)
    desk.execute(task_type="critical")
    return desk


def pending(ledger: Any) -> Desk:
    """A task that would go on with a paid model if somebody allowed it."""
    script = {"small": [BROKEN] * 2, "large": [BROKEN] * 2, "haiku": [RIGHT] * 2}
    desk = Desk(script, ledger=ledger, cost_guard=CONFIRM)
    desk.execute()
    return desk
