"""Answers that wait for a person, and what each decision does to the task."""

from __future__ import annotations

from pathlib import Path

import pytest

from escalator.errors import LedgerError, TaskError
from escalator.ledger import Archive, MemoryLedger
from escalator.ledger.log import LogQuery, TaskTally
from escalator.review import approve, file_review, reject, retry, review, reviews, skip
from houses import BASE, BROKEN
from review.desk import Desk, critical


def test_a_case_shows_why_it_waits_and_the_best_answer(ledger: Archive) -> None:
    """Whoever decides sees the reason, the answer and the evidence of its checks."""
    critical(ledger)
    (case,) = reviews(ledger)
    assert (case.kind, case.state, case.task_id) == ("answer", "waiting", "t1")
    assert "wait for a person" in case.why
    assert case.outcome is not None
    assert "a + b" in (case.outcome.files["adding.py"] or "")
    assert [verdict.validator for verdict in case.outcome.best.verdicts] == ["syntax"]


def test_approving_makes_the_task_accepted(ledger: Archive) -> None:
    """The task is final with the person's verdict in it, and asking for it again buys nothing."""
    desk = critical(ledger)
    (case,) = reviews(ledger)
    done = approve(ledger, case.id, by="ann", note="looks right")
    assert (done.state, done.decided_by, done.note) == ("approved", "ann", "looks right")
    assert reviews(ledger) == []
    again = desk.execute(task_type="critical")
    assert (again.status, again.reason) == ("accepted", "ann approved the answer of small: looks right")
    assert again.best.verdicts[-1].validator == "review"
    assert desk.models() == ["small"]


def test_approving_writes_nothing_by_itself(ledger: Archive, tmp_path: Path) -> None:
    """The workspace changes when somebody applies the approved outcome, not before."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "adding.py").write_text(BASE["adding.py"])
    desk = Desk({"small": ["```python adding.py\ndef add(a, b):\n    return a + b\n```"]}, ledger=ledger)
    desk.execute(task_type="critical", workspace=project, files=["adding.py"])
    case = approve(ledger, reviews(ledger)[0].id, by="ann")
    assert (project / "adding.py").read_text() == BASE["adding.py"]
    assert case.outcome is not None
    case.outcome.apply()
    assert "a + b" in (project / "adding.py").read_text()


def test_an_approved_task_counts_as_accepted_in_the_report(ledger: Archive) -> None:
    """The log is corrected: one accepted task, none that waits, and its attempts are not counted twice."""
    critical(ledger)
    approve(ledger, reviews(ledger)[0].id, by="ann")
    tallies = ledger.tally(TaskTally, ("status",))
    assert [(tally.status, tally.n) for tally in tallies] == [("accepted", 1)]
    assert len(ledger.tries(LogQuery(task_id="t1"))) == 1


def test_rejecting_counts_against_the_answer(ledger: Archive) -> None:
    """A person's no is a failed verdict: the attempt failed by review, and the task is over."""
    critical(ledger)
    case = reject(ledger, reviews(ledger)[0].id, by="ann", note="wrong sign")
    assert case.outcome is not None
    assert (case.outcome.status, case.outcome.cause) == ("skipped", "rejected")
    (tried,) = ledger.tries(LogQuery(task_id="t1"))
    assert (tried.result, tried.cause) == ("failed", "review")


def test_giving_up_counts_against_nobody(ledger: Archive) -> None:
    """Skipping a case ends the task and leaves the attempt's result as the checks had it."""
    critical(ledger)
    case = skip(ledger, reviews(ledger)[0].id, by="ann", note="no longer wanted")
    assert case.outcome is not None
    assert (case.outcome.status, case.outcome.cause) == ("skipped", "given_up")
    assert [tried.result for tried in ledger.tries(LogQuery(task_id="t1"))] == ["passed"]


def test_a_retry_is_a_task_of_its_own_with_the_hint(ledger: Archive) -> None:
    """The hint stands in the prompt of the retry, and the first task is closed."""
    desk = critical(ledger)
    new_id = retry(ledger, reviews(ledger)[0].id, by="ann", hint="Mind negative numbers.")
    assert reviews(ledger) == []
    outcome = desk.resume(new_id)
    assert outcome.task_id == new_id == "t1.r1"
    assert desk.provider.requests[-1].messages[0].text.count("A reviewer adds: Mind negative numbers.") == 1
    assert desk.execute(task_type="critical").cause == "retried"
    assert [case.task_id for case in reviews(ledger)] == [new_id]


