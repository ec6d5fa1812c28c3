"""The test validator says what it can know: pass, failure, or why neither."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet, ValidatorSpec
from escalator.validators import build, why_inapplicable, why_unavailable
from escalator.validators.tests.suite import pytest_suite
from validators.judging import judged, needs_bwrap
from validators.sandboxed import no_process, perform

BASE = "def add(a, b):\n    return a - b\n"
RIGHT = "def add(a, b):\n    return a + b\n"
TESTS = "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n\n\ndef test_zero():\n    assert add(2, 0) == 2\n"


def brief_of(tests=TESTS, *, base=BASE, prompt="Make add() add.", **more) -> Brief:
    files = {"calc.py": base} if base is not None else {}
    return Brief(task_id="t", prompt=prompt, files=files, tests={"test_calc.py": tests}, **more)


class Counting:
    """Performs runs for real and counts them."""

    def __init__(self):
        self.commands = []

    def __call__(self, step):
        self.commands.append(step.command)
        return perform(step)


def test_without_tests_it_is_skipped_with_a_hint():
    """No test, no verdict: the answer is neither passed nor failed, and nothing is run."""
    validator = pytest_suite()
    brief = Brief(task_id="t", prompt="x", tests={"calc.test.js": "test('x', () => {})"})

    verdict = drive(validator(Candidate(brief=brief, changes=ChangeSet(files={"calc.py": RIGHT}))), no_process)

    assert (verdict.status, verdict.reason) == ("inconclusive", "skipped")
    assert "tests=" in verdict.hint
    assert why_inapplicable(validator, brief)


def test_a_missing_interpreter_is_told_before_anything_is_run(tmp_path):
    """An interpreter that is not there makes the validator unavailable, which the preflight says too."""
    validator = pytest_suite(python=str(tmp_path / "no-python"))

    verdict = drive(
        validator(Candidate(brief=brief_of(), changes=ChangeSet(files={"calc.py": RIGHT}))), no_process
    )

    assert (verdict.status, verdict.reason) == ("inconclusive", "unavailable")
    assert "option python" in why_unavailable(validator, brief_of())


def test_it_is_available_where_pytest_is():
    """The interpreter that runs this test has pytest, so nothing stands in the way."""
    assert why_unavailable(pytest_suite(), brief_of()) is None


def test_the_projects_own_environment_is_preferred(tmp_path):
    """A virtual environment with pytest inside the project runs the tests; one without is passed over."""
    from escalator.validators.tests.python import find_python

    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    assert find_python(tmp_path) == sys.executable

    package = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "pytest"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    assert find_python(tmp_path) == str(tmp_path / ".venv" / "bin" / "python")


@pytest.mark.parametrize("options", [{"timeout": 0}, {"plugins": "pytest_mock"}, {"expected": "test_x"}])
def test_a_wrong_option_value_is_refused_when_the_validator_is_made(options):
    """Options are checked before a task starts, not during one."""
    with pytest.raises(ValueError, match="give"):
        pytest_suite(**options)


def test_the_matrix_finds_it_under_both_names():
    """`tests` and `pytest` are one validator."""
    specs = [ValidatorSpec(name=name, options={"timeout": 5}) for name in ("tests", "pytest")]

    assert [build(spec).timeout for spec in specs] == [5.0, 5.0]


LOUD = (
    "def add(a, b):\n    print('\\x1b[31m' + 'x' * 100000)\n"
    "    raise ValueError('\\x1b]0;title\\x07' + 'y' * 100000)\n"
)
SKIPPED = "import pytest\n\n@pytest.mark.skip\ndef test_later():\n    assert False\n"
SKIPPING = "import pytest\n" + TESTS + "\n\n@pytest.mark.skip\ndef test_later():\n    assert False\n"
XFAILING = "import pytest\n" + TESTS + "\n\n@pytest.mark.xfail\ndef test_later():\n    assert False\n"
SLEEPING = "import time\nfrom calc import add\n\n\ndef test_add():\n    time.sleep(60)\n"
LATE_IMPORT = TESTS + "\n\ndef test_more():\n    import no_such_library\n"
LACKING = {
    "import": ("import no_such_library\n" + TESTS, "no_such_library"),
    "import in a test": (LATE_IMPORT, "no_such_library"),
    "syntax": (TESTS + "\n\ndef broken(:\n", "do not parse"),
    "fixture": (TESTS + "\n\ndef test_mock(mocker):\n    assert add(2, 3) == 5\n", "mocker"),
    "coroutine": (TESTS + "\n\nasync def test_late():\n    assert add(2, 3) == 5\n", "coroutines"),
    "importorskip": ("import pytest\npytest.importorskip('no_such_library')\n" + TESTS, "step aside"),
}
EXPECTED = ["test_calc.py::test_add", "test_calc.py::test_gone"]
CASES = {
    "right": ({}, brief_of(), {"calc.py": RIGHT}),
    "passed before": ({}, brief_of(base=RIGHT), {"calc.py": RIGHT + "\n"}),
    "breaks what worked": ({}, brief_of(), {"calc.py": "def add(a, b):\n    return 5\n"}),
    "loud": ({}, brief_of(), {"calc.py": LOUD}),
    "endless": ({"timeout": 12}, brief_of(), {"calc.py": "def add(a, b):\n    while True: pass\n"}),
    "sleeping tests": ({"timeout": 6}, brief_of(SLEEPING), {"calc.py": RIGHT}),
    "syntax": ({"base_run": False}, brief_of(), {"calc.py": "def add(a, b)\n    return a\n"}),
    "other name": ({}, brief_of(base=""), {"calc.py": "def plus(a, b):\n    return a + b\n"}),
    "needs a library": ({}, brief_of(), {"calc.py": "import no_such_library\n" + RIGHT}),
    "wrong, and a test lacks a library": ({}, brief_of(LATE_IMPORT), {"calc.py": BASE + "\n"}),
    "wrong file": ({}, brief_of(base=None, prompt="Write calc.py with add()."), {"a.py": RIGHT, "b.py": RIGHT}),
    "skips": ({}, brief_of(SKIPPING), {"calc.py": RIGHT}),
    "skips, no base": ({}, brief_of(SKIPPING, base=None), {"calc.py": RIGHT}),
    "expected failure": ({}, brief_of(XFAILING), {"calc.py": RIGHT}),
    "expected ids": ({"expected": EXPECTED}, brief_of(), {"calc.py": RIGHT}),
    "rewrites the tests": ({}, brief_of(), {"calc.py": RIGHT, "test_calc.py": "def test_add(): pass\n"}),
    "plug-in": ({"plugins": ["pytest_no_such"], "base_run": False}, brief_of(), {"calc.py": RIGHT}),
    **{f"lacking {name}": ({}, brief_of(tests), {"calc.py": RIGHT}) for name, (tests, _) in LACKING.items()},
}


@pytest.fixture(scope="module")
def verdicts():
    """Every case judged once, several at a time."""

    def judge_one(case):
        options, brief, files = case
        return judged(pytest_suite(**{"rerun_flaky": False, **options}), brief, files)

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(CASES, pool.map(judge_one, CASES.values()), strict=True))


class TestReal:
    """Everything below runs processes in the sandbox."""

    pytestmark = needs_bwrap

    def test_the_evidence_names_what_was_run_and_seen(self, verdicts):
        """A verdict can be checked by a person: command, versions, hashes, counts, isolation."""
        verdict = verdicts["right"]

        assert verdict.passed
        assert verdict.evidence["counts"] == {"passed": 2}
        assert verdict.evidence["expected"] == verdict.evidence["collected"] == 2
        assert verdict.evidence["base"] == "1 of 2 failed"
        assert verdict.evidence["sentinel"] == "failed as it must"
        assert len(verdict.evidence["tests"]["test_calc.py"]) == 64
        assert verdict.evidence["python"].startswith("3.")
        assert verdict.isolation.kind == "bwrap"

    def test_the_untouched_project_is_run_once_a_task(self):
        """Two attempts at one task cost three runs, not four."""
        validator, counting = pytest_suite(rerun_flaky=False), Counting()

        judged(validator, brief_of(), {"calc.py": RIGHT}, counting)
        judged(validator, brief_of(), {"calc.py": BASE}, counting)

        assert len(counting.commands) == 3

    def test_tests_that_passed_before_lower_the_confidence(self, verdicts):
        """Tests that the untouched project passes say nothing about the change, and the verdict says that."""
        verdict = verdicts["passed before"]

        assert (verdict.status, verdict.confidence) == ("passed", 0.5)
        assert verdict.evidence["base"] == "all passed"
        assert "no evidence" in verdict.hint

    def test_a_test_broken_by_the_answer_is_named_as_such(self, verdicts):
        """The model is told that it broke what worked."""
        verdict = verdicts["breaks what worked"]

        assert verdict.failed
        assert "test_calc.py::test_zero (it passed before your change)" in verdict.feedback

    def test_feedback_is_short_and_free_of_control_characters(self, verdicts):
        """Output of the answer reaches the next prompt trimmed and harmless."""
        verdict = verdicts["loud"]

        assert verdict.failed
        assert len(verdict.feedback) < 2000
        assert "\x1b" not in verdict.feedback
        assert "/trusted/" not in verdict.feedback

    def test_an_endless_loop_fails_with_the_test_it_hung_in(self, verdicts):
        """A hang is the answer's fault where the untouched project does not hang."""
        verdict = verdicts["endless"]

        assert verdict.failed
        assert "longer than 12 s" in verdict.feedback
        assert "test_calc.py::test_add" in verdict.feedback

    def test_tests_that_hang_by_themselves_are_not_the_answers_fault(self, verdicts):
        """Where the untouched project hangs as well, nothing is decided."""
        verdict = verdicts["sleeping tests"]

        assert (verdict.status, verdict.reason) == ("inconclusive", "error")
        assert "even without the answer" in verdict.hint

    def test_a_syntax_error_in_the_answer_fails_with_the_line(self, verdicts):
        """An answer that does not import is failed and told the error."""
        verdict = verdicts["syntax"]

        assert verdict.failed
        assert "SyntaxError" in verdict.feedback
        assert "calc.py" in verdict.feedback

    def test_a_name_that_the_answer_does_not_define_fails(self, verdicts):
        """ImportError for a name of the answer's own module is the answer's fault."""
        verdict = verdicts["other name"]

        assert verdict.failed
        assert "cannot import name 'add'" in verdict.feedback

    def test_a_module_that_the_answer_alone_needs_fails(self, verdicts):
        """An answer that imports what is not installed is failed, and told the module."""
        verdict = verdicts["needs a library"]

        assert verdict.failed
        assert "no_such_library" in verdict.feedback

    @pytest.mark.parametrize("name", LACKING)
    def test_what_the_tests_lack_here_is_never_blamed_on_the_answer(self, verdicts, name):
        """Tests that no answer could pass on this machine decide nothing, and the verdict says what they lack."""
        verdict = verdicts[f"lacking {name}"]

        assert (verdict.status, verdict.reason) == ("inconclusive", "error"), verdict
        assert LACKING[name][1] in verdict.hint

    @pytest.mark.parametrize("text", ["x = 1\n", SKIPPED])
    def test_tests_that_never_run_decide_nothing(self, text):
        """A file without a test, and one whose tests are all skipped, are no reason to ask a dearer model."""
        brief = brief_of(text)

        verdict = judged(pytest_suite(), brief, {"calc.py": RIGHT})
        assert (verdict.status, verdict.reason) == ("inconclusive", "error")
        assert "Give tests that run" in verdict.hint

    def test_a_wrong_answer_fails_even_where_some_tests_cannot_be_judged(self, verdicts):
        """A test that can be judged and fails is enough."""
        verdict = verdicts["wrong, and a test lacks a library"]

        assert verdict.failed
        assert verdict.evidence["not_judged"] == ["test_calc.py::test_more"]

    def test_a_module_the_prompt_asks_for_is_the_answers_to_write(self, verdicts):
        """An answer in the wrong file fails if the task named the right one."""
        verdict = verdicts["wrong file"]

        assert verdict.failed
        assert "No module named 'calc'" in verdict.feedback

    @pytest.mark.parametrize("name", ["skips", "skips, no base", "expected failure"])
    def test_skips_in_the_tests_own_text_are_allowed(self, verdicts, name):
        """A test that its own text skips, or expects to fail, does not stop a right answer."""
        assert verdicts[name].passed

    def test_tests_the_caller_expects_must_be_there(self, verdicts):
        """Expected ids from the caller are held to, also where the files define fewer."""
        verdict = verdicts["expected ids"]

        assert verdict.failed
        assert "test_gone" in verdict.feedback

    def test_a_change_to_the_tests_is_left_out_and_noted(self, verdicts):
        """The answer's version of a trusted file is never laid out."""
        verdict = verdicts["rewrites the tests"]

        assert verdict.passed
        assert "test_calc.py left out" in verdict.evidence["notes"][0]

    def test_a_missing_plug_in_makes_it_unavailable(self, verdicts):
        """A plug-in named in the options must be installed."""
        verdict = verdicts["plug-in"]

        assert (verdict.status, verdict.reason) == ("inconclusive", "unavailable")
        assert "pytest_no_such" in verdict.hint

    def test_a_conftest_that_turns_failures_round_proves_nothing(self, tmp_path):
        """If a test that must fail passes without the answer, no result of these tests is believed."""
        (tmp_path / "calc.py").write_text(BASE)
        (tmp_path / "conftest.py").write_text(
            "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True, tryfirst=True)\n"
            "def pytest_pyfunc_call(pyfuncitem):\n    outcome = yield\n    outcome.force_result(True)\n"
        )
        brief = brief_of(workspace=tmp_path)

        verdict = judged(pytest_suite(), brief, {"calc.py": BASE + "\n"})
        assert (verdict.status, verdict.reason) == ("inconclusive", "error")
        assert "trusted_conftest" in verdict.hint

        assert judged(pytest_suite(trusted_conftest=False), brief, {"calc.py": RIGHT}).passed


