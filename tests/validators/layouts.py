"""Small projects in the shapes that people give their code: each with a right answer and a stub."""

from dataclasses import dataclass, field

STUB = "def double(x):\n    pass\n"
GOOD = "def double(x):\n    return x * 2\n"
PLAIN = "def test_two():\n    assert double(2) == 4\n"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`project`: files on disk. `tests`: which of them judge. `target`: what the answer writes."""

    project: dict[str, str]
    tests: tuple[str, ...]
    target: str
    good: str = GOOD
    bad: str = STUB
    options: dict = field(default_factory=dict)


LAYOUTS = {
    "modules beside a folder of tests": Layout(
        project={"calc.py": STUB, "tests/test_calc.py": "from calc import double\n" + PLAIN},
        tests=("tests/test_calc.py",),
        target="calc.py",
    ),
    "a src folder": Layout(
        project={
            "src/calc/__init__.py": "",
            "src/calc/core.py": STUB,
            "tests/test_core.py": "from calc.core import double\n" + PLAIN,
        },
        tests=("tests/test_core.py",),
        target="src/calc/core.py",
    ),
    "a package, and tests that are a package with helpers": Layout(
        project={
            "calc/__init__.py": "from calc.core import double\n",
            "calc/core.py": STUB,
            "tests/__init__.py": "",
            "tests/helpers.py": "FOUR = 4\n",
            "tests/unit/__init__.py": "",
            "tests/unit/test_core.py": (
                "from tests.helpers import FOUR\nfrom ..helpers import FOUR as AGAIN\nfrom calc import double\n\n\n"
                "def test_two():\n    assert double(2) == FOUR == AGAIN\n"
            ),
        },
        tests=("tests/unit/test_core.py",),
        target="calc/core.py",
    ),
    "helpers beside tests that are no package": Layout(
        project={
            "calc.py": STUB,
            "tests/helpers.py": "FOUR = 4\n",
            "tests/test_calc.py": (
                "from calc import double\nfrom helpers import FOUR\n\n\ndef test_two():\n    assert double(2) == FOUR\n"
            ),
        },
        tests=("tests/test_calc.py",),
        target="calc.py",
    ),
    "tests inside the package": Layout(
        project={
            "calc/__init__.py": "",
            "calc/core.py": STUB,
            "calc/tests/__init__.py": "",
            "calc/tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef four():\n    return 4\n",
            "calc/tests/test_core.py": (
                "from ..core import double\n\n\ndef test_two(four):\n    assert double(2) == four\n"
            ),
        },
        tests=("calc/tests/test_core.py",),
        target="calc/core.py",
    ),
    "tests among the modules of a package": Layout(
        project={
            "calc/__init__.py": "",
            "calc/core.py": STUB,
            "calc/test_core.py": "from .core import double\n" + PLAIN,
        },
        tests=("calc/test_core.py",),
        target="calc/core.py",
    ),
    "fixtures and data files": Layout(
        project={
            "calc.py": STUB,
            "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef base():\n    return 2\n",
            "tests/conftest.py": (
                "import pathlib\nimport pytest\n\n\n"
                "@pytest.fixture\ndef four():\n"
                "    return int((pathlib.Path(__file__).parent / 'data' / 'four.txt').read_text())\n"
            ),
            "tests/data/four.txt": "4\n",
            "tests/test_calc.py": (
                "from calc import double\n\n\ndef test_two(base, four):\n    assert double(base) == four\n"
            ),
        },
        tests=("tests/test_calc.py",),
        target="calc.py",
    ),
    "parametrised tests and classes": Layout(
        project={
            "calc.py": STUB,
            "test_calc.py": (
                "import pytest\nfrom calc import double\n\n\n"
                "class TestDouble:\n"
                "    @pytest.mark.parametrize('given, wanted', [(1, 2), ('a::b', 'a::ba::b'), ([], [])])\n"
                "    def test_it(self, given, wanted):\n        assert double(given) == wanted\n"
            ),
        },
        tests=("test_calc.py",),
        target="calc.py",
    ),
    "an exercise: solution and tests side by side": Layout(
        project={
            "two-fer/two_fer.py": STUB,
            "two-fer/two_fer_test.py": (
                "import unittest\nfrom two_fer import double\n\n\n"
                "class TwoFerTest(unittest.TestCase):\n"
                "    def test_two(self):\n        self.assertEqual(double(2), 4)\n\n"
                "    def test_more(self):\n"
                "        for each in range(3):\n"
                "            with self.subTest(each=each):\n                self.assertEqual(double(each), 2 * each)\n\n\n"
                "if __name__ == '__main__':\n    unittest.main()\n"
            ),
        },
        tests=("two-fer/two_fer_test.py",),
        target="two-fer/two_fer.py",
    ),
    "an exercise below a folder named like tests": Layout(
        project={
            "tests/leap/leap.py": STUB,
            "tests/leap/leap_test.py": "from leap import double\n" + PLAIN,
        },
        tests=("tests/leap/leap_test.py",),
        target="tests/leap/leap.py",
    ),
    "folders to import from in the settings": Layout(
        project={
            "lib/calc.py": STUB,
            "pyproject.toml": (
                "[tool.pytest.ini_options]\npythonpath = ['lib']\naddopts = '--no-such-option -n 4'\n"
                "timeout = 5\nfilterwarnings = ['error']\nmarkers = ['quick: is quick']\n"
            ),
            "tests/test_calc.py": ("import pytest\nfrom calc import double\n\n\n@pytest.mark.quick\n" + PLAIN),
        },
        tests=("tests/test_calc.py",),
        target="lib/calc.py",
    ),
    "a module with the name of an installed package": Layout(
        project={"yaml.py": STUB, "test_it.py": "from yaml import double\n" + PLAIN},
        tests=("test_it.py",),
        target="yaml.py",
    ),
    "a module with the name of a standard one": Layout(
        project={"sched.py": STUB, "test_it.py": "from sched import double\n" + PLAIN},
        tests=("test_it.py",),
        target="sched.py",
    ),
    "two test files of one name": Layout(
        project={
            "calc.py": STUB,
            "tests/a/test_calc.py": "from calc import double\n" + PLAIN,
            "tests/b/test_calc.py": "from calc import double\n" + PLAIN,
        },
        tests=("tests/a/test_calc.py", "tests/b/test_calc.py"),
        target="calc.py",
    ),
    "a file that is not there yet": Layout(
        project={
            "readme.txt": "",
            "tests/test_calc.py": "import calc.core\n\n\ndef test_two():\n    assert calc.core.double(2) == 4\n",
        },
        tests=("tests/test_calc.py",),
        target="calc/core.py",
    ),
    "coroutines as tests": Layout(
        project={
            "calc.py": "async def double(x):\n    pass\n",
            "test_calc.py": (
                "import pytest\nfrom calc import double\n\n\n"
                "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n\n\n"
                "@pytest.mark.anyio\nasync def test_two():\n    assert await double(2) == 4\n"
            ),
        },
        tests=("test_calc.py",),
        target="calc.py",
        good="async def double(x):\n    return x * 2\n",
        bad="async def double(x):\n    pass\n",
    ),
    "tests that write into the project": Layout(
        project={
            "calc.py": STUB,
            "test_calc.py": (
                "import pathlib\nfrom calc import double\n\n\n"
                "def test_two():\n    pathlib.Path('out.txt').write_text('x')\n    assert double(2) == 4\n"
            ),
        },
        tests=("test_calc.py",),
        target="calc.py",
        options={"writable": True},
    ),
}
