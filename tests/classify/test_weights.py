"""The arithmetic behind the classifier: weights from a file, probabilities, and the cheapest mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.classify.protocol import BANDS, TASK_TYPES
from escalator.classify.weights import COSTS, cheapest_mistake, packaged_weights, parse_weights

TEXT = """\
# a comment
=temperature\t1
=prior\t0\t0\t0\t0
=mean complexity\t0.5\t4\t7\t9.25
says:typo\t2\t0\t0\t-1\t-0.25
says:money\t-1\t0\t0\t3
"""


def test_a_feature_moves_the_scores_by_its_line() -> None:
    """A line of the file is what a feature adds to the score of each type."""
    weights = parse_weights(TEXT)

    assert weights.scores({"says:typo": 1.0, "says:money": 0.5, "unheard of": 1.0}) == [1.5, 0.0, 0.0, 0.5]


def test_complexity_leans_within_the_band() -> None:
    """The complexity moves from the type's mean by what was seen and never leaves the type's band."""
    weights = parse_weights(TEXT)

    assert weights.complexity({"says:typo": 1.0}, 0) == 0.25
    assert weights.complexity({"says:typo": 40.0}, 0) == BANDS["quick_edit"][0]


def test_doubt_goes_to_the_dearer_type() -> None:
    """Between two equally likely types the dearer one is taken, since a task sent low costs more."""
    assert TASK_TYPES[cheapest_mistake([0.5, 0.5, 0.0, 0.0])] == "standard_development"
    assert TASK_TYPES[cheapest_mistake([0.0, 0.5, 0.0, 0.5])] == "critical"


def test_a_likely_enough_danger_outweighs_the_likeliest_type() -> None:
    """A task that is critical with two chances in five is treated as critical."""
    assert TASK_TYPES[cheapest_mistake([0.6, 0.0, 0.0, 0.4])] == "critical"


def test_calling_a_critical_task_small_is_the_worst_mistake() -> None:
    """No entry of the cost matrix is above that of a critical task taken for a quick edit."""
    assert max(cost for row in COSTS.values() for cost in row) == COSTS["critical"][0]
    assert all(COSTS["critical"][low] > 1.0 for low in range(3))


@given(st.lists(st.floats(0.001, 1.0), min_size=4, max_size=4))
def test_the_choice_never_costs_more_than_the_likeliest_type(shares: list[float]) -> None:
    """The type taken has the least expected cost of all four."""
    total = sum(shares)
    likely = [share / total for share in shares]

    def expected(chosen: int) -> float:
        return sum(share * COSTS[truth][chosen] for truth, share in zip(TASK_TYPES, likely, strict=True))

    assert expected(cheapest_mistake(likely)) <= min(map(expected, range(4))) + 1e-6


def test_the_shipped_weights_are_readable_and_complete() -> None:
    """The packaged file gives a model of some thousand features with honest probabilities."""
    weights = packaged_weights()

    assert len(weights.rows) > 1000
    assert sum(weights.probabilities({"says:typo": 1.0})) == pytest.approx(1.0)
    assert weights.rows["says:typo"][0] > weights.rows["says:typo"][3]