class TestFlaky:
    """A failing test is run again before it counts."""

    pytestmark = needs_bwrap

    def judge_with_a_bad_moment(self, code: str):
        """The first run of the right answer meets a bad moment: another answer is run in its place."""
        seen = []

        def flaky(step):
            result = perform(step)
            seen.append(step.command)
            if len(seen) == 2:
                return perform(
                    type(step)(command=_with_files(step.command, {**step.command.files, "calc.py": code}))
                )
            return result

        return judged(pytest_suite(), brief_of(), {"calc.py": RIGHT}, flaky), len(seen)

    def test_a_new_test_that_passes_the_second_time_asks_for_a_look(self):
        """Whether the answer or the test wavers cannot be told: the verdict is a person's, and the test is named."""
        verdict, _ = self.judge_with_a_bad_moment("def add(a, b):\n    return a\n")

        assert (verdict.status, verdict.reason) == ("inconclusive", "suspicious")
        assert verdict.evidence["flaky"] == ["test_calc.py::test_add"]
        assert "test_calc.py::test_add" in verdict.hint

    def test_a_test_that_was_steady_before_may_not_waver_now(self):
        """It is run once more with the answer and once more without, and counts against the answer."""
        verdict, runs = self.judge_with_a_bad_moment("def add(a, b):\n    return 5\n")

        assert verdict.failed
        assert verdict.evidence["flaky"] == ["test_calc.py::test_zero"]
        assert "it passed before your change" in verdict.feedback
        assert runs == 4

    def test_a_test_that_fails_twice_fails(self):
        """The second run confirms the first, and costs one more process."""
        counting = Counting()
        verdict = judged(pytest_suite(), brief_of(), {"calc.py": "def add(a, b):\n    return 5\n"}, counting)

        assert verdict.failed
        assert len(counting.commands) == 3


def _with_files(command, files):
    return replace(command, files=files)
