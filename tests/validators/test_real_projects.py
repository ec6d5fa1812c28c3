"""Projects as they are: tests find what they look for, and what the machine lacks is not the answer's fault."""

from pathlib import Path

import pytest

from escalator.records import Brief, Verdict
from escalator.validators.tests.suite import pytest_suite
from validators.judging import judged, needs_bwrap

pytestmark = [*needs_bwrap, pytest.mark.slow]

BROKEN = "def add(a, b):\n    return None\n"
GOOD = "def add(a, b):\n    return a + b\n"
BAD = "def add(a, b):\n    return a * b - 7\n"


def both(
    root: Path, project: dict[str, str | bytes], *, target: str = "calc.py", **options
) -> tuple[Verdict, Verdict]:
    """The verdicts on a right and on a wrong answer that changes `target`, judged by what lies in tests/."""
    for path, content in {target: BROKEN, **project}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    tests = {path: text for path, text in project.items() if Path(path).name.startswith("test_")}
    brief = Brief(task_id=root.name, prompt="Make add() add.", workspace=root, files={target: BROKEN}, tests=tests)
    validator = pytest_suite(timeout=30, **options)
    return judged(validator, brief, {target: GOOD}), judged(validator, brief, {target: BAD})


HERE = "from pathlib import Path\n\nfrom calc import add\n\nROOT = Path(__file__).resolve().parents[1]\n\n\n"

PLACES: dict[str, dict[str, str | bytes]] = {
    "a file beside the folder of tests": {
        "samples/three.txt": "3",
        "tests/test_calc.py": HERE
        + "def test_it():\n    assert add(1, 2) == int((ROOT / 'samples/three.txt').read_text())\n",
    },
    "the root that pytest knows": {
        "three.txt": "3",
        "tests/test_calc.py": "from calc import add\n\n\ndef test_it(pytestconfig):\n"
        "    assert add(1, 2) == int((pytestconfig.rootpath / 'three.txt').read_text())\n",
    },
    "a binary file": {
        "tests/three.bin": b"\0\3",
        "tests/test_calc.py": HERE
        + "def test_it():\n    assert add(1, 2) == Path(__file__).with_name('three.bin').read_bytes()[1]\n",
    },
    "a folder that conftest.py makes importable": {
        "conftest.py": "import pathlib\nimport sys\n\n"
        "sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / 'vendored'))\n",
        "vendored/ours.py": "THREE = 3\n",
        "tests/test_calc.py": "from calc import add\nfrom ours import THREE\n\n\n"
        "def test_it():\n    assert add(1, 2) == THREE\n",
    },
    "an interpreter that imports the project": {
        "tests/test_calc.py": "import subprocess\nimport sys\n\n\ndef test_it():\n"
        "    code = 'from calc import add; print(add(1, 2))'\n"
        "    shown = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)\n"
        "    assert shown.stdout == '3\\n'\n",
    },
    "a neighbour among the tests": {
        "tests/__init__.py": "",
        "tests/unit/__init__.py": "",
        "tests/unit/helper.py": "from pathlib import Path\n\nTHREE = int(Path(__file__).with_name('n.txt').read_text())\n",
        "tests/unit/n.txt": "3",
        "tests/unit/test_calc.py": "from calc import add\n\nfrom .helper import THREE\n\n\n"
        "def test_it():\n    assert add(1, 2) == THREE\n",
    },
}


@pytest.mark.parametrize("name", PLACES)
def test_tests_reach_the_project_from_their_own_place(tmp_path, name):
    """The right answer passes, and the wrong one does not."""
    right, wrong = both(tmp_path, PLACES[name])

    assert right.passed, right
    assert wrong.failed, wrong


