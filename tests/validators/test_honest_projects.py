"""Right answers pass, however their tests are written: rewriting them changes nothing but who compares."""

from typing import ClassVar

import pytest

from escalator.records import Brief
from escalator.validators.tests.suite import pytest_suite
from validators.honest import MODULES, RIGHT, STUB
from validators.judging import judged, needs_bwrap

pytestmark = [*needs_bwrap, pytest.mark.slow]

HEAD = "import pytest\nfrom calc import f, g\n\n\n"
PLAIN = HEAD + "def test_it():\n    assert f(2) == 4\n"


def judge(root, tests, answer=None, *, project=None, options=None, prompt="Write f() and g()."):
    """The verdict on an answer to a project whose `calc.py` is a stub."""
    for path, text in {"calc.py": STUB, **(project or {}), **tests}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode("utf-8", "surrogatepass"))
    brief = Brief(task_id=root.name, prompt=prompt, workspace=root, files={"calc.py": STUB}, tests=tests)
    return judged(pytest_suite(**{"timeout": 60, **(options or {})}), brief, answer or {"calc.py": RIGHT})


def test_a_right_answer_passes_whatever_its_tests_look_like(tmp_path):
    """Every module of `honest`, in one project."""
    tests = {f"tests/test_{number}.py": text for number, text in enumerate(MODULES.values())}
    verdict = judge(tmp_path, tests)

    assert verdict.passed, f"{list(MODULES)}\n{verdict.feedback}"
    assert verdict.evidence["compared"]["blind"] > 15


def test_no_right_answer_passes_the_twin(tmp_path):
    """Nor is any test said to pass whatever it expects, where all of them are doubted."""
    tests = {f"tests/test_{number}.py": text for number, text in enumerate(MODULES.values())}
    verdict = judge(tmp_path, tests, options={"blind": False, "sentinels": "always"})

    assert verdict.passed, f"{list(MODULES)}\n{verdict.feedback}"
    assert verdict.evidence["twin"]["tests"] == verdict.evidence["twin"]["failed"] > 20


@pytest.mark.clock
def test_failing_may_take_longer_than_passing(tmp_path):
    """A project that words its failures at length is given the time for it: the twin is nothing but failures."""
    conftest = (
        "import time\n\n\ndef pytest_assertrepr_compare(op, left, right):\n"
        "    time.sleep(20 if left == 4 else 0)\n    return ['at length']\n"
    )
    options = {"timeout": 15, "blind": False, "sentinels": "always"}
    verdict = judge(
        tmp_path, {"tests/test_calc.py": PLAIN}, project={"tests/conftest.py": conftest}, options=options
    )

    assert verdict.passed, verdict
    assert verdict.evidence["twin"]["failed"] == 1


class TestConftest:
    """What a project's conftest does with its tests is still done."""

    def test_it_may_expect_tests_to_fail(self, tmp_path):
        """A mark that is set while tests are collected stands in no text of theirs."""
        conftest = (
            "import pytest\n\n\ndef pytest_collection_modifyitems(items):\n    for item in items:\n"
            "        if item.name == 'test_later':\n            item.add_marker(pytest.mark.xfail(strict=True))\n"
        )
        tests = {"tests/test_calc.py": PLAIN + "\n\ndef test_later():\n    assert f(2) == 5\n"}
        verdict = judge(tmp_path, tests, project={"tests/conftest.py": conftest})

        assert (verdict.status, verdict.confidence) == ("passed", 1.0), verdict

    def test_it_may_name_tests_after_their_values(self, tmp_path):
        """Then all of them are run as they are written."""
        conftest = "def pytest_make_parametrize_id(config, val, argname):\n    return f'{argname}={val!r}'\n"
        text = HEAD + "@pytest.mark.parametrize('x, want', [(1, 2), (2, 4)])\ndef test_a(x, want):\n"
        tests = {"tests/test_calc.py": text + "    assert f(x) == want\n"}
        verdict = judge(tmp_path, tests, project={"tests/conftest.py": conftest})

        assert verdict.passed, verdict
        assert verdict.evidence["compared"] == {"blind": 0, "as objects": 2}


