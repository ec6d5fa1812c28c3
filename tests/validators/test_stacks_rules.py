"""The rules of judging are the same for every runner: shown by a command whose reports are written here."""

import pytest

from escalator.errors import ConfigError
from escalator.records import Brief, Isolation, RunResult, ValidatorSpec
from escalator.validators import build
from escalator.validators.protocol import failed, passed, unavailable
from escalator.validators.stacks.joining import joined
from escalator.validators.stacks.suite import any_tests
from validators.judging import judged

BRIEF = Brief(task_id="t", prompt="p", files={"a.txt": "old"}, tests={"check.sh": "true"})
GOOD, BAD = "1..2\nok 1 a\nok 2 b\n", "1..2\nok 1 a\nnot ok 2 b\n  got 1\n"


class Runs:
    """Answers each run with the next of some reports, the base's first, and remembers what was asked for."""

    def __init__(self, *reports, status=0, **more):
        self.reports, self.status, self.more, self.asked = list(reports), status, more, []

    def __call__(self, step):
        self.asked.append(step.command)
        said = self.reports.pop(0)
        files = {**step.command.files, **(self.more.get("files", {}) if not self.reports else {})}
        return RunResult(
            exit_status=None if said in {"wall", "memory", "output"} else self.status,
            isolation=Isolation(kind="bwrap"),
            stdout="" if said in {"wall", "memory", "output"} else said,
            killed=said if said in {"wall", "memory", "output"} else "",
            artefacts={path: str(text).encode() for path, text in files.items() if text is not None},
            seconds=60.0,
        )


def suite(**options):
    return any_tests(command="make check", format="tap", **options)


def verdict_of(*reports, changes=None, status=0, brief=BRIEF, options=None, **more):
    runs = Runs(*reports, status=status, **more)
    verdict = judged(suite(**(options or {})), brief, changes or {"a.txt": "new"}, performer=runs)
    assert not runs.reports, "a run was not asked for"
    return verdict


def test_what_failed_before_and_passes_now_is_a_pass():
    """The report of the base and that of the answer decide together."""
    verdict = verdict_of(BAD, GOOD)
    assert verdict.passed
    assert verdict.confidence == 0.9
    assert verdict.evidence["base"] == "1 of 2 failed"
    assert verdict.evidence["runner"] == "command"


def test_what_passed_before_too_counts_half():
    """Tests that passed without the answer are no evidence of it."""
    assert verdict_of(GOOD, GOOD).confidence == 0.5


def test_a_failing_test_is_run_once_more_and_told():
    """What fails twice counts, by its name and with what it said."""
    verdict = verdict_of(BAD, BAD, BAD, status=1)
    assert verdict.failed
    assert "1 of 2 tests did not pass. First: b" in verdict.feedback
    assert "got 1" in verdict.feedback


def test_a_test_that_passed_before_is_told_as_that():
    """The model learns that it broke something."""
    assert "(it passed before your change)" in verdict_of(GOOD, BAD, BAD).feedback


def test_a_test_that_wavers_only_with_the_answer_goes_to_a_person():
    """A new test that fails once and then passes may be the answer's doing."""
    verdict = verdict_of(BAD, BAD, GOOD, BAD)
    assert verdict.reason == "suspicious"
    assert verdict.evidence["flaky"] == ["b"]


def test_a_test_that_wavers_without_the_answer_too_is_to_blame_itself():
    """Its pass counts, but less."""
    verdict = verdict_of(BAD, BAD, GOOD, GOOD)
    assert verdict.passed
    assert verdict.confidence == 0.7


def test_a_test_that_wavers_though_it_was_steady_before_has_failed():
    """What passed before, and passes again without the answer, fails by the answer."""
    assert verdict_of(GOOD, BAD, GOOD, GOOD).failed


def test_no_second_run_where_it_is_not_wanted():
    """The option rerun_flaky holds for every runner."""
    assert verdict_of(BAD, BAD, options={"rerun_flaky": False}).failed


def test_no_run_of_the_base_where_it_is_not_wanted():
    """The option base_run holds for every runner; the verdict says that it was not run."""
    verdict = verdict_of(GOOD, options={"base_run": False})
    assert verdict.passed
    assert verdict.evidence["base"] == "not run"


def test_a_test_that_is_gone_fails():
    """What the base ran must be run again."""
    verdict = verdict_of(BAD, "1..1\nok 1 a\n")
    assert verdict.failed
    assert verdict.feedback == "Tests that must pass were not found with your change: b."


def test_a_test_that_is_skipped_now_fails_and_one_that_was_skipped_before_does_not():
    """A skip is excused by the base alone."""
    skips = "1..2\nok 1 a\nok 2 b # SKIP\n"
    now = verdict_of(GOOD, skips, skips)
    assert now.failed
    assert "skipped" in now.feedback
    assert verdict_of("1..2\nnot ok 1 a\nok 2 b # SKIP\n", skips).passed


def test_what_the_caller_expects_must_be_there():
    """Ids of the caller's are expected whatever the base ran."""
    assert verdict_of(BAD, GOOD, options={"expected": ["a", "b"]}).passed
    verdict = verdict_of(BAD, GOOD, options={"expected": ["c", "tests/test_x.py::test_y"]})
    assert verdict.feedback == "Tests that must pass were not found with your change: c."


def test_a_run_without_a_test_that_ran_proves_nothing():
    """Every test skipped, with and without the answer, is no pass."""
    skipped = "1..1\nok 1 a # SKIP\n"
    verdict = verdict_of(skipped, skipped)
    assert verdict.reason == "error"
    assert "Every test is skipped" in verdict.hint
    nothing = verdict_of("1..0\n", "1..0\n")
    assert "There is no test" in nothing.hint


