"""The statistics of timings: no verdict without proof, and always the same verdict on the same figures."""

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.validators.benchmark.stats import Estimate, Round, decide, estimate, interval


def rounds(ratio, count=30, noise=0.02, seed=1, drift=0.0):
    """Timings of a base of 1 ms and an answer `ratio` times as slow, on a machine of that much noise."""
    rng = random.Random(seed)

    def block(speed, at):
        return 0.001 * speed * (1 + drift * at) * math.exp(rng.gauss(0, noise))

    return [
        Round(base=(block(1, i), block(1, i + 0.75)), answer=(block(ratio, i + 0.25), block(ratio, i + 0.5)))
        for i in range(count)
    ]


def test_the_same_code_is_never_called_slower():
    """A/A: over two hundred trials, code measured against itself fails at most rarely and mostly passes."""
    decisions = [decide(estimate(rounds(1.0, seed=seed, noise=0.05)), tolerance=0.10) for seed in range(200)]
    assert decisions.count("failed") == 0
    assert decisions.count("passed") >= 150


def test_a_quarter_slower_is_found():
    """A/B: code that takes 1.25 times as long fails, and is never let pass."""
    decisions = [decide(estimate(rounds(1.25, seed=seed, noise=0.03)), tolerance=0.10) for seed in range(100)]
    assert decisions.count("passed") == 0
    assert decisions.count("failed") >= 90


def test_a_machine_that_gets_slower_meanwhile_does_not_decide():
    """Drift cancels out because base and answer are interleaved."""
    found = estimate(rounds(1.0, drift=0.05, noise=0.01))
    assert abs(found.ratio - 1.0) < 0.02
    assert decide(found, tolerance=0.10) != "failed"


def test_noise_beyond_half_the_tolerance_decides_nothing():
    """When the base differs from itself too much, a ratio near the limit proves nothing."""
    found = Estimate(ratio=1.05, low=1.02, high=1.08, noise=0.2, rounds=30)
    assert decide(found, tolerance=0.10) == "undecided"


def test_noise_does_not_hide_what_is_far_beyond_it():
    """An answer four times as slow is slower on any machine."""
    assert decide(Estimate(ratio=4.0, low=3.5, high=4.5, noise=0.2, rounds=30), tolerance=0.10) == "failed"


def test_few_rounds_decide_nothing():
    """Fewer than five rounds are no evidence."""
    assert decide(Estimate(ratio=1.0, low=1.0, high=1.0, noise=0.0, rounds=4), tolerance=0.10) == "undecided"


def test_an_interval_that_holds_the_limit_decides_nothing():
    """The middle may look bad, but while the limit is inside the interval nothing is known."""
    assert decide(Estimate(ratio=1.12, low=1.08, high=1.2, noise=0.0, rounds=30), tolerance=0.10) == "undecided"


def test_faster_than_demands_proof():
    """Twice as fast passes a demand for 2, the same speed fails it, and 1.7 is too near to tell apart."""
    assert decide(estimate(rounds(0.5)), tolerance=0.10, faster_than=2) == "passed"
    assert decide(estimate(rounds(1.0)), tolerance=0.10, faster_than=2) == "failed"
    assert (
        decide(Estimate(ratio=0.56, low=0.54, high=0.58, noise=0.0, rounds=30), tolerance=0.10, faster_than=2)
        == "undecided"
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(min_value=0.01, max_value=100), min_size=1, max_size=30))
def test_an_interval_lies_within_the_values_and_repeats(values):
    """The bootstrap never leaves the data, is in order, and gives the same answer twice."""
    low, high = interval(values, resamples=100)
    assert min(values) <= low <= high <= max(values)
    assert interval(values, resamples=100) == (low, high)
