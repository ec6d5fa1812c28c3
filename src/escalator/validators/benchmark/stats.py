"""What timings prove: bootstrap intervals of ratios, and a decision that may be "not yet known". Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Literal, TypeAlias

Decision: TypeAlias = Literal["passed", "failed", "undecided"]

RESAMPLES = 1000
FEWEST_ROUNDS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One round base, answer, answer, base: seconds per call of the two blocks of each side."""

    base: tuple[float, float]
    answer: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Time of the answer to time of the base; drift of the machine within a round cancels out."""
        return sum(self.answer) / sum(self.base)

    @property
    def noise(self) -> float:
        """Time of the base to itself: 1 on a quiet machine."""
        return self.base[1] / self.base[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """The ratio of times and its 95 % interval; `noise` is how far the base is from itself, as a fraction."""

    ratio: float
    low: float
    high: float
    noise: float
    rounds: int


def estimate(rounds: Sequence[Round]) -> Estimate:
    """The median ratio of the rounds with its bootstrap interval. Needs at least one round."""
    ratios = [each.ratio for each in rounds]
    low, high = interval(ratios)
    near, far = interval([each.noise for each in rounds])
    noise = max(abs(math.log(near)), abs(math.log(far)))
    return Estimate(ratio=median(ratios), low=low, high=high, noise=noise, rounds=len(rounds))


def interval(
    values: Sequence[float], *, confidence: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The percentile bootstrap interval of the median; the same values always give the same interval."""
    random = Random(0)  # noqa: S311  resampling, not secrecy
    size = len(values)
    medians = sorted(median(random.choices(values, k=size)) for _ in range(resamples))
    cut = int(resamples * (1 - confidence) / 2)
    return medians[cut], medians[-1 - cut]


def decide(found: Estimate, *, tolerance: float, faster_than: float | None = None) -> Decision:
    """Whether the answer is not slower than 1 + tolerance, or, with `faster_than`, that many times faster.

    "undecided" while the interval straddles the limit, rounds are few, or the base differs from itself by more
    than half the tolerance. A demand for k times grants a tenth: 0.9 k must be sure.
    """
    if found.rounds < FEWEST_ROUNDS:
        return "undecided"
    limit = 1 + tolerance if faster_than is None else 1 / (0.9 * faster_than)
    room = max(abs(math.log(found.ratio / limit)), 1e-9)
    if found.noise > max(tolerance / 2, room / 2):
        return "undecided"
    if found.high < limit:
        return "passed"
    return "failed" if found.low > limit else "undecided"