def test_a_retry_may_start_at_a_later_rung(ledger: Archive) -> None:
    """The rungs before the named model are not asked again."""
    desk = critical(ledger)
    new_id = retry(ledger, reviews(ledger)[0].id, by="ann", model="large")
    desk.resume(new_id)
    assert desk.models() == ["small", "large"]


def test_a_retry_at_an_unknown_rung_says_which_there_are(ledger: Archive) -> None:
    """A typo in the model's name changes nothing."""
    critical(ledger)
    with pytest.raises(TaskError, match="it has small, large, haiku"):
        retry(ledger, reviews(ledger)[0].id, by="ann", model="huge")
    assert len(reviews(ledger)) == 1


def test_a_case_is_decided_once(ledger: Archive) -> None:
    """The second decision is refused and says whose the first one was."""
    critical(ledger)
    (case,) = reviews(ledger)
    approve(ledger, case.id, by="ann")
    with pytest.raises(LedgerError, match="approved by ann"):
        reject(ledger, case.id, by="bob")


def test_a_decision_cut_off_by_a_crash_can_be_finished(ledger: Archive) -> None:
    """Decided but not yet closed, the same decision again closes the task; another one is refused."""
    critical(ledger)
    (case,) = reviews(ledger)
    ledger.review_decide(case.id, "approved", by="ann").result()
    with pytest.raises(LedgerError, match="approved by ann"):
        reject(ledger, case.id, by="bob")
    done = approve(ledger, case.id, by="ann")
    assert done.outcome is not None
    assert done.outcome.status == "accepted"


def test_nobody_decides_on_a_task_that_is_being_worked_on() -> None:
    """While another worker has the task, the decision waits."""
    ledger = MemoryLedger()
    critical(ledger)
    (case,) = reviews(ledger)
    known = ledger.look("t1")
    assert known is not None
    ledger.open_task(known.row).result()
    with pytest.raises(LedgerError, match="somebody is working on"):
        approve(ledger, case.id, by="ann")


def test_without_an_answer_there_is_nothing_to_approve(ledger: Archive) -> None:
    """A task nobody could answer can be retried or given up."""
    nothing = ["I cannot."] * 2
    desk = Desk({"small": nothing, "large": nothing, "haiku": nothing}, ledger=ledger)
    desk.execute(task_type="complex_architecture")
    (case,) = reviews(ledger)
    with pytest.raises(LedgerError, match="no answer to approve"):
        approve(ledger, case.id, by="ann")
    assert retry(ledger, case.id, by="ann", hint="Write code.") == "t1.r1"


def test_an_approval_overrides_failed_checks_openly(ledger: Archive) -> None:
    """A person may accept what the checks rejected; the outcome keeps the failed verdicts."""
    script = {name: [BROKEN] * 2 for name in ("small", "large", "haiku")}
    Desk(script, ledger=ledger).execute(task_type="complex_architecture")
    case = approve(ledger, reviews(ledger)[0].id, by="ann")
    assert case.outcome is not None
    assert case.outcome.status == "accepted"
    assert case.outcome.best is not None
    assert [verdict.status for verdict in case.outcome.best.verdicts] == ["failed", "passed"]


def test_a_ledger_that_keeps_no_answers_offers_none_for_approval() -> None:
    """Filed without answers, a case can still be given up."""
    ledger = MemoryLedger(store_answers=False)
    desk = Desk({"small": ["```python adding.py\ndef add(a, b):\n    x = 1\n    return a + b * x\n```"]}, ledger=ledger)
    outcome = desk.execute(task_type="critical")
    number = file_review(ledger, outcome, keep=False).result()
    assert "x = 1" not in (ledger.reviews()[0].payload)
    with pytest.raises(LedgerError, match="store_answers"):
        approve(ledger, number, by="ann")
    assert skip(ledger, number, by="ann").state == "rejected"


def test_an_unknown_number_says_where_to_look(ledger: Archive) -> None:
    """A wrong number is an error with the next step in it."""
    with pytest.raises(TaskError, match="escalator review list"):
        review(ledger, 99)
