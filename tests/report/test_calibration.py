"""Confidence held against what people decided."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from escalator.report import calibration
from escalator.report.calibration import ENOUGH, fitted
from escalator.review import approve, reject, reviews
from escalator.testing import MemoryLedger
from houses import RIGHT, House


def test_a_curve_follows_the_truth() -> None:
    """Answers at 0.9 that were right four times in five are shown as 80 %."""
    pairs = [(0.9, n % 5 != 0) for n in range(100)] + [(0.3, n % 5 == 0) for n in range(100)]
    curve = fitted(pairs)
    assert curve.at(0.9) == pytest.approx(0.8)
    assert curve.at(0.3) == pytest.approx(0.2)
    assert curve.at(0.6) == pytest.approx(0.5)
    assert (curve.at(0.0), curve.at(1.0)) == (pytest.approx(0.2), pytest.approx(0.8))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
@example([(1.0, True), (0.40625, True), *((raw, False) for raw in (0.5, 0.5, 0.625, 0.75, 0.875))])
def test_a_curve_never_falls_and_keeps_the_mean(pairs: list[tuple[float, bool]]) -> None:
    """More confidence never means a smaller share, and shares stay between 0 and 1."""
    curve = fitted(pairs)
    shares = [curve.at(raw / 20) for raw in range(21)]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    assert curve.labelled == len(pairs)


def test_below_fifty_decisions_nothing_is_claimed_and_above_it_is() -> None:
    """The curve comes from decided reviews of answers and from nothing else."""
    ledger = MemoryLedger()
    house = House(lambda request: RIGHT, ledger=ledger)
    for number in range(ENOUGH):
        outcome = house.execute(task_type="critical", task_id=f"t{number}")
        assert outcome.confidence == 1.0
        [case] = reviews(ledger, task_id=f"t{number}")
        (approve if number % 10 else reject)(ledger, case.id, by="somebody")
        if number == ENOUGH - 2:
            assert calibration(ledger).outcome is None
    found = calibration(ledger)
    assert found.decisions == ENOUGH
    assert found.outcome is not None
    assert found.outcome.at(1.0) == pytest.approx(0.9)
    assert found.semantic is None


def test_an_outcome_without_a_passing_verdict_has_no_confidence() -> None:
    """Nothing proved means nothing to be sure of."""
    outcome = House(lambda request: "no code here").execute()
    assert outcome.confidence == 0.0
