"""Before money is spent: whether what runs beside the task already shows that no answer could be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from escalator import validators
from escalator.execution.effects import awaited
from escalator.records import Failure
from escalator.records.facts import why_undecided
from escalator.story import inconclusive_action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from escalator.execution.beside import Beside
    from escalator.flow import Flow
    from escalator.records import Brief, Plan
    from escalator.validators import Validator

PATIENCE = 5.0
"""Seconds that calls which cost money wait, all of a task together, for what validators prepare."""

SHARE = 0.1
"""Of what the task's deadline leaves, how much they wait at most."""


class Foresight:
    """Looks at what the required validators of one task have found out without an answer."""

    def __init__(self, brief: Brief, plan: Plan, judges: Mapping[str, Validator]) -> None:
        self._brief, self._plan = brief, plan
        self._judges = {
            spec.name: judges[spec.name]
            for spec in plan.validators
            if spec.required and validators.has_foresight(judges[spec.name])
        }
        self._left = PATIENCE

    def hopeless(self, running: Mapping[str, Beside], remaining: float | None) -> Flow[Failure | None]:
        """Why nobody need be asked; None where answers can be judged, that is not known in time, or the matrix
        lets answers through that were not judged.

        `running` is what validators do beside the task, `remaining` the seconds until its deadline.
        """
        for name, judge in self._judges.items():
            most = self._left if remaining is None else min(self._left, SHARE * max(remaining, 0.0))
            beside = running.get(name)
            if beside is not None and not (yield from awaited(beside.ended, most)):
                self._left = 0.0
            verdict = validators.foreseen(judge, self._brief)
            if verdict is not None and inconclusive_action(verdict, self._plan) == "stop":
                return Failure(kind="unjudgeable", message=why_undecided(verdict))
        return None