SETTINGS: dict[str, tuple[str, dict[str, str | bytes]]] = {
    "a project within a project": (
        "backend/app/calc.py",
        {
            "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['nowhere']\n",
            "backend/pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['app']\n",
            "backend/tests/test_calc.py": "from calc import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n",
        },
    ),
    "a package of a project within a project": (
        "backend/src/calc.py",
        {
            "backend/pytest.ini": "[pytest]\n",
            "backend/tests/test_calc.py": "from calc import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n",
        },
    ),
    "setuptools, with a folder of its own": (
        "lib/calc.py",
        {
            "pyproject.toml": "[tool.setuptools.package-dir]\n'' = 'lib'\n",
            "tests/test_calc.py": "from calc import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n",
        },
    ),
    "setuptools, as it was written once": (
        "lib/calc.py",
        {
            "setup.cfg": "[options]\npackage_dir =\n    = lib\n",
            "tests/test_calc.py": "from calc import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n",
        },
    ),
    "poetry, with a folder of its own": (
        "lib/calc/__init__.py",
        {
            "pyproject.toml": "[[tool.poetry.packages]]\ninclude = 'calc'\nfrom = 'lib'\n",
            "tests/test_calc.py": "from calc import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n",
        },
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_found_where_the_project_keeps_them(tmp_path, name):
    """Nearest to the tests first, as pytest looks for them; and where packages lie is read from who builds them."""
    target, project = SETTINGS[name]
    right, wrong = both(tmp_path, project, target=target)

    assert right.passed, right
    assert wrong.failed, wrong


def test_the_project_is_at_its_own_path_too(tmp_path):
    """What an editable installation points to is there, with the answer in it."""
    tests = (
        (
            "import subprocess\nimport sys\n\nfrom calc import add\n\n\ndef test_it():\n"
            f"    code = 'import sys; sys.path.insert(0, {str(tmp_path)!r}); from calc import add; print(add(1, 2))'\n"
            "    done = subprocess.run([sys.executable, '-I', '-c', code], capture_output=True, text=True)\n"
            "    assert done.stdout == '3\\n', done.stderr\n"
        )
        .replace("'import sys", '"import sys')
        .replace("add(1, 2))'", 'add(1, 2))"')
    )
    right, wrong = both(tmp_path, {"tests/test_calc.py": tests})

    assert right.passed, right
    assert wrong.failed


def test_a_module_believes_to_lie_where_the_project_has_it(tmp_path):
    """A test module and its package say the project's paths, not those it was read from."""
    tests = (
        "import os\n\nimport tests\nfrom calc import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n"
        "    here = os.path.dirname(os.path.abspath(__file__))\n"
        "    assert here == os.path.dirname(os.path.abspath(tests.__file__)) == tests.__path__[0]\n"
        "    assert os.path.exists(os.path.join(here, '..', 'calc.py'))\n"
    )
    right, _ = both(tmp_path, {"tests/__init__.py": "", "tests/test_calc.py": tests})

    assert right.passed, right


PLAIN = "from ours.core import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n"
LACKING: dict[str, tuple[dict[str, str | bytes], str]] = {
    "the project's own metadata": (
        {
            "ours/__init__.py": "from importlib.metadata import version\n\n__version__ = version('ours-of-nobody')\n"
        },
        "-m pip install -e .",
    ),
    "a file that a build writes": (
        {"ours/__init__.py": "from ._version import __version__\n"},
        "-m pip install -e .",
    ),
    "a variable of the environment": (
        {"ours/__init__.py": "import os\n\nURL = os.environ['OURS_DATABASE_URL']\n"},
        "OURS_DATABASE_URL",
    ),
    "a file of the machine": (
        {"ours/__init__.py": "TEXT = open('/etc/ours-of-nobody.conf').read()\n"},
        "/etc/ours-of-nobody.conf",
    ),
    "a fixture that fails in set-up": (
        {
            "ours/__init__.py": "",
            "tests/conftest.py": "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef old():\n"
            "    pytest.gone_long_ago()\n",
        },
        "other versions",
    ),
    "a warning class that is not there": (
        {
            "ours/__init__.py": "",
            "pytest.ini": "[pytest]\nfilterwarnings =\n    error\n    ignore::nobody.ItsWarning\n",
        },
        "pytest",
    ),
}


@pytest.mark.parametrize("name", LACKING)
def test_what_the_machine_lacks_is_told_and_blamed_on_nobody(tmp_path, name):
    """The untouched project fails in the same way, in code that no answer has touched."""
    project, told = LACKING[name]
    verdicts = both(tmp_path, {**project, "tests/test_core.py": PLAIN}, target="ours/core.py")

    for verdict in verdicts:
        assert (verdict.status, verdict.reason) == ("inconclusive", "error"), verdict
        assert told in verdict.hint


ASKED: dict[str, dict[str, str | bytes]] = {
    "a name that the answer was to add": {
        "ours/__init__.py": "from ours.core import sub\n",
        "tests/test_core.py": PLAIN,
    },
    "a call of what the answer was to mend": {
        "ours/__init__.py": "from ours.core import add\n\nassert add(1, 1) == 2\n",
        "tests/test_core.py": PLAIN,
    },
    "a set-up that calls what the answer was to mend": {
        "ours/__init__.py": "",
        "tests/conftest.py": "import pytest\nfrom ours.core import add\n\n\n@pytest.fixture(autouse=True)\ndef three():\n"
        "    return add(1, 2) + 0\n",
        "tests/test_core.py": PLAIN,
    },
}


LAZY = "def save(path):\n    return {}\n"
UNDONE: dict[str, dict[str, str | bytes]] = {
    "a file that a test reads": {
        "tests/test_core.py": "from ours.core import save\n\n\ndef test_it(tmp_path):\n"
        "    save(tmp_path / 'out.txt')\n    assert (tmp_path / 'out.txt').read_text() == 'done'\n",
    },
    "a file that a fixture reads": {
        "tests/conftest.py": "import pytest\nfrom ours.core import save\n\n\n@pytest.fixture\ndef text(tmp_path):\n"
        "    save(tmp_path / 'out.txt')\n    return (tmp_path / 'out.txt').read_text()\n",
        "tests/test_core.py": "def test_it(text):\n    assert text == 'done'\n",
    },
    "a file of the project that a module reads": {
        "ours/__init__.py": "from pathlib import Path\n\nTEXT = Path(__file__).with_name('data.txt').read_text()\n",
        "tests/test_core.py": "from ours.core import save\n\n\ndef test_it():\n    assert save('') == {}\n",
    },
    "what a fixture finds in it": {
        "tests/conftest.py": "import pytest\nfrom ours.core import save\n\n\n@pytest.fixture\ndef size():\n"
        "    return save('x')['size']\n",
        "tests/test_core.py": "def test_it(size):\n    assert size == 4\n",
    },
    "a name of the module that a fixture asks for": {
        "tests/conftest.py": "import ours.core\nimport pytest\n\n\n@pytest.fixture\ndef load():\n"
        "    return ours.core.load\n",
        "tests/test_core.py": "def test_it(load):\n    assert load\n",
    },
    "a variable of the environment that it sets": {
        "tests/test_core.py": "import os\n\nfrom ours.core import save\n\n\ndef test_it():\n"
        "    save('x')\n    assert os.environ['OURS_SAVED'] == 'x'\n",
    },
    "a program that dies when it is imported": {
        "ours/core.py": "import os\n\nos._exit(3)\n",
        "tests/test_core.py": "from ours.core import save\n\n\ndef test_it():\n    assert save('') == {}\n",
    },
}


@pytest.mark.parametrize("name", UNDONE)
def test_what_the_answer_did_not_do_is_not_the_machines_fault(tmp_path, name):
    """The same error without and with the answer, and none of its code on the way: it did nothing, that is all."""
    base = {"ours/__init__.py": "", "ours/core.py": LAZY, **UNDONE[name]}
    for path, content in base.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    brief = Brief(
        task_id=name,
        prompt="Make it work.",
        workspace=tmp_path,
        files={"ours/core.py": base["ours/core.py"]},
        tests={"tests/test_core.py": base["tests/test_core.py"]},
    )
    same = base["ours/core.py"] + "\n\nDONE = True\n"

    assert judged(pytest_suite(timeout=30), brief, {"ours/core.py": same}).failed


@pytest.mark.parametrize("name", ASKED)
def test_what_the_answer_was_to_mend_is_its_own_fault(tmp_path, name):
    """An error that stays as it was is no excuse where the task was to take it away."""
    _, wrong = both(tmp_path, ASKED[name], target="ours/core.py")

    assert wrong.failed, wrong


def test_a_project_that_is_written_to_asks_for_an_option(tmp_path):
    """The read-only copy is ours, and so is the error."""
    tests = (
        "from pathlib import Path\n\nfrom calc import add\n\n\ndef test_it():\n"
        "    Path(__file__).with_name('out.txt').write_text(str(add(1, 2)))\n    assert add(1, 2) == 3\n"
    )
    right, _ = both(tmp_path / "a", {"tests/test_calc.py": tests})
    writable, wrong = both(tmp_path / "b", {"tests/test_calc.py": tests}, writable=True)

    assert (right.status, right.reason) == ("inconclusive", "error")
    assert "writable: true" in right.hint
    assert writable.passed
    assert wrong.failed


def test_a_conftest_that_the_answer_brings_is_left_out(tmp_path):
    """It would steer the tests that judge it."""
    (tmp_path / "tests").mkdir()
    tests = "from calc import add\n\n\ndef test_it():\n    assert add(1, 2) == 3\n"
    for path, text in {"calc.py": BROKEN, "tests/test_calc.py": tests}.items():
        (tmp_path / path).write_text(text)
    brief = Brief(
        task_id="t",
        prompt="Make add() add.",
        workspace=tmp_path,
        files={"calc.py": BROKEN},
        tests={"tests/test_calc.py": tests},
    )
    lie = (
        "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    outcome = yield\n    outcome.get_result().outcome = 'passed'\n"
    )
    verdict = judged(
        pytest_suite(timeout=30), brief, {"calc.py": BAD, "tests/conftest.py": lie, "conftest.py": lie}
    )

    assert verdict.failed
    assert "conftest.py left out" in " ".join(verdict.evidence["notes"])
