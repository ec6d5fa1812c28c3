"""The packaged weights of the built-in classifier: one readable line a feature."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import mul
from pathlib import Path

from escalator.classify.protocol import BANDS, TASK_TYPES

TypeScores = tuple[float, float, float, float]

COSTS: Mapping[str, TypeScores] = {
    "quick_edit": (0.0, 1.0, 1.1, 1.2),
    "standard_development": (1.1, 0.0, 1.0, 1.1),
    "complex_architecture": (1.4, 1.2, 0.0, 1.0),
    "critical": (2.0, 1.8, 1.5, 0.0),
}
"""What a mistake costs: by what the task truly is, the cost of taking it for each of `TASK_TYPES` in order."""

_COSTS_OF_CHOOSING = tuple(zip(*(COSTS[truth] for truth in TASK_TYPES), strict=True))
"""For each type that may be chosen, what that costs by what the task truly is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """A linear model: `rows` maps a feature to its weight for each type, `leanings` to what it adds to the
    complexity. `prior` is the weight every request has, `means` the mean complexity of each type, `temperature`
    divides the scores so that the probabilities are honest.
    """

    rows: Mapping[str, TypeScores]
    leanings: Mapping[str, float]
    prior: TypeScores
    means: TypeScores
    temperature: float = 1.0

    def scores(self, values: Mapping[str, float]) -> list[float]:
        """The score of each type, higher meaning likelier."""
        first, second, third, fourth = self.prior
        rows = self.rows
        for name, value in values.items():
            row = rows.get(name)
            if row is not None:
                first += value * row[0]
                second += value * row[1]
                third += value * row[2]
                fourth += value * row[3]
        return [first, second, third, fourth]

    def probabilities(self, values: Mapping[str, float]) -> list[float]:
        """The calibrated probability of each type."""
        return softmax([score / self.temperature for score in self.scores(values)])

    def complexity(self, values: Mapping[str, float], chosen: int) -> float:
        """The complexity within the band of the chosen type, in steps of 0.25."""
        leaning = sum(value * self.leanings.get(name, 0.0) for name, value in values.items())
        low, high = BANDS[TASK_TYPES[chosen]]
        return round(min(high, max(low, self.means[chosen] + leaning)) * 4) / 4


def softmax(scores: Sequence[float]) -> list[float]:
    """Scores as probabilities."""
    top = max(scores)
    powers = [math.exp(score - top) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def cheapest_mistake(probabilities: Sequence[float]) -> int:
    """The index of the type with the least expected cost; of two equal ones the dearer type."""
    expected = [round(sum(map(mul, costs, probabilities)), 9) for costs in _COSTS_OF_CHOOSING]
    return max(at for at, cost in enumerate(expected) if cost == min(expected))


@cache
def packaged_weights() -> Weights:
    """The weights shipped with the package, read once."""
    return parse_weights(_packaged())


def weights_for(names: Container[str]) -> Weights:
    """The packaged weights, of which at least the rows of these features are there.

    The first request of a process has only its own rows read, since most processes of the command line judge one.
    """
    return parse_weights(_packaged(), only=names) if next(_first, False) else packaged_weights()


_first = iter((True,))


def _packaged() -> str:
    return Path(__file__).with_name("weights.tsv").read_text("utf-8")


def parse_weights(text: str, *, only: Container[str] | None = None) -> Weights:
    """Weights from the text of their file; with `only`, of the features in it."""
    rows: dict[str, TypeScores] = {}
    leanings: dict[str, float] = {}
    special: dict[str, list[float]] = {}
    for line in text.splitlines():
        name, _, fields = line.partition("\t")
        if only is not None and name not in only and name[:1] != "=":
            continue
        if not fields or name[0] == "#":
            continue
        numbers = [float(field) for field in fields.split("\t")]
        if name[0] == "=":
            special[name] = numbers
            continue
        rows[name] = (numbers[0], numbers[1], numbers[2], numbers[3])
        if len(numbers) > len(TASK_TYPES):
            leanings[name] = numbers[4]
    return Weights(
        rows=rows,
        leanings=leanings,
        prior=_four(special["=prior"]),
        means=_four(special["=mean complexity"]),
        temperature=special["=temperature"][0],
    )


def _four(numbers: Sequence[float]) -> TypeScores:
    first, second, third, fourth = numbers
    return (first, second, third, fourth)
