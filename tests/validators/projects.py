"""Small projects laid out as well-known public ones are, each with what may be missing around it.

The module to be written is the same in all: `twice` doubles, and the text of it stands in `target`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STUB = "def twice(x):\n    raise NotImplementedError\n"
RIGHT = "def twice(x):\n    return x * 2\n"
WRONG = "def twice(x):\n    return x * 2 if x else 1\n"
TEST = "\n\ndef test_two():\n    assert twice(2) == 4\n\n\ndef test_none():\n    assert twice(0) == 0\n"
ABSENT = "import nobody_has_this\n"


@dataclass(frozen=True, kw_only=True)
class Project:
    """`files` on disk beside `target`, which the answer writes; `tests` judge it. `fault`: files laid over these with
    which no answer can pass, `told` a word of the hint then. `below`: the folder that is given as the workspace.
    """

    files: dict[str, str]
    target: str
    tests: tuple[str, ...]
    fault: dict[str, str]
    told: str
    right: str = RIGHT
    wrong: str = WRONG
    stub: str = STUB
    below: str = ""
    options: dict[str, object] = field(default_factory=dict)


def _toml(name: str, *pytest: str) -> str:
    """Settings of a project, the lines for pytest last."""
    build = "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n\n"
    options = "\n\n[tool.pytest.ini_options]\n" + "\n".join(pytest) + "\n" if pytest else "\n"
    return f"{build}[project]\nname = '{name}'\nversion = '1.2'" + options


SUB_PROJECT = {
    "pyproject.toml": "[tool.uv.workspace]\nmembers = ['backend', 'worker']\n",
    "worker/pyproject.toml": _toml("worker"),
    "worker/src/shared/__init__.py": "raise RuntimeError('the other one')\n",
    "backend/pyproject.toml": _toml("backend", "testpaths = ['tests']", "addopts = '-ra'"),
    "backend/src/shared/__init__.py": "from shared.core import twice\n",
    "backend/tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef two():\n    return 2\n",
    "backend/tests/test_core.py": "from shared import twice\n\n\ndef test_two(two):\n    assert twice(two) == 4\n\n\n"
    "def test_none():\n    assert twice(0) == 0\n",
}

PROJECTS: dict[str, Project] = {
    "src, with tests that are a package": Project(
        files={
            "pyproject.toml": _toml("laid", "addopts = ['-ra', '--strict-markers']", "xfail_strict = true"),
            "src/laid/__init__.py": "from laid._core import twice\n\n__all__ = ['twice']\n",
            "tests/__init__.py": "",
            "tests/utils.py": "def numbers():\n    return [(0, 0), (2, 4)]\n",
            "tests/test_core.py": "import pytest\n\nimport laid\n\nfrom .utils import numbers\n\n\n"
            "@pytest.mark.parametrize(('given', 'wanted'), numbers())\ndef test_it(given, wanted):\n"
            "    assert laid.twice(given) == wanted\n",
        },
        target="src/laid/_core.py",
        tests=("tests/test_core.py",),
        fault={"tests/utils.py": ABSENT},
        told="pip install nobody-has-this",
    ),
    "a package at the root": Project(
        files={
            "pyproject.toml": "[tool.flit.module]\nname = 'flat'\n",
            "flat/__init__.py": "from .core import twice\n",
            "tests/test_core.py": "import flat\nfrom flat import twice\n" + TEST,
        },
        target="flat/core.py",
        tests=("tests/test_core.py",),
        fault={"flat/__init__.py": "from flat._version import version\nfrom .core import twice\n"},
        told="pip install -e .",
    ),
    "tests inside the package": Project(
        files={
            "setup.cfg": "[tool:pytest]\ntestpaths = inside\n",
            "inside/__init__.py": "",
            "inside/tests/__init__.py": "",
            "inside/tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef two():\n    return 2\n",
            "inside/tests/test_core.py": "from ..core import twice\n\n\ndef test_two(two):\n    assert twice(two) == 4\n\n\n"
            "def test_none():\n    assert twice(0) == 0\n",
        },
        target="inside/core.py",
        tests=("inside/tests/test_core.py",),
        fault={"inside/tests/conftest.py": ABSENT},
        told="pip install nobody-has-this",
    ),
    "unittest, with a base class of its own": Project(
        files={
            "numbers_more/__init__.py": "from .more import *\n",
            "tests/__init__.py": "",
            "tests/base.py": "from unittest import TestCase\n\n\nclass Base(TestCase):\n    def setUp(self):\n        self.two = 2\n",
            "tests/test_more.py": "import numbers_more as mine\n\nfrom tests.base import Base\n\n\nclass TwiceTests(Base):\n"
            "    def test_two(self):\n        self.assertEqual(mine.twice(self.two), 4)\n\n"
            "    def test_none(self):\n        self.assertEqual(mine.twice(0), 0)\n",
        },
        target="numbers_more/more.py",
        tests=("tests/test_more.py",),
        fault={"tests/base.py": ABSENT},
        told="pip install nobody-has-this",
        stub="__all__ = ['twice']\n" + STUB,
        right="__all__ = ['twice']\n" + RIGHT,
        wrong="__all__ = ['twice']\n" + WRONG,
    ),
    "coroutines, run by a plug-in of the tests": Project(
        files={
            "pyproject.toml": _toml("served", "filterwarnings = ['error']", "xfail_strict = true"),
            "served/__init__.py": "",
            "tests/conftest.py": "import pytest\n\n\n@pytest.fixture(params=['asyncio'])\ndef anyio_backend(request):\n    return request.param\n",
            "tests/test_core.py": "import anyio\nimport pytest\n\nfrom served.core import twice\n\npytestmark = pytest.mark.anyio\n\n\n"
            "async def test_two():\n    await anyio.sleep(0)\n    assert twice(2) == 4\n\n\n"
            "async def test_none():\n    assert twice(0) == 0\n",
        },
        target="served/core.py",
        tests=("tests/test_core.py",),
        fault={
            "tests/test_core.py": "import pytest\n\nfrom served.core import twice\n\n\n@pytest.mark.trio_of_nobody\n"
            "async def test_two():\n    assert twice(2) == 4\n",
            "pyproject.toml": _toml("served", "markers = ['trio_of_nobody']"),
        },
        told="pip install pytest-asyncio",
    ),
    "conftest.py at two levels": Project(
        files={
            "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef two():\n    return 1\n\n\n@pytest.fixture\ndef none():\n    return 0\n",
            "levels/__init__.py": "",
            "tests/unit/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef two(two):\n    return two + 1\n",
            "tests/unit/test_core.py": "from levels.core import twice\n\n\ndef test_two(two):\n    assert twice(two) == 4\n\n\n"
            "def test_none(none):\n    assert twice(none) == 0\n",
        },
        target="levels/core.py",
        tests=("tests/unit/test_core.py",),
        fault={
            "tests/unit/conftest.py": "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef two():\n    pytest.gone_since_long()\n"
        },
        told="versions",
    ),
    "settings for plug-ins that are not there": Project(
        files={
            "pyproject.toml": _toml(
                "plugged",
                "addopts = '--cov=plugged --cov-report=xml -n auto --dist loadgroup --timeout=5 -p no:randomly'",
                "required_plugins = ['pytest-cov>=4', 'pytest-of-nobody']",
                "timeout = 5",
                "asyncio_mode = 'auto'",
                "minversion = '7.0'",
            ),
            "plugged/__init__.py": "",
            "tests/test_core.py": "from plugged.core import twice\n" + TEST,
        },
        target="plugged/core.py",
        tests=("tests/test_core.py",),
        fault={
            "tests/test_core.py": "from plugged.core import twice\n\n\ndef test_two(fixture_of_nobody):\n    assert twice(2) == 4\n"
        },
        told="plugins",
    ),
    "tests told to run side by side": Project(
        files={
            "tox.ini": "[pytest]\naddopts = -n 2 --dist=worksteal --maxfail=1\n",
            "beside/__init__.py": "",
            "tests/test_core.py": "import os\n\nfrom beside.core import twice\n\nWORKER = os.environ.get('PYTEST_XDIST_WORKER', 'main')\n"
            + TEST,
        },
        target="beside/core.py",
        tests=("tests/test_core.py",),
        fault={"tox.ini": "[pytest]\nfilterwarnings =\n    error\n    ignore::nobody.Warns\n"},
        told="nobody",
    ),
    "examples in docstrings": Project(
        files={
            "pyproject.toml": _toml(
                "told",
                "addopts = '--doctest-modules --doctest-glob=*.rst'",
                "doctest_optionflags = 'ELLIPSIS'",
                "testpaths = ['told', 'docs', 'tests']",
            ),
            "docs/index.rst": ">>> from told import twice\n>>> twice(2)\n4\n",
            "told/__init__.py": "from told.core import twice\n",
            "tests/test_core.py": "import doctest\n\nimport told.core\nfrom told import twice\n\n\n"
            "def test_examples():\n    assert doctest.testmod(told.core).failed == 0\n" + TEST,
        },
        target="told/core.py",
        tests=("tests/test_core.py",),
        fault={"told/__init__.py": "import os\n\nos.environ['TOLD_BY_NOBODY']\nfrom told.core import twice\n"},
        told="TOLD_BY_NOBODY",
    ),
    "a project among others, from the root": Project(
        files=SUB_PROJECT,
        target="backend/src/shared/core.py",
        tests=("backend/tests/test_core.py",),
        fault={"backend/tests/conftest.py": ABSENT},
        told="pip install nobody-has-this",
    ),
    "a project among others, alone": Project(
        files=SUB_PROJECT,
        below="backend",
        target="src/shared/core.py",
        tests=("tests/test_core.py",),
        fault={"tests/conftest.py": ABSENT},
        told="pip install nobody-has-this",
    ),
    "a namespace without __init__.py": Project(
        files={
            "pyproject.toml": _toml("company-numbers") + "[tool.setuptools.packages.find]\nwhere = ['src']\n",
            "src/company/numbers/__init__.py": "from company.numbers.core import twice\n",
            "src/company/words/__init__.py": "",
            "tests/test_core.py": "import company.words\nfrom company.numbers import twice\n" + TEST,
        },
        target="src/company/numbers/core.py",
        tests=("tests/test_core.py",),
        fault={
            "src/company/numbers/__init__.py": "from importlib.metadata import version\n\nversion('company-of-nobody')\n"
            "from company.numbers.core import twice\n"
        },
        told="pip install -e .",
    ),
    "a folder that poetry names": Project(
        files={
            "pyproject.toml": "[tool.poetry]\nname = 'named'\npackages = [{include = 'named', from = 'python/lib'}]\n",
            "python/lib/named/__init__.py": "",
            "tests/test_core.py": "from named.core import twice\n" + TEST,
        },
        target="python/lib/named/core.py",
        tests=("tests/test_core.py",),
        fault={"tests/test_core.py": "import yaml_of_nobody\nfrom named.core import twice\n" + TEST},
        told="pip install yaml-of-nobody",
    ),
    "a folder that pytest and setuptools name": Project(
        files={
            "pyproject.toml": _toml("set", "pythonpath = ['lib', 'tools']")
            + "[tool.setuptools.package-dir]\n'' = 'lib'\n",
            "lib/settled/__init__.py": "",
            "tools/helping.py": "TWO = 2\n",
            "testing/test_core.py": "from helping import TWO\nfrom settled.core import twice\n\n\ndef test_two():\n"
            "    assert twice(TWO) == 4\n\n\ndef test_none():\n    assert twice(0) == 0\n",
        },
        target="lib/settled/core.py",
        tests=("testing/test_core.py",),
        fault={"testing/conftest.py": ABSENT},
        told="pip install nobody-has-this",
    ),
    "other tests that failed before": Project(
        files={
            "before/__init__.py": "",
            "before/broken.py": "def half(x):\n    return x\n",
            "tests/test_broken.py": "from before.broken import half\n\n\ndef test_half():\n    assert half(2) == 1\n",
            "tests/test_gone.py": "import before.gone\n",
            "tests/test_core.py": "import pytest\nfrom before.broken import half\nfrom before.core import twice\n"
            + TEST
            + "\n\n@pytest.mark.xfail(reason='known')\ndef test_half():\n    assert half(2) == 1\n",
        },
        target="before/core.py",
        tests=("tests/test_core.py",),
        fault={"before/__init__.py": "open('/etc/before-of-nobody.conf')\n"},
        told="looks for",
    ),
    "a test that starts an interpreter": Project(
        files={
            "pyproject.toml": _toml("started"),
            "src/started/__init__.py": "from started.core import twice\n",
            "src/started/__main__.py": "import sys\n\nfrom started import twice\n\nprint(twice(int(sys.argv[1])))\n",
            "tests/test_core.py": "import subprocess\nimport sys\n\n\ndef _said(*words):\n"
            "    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True).stdout\n\n\n"
            "def test_two():\n    assert _said('-c', 'import started; print(started.twice(2))') == '4\\n'\n\n\n"
            "def test_none():\n    assert _said('-m', 'started', '0') == '0\\n'\n",
        },
        target="src/started/core.py",
        tests=("tests/test_core.py",),
        fault={"tests/conftest.py": ABSENT},
        told="pip install nobody-has-this",
    ),
    "data read beside the code": Project(
        files={
            "data_inside/__init__.py": "from pathlib import Path\n\nTABLE = (Path(__file__).parent / 'table.csv').read_text()\n",
            "data_inside/table.csv": "2,4\n0,0\n",
            "tests/data/more.json": "[[3, 6]]\n",
            "tests/test_core.py": "import json\nfrom importlib.resources import files\nfrom pathlib import Path\n\n"
            "from data_inside import TABLE\nfrom data_inside.core import twice\n\n"
            "MORE = json.loads((Path(__file__).parent / 'data' / 'more.json').read_text())\n\n\n"
            "def test_table():\n    for line in TABLE.splitlines():\n        given, wanted = map(int, line.split(','))\n"
            "        assert twice(given) == wanted\n\n\n"
            "def test_more():\n    assert files('data_inside').joinpath('table.csv').is_file()\n"
            "    assert [[x, twice(x)] for x, _ in MORE] == MORE\n",
        },
        target="data_inside/core.py",
        tests=("tests/test_core.py",),
        fault={"data_inside/__init__.py": "TABLE = open('/usr/share/of-nobody/table.csv').read()\n"},
        told="looks for",
    ),
    "scripts without a package": Project(
        files={
            "run.py": "from helpers import twice\n\n\ndef main():\n    return twice(21)\n\n\nif __name__ == '__main__':\n    print(main())\n",
            "test_run.py": "import subprocess\nimport sys\nfrom pathlib import Path\n\nfrom run import main\nfrom helpers import twice\n\n\n"
            "def test_main():\n    assert main() == 42\n    assert twice(0) == 0\n\n\ndef test_script():\n"
            "    script = Path(__file__).with_name('run.py')\n"
            "    assert subprocess.run([sys.executable, script], capture_output=True, text=True).stdout == '42\\n'\n",
        },
        target="helpers.py",
        tests=("test_run.py",),
        fault={"conftest.py": ABSENT},
        told="pip install nobody-has-this",
    ),
}
