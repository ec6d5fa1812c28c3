"""What an outcome rests on, and its checks executed again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from escalator.errors import LedgerError, TaskError
from escalator.evidence import bundle, intact, sha256, verify
from escalator.ledger import Archive, open_ledger
from escalator.records.codec import OUTCOMES
from escalator.review import approve, file_review
from houses import BROKEN, RIGHT, TESTS, WRONG, House

QUICK = {"validators": ["syntax"], "tests": TESTS, "task_id": "t1"}
CHECKED = {"validators": ["syntax", "tests"], "tests": TESTS, "task_id": "t1"}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Archive]:
    """A ledger in a file: what is verified has really been stored."""
    archive = open_ledger(tmp_path / "ledger.sqlite", durability="normal")
    yield archive
    archive.close()


def test_a_bundle_names_what_was_run_and_seen() -> None:
    """Commands, versions, isolation, counts and hashes of prompt, tests and answer stand in the bundle."""
    outcome = House({"small": [WRONG, RIGHT]}).execute(**CHECKED)
    found = bundle(outcome)
    tests = found["attempts"][-1]["verdicts"][-1]
    assert tests["evidence"]["command"]
    assert tests["versions"].keys() == {"pytest", "python"}
    assert tests["isolation"]["kind"]
    assert tests["evidence"]["counts"] == {"passed": 1}
    assert found["prompt"] == sha256("Fix add() in adding.py.")
    assert found["tests"] == {"test_adding.py": sha256(TESTS["test_adding.py"])}
    assert found["answer"] == sha256(RIGHT)
    assert [attempt["verdicts"][-1]["status"] for attempt in found["attempts"]] == ["failed", "passed"]


def test_a_bundle_holds_no_text_of_prompt_or_answer() -> None:
    """What was asked and answered can be checked against the hashes, not read from them."""
    text = json.dumps(bundle(House({"small": [BROKEN, RIGHT]}).execute(**QUICK)))
    assert "Fix add" not in text
    assert "return a" not in text


def test_a_bundle_survives_json_and_betrays_any_change() -> None:
    """Written and read back it is intact; with one figure changed it is not."""
    found = json.loads(json.dumps(bundle(House({"small": [RIGHT]}).execute(**QUICK))))
    assert intact(found)
    assert not intact({**found, "cost": "0.01"})
    assert not intact({})


def test_verifying_executes_the_checks_again(ledger: Archive) -> None:
    """The same answer passes the same tests again, without a model being asked."""
    house = House({"small": [WRONG, RIGHT]}, ledger=ledger)
    outcome = house.execute(**CHECKED)
    found = verify(house.escalator, ledger, "t1", against=bundle(outcome))
    assert found.holds
    assert [(verdict.validator, verdict.status) for verdict in found.verdicts] == [
        ("syntax", "passed"),
        ("tests", "passed"),
    ]
    assert found.differences == ()
    assert house.models() == ["small", "small"]


def test_an_answer_that_no_longer_passes_is_found(ledger: Archive, tmp_path: Path) -> None:
    """A module the answer relies on was changed since: the verdict differs, and the verification fails."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "helper.py").write_text("def plus(a, b):\n    return a + b\n")
    (project / "adding.py").write_text("def add(a, b):\n    return None\n")
    answer = "```python adding.py\nfrom helper import plus\n\n\ndef add(a, b):\n    return plus(a, b)\n```"
    house = House({"small": [answer]}, ledger=ledger)
    outcome = house.execute(workspace=project, files=["adding.py"], **CHECKED)
    assert outcome.status == "accepted"
    assert verify(house.escalator, ledger, "t1").holds
    (project / "helper.py").write_text("def plus(a, b):\n    return a - b\n")
    found = verify(house.escalator, ledger, "t1")
    assert not found.holds
    (difference,) = [difference for difference in found.differences if difference.matters]
    assert (difference.validator, difference.what, difference.before) == ("tests", "verdict", "passed")
    assert difference.now.startswith("failed")


def test_it_verifies_after_the_change_was_applied(ledger: Archive, tmp_path: Path) -> None:
    """The files are judged as they were then, whatever the workspace holds now."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "adding.py").write_text("def add(a, b):\n    return None\n")
    house = House({"small": [RIGHT]}, ledger=ledger)
    house.execute(workspace=project, files=["adding.py"], **QUICK).apply()
    assert verify(house.escalator, ledger, "t1").holds


def test_a_workspace_that_is_gone_is_said(ledger: Archive, tmp_path: Path) -> None:
    """Without the workspace the stored files are judged alone, and the difference is named."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "adding.py").write_text("def add(a, b):\n    return None\n")
    house = House({"small": [RIGHT]}, ledger=ledger)
    house.execute(workspace=project, files=["adding.py"], **QUICK)
    (project / "adding.py").unlink()
    project.rmdir()
    found = verify(house.escalator, ledger, "t1")
    assert found.holds
    assert [difference.what for difference in found.differences] == ["the workspace"]


