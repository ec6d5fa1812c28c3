"""`tests=` takes single tests by pytest's ids, and folders as the project's own settings mean them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from escalator import TaskError, validate
from escalator.execution.briefing import make_brief
from escalator.records import Task, Verdict
from validators.judging import needs_bwrap


def run(test: Callable[..., None]) -> Callable[..., None]:
    """A test that runs tests for real."""
    for mark in (pytest.mark.slow, *needs_bwrap):
        test = mark(test)
    return test


RIGHT, WRONG = "def add(a, b):\n    return a + b\n", "def add(a, b):\n    return a - b - 9\n"
TESTS = """\
import unittest

import pytest

from adding import add


def test_two():
    assert add(1, 1) == 2


def test_open():
    assert add(1, 1) == 3


class TestMore:
    def test_three(self):
        assert add(1, 2) == 3

    def test_open(self):
        assert add(1, 2) == 4


@pytest.mark.parametrize(("b", "c"), [(1, 2), (2, 4)], ids=["good", "b::d [x]"])
def test_rows(b, c):
    assert add(1, b) == c


class Base(unittest.TestCase):
    def test_inherited(self):
        self.assertEqual(add(2, 2), 4)


class TestBelow(Base):
    pass
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in which one function is to be mended."""
    write(tmp_path, {"adding.py": "def add(a, b):\n    return None\n", "tests/test_adding.py": TESTS})
    return tmp_path


def write(root: Path, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)


def verdict(root: Path, text: str, *tests: str, **options: Any) -> Verdict:
    (said,) = validate(
        {"adding.py": text},
        "Make add() add.",
        workspace=root,
        files=["adding.py"],
        tests=tests,
        validators=[{"tests": {"timeout": 60, **options}}],
    )
    return said


NAMED = [
    ["test_two"],
    ["TestMore::test_three"],
    ["test_rows[good]"],
    ["TestBelow::test_inherited", "test_two"],
]


@run
@pytest.mark.parametrize("names", NAMED, ids=" ".join)
def test_only_the_named_tests_count(root: Path, names: list[str]) -> None:
    """Others of the file fail whatever the answer does, and are neither run nor expected."""
    tests = [f"tests/test_adding.py::{name}" for name in names]
    good, bad = verdict(root, RIGHT, *tests, sentinels="always"), verdict(root, WRONG, *tests)
    assert good.passed, good
    assert (good.evidence["collected"], bad.status) == (len(names), "failed")


@run
def test_a_file_beside_a_single_test_counts_as_a_whole(root: Path) -> None:
    """What is named by its file is run whole, and both are compared where the answer does not run."""
    write(root, {"tests/test_whole.py": "from adding import add\n\n\ndef test_a():\n    assert add(0, 1) == 1\n"})
    said = verdict(root, RIGHT, "tests/test_whole.py", "tests/test_adding.py::test_two")
    assert said.passed, said
    assert (said.evidence["collected"], said.evidence["compared"]["blind"], said.confidence) == (2, 2, 1.0)


@run
def test_parameters_that_a_test_does_not_have_are_nobodys_fault(root: Path) -> None:
    """The text alone does not tell the ids of parameters; the run does, and no answer is blamed."""
    said = verdict(root, RIGHT, "tests/test_adding.py::test_rows[bad]")
    assert (said.status, said.reason) == ("inconclusive", "error"), said
    assert "There is no test tests/test_adding.py::test_rows[bad]" in said.hint


def brief_of(root: Path, *tests: str) -> Any:
    return make_brief(Task(prompt="x", workspace=root, files=["adding.py"], tests=tests))


def test_the_file_of_a_single_test_is_trusted_as_a_whole(root: Path) -> None:
    """Its whole text is there and protected; a file that is given as well needs no selection."""
    brief = brief_of(root, "tests/test_adding.py::test_two", "./tests/test_adding.py::TestMore")
    assert brief.selected == ("tests/test_adding.py::test_two", "tests/test_adding.py::TestMore")
    assert (dict(brief.tests), brief.protected) == ({"tests/test_adding.py": TESTS}, ("tests/test_adding.py",))
    assert brief_of(root, "tests", "tests/test_adding.py::test_two").selected == ()


MISSPELT = {
    "tests/test_addin.py::test_two": "did you mean 'tests/test_adding.py'?",
    "tests/test_adding.py::test_too": "did you mean 'test_two'?",
    "tests/test_adding.py::TestMor::test_three": "did you mean 'TestMore'?",
    "tests/test_adding.py::TestMore::test_tree": "did you mean 'test_three'?",
    "tests/test_adding.py::TestBelow::gone_for_good": "pytest --collect-only",
    "tests/test_adding.py::": "write tests/test_adding.py::test_name",
    "tests::test_two": "name the file alone",
    "tests/*.py::test_two": "name the file it stands in",
    "web/adding.test.js::adds": "ids of single tests are pytest's",
    "../tests/test_adding.py::test_two": "inside the workspace",
}


@pytest.mark.parametrize("test", MISSPELT)
def test_a_misspelt_test_is_an_error_before_anybody_is_asked(root: Path, test: str) -> None:
    """With what was probably meant."""
    with pytest.raises(TaskError) as told:
        brief_of(root, test)
    assert MISSPELT[test] in str(told.value)


UNKNOWABLE = {
    "an imported test": ("from adding import *\n", "::test_it"),
    "a test that was assigned": ("test_it = make()\n", "::test_it"),
    "a class with a base from elsewhere": (
        "from base import Shared\n\n\nclass TestIt(Shared):\n    pass\n",
        "::TestIt::test_it",
    ),
    "a test in a branch": ("if True:\n    def test_it():\n        pass\n", "::test_it"),
    "a file that does not parse": ("def test_it(:\n", "::test_it"),
}


@pytest.mark.parametrize("name", UNKNOWABLE)
def test_what_the_text_cannot_tell_is_no_error(root: Path, name: str) -> None:
    """Tests come by other ways than a definition; whether they are there is seen when they run."""
    text, test = UNKNOWABLE[name]
    write(root, {"tests/test_other.py": text})
    assert brief_of(root, f"tests/test_other.py{test}").selected == (f"tests/test_other.py{test}",)


def test_texts_may_be_given_by_the_ids_of_their_tests() -> None:
    """{id: content of its file}: as verifying an outcome gives them again."""
    given = {"test_a.py::test_two": TESTS, "test_a.py::TestMore": TESTS, "conftest.py": ""}
    brief = make_brief(Task(prompt="x", files={"adding.py": ""}, tests=given))
    assert sorted(brief.tests) == ["conftest.py", "test_a.py"]
    assert brief.selected == ("test_a.py::test_two", "test_a.py::TestMore")
    with pytest.raises(TaskError, match="two contents"):
        make_brief(Task(prompt="x", tests={"test_a.py::test_two": TESTS, "test_a.py": ""}))


CUSTOM = "[pytest]\npython_files = check_*.py\npython_classes = Describe\npython_functions = it_* check\n"
CHECKS = """\
from adding import add


