"""What the second look found: none of these answers passes, and honest ones of the same shape do."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet, Verdict
from escalator.validators import judge
from escalator.validators.tests.suite import pytest_suite
from validators.attacks import BASE, RIGHT, TESTS
from validators.forgeries import FORGERIES, MODULE_TESTS
from validators.judging import judged, needs_bwrap
from validators.sandboxed import perform

pytestmark = [*needs_bwrap, pytest.mark.slow]

HONEST = {
    "the right answer": RIGHT,
    "an answer that makes code": "def add(a, b):\n    return eval('a + b')\n",
    "an answer with a long chain of calls": RIGHT + "\n\ndef build(x):\n    return x" + ".set(1)" * 300 + "\n",
    "an answer in more than ASCII": "# -*- coding: utf-8 -*-\n# größer\n" + RIGHT,
    "an answer with a new module of its own": RIGHT,
}


def brief_of(root, tests: str = TESTS) -> Brief:
    (root / "tests").mkdir(parents=True)
    (root / "calc.py").write_text(BASE)
    (root / "tests" / "test_calc.py").write_text(tests)
    return Brief(
        task_id=root.name,
        prompt="Make add() add.",
        workspace=root,
        files={"calc.py": BASE},
        tests={"tests/test_calc.py": tests},
    )


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory) -> dict[str, Verdict]:
    brief, validator = brief_of(tmp_path_factory.mktemp("project") / "it"), pytest_suite(timeout=20)
    answers = FORGERIES | {name: {"calc.py": code} for name, code in HONEST.items()}
    answers["an answer with a new module of its own"] |= {"extra.py": "x = 1\n"}
    judged(validator, brief, {"calc.py": RIGHT})
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip(answers, pool.map(lambda files: judged(validator, brief, files), answers.values()), strict=True)
        )


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_answer_fails(verdicts, name):
    """It is told what is wrong with it, so that the next attempt can be an honest one."""
    verdict = verdicts[name]

    assert verdict.failed, verdict
    assert verdict.feedback


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_answer_passes_with_full_confidence(verdicts, name):
    """The defences cost a right answer nothing."""
    verdict = verdicts[name]

    assert (verdict.status, verdict.confidence) == ("passed", 1.0), verdict


@pytest.mark.parametrize("way", MODULE_TESTS)
def test_whatever_way_tests_say_what_they_expect_is_guarded(tmp_path, way):
    """An answer that bends it fails or is marked; one that does not passes."""
    tests, bent = MODULE_TESTS[way]
    brief, validator = brief_of(tmp_path / "it", tests), pytest_suite(timeout=20, rerun_flaky=False)
    right = "def add(a, b):\n    return a + b\n"

    assert judged(validator, brief, {"calc.py": right}).passed
    assert not judged(validator, brief, {"calc.py": f"{bent}\n\ndef add(a, b):\n    return a\n"}).passed


class TestObjects:
    """Results of classes of their own are compared in the process that made them, and then doubted."""

    TESTS = "from calc import half\n\n\ndef test_it():\n    assert half(3) == 1.5\n"

    def judge(self, root, code: str, **options) -> Verdict:
        brief = brief_of(root / "it", self.TESTS)
        return judged(
            pytest_suite(timeout=20, **options), replace(brief, prompt="Write half()."), {"calc.py": code}
        )

    def test_an_honest_object_passes(self, tmp_path):
        """A decimal equals 1.5 and nothing else."""
        code = "from decimal import Decimal\n\n\ndef half(n):\n    return Decimal(n) / 2\n"
        verdict = self.judge(tmp_path, code)

        assert (verdict.status, verdict.confidence) == ("passed", 1.0), verdict
        assert verdict.evidence["twin"] == {"tests": 1, "failed": 1}

    def test_a_wrong_object_fails_like_any_wrong_answer(self, tmp_path):
        """The model is told what pytest told."""
        verdict = self.judge(tmp_path, "from decimal import Decimal\n\n\ndef half(n):\n    return Decimal(n)\n")

        assert verdict.failed
        assert "assert Decimal('3') == 1.5" in verdict.feedback

    def test_without_sentinels_it_counts_for_less(self, tmp_path):
        """Nothing but the answer's own process stands behind it then."""
        code = "from decimal import Decimal\n\n\ndef half(n):\n    return Decimal(n) / 2\n"
        verdict = self.judge(tmp_path, code, sentinels="never")

        assert (verdict.status, verdict.confidence) == ("passed", 0.9)
        assert "1 of 1 tests compared values where the answer's own code runs" in verdict.hint


