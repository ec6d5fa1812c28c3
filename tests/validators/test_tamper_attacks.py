"""Answers written to fool the tests do not pass."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from escalator.records import Brief, Verdict
from escalator.validators.tests.suite import pytest_suite
from validators.attacks import ATTACKS, BASE, RIGHT, SEMANTIC, TESTS, WRONG
from validators.judging import judged, needs_bwrap

pytestmark = [*needs_bwrap, pytest.mark.slow]


@pytest.fixture(scope="module")
def brief(tmp_path_factory) -> Brief:
    root = tmp_path_factory.mktemp("project")
    (root / "tests").mkdir()
    (root / "calc.py").write_text(BASE)
    (root / "tests" / "test_calc.py").write_text(TESTS)
    return Brief(
        task_id="attacks",
        prompt="Make add() add.",
        workspace=root,
        files={"calc.py": BASE},
        tests={"tests/test_calc.py": TESTS},
    )


@pytest.fixture(scope="module")
def verdicts(brief) -> dict[str, Verdict]:
    """Every attack judged once, several at a time, by one validator."""
    validator = pytest_suite(timeout=20, rerun_flaky=False)
    answers = {
        **ATTACKS,
        **{name: {"calc.py": code} for name, code in SEMANTIC.items()},
        "right": {"calc.py": RIGHT},
        "wrong": {"calc.py": WRONG},
    }

    def judge_one(files: dict[str, str]) -> Verdict:
        return judged(validator, brief, files)

    judge_one({"calc.py": RIGHT})
    with ThreadPoolExecutor(3) as pool:
        return dict(zip(answers, pool.map(judge_one, answers.values()), strict=True))


def test_an_honest_right_answer_passes(verdicts):
    """The defences let a right answer through with full confidence."""
    assert (verdicts["right"].status, verdicts["right"].confidence) == ("passed", 1.0)


def test_an_honest_wrong_answer_fails(verdicts):
    """A wrong answer fails and is told the first test and its assertion."""
    verdict = verdicts["wrong"]

    assert verdict.failed
    assert "tests/test_calc.py::test_small" in verdict.feedback
    assert "assert 6 == 5" in verdict.feedback


@pytest.mark.parametrize("name", ATTACKS)
def test_a_forged_result_does_not_pass(verdicts, name):
    """An answer that forges its results is failed, and told something."""
    assert verdicts[name].failed
    assert verdicts[name].feedback


def test_an_object_that_equals_everything_fails(verdicts):
    """The tests' twin, which expects other values, passes with it too."""
    assert verdicts["returns a number that equals everything"].failed


def test_what_only_reading_can_find_is_marked_for_a_person(verdicts):
    """Where results cannot tell, the code does: the verdict is inconclusive, with the construct named."""
    verdict = verdicts["reads the expected value from the caller"]

    assert (verdict.status, verdict.reason) == ("inconclusive", "suspicious")
    assert verdict.evidence["suspicious"]