def it_adds():
    assert add(1, 2) == 3


def test_of_something_else():
    assert False


class DescribeAdd:
    def check_more(self):
        assert add(2, 2) == 4


class TestNot:
    def it_is_not_run(self):
        assert False
"""


def test_settings_say_which_files_of_a_folder_are_tests(root: Path) -> None:
    """A file that is named itself, or by a pattern, is one whatever it is called."""
    write(root, {"pytest.ini": CUSTOM, "tests/check_it.py": CHECKS})
    assert brief_of(root, "tests").helpers == ("tests/test_adding.py",)
    for named in ("tests/test_adding.py", "tests/*.py"):
        assert brief_of(root, "tests", named).helpers == ()
    (root / "pytest.ini").unlink()
    assert brief_of(root, "tests").helpers == ()


@run
@pytest.mark.parametrize("base_run", [True, False])
def test_settings_say_which_functions_are_expected(root: Path, base_run: bool) -> None:
    """Those that the settings call tests, by the run of the untouched project and by the text alone."""
    write(root, {"pytest.ini": CUSTOM, "tests/check_it.py": CHECKS})
    for given in ("tests", "tests/check_it.py"):
        good = verdict(root, RIGHT, given, base_run=base_run)
        assert good.passed, good
        assert (good.evidence["collected"], good.evidence["expected"]) == (2, 2)
    assert verdict(root, WRONG, "tests", base_run=base_run).failed
