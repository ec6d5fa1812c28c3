"""What the log says of a period."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.ledger import Archive, reports
from escalator.report import report
from escalator.report.analysis import at_least
from escalator.testing import VirtualClock, failure
from houses import BROKEN, RIGHT, WRONG, House

TODAY, YESTERDAY = "2027-01-15", "2027-01-14"


def done(ledger: Archive, script: Any, times: int = 1, **options: Any) -> list[Any]:
    """The outcomes of the same task done several times by the same script."""
    return [House(script, ledger=ledger).execute(**options) for _ in range(times)]


def busy(ledger: Archive) -> list[Any]:
    """A day's work: easy tasks, a climb to the paid model, a server that is down, and one nobody could do."""
    outcomes = done(ledger, {"small": [RIGHT]}, 3, task_type="quick_edit")
    outcomes += done(ledger, {"small": [WRONG, WRONG], "large": [WRONG, WRONG], "haiku": [RIGHT]})
    outcomes += done(ledger, {"small": [failure("server")], "large": [RIGHT]})
    outcomes += done(ledger, {name: [BROKEN, BROKEN] for name in ("small", "large", "haiku")})
    return outcomes


def test_totals_count_what_happened(ledger: Archive) -> None:
    """Tasks by how they ended, attempts, and the three kinds of moves apart."""
    outcomes = busy(ledger)
    totals = report(ledger).totals
    assert (totals.tasks, totals.accepted, totals.skipped) == (6, 5, 1)
    assert totals.attempts == sum(len(outcome.attempts) for outcome in outcomes)
    assert totals.retries == sum(outcome.count("retry") for outcome in outcomes)
    assert totals.escalations == sum(outcome.count("escalation") for outcome in outcomes) > 0
    assert totals.fallbacks == 1
    assert totals.cost == sum(outcome.cost for outcome in outcomes) > 0


def test_types_come_commonest_first(ledger: Archive) -> None:
    """Each task type has its share, its means a task and its latency."""
    busy(ledger)
    types = report(ledger).types
    assert [(line.task_type, line.tasks) for line in types] == [("quick_edit", 3), ("standard_development", 3)]
    assert types[0].share == 0.5
    assert types[1].escalations == pytest.approx(4 / 3)


def test_a_server_that_is_down_does_not_count_against_its_model(ledger: Archive) -> None:
    """Success is of the answers that were judged; the failed call is an attempt all the same."""
    busy(ledger)
    small = next(line for line in report(ledger).workers if line.worker == "small")
    assert (small.attempts, small.judged, small.passed) == (8, 7, 3)
    assert small.success == pytest.approx(3 / 7)


def test_workers_are_told_apart_by_type(ledger: Archive) -> None:
    """The same model may be good at one type and bad at another."""
    busy(ledger)
    found = {(line.task_type, line.worker): line.success for line in report(ledger).workers_by_type}
    assert found["quick_edit", "small"] == 1.0
    assert found["standard_development", "small"] == 0.0


def test_a_lucky_newcomer_does_not_lead(ledger: Archive) -> None:
    """Two passes of two are less certain than thirty-eight of forty, and are ranked below."""
    assert at_least(2, 2) < at_least(38, 40)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_lower_bound_is_a_bound(passed: int, failed: int) -> None:
    """It lies between nothing and the rate seen, and more of the same evidence raises it."""
    judged = passed + failed
    bound = at_least(passed, judged)
    assert 0 <= bound <= (passed / judged if judged else 0)
    if passed:
        assert at_least(passed * 2, judged * 2) > bound


def test_causes_are_listed_by_how_often(ledger: Archive) -> None:
    """Which check, format error or failure of a server ended attempts, most frequent first."""
    busy(ledger)
    causes = {(cause.result, cause.cause): cause.attempts for cause in report(ledger).causes}
    assert causes["failed", "adds"] == 4
    assert causes["unavailable", "server"] == 1
    assert all(result != "passed" for result, _ in causes)
    counts = [cause.attempts for cause in report(ledger).causes]
    assert counts == sorted(counts, reverse=True)


def test_local_work_has_its_share(ledger: Archive) -> None:
    """Tasks, calls and tokens that stayed on the user's machines."""
    outcomes = busy(ledger)
    local = report(ledger).local
    assert (local.tasks, local.local_tasks) == (5, 4)
    assert local.of_tasks == 0.8
    calls = [call for outcome in outcomes for call in outcome.calls]
    assert local.calls == len(calls)
    assert local.local_calls == sum(call.model != "haiku" for call in calls)


def test_the_saving_is_net_of_what_came_to_nothing(ledger: Archive) -> None:
    """Rejected answers lower the saving, and what a lost task cost is taken off at the end."""
    outcomes = busy(ledger)
    money = report(ledger, baseline_model="haiku").money
    accepted = [outcome for outcome in outcomes if outcome.status == "accepted"]
    assert money.saved == sum(outcome.saved for outcome in accepted)
    assert money.unaccepted == sum(o.cost for o in outcomes if o.status != "accepted") > 0
    assert money.net == money.saved - money.unaccepted
    wasted = [a.cost for outcome in outcomes for a in outcome.attempts if not a.passed]
    assert money.wasted == sum(wasted)
    assert money.baseline_model == "haiku"


def test_pairs_name_worker_and_checker(ledger: Archive) -> None:
    """Attempts that a checker judged are ranked by worker and checker together."""
    types = {"standard_development": {"complexity": [0, 10], "chain": ["small"], "checker": "large"}}
    types["standard_development"]["validators"] = ["syntax"]
    house = House({"small": [RIGHT], "large": ["?"] * 9}, ledger=ledger, task_types=types)
    house.execute(validators=["syntax", {"semantic": {"required": False}}])
    (pair,) = report(ledger).pairs
    assert (pair.worker, pair.checker, pair.passed) == ("small", "large", 1)


def test_a_period_is_whole_days(ledger: Archive, clock: VirtualClock) -> None:
    """Both days count, as text or as dates; what lies outside does not."""
    done(ledger, {"small": [RIGHT]})
    assert report(ledger, since=TODAY, until=TODAY).totals.tasks == 1
    assert report(ledger, until=date.fromisoformat(YESTERDAY)).totals.tasks == 0
    clock.jump(86_400)
    done(ledger, {"small": [RIGHT]}, 2)
    assert report(ledger, since="2027-01-16").totals.tasks == 2
    assert report(ledger).totals.tasks == 3


def test_a_day_that_is_none_is_refused(ledger: Archive) -> None:
    """A typo in a date is an error, not an empty report."""
    with pytest.raises(ValueError, match="isoformat"):
        report(ledger, since="yesterday")


def test_an_empty_log_gives_an_empty_report(ledger: Archive) -> None:
    """Before the first task every figure is nought."""
    found = report(ledger)
    assert found.totals.tasks == 0
    assert found.types == found.workers == found.causes == ()
    assert (found.local.of_tasks, found.money.net) == (0.0, Decimal(0))


def test_the_report_says_what_each_question_alone_would_say(ledger: Archive) -> None:
    """Reading the roll-ups once and grouping them again gives the ledger's own answers."""
    busy(ledger)
    found = report(ledger)
    assert found.types == tuple(reports.by_task_type(ledger))
    assert found.models == tuple(reports.by_model(ledger))
    assert found.money.saved == reports.savings(ledger).saved
    assert {(line.worker, line.task_type, line.passed, line.cost) for line in found.workers_by_type} == {
        (line.worker, line.task_type, line.passed, line.cost) for line in reports.by_worker(ledger)
    }