def test_an_answer_that_dies_when_it_is_doubted_goes_to_a_person(tmp_path):
    """What the twin would have shown is not known, and a pass may not rest on that."""
    brief, runs = brief_of(tmp_path / "it", TestObjects.TESTS), []

    def dying_in_the_twin(step):
        runs.append(step.command)
        files = {**step.command.files, **({"calc.py": "import os\n\nos._exit(3)\n"} if len(runs) == 4 else {})}
        return perform(replace(step, command=replace(step.command, files=files)))

    code = "from decimal import Decimal\n\n\ndef half(n):\n    return Decimal(n) / 2\n"
    verdict = judged(pytest_suite(timeout=20), brief, {"calc.py": code}, dying_in_the_twin)

    assert len(runs) == 4
    assert (verdict.status, verdict.reason) == ("inconclusive", "suspicious"), verdict


class TestSentinels:
    """Tests that cannot be compared blind are run again with other expectations, where that is asked for."""

    TESTS = (
        "import pytest\nfrom calc import add\n\n\n@pytest.mark.parametrize('n', range(4))\ndef test_it(n):\n"
        "    with pytest.raises(TypeError):\n        add(n, 'a')\n"
    )

    def test_always_makes_the_difference(self, tmp_path):
        """By default the pass counts for less; with sentinels it counts in full."""
        brief = brief_of(tmp_path / "it", self.TESTS.replace("add(n", "add(n + 0"))
        wrong_before = replace(brief, files={"calc.py": "def add(a, b):\n    return 0\n"})

        plain = judged(pytest_suite(timeout=20), wrong_before, {"calc.py": RIGHT})
        sure = judged(pytest_suite(timeout=20, sentinels="always"), wrong_before, {"calc.py": RIGHT})

        assert (plain.status, plain.confidence) == ("passed", 0.9)
        assert (sure.status, sure.confidence) == ("passed", 1.0)

    def test_a_critical_task_always_has_them(self, tmp_path):
        """Nothing has to be asked for."""
        brief = replace(brief_of(tmp_path / "it", self.TESTS), files={"calc.py": "def add(a, b):\n    return 0\n"})
        candidate = Candidate(brief=brief, changes=ChangeSet(files={"calc.py": RIGHT}), task_type="critical")
        verdict = drive(judge(pytest_suite(timeout=20), candidate), perform)

        assert (verdict.status, verdict.confidence) == ("passed", 1.0)
        assert verdict.evidence["twin"]["tests"] == 4


def test_an_answer_that_is_right_by_chance_is_not_accepted(tmp_path):
    """Wrong in one call of two: failing once and passing then is no pass where the base was steady."""
    code = "import random\n\n\ndef add(a, b):\n    return a + b + (random.random() < 0.5)\n"
    brief, validator = brief_of(tmp_path / "it"), pytest_suite(timeout=20)
    verdicts = [judged(validator, brief, {"calc.py": code}) for _ in range(4)]

    assert sum(verdict.passed for verdict in verdicts) < 4
    assert all(verdict.confidence == 1.0 for verdict in verdicts if verdict.passed)


def test_a_skip_that_the_untouched_project_did_not_have_is_no_excuse(tmp_path):
    """Whatever the decorators say: the test ran before."""
    tests = TESTS.replace(
        "def test_zero", "@pytest.mark.skipif(sys.platform == 'win32', reason='posix')\ndef test_zero"
    )
    brief = brief_of(tmp_path / "it", "import sys\nimport pytest\n" + tests)
    code = "import pytest\n\n\ndef add(a, b):\n    return a + b if a else pytest.skip('not now')\n"

    assert judged(pytest_suite(timeout=20), brief, {"calc.py": code}).failed


def test_a_test_that_passed_may_not_fail_as_expected(tmp_path):
    """`xfail` excuses what failed before, and nothing else."""
    tests = (
        "import pytest\nfrom calc import add\n\n\ndef test_new():\n    assert add(2, 3) == 5\n\n\n"
        "@pytest.mark.xfail(reason='rounding')\ndef test_old():\n    assert add(5, 0) == 5\n"
    )
    brief = brief_of(tmp_path / "it", tests)
    code = "def add(a, b):\n    return 5 if b else 0\n"

    assert judged(pytest_suite(timeout=20), brief, {"calc.py": code}).failed
    assert judged(pytest_suite(timeout=20), brief, {"calc.py": RIGHT}).passed