def test_a_bundle_of_another_answer_does_not_hold(ledger: Archive) -> None:
    """The ledger must still say what the bundle says."""
    house = House({"small": [RIGHT, RIGHT.replace("a + b", "b + a")]}, ledger=ledger)
    house.execute(**QUICK)
    other = bundle(house.execute(**{**QUICK, "task_id": "t2"}))
    found = verify(house.escalator, ledger, "t1", against=other)
    assert not found.holds
    assert {"the bundle's answer", "the bundle's task_id"} <= {difference.what for difference in found.differences}


def test_an_answer_altered_in_the_ledger_is_found(ledger: Archive) -> None:
    """Stored files that the stored answer does not give betray a change of one of them."""
    house = House({"small": [RIGHT]}, ledger=ledger)
    outcome = house.execute(task_type="critical", **QUICK)
    file_review(ledger, outcome).result()
    forged = json.loads(ledger.reviews()[0].payload)
    forged["outcome"] = forged["outcome"].replace("return a + b\\n```", "return b + a\\n```")
    ledger.review_add("t1", "answer", "", json.dumps(forged)).result()
    approve(ledger, 1, by="ann")
    found = verify(house.escalator, ledger, "t1")
    assert not found.holds
    assert "the files the answer gives" in {difference.what for difference in found.differences}


def test_a_check_that_cannot_be_found_is_not_a_pass(ledger: Archive) -> None:
    """A callable given at run time is known to nobody later; that is said, and the verification does not hold."""
    house = House({"small": [RIGHT]}, ledger=ledger)
    house.execute(task_id="t1")
    found = verify(house.escalator, ledger, "t1")
    assert not found.holds
    assert found.left_out == ("adds",)
    assert "cannot run" in next(
        difference.now for difference in found.differences if difference.validator == "adds"
    )


def test_the_opinion_is_left_out_unless_asked_for(ledger: Archive) -> None:
    """Verifying calls no model by default and says that the checker was not asked again."""
    house, _ = _with_opinion(ledger)
    before = len(house.provider.requests)
    found = verify(house.escalator, ledger, "t1")
    assert found.left_out == ("semantic",)
    assert len(house.provider.requests) == before


def test_the_opinion_is_asked_for_when_wanted(ledger: Archive) -> None:
    """With `semantic` the checker is asked again and its verdict compared."""
    house, outcome = _with_opinion(ledger)
    before = len(house.provider.requests)
    found = verify(house.escalator, ledger, "t1", semantic=True)
    assert len(house.provider.requests) > before
    assert [verdict.validator for verdict in found.verdicts] == ["syntax", "semantic"]
    assert outcome.status == "accepted"


def test_what_was_not_accepted_is_not_verified(ledger: Archive) -> None:
    """A task without an accepted answer, and one nobody knows, are two different errors."""
    house = House({"small": [WRONG] * 2, "large": [WRONG] * 2, "haiku": [WRONG] * 2}, ledger=ledger)
    house.execute(task_id="t1")
    with pytest.raises(LedgerError, match="nothing to verify"):
        verify(house.escalator, ledger, "t1")
    with pytest.raises(TaskError, match="knows no task"):
        verify(house.escalator, ledger, "t2")


def test_of_erased_texts_the_figures_are_verified(ledger: Archive) -> None:
    """After the retention period no check can be executed again; what is left is compared with the chain."""
    house = House({"small": [RIGHT]}, ledger=ledger)
    house.execute(**QUICK)
    ledger.forget(ledger.now() + 1).result()
    found = verify(house.escalator, ledger, "t1")
    assert (found.holds, found.erased, found.verdicts) == (True, True, ())
    assert found.parts


def test_texts_that_were_never_kept_leave_the_figures(tmp_path: Path) -> None:
    """The same in a ledger that stores no answers."""
    archive = open_ledger(tmp_path / "ledger.sqlite", store_answers=False)
    house = House({"small": [RIGHT]}, ledger=archive)
    house.execute(**QUICK)
    found = verify(house.escalator, archive, "t1")
    archive.close()
    assert (found.holds, found.erased) == (True, True)


def test_the_stored_outcome_is_the_one_returned() -> None:
    """What verification works from is equal to what the caller got."""
    outcome = House({"small": [BROKEN, RIGHT]}).execute(**QUICK)
    assert OUTCOMES.load(OUTCOMES.dump(outcome), brief=outcome.brief, plan=outcome.plan) == outcome


def _with_opinion(ledger: Archive) -> tuple[House, Any]:
    """A task whose answer a checker was asked about; its opinion is only advice."""
    types = {"standard_development": {"complexity": [0, 10], "chain": ["small"], "checker": "large"}}
    types["standard_development"]["validators"] = ["syntax"]
    house = House({"small": [RIGHT], "large": ["I cannot say."] * 20}, ledger=ledger, task_types=types)
    return house, house.execute(task_id="t1", validators=["syntax", {"semantic": {"required": False}}])