class TestNames:
    """Tests are known by the names that pytest gives them."""

    def test_the_names_of_a_caller_are_found(self, tmp_path):
        """Bytes among them, and those that pytest numbers."""
        text = HEAD + (
            "@pytest.mark.parametrize('x, want', [(b'a', b'aa'), ('', ''), ('a', 'aa'), (b'\\n', b'\\n\\n')])\n"
            "def test_a(x, want):\n    assert f(x) == want\n"
        )
        expected = [f"tests/test_calc.py::test_a[{name}]" for name in ("a-aa0", "-", "a-aa1", r"\n-\n\n")]
        verdict = judge(tmp_path, {"tests/test_calc.py": text}, options={"expected": expected})

        assert (verdict.status, verdict.confidence) == ("passed", 1.0), verdict

    def test_tests_may_be_called_otherwise(self, tmp_path):
        """By the settings of their project."""
        text = HEAD + "class CheckIt:\n    def check_a(self):\n        assert f(2) == 4\n"
        settings = {"pytest.ini": "[pytest]\npython_classes = Check\npython_functions = check\n"}

        assert judge(tmp_path, {"tests/test_calc.py": text}, project=settings).passed

    def test_every_class_may_be_one_of_tests(self, tmp_path):
        """Ours are none, and pytest does not warn of them."""
        text = (
            HEAD + "@pytest.mark.parametrize('x, want', [(1, 2)])\ndef test_a(x, want):\n    assert f(x) == want\n"
        )
        settings = {"pytest.ini": "[pytest]\nfilterwarnings = error\npython_classes = *\n"}

        assert judge(tmp_path, {"tests/test_calc.py": text}, project=settings).passed


def test_a_test_that_starts_itself_finds_its_values(tmp_path):
    """Its copy in the project is run by another process."""
    text = HEAD.replace("import pytest", "import os\nimport subprocess\nimport sys\nimport pytest") + (
        "def test_a():\n    assert f(2) == 4\n\n\ndef test_b():\n    if os.environ.get('INNER'):\n        return\n"
        "    words = [sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', 'tests/test_calc.py']\n"
        "    inner = subprocess.run(words, env={**os.environ, 'INNER': '1', 'PYTHONPATH': '.'})\n"
        "    assert inner.returncode == 0\n"
    )

    assert judge(tmp_path, {"tests/test_calc.py": text}).passed


def test_a_number_too_long_to_be_written_out_is_a_wrong_answer(tmp_path):
    """Not a fault of the judge."""
    verdict = judge(
        tmp_path, {"tests/test_calc.py": PLAIN}, {"calc.py": STUB + "\n\ndef f(x):\n    return 2 ** 20000\n"}
    )

    assert verdict.failed
    assert "assert <int> == 4" in verdict.feedback


def test_a_function_that_the_answer_has_to_write_is_not_taken_for_anothers(tmp_path):
    """`isclose` of the answer is what is tested, not that of `math`."""
    text = "from calc import isclose\n\n\ndef test_a():\n    x = 1.5\n    assert isclose(x, 1.5)\n"
    answer = {"calc.py": "def isclose(first, second):\n    return False\n"}

    assert judge(tmp_path, {"tests/test_calc.py": text}, answer, prompt="Write isclose().").failed


class TestNewFiles:
    """A new module of a package takes no name away."""

    TESTS: ClassVar = {"tests/test_calc.py": "from src.inner import f\n\n\ndef test_a():\n    assert f(2) == 4\n"}

    @pytest.mark.parametrize("init", [{}, {"src/__init__.py": ""}], ids=["no package", "a package"])
    @pytest.mark.parametrize("name", ["types", "logging", "utils"])
    def test_a_folder_called_src_may_be_a_package(self, tmp_path, name, init):
        """Then `src/types.py` is `src.types`, whatever lies beside the folder."""
        project = {"src/inner.py": "", "utils.py": "two = 3\n", **init}
        answer = {
            "src/inner.py": f"from src.{name} import two\n\n\ndef f(x):\n    return x * two\n",
            f"src/{name}.py": "two = 2\n",
        }
        verdict = judge(tmp_path, self.TESTS, answer, project=project)

        assert (verdict.status, verdict.confidence) == ("passed", 1.0), verdict

    def test_a_script_called_test_is_no_module_of_python(self, tmp_path):
        """Nobody imports the one that Python has."""
        answer = {"calc.py": RIGHT, "test.py": "from calc import f\n\nprint(f(2))\n"}

        assert judge(tmp_path, {"tests/test_calc.py": PLAIN}, answer).passed