def test_an_exit_status_is_not_believed_alone():
    """A command that fails without a failing test, or succeeds without a report, is no pass."""
    assert verdict_of(BAD, GOOD, status=2).failed
    silent = verdict_of(BAD, "all is well")
    assert silent.failed
    assert "no plan line" in silent.feedback


def test_a_hang_and_too_much_memory_and_output_are_told_apart():
    """What ended a run is told as what it was."""
    assert "longer than 60 s" in verdict_of(BAD, "wall").feedback
    assert "memory" in verdict_of(BAD, "memory").feedback
    assert "printed without end" in verdict_of(BAD, "output").feedback
    assert verdict_of("wall", "wall").reason == "error"


def test_a_run_of_the_base_that_a_deadline_cut_short_is_made_again():
    """A run that got less than its time says nothing of the project."""
    judge = suite(timeout=100)
    runs = Runs("wall", GOOD, BAD, GOOD)
    judged(judge, BRIEF, {"a.txt": "new"}, performer=runs)
    assert judged(judge, BRIEF, {"a.txt": "new"}, performer=runs).evidence["base"] == "1 of 2 failed"


def test_the_base_is_run_once_a_task():
    """A second answer to a task needs one run, not two."""
    judge, runs = suite(), Runs(BAD, GOOD, GOOD)
    assert judged(judge, BRIEF, {"a.txt": "new"}, performer=runs).passed
    assert judged(judge, BRIEF, {"a.txt": "newer"}, performer=runs).passed
    assert not runs.reports


def test_tests_of_the_task_lie_over_the_answer():
    """What the answer writes to the path of a test is left out, and the verdict says so."""
    runs = Runs(BAD, GOOD)
    verdict = judged(suite(), BRIEF, {"a.txt": "new", "check.sh": "exit 0"}, performer=runs)
    assert runs.asked[-1].files["check.sh"] == "true"
    assert verdict.evidence["notes"] == ["change to check.sh left out: it is trusted"]


def test_a_build_file_the_task_lets_the_answer_change_halves_the_pass():
    """An answer that had a say in what is run proves less."""
    brief = Brief(task_id="t", prompt="p", files={"Makefile": "check:\n"}, tests={"check.sh": "true"})
    verdict = verdict_of(BAD, GOOD, changes={"Makefile": "check:\n\ttrue\n"}, brief=brief)
    assert verdict.confidence == 0.5
    assert "Makefile" in verdict.hint


def test_a_test_that_the_run_changed_is_found_out():
    """The tests are read back when the run with the answer has ended."""
    verdict = verdict_of(BAD, GOOD, files={"check.sh": "false"})
    assert verdict.failed
    assert "changed check.sh" in verdict.feedback


def test_a_command_that_is_not_there_is_unavailable():
    """It is said before any answer is asked for, and in the verdict."""
    judge = any_tests(command="nosuchtool --tap", format="tap")
    assert "Install nosuchtool." in judge.unavailable(BRIEF)
    verdict = judged(judge, BRIEF, {"a.txt": "new"}, performer=Runs())
    assert verdict.reason == "unavailable"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"command": "make check"}, "go together"),
        ({"format": "tap"}, "go together"),
        ({"command": "make check", "format": "xml"}, "format is 'xml'"),
        ({"runner": "mocha"}, "runner is 'mocha'"),
        ({"runner": "command"}, "go together"),
        ({"artefact": "x.xml"}, "needs a command"),
        ({"timeout": 0}, "above 0"),
        ({"tiemout": 3}, "timeout"),
        ({"comand": "x"}, "command"),
    ],
)
def test_wrong_options_are_refused_with_the_reason(options, words):
    """Options of both kinds are checked when the matrix is bound, and a misspelt one is told the nearest."""
    with pytest.raises(ConfigError) as caught:
        build(ValidatorSpec(name="tests", options=options))
    assert words in str(caught.value)


def test_the_options_of_pytest_are_taken_under_the_same_name():
    """What was written in a matrix before still holds."""
    judge = build(ValidatorSpec(name="tests", options={"timeout": 5, "plugins": ["anyio"], "sentinels": "never"}))
    assert judge.timeout == 5.0
    assert judge.pytest.plugins == ("anyio",)


def test_a_task_without_tests_has_nothing_to_judge_by():
    """No test of any known kind: skipped, and said before."""
    brief = Brief(task_id="t", prompt="p", files={"a.txt": ""}, tests={"notes.txt": "x"})
    assert "No tests" in any_tests().inapplicable(brief)
    assert judged(any_tests(), brief, {"a.txt": "x"}, performer=Runs()).reason == "skipped"


def test_verdicts_of_two_runners_become_one():
    """What is wrong by one is wrong; what one could not judge is not judged; the least sure pass counts."""
    good, half = passed("tests", confidence=1.0, seconds=1), passed("tests", confidence=0.5, seconds=2)
    bad, gone = failed("tests", feedback="x" * 3000), unavailable("tests", "No node.", "Install it.")
    assert joined([("pytest", good)]) is good
    both = joined([("pytest", good), ("node", half)])
    assert (both.status, both.confidence, both.seconds) == ("passed", 0.5, 3)
    assert joined([("pytest", good), ("node", gone)]).reason == "unavailable"
    assert joined([("pytest", gone), ("node", bad)]).failed
    told = joined([("pytest", bad), ("node", failed("tests", feedback="y" * 3000))]).feedback
    assert len(told) <= 1700
    assert "x" in told
    assert "y" in told
