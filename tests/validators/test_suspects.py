"""A test is suspect only where no change of the task's files could make it pass; wrong answers alone prove nothing."""

from pathlib import Path

import pytest

from escalator.records import Brief
from escalator.validators.tests.suite import pytest_suite
from validators.judging import judged, needs_bwrap

pytestmark = [*needs_bwrap, pytest.mark.slow]

BASE = "LIMIT = 3\nNAME = None\n\n\ndef f(n):\n    return None\n\n\nclass Box:\n    size = 0\n"
LAZY = (BASE + "\n\nDONE = 1\n", BASE + "\n\nDONE = 2\n")
"""Two answers that change the file and nothing that a test sees."""


def last_of(root: Path, project, answers=LAZY, **options):
    """The evidence of the second of two failed verdicts on a project whose core.py is to be changed."""
    for path, text in {"core.py": BASE, **project}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    brief = Brief(
        task_id=root.name,
        prompt="Make it work.",
        workspace=root,
        files={"core.py": project.get("core.py", BASE)},
        tests={path: text for path, text in project.items() if Path(path).name.startswith("test_")},
    )
    validator = pytest_suite(timeout=60, rerun_flaky=False, **options)
    verdicts = [judged(validator, brief, {"core.py": answer}) for answer in answers]
    assert all(verdict.failed for verdict in verdicts), verdicts
    assert "independent" not in verdicts[0].evidence, "one answer is no evidence"
    return verdicts[-1].evidence


HONEST = {
    "a value": "def test_it():\n    assert core.f(1) == 3\n",
    "a value compared where the answer runs": "def test_it():\n    got = core.f(1)\n    assert got == [3][0], 'no'\n",
    "a constant": "def test_it():\n    assert core.LIMIT == 4\n",
    "nothing, by identity": "def test_it():\n    assert core.NAME is not None\n",
    "a name that is not there": "def test_it():\n    assert core.sub\n",
    "an attribute of what is given back": "def test_it():\n    assert core.f(1).real == 3\n",
    "a class below another": "class Mine(core.Box):\n    pass\n\n\ndef test_it():\n    assert Mine.size == 4\n",
    "an error that is not raised": "def test_it():\n    with pytest.raises(ValueError):\n        core.f(-1)\n",
    "an error that is swallowed": "def test_it():\n    try:\n        good = core.f(1) > 2\n    except Exception:\n"
    "        good = False\n    assert good\n",
    "a program's status": "def test_it():\n    code = 'import core; core.f(1) + 1'\n"
    "    assert subprocess.run([sys.executable, '-c', code]).returncode == 0\n",
    "a program that must go well": "def test_it():\n"
    "    subprocess.run([sys.executable, '-c', 'import core; core.f(1) + 1'], check=True)\n",
    "a program's output": "def test_it():\n    code = 'import core; print(core.f(1) + 1)'\n"
    "    shown = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)\n"
    "    assert shown.stdout == '4'\n",
    "the text of the file": "def test_it():\n"
    "    assert 'ready' in Path(core.__file__).read_text()[:0] + str(core.f(1))\n",
    "a file that it writes": "def test_it(tmp_path):\n    core.f(tmp_path / 'x')\n    assert (tmp_path / 'x').exists()\n",
    "a set-up that uses it": "@pytest.fixture\ndef three():\n    return core.f(1) + 1\n\n\n"
    "def test_it(three):\n    assert three\n",
}
HEAD = "import subprocess\nimport sys\nfrom pathlib import Path\n\nimport core\nimport pytest\n\n\n"


@pytest.mark.parametrize("name", HONEST)
def test_a_wrong_answer_that_leaves_a_failure_as_it_was_makes_no_test_suspect(tmp_path, name):
    """Two answers do nothing, the test fails as before, and yet another answer could make it pass."""
    assert "independent" not in last_of(tmp_path, {"tests/test_core.py": HEAD + HONEST[name]}), name


SUSPECT = {
    "a slip of the pen": {
        "tests/test_core.py": HEAD + "def test_it():\n    three = excepted\n    assert core.f(1) == three\n"
    },
    "another file of the project": {
        "other.py": "def g():\n    return 1\n",
        "tests/test_core.py": HEAD + "import other\n\n\ndef test_it():\n    assert other.g() == 2\n",
    },
    "a set-up of its own": {
        "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef three():\n    return [][3]\n",
        "tests/test_core.py": HEAD + "def test_it(three):\n    assert core.f(three) == 3\n",
    },
    "a helper that was not finished": {
        "tests/helper.py": "raise ValueError('to be written')\n",
        "tests/test_core.py": HEAD + "import helper\n\n\ndef test_it():\n    assert core.f(1) == helper.three\n",
    },
}


@pytest.mark.parametrize("name", SUSPECT)
def test_a_test_that_never_comes_to_the_tasks_files_is_suspect(tmp_path, name):
    """It fails in its own words whatever these hold."""
    evidence = last_of(tmp_path, SUSPECT[name])
    assert evidence["independent"] == evidence["unchanged"], evidence
    assert len(evidence["independent"]) == 1


def test_an_answer_that_changes_none_of_the_tasks_files_is_no_evidence(tmp_path):
    """It was not tried whether they matter."""
    project = {
        "tests/test_core.py": HEAD + "def test_it():\n    three = excepted\n    assert core.f(1) == three\n"
    }
    assert "unchanged" not in last_of(tmp_path, project, answers=(BASE, BASE))
