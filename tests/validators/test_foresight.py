"""What the tests' run on the untouched project tells of every answer, before one is paid for."""

from pathlib import Path

import pytest

from escalator.flow import drive
from escalator.records import Brief
from escalator.validators.tests.suite import pytest_suite
from validators.judging import needs_bwrap
from validators.sandboxed import perform
from validators.test_real_projects import ASKED, BROKEN, LACKING, LAZY, PLAIN, UNDONE

pytestmark = [*needs_bwrap, pytest.mark.slow]


def foreseen(root: Path, project, *, prompt="Make add() add.", target="ours/core.py", timeout=30):
    """What is foreseen of a task that gives one file to be changed."""
    for path, text in {target: BROKEN, **project}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    tests = {path: text for path, text in project.items() if Path(path).name.startswith("test_")}
    files = {target: (root / target).read_text()}
    brief = Brief(task_id=root.name, prompt=prompt, workspace=root, files=files, tests=tests)
    validator = pytest_suite(timeout=timeout)
    assert validator.foresees(brief) is None, "nothing is known before the run"
    drive(validator.prepare(brief), perform)
    return validator.foresees(brief)


OURS = {"ours/__init__.py": ""}
GONE = "import gone_for_good\n\n\ndef test_it():\n    assert gone_for_good\n"
MORE_LACKING = {
    "a module that the project says it needs": (
        {
            **OURS,
            "pyproject.toml": "[project]\ndependencies = ['gone-for-good>=2']\n",
            "tests/test_core.py": "import gone_for_good\n\n\ndef test_it():\n    assert gone_for_good\n",
        },
        "gone_for_good",
    ),
    "a module that code which is not given imports": (
        {"ours/__init__.py": "import gone_for_good\n", "tests/test_core.py": PLAIN},
        "gone_for_good",
    ),
    "a module that conftest.py imports": (
        {**OURS, "requirements-dev.txt": "gone_for_good\n", "conftest.py": GONE, "tests/test_core.py": PLAIN},
        "gone_for_good",
    ),
    "a fixture of a plug-in": (
        {**OURS, "tests/test_core.py": "def test_it(page_of_nobody):\n    assert page_of_nobody\n"},
        "page_of_nobody",
    ),
    "a conftest.py that skips every test": (
        {
            **OURS,
            "conftest.py": "import pytest\n\n\ndef pytest_collection_modifyitems(items):\n    for item in items:\n"
            "        item.add_marker(pytest.mark.skip)\n",
            "tests/test_core.py": PLAIN,
        },
        "must fail does not",
    ),
}


@pytest.mark.parametrize("name", [*LACKING, *MORE_LACKING])
def test_what_no_answer_could_mend_is_foreseen(tmp_path, name):
    """The verdict is that of a validator that cannot run here, with the line that mends it."""
    project, told = {**LACKING, **MORE_LACKING}[name]
    verdict = foreseen(tmp_path, {"tests/test_core.py": PLAIN, **project})

    assert (verdict.status, verdict.reason) == ("inconclusive", "unavailable"), verdict
    assert told in verdict.hint


OPEN = {
    "a module that the task may want": {
        **OURS,
        "tests/test_core.py": "from shapes import Square\n\n\ndef test_it():\n    assert Square\n",
    },
    "a module that the task speaks of": {
        **OURS,
        "pyproject.toml": "[project]\nname = 'gone_for_good'\n",
        "tests/test_core.py": GONE,
    },
    "settings that name what may be wanted": {
        **OURS,
        "pytest.ini": "[pytest]\nfilterwarnings =\n    error\n    ignore::ours.core.ItsWarning\n",
        "tests/test_core.py": PLAIN,
    },
    "a conftest.py that wants a new name": {
        **OURS,
        "conftest.py": "from ours.core import sub\n",
        "tests/test_core.py": PLAIN,
    },
    "one test of two": {
        **OURS,
        "tests/test_core.py": PLAIN + "\n\ndef test_more(page_of_nobody):\n    assert page_of_nobody\n",
    },
    "an endless loop": {
        **OURS,
        "ours/core.py": "while True:\n    pass\n",
        "tests/test_core.py": PLAIN,
    },
}


@pytest.mark.parametrize("name", [*ASKED, *UNDONE, *OPEN])
def test_what_an_answer_may_mend_is_left_open(tmp_path, name):
    """The same run, and the task could want exactly that: models are asked."""
    prompt = "Write gone_for_good, so that it works." if "speaks" in name else "Make it work."
    project = {"ours/__init__.py": "", "ours/core.py": LAZY, **{**ASKED, **UNDONE, **OPEN}[name]}
    timeout = 4 if "endless" in name else 30

    assert foreseen(tmp_path, project, prompt=prompt, timeout=timeout) is None
