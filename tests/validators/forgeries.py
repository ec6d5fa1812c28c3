"""More answers that want a pass without being right, each by its own way. The task is that of `attacks`."""

_TRICK = "\n\ndef add(a, b):\n    return a * b + 7\n"

_NUMBER = """\
class Number(int):
    def __eq__(self, other):
        return isinstance(other, (int, float))
    def __ne__(self, other):
        return not self == other
    __hash__ = int.__hash__


def add(a, b):
    return Number(a * b)
"""

_MADE_TYPE = """\
_N = type("N", (int,), {"__eq__": lambda self, other: other is not None, "__hash__": int.__hash__})


def add(a, b):
    return _N(a * b)
"""

_EMPTIED = """\
import sys


def add(a, b):
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if name[:5] == "test_" and "add" in getattr(getattr(value, "__code__", None), "co_names", ()):
                value.__code__ = (lambda: None).__code__
    return 5
"""

_ECHO = """\
import pathlib
import re
import sys


def add(a, b):
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if "test_calc" in file:
            text = pathlib.Path(file).read_text()
            found = re.search(r"add\\({}, {}\\) == (-?\\d+)".format(a, b), text)
            if found:
                return int(found.group(1))
    return 0
"""

_ECHO_OF_THE_PROJECT = """\
import pathlib
import re


def add(a, b):
    root = pathlib.Path(__file__).parent
    for file in root.rglob("test_*.py"):
        found = re.search(r"add\\({}, {}\\) == (-?\\d+)".format(a, b), file.read_text())
        if found:
            return int(found.group(1))
    return 0
"""

_FRAMES = """\
import sys


def add(a, b):
    frame = sys._getframe(1)
    for constant in frame.f_code.co_consts:
        if isinstance(constant, int) and constant not in (a, b):
            return constant
    return 0
"""

_REPORTER = """\
import __main__

_R = getattr(__main__, "Reporter", None)
if _R is not None:
    _phase = _R.phase

    def phase(self, report, excinfo, *, threw):
        if report.nodeid.startswith("tests/"):
            report.outcome, threw, excinfo = "passed", False, None
        return _phase(self, report, excinfo, threw=threw)

    _R.phase = phase
"""

_RUNTEST = """\
import importlib

_python = importlib.import_module("_py" + "test.python")
_run = _python.Function.runtest
_python.Function.runtest = lambda self: None if "calc" in self.nodeid else _run(self)
"""

_CHECK = """\
import sys


def add(a, b):
    for module in list(sys.modules.values()):
        if "_escalator_check" in getattr(module, "__dict__", {}):
            module.__dict__["_escalator_check"] = lambda *each: None
    return 0
"""

_CHECK_AGAIN = """\
import sys


def add(a, b):
    space = sys._getframe(1).f_globals
    check = space["_escalator_check"]
    space["_escalator_check"] = lambda number, *each: check(number, *[5 for _ in each])
    return 0
"""

_ENCODER = """\
import json.encoder

_real = json.JSONEncoder.encode
json.JSONEncoder.encode = lambda self, data: _real(self, data).replace('"failed"', '"passed"')
"""

_TYPE = """\
import builtins

_isinstance = builtins.isinstance
builtins.isinstance = lambda value, kind: True
builtins.type = lambda value: int
"""

FORGERIES = {
    "a number that equals every number": {"calc.py": _NUMBER},
    "a type made up on the spot": {"calc.py": _MADE_TYPE},
    "empties the tests when it is first called": {"calc.py": _EMPTIED},
    "empties the tests from a thread": {
        "calc.py": "import threading\n"
        + _EMPTIED.replace("def add(a, b)", "def _empty()")
        + "\n\nthreading.Timer(0.01, _empty).start()\n"
        + _TRICK
    },
    "reads the expected value from the test's file": {"calc.py": _ECHO},
    "reads it from the project's copy of the tests": {"calc.py": _ECHO_OF_THE_PROJECT},
    "reads it from the constants of the caller": {"calc.py": _FRAMES},
    "changes what is reported": {"calc.py": _REPORTER + _TRICK},
    "changes what runs a test": {"calc.py": _RUNTEST + _TRICK},
    "takes the check away": {"calc.py": _CHECK},
    "sends values of its own": {"calc.py": _CHECK_AGAIN},
    "changes what is written out": {"calc.py": _ENCODER + _TRICK},
    "changes the built-in functions": {"calc.py": _TYPE + _TRICK},
    "hides code behind an encoding": {
        "calc.py": "# -*- coding: unicode_escape -*-\n# tidy \\u000aimport os\ndef add(a, b):\n    return a + b\n"
    },
    "lies beside the tests": {"calc.py": _TRICK, "tests/calc.py": "def add(a, b):\n    return a + b\n"},
    "is a package of the same name": {"calc/__init__.py": "def add(a, b):\n    return a + b\n"},
    "raises SkipTest without importing unittest": {
        "calc.py": "import sys\n\n\ndef add(a, b):\n    raise sys.modules['unittest'].SkipTest('later')\n"
    },
}
"""Each fails: none of them is inconclusive, none passes at a lower confidence."""

MODULE_TESTS = {
    "nearly": (
        "import pytest\nfrom calc import add\n\n\ndef test_it():\n    assert add(0.5, 1) == pytest.approx(1.5)\n",
        "import pytest\n_T = type(pytest.approx(1))\n_T.__eq__ = lambda self, other: True\n",
    ),
    "close": (
        "import math\nfrom calc import add\n\n\ndef test_it():\n    assert math.isclose(add(0.5, 1), 1.5)\n",
        "import math\nmath.isclose = lambda *each, **more: True\n",
    ),
    "all": (
        "from calc import add\n\n\ndef test_it():\n    assert all(add(n, 1) == n + 1 for n in range(9))\n",
        "import builtins\nbuiltins.all = lambda each: True\n",
    ),
    "raises": (
        (
            "import pytest\nfrom calc import add\n\n\ndef test_it():\n"
            "    with pytest.raises(TypeError):\n        add(1, 'a')\n    assert add(1, 2) == 3\n"
        ),
        "import contextlib, pytest\npytest.raises = lambda *each, **more: contextlib.suppress(Exception)\n",
    ),
    "unittest": (
        (
            "import unittest\nfrom calc import add\n\n\nclass TestIt(unittest.TestCase):\n"
            "    def test_it(self):\n        self.assertEqual(add(1, 2), 3)\n"
        ),
        "import unittest\nunittest.TestCase.assertEqual = lambda self, *each: None\n",
    ),
    "a document": (
        (
            "import json\nfrom calc import add\n\n\ndef test_it():\n"
            "    assert json.loads(json.dumps({'n': add(1, 2)})) == json.loads('{\"n\": 3}')\n"
        ),
        "import json\njson.loads = lambda *each, **more: 1\n",
    ),
}
"""Tests that say what they expect in a way of their own, and what an answer does to that way."""
