"""How often answers judged this sure were right: confidences held against what people later decided.

The truth is in the review queue: an approved answer was right, a rejected one was not. Isotonic regression by
pooling adjacent violators (Ayer et al., 1955) turns it into a curve that never falls.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from escalator.ledger import Archive
from escalator.records import Outcome
from escalator.review import PERSON, SKIPPED, reviews

ENOUGH = 50
"""Decisions from which on a curve is worth having."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """From a raw confidence to the share of such answers that were right; `labelled` is how many were counted."""

    points: tuple[tuple[float, float], ...]
    labelled: int

    def at(self, raw: float) -> float:
        """The share at one confidence, interpolated between the points and level beyond them."""
        position = bisect_left(self.points, (raw,))
        if position == 0:
            return self.points[0][1]
        if position == len(self.points):
            return self.points[-1][1]
        (low, before), (high, after) = self.points[position - 1 : position + 1]
        return min(before + (after - before) * (raw - low) / (high - low), after) if high > low else after


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Curves for an outcome's confidence and for the checker's share of votes; None below 50 decisions.

    `semantic.points` is what the `semantic` validator takes as its option `calibration`.
    """

    outcome: Curve | None
    semantic: Curve | None
    decisions: int


def calibration(ledger: Archive) -> Calibration:
    """What people decided on the ledger's reviews, held against how sure the verdicts were."""
    overall: list[tuple[float, bool]] = []
    votes: list[tuple[float, bool]] = []
    for case in reviews(ledger, state=None):
        decided = case.state in {"approved", "rejected"} and not case.note.startswith(SKIPPED)
        if case.kind != "answer" or not decided or case.outcome is None or case.outcome.best is None:
            continue
        right = case.state == "approved"
        overall.append((_before_the_person(case.outcome).confidence, right))
        votes += [(score, right) for score in _scores(case.outcome)]
    return Calibration(outcome=_curve(overall), semantic=_curve(votes), decisions=len(overall))


def _before_the_person(outcome: Outcome) -> Outcome:
    """The outcome as validators alone had judged it."""
    attempts = (
        replace(attempt, verdicts=tuple(v for v in attempt.verdicts if v.validator != PERSON))
        for attempt in outcome.attempts
    )
    return replace(outcome, attempts=tuple(attempts))


def fitted(pairs: Iterable[tuple[float, bool]]) -> Curve:
    """The rising curve nearest to the pairs (confidence, was it right)."""
    ordered = sorted(pairs)
    blocks: list[tuple[float, float, int]] = []  # sum of confidences, number right, count
    for raw, group in groupby(ordered, key=lambda pair: pair[0]):
        rights = [right for _, right in group]
        blocks.append((raw * len(rights), float(sum(rights)), len(rights)))
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            last, before = blocks.pop(), blocks.pop()
            blocks.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    points = tuple((total / count, right / count) for total, right, count in blocks)
    return Curve(points=points, labelled=len(ordered))


def _curve(pairs: list[tuple[float, bool]]) -> Curve | None:
    return fitted(pairs) if len(pairs) >= ENOUGH else None


def _scores(outcome: Outcome) -> list[float]:
    best = outcome.best
    verdicts = best.verdicts if best is not None else ()
    found = [verdict.evidence.get("score") for verdict in verdicts if verdict.validator == "semantic"]
    return [float(score) for score in found if isinstance(score, int | float)]
