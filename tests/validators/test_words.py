"""A name in a test means what its module makes of it."""

import ast
import textwrap

import pytest

from escalator.validators.tests.words import words_of


def functions(source: str) -> dict[str, str]:
    """What is known of the functions of a module, by how it writes them."""
    return dict(words_of(list(ast.walk(ast.parse(textwrap.dedent(source))))).functions)


KNOWN = {
    "import math": {"math.isclose": "isclose"},
    "import math as m": {"m.isclose": "isclose"},
    "from math import isclose as near": {"near": "isclose"},
    "import pytest": {"pytest.approx": "approx"},
    "from pytest import approx, raises": {"approx": "approx"},
    "def test_a():\n    import math\ndef test_b():\n    import math": {"math.isclose": "isclose"},
}


@pytest.mark.parametrize(("source", "known"), KNOWN.items())
def test_an_import_tells_what_a_name_means(source, known):
    """Under whatever name, and wherever it stands."""
    assert functions(source) == {"abs": "abs", "round": "round", **known}


UNKNOWN = [
    "from calc import isclose",
    "from numpy import isclose, approx",
    "import math\nmath = Fake()",
    "from math import isclose\ndef isclose(first, second):\n    return True",
    "from .helpers import approx",
    "def test_a(approx):\n    from pytest import approx",
]


@pytest.mark.parametrize("source", UNKNOWN)
def test_a_name_from_elsewhere_means_something_else(source):
    """It may be what the answer has to write."""
    assert functions(source) == {"abs": "abs", "round": "round"}


@pytest.mark.parametrize("source", ["from calc import abs", "abs = 1", "def abs(x): ...", "lambda abs: 1"])
def test_a_built_in_function_may_be_replaced(source):
    """By an import, a name, a function, a parameter."""
    assert functions(source) == {"round": "round"}


def test_methods_of_its_own_are_not_those_of_unittest():
    """Nor are those that were told what equal means."""
    own = words_of(list(ast.walk(ast.parse("class A:\n    def assertEqual(self): ...")))).own
    told = words_of(list(ast.walk(ast.parse("def f(self):\n    self.addTypeEqualityFunc(int, near)")))).own

    assert "assertEqual" in own
    assert "assertIn" not in own
    assert {"assertEqual", "assertIn"} <= told
