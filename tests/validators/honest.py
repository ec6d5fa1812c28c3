"""Test modules as people write them, each with something in it that a rewriter of assertions may get wrong.

All are passed by the same answer: `f` doubles, `g` adds one.
"""

STUB = "def f(*each):\n    raise NotImplementedError\n\n\ndef g(*each):\n    raise NotImplementedError\n"
RIGHT = "def f(x):\n    return x * 2\n\n\ndef g(x):\n    return x + 1\n"

_HEAD = "import pytest\nfrom calc import f, g\n\n\n"

_BODIES = {
    "carriage returns alone": "def test_a():\n    assert f(2) == 4\n    assert f(\n        3\n    ) == 6\n",
    "a byte order mark": "def test_a():\n    assert f(2) == 4\n",
    "methods of its own called like those of unittest": """
import unittest

class TestIt(unittest.TestCase):
    def assertEqual(self, first, second, msg=None):
        super().assertEqual(str(first).strip(), str(second).strip(), msg)

    def test_a(self):
        self.assertEqual(f(2), " 4 ")

class TestOther(unittest.TestCase):
    def test_a(self):
        self.assertSequenceEqual(f((1,)), [1, 1])
        self.assertAlmostEqual(f(2), 4.001, places=2)
""",
    "classes expected to fail": """
import unittest

@unittest.expectedFailure
class TestUnit(unittest.TestCase):
    def test_a(self):
        self.assertEqual(f(2), 5)

@pytest.mark.xfail
class TestPlain:
    def test_a(self):
        assert f(2) == 5

@pytest.mark.xfail(strict=True)
class TestStrict:
    def test_a(self):
        assert f(2) == 5
        raise ValueError

    def test_b(self):
        assert f(2) == 5
""",
    "a module expected to fail": "pytestmark = pytest.mark.xfail\n\ndef test_a():\n    assert f(2) == 5\n",
    "a mark under another name": """
known = pytest.mark.xfail(reason="later")

@pytest.mark.parametrize("x, want", [(1, 2), *(pytest.param(2, 5, marks=known) for _ in "ab")])
def test_c(x, want):
    assert f(x) == want

@pytest.mark.parametrize("x, want", [(1, 2), pytest.param(2, 5, marks=known), pytest.param(2, 3, marks=known)])
def test_a(x, want):
    assert f(x) == want

def test_b(request):
    request.applymarker(pytest.mark.xfail)
    assert f(2) == 5
""",
    "rows of one": """
@pytest.mark.parametrize(["want"], [(4,), (4,)])
def test_a(want):
    assert f(2) == want

def test_b():
    for (want,) in [(4,), (4,)]:
        assert f(2) == want
""",
    "tables that change": """
CASES = [(1, 2)]
CASES += [(2, 4)]
OTHERS = [(9, 9)]
if CASES:
    OTHERS = [(3, 6)]

@pytest.mark.parametrize("x, want", CASES)
def test_a(x, want):
    assert f(x) == want

def test_b():
    for x, want in OTHERS:
        assert f(x) == want
""",
    "a fixture that reads what is expected": """
@pytest.fixture
def half(want):
    return want // 2

@pytest.fixture(autouse=True)
def typed(request):
    if "want" in getattr(request.node, "callspec", request).__dict__.get("params", {}):
        assert isinstance(request.node.callspec.params["want"], int)

@pytest.mark.parametrize("want", [2, 4])
def test_a(want, half):
    assert f(half) == want
""",
    "rows that are left out": """
def test_a():
    for x, want in [(1, 2), (-1, 0), (2, 4)]:
        if x > 0:
            assert f(x) == want

def test_b():
    want = 4
    if f(0):
        assert f(2) == want

def test_c():
    for x, want in [(1, 2), (2, 4), (3, 0)]:
        assert f(x) == want
        if x == 2:
            return
""",
    "a name of the whole module": """
want = 0

def test_a():
    global want
    want = 4
    assert f(2) == want

def test_b():
    assert want == f(2)
""",
    "contexts given as values": """
from contextlib import nullcontext

@pytest.mark.parametrize("x, expectation", [(3, nullcontext()), (0, pytest.raises(ZeroDivisionError))])
def test_a(x, expectation):
    with expectation:
        assert f(6 / x) == 4

def test_b():
    failing = pytest.raises(AssertionError)
    with failing:
        assert f(2) == 5
""",
    "contexts of its own": """
from contextlib import contextmanager

@contextmanager
def allowing(kind):
    try:
        yield
    except kind:
        pass

@contextmanager
def broken():
    try:
        yield
    except AssertionError:
        return
    raise ValueError

def test_a():
    with allowing(TypeError):
        f()
        assert f(1) == 7

def test_b():
    with broken():
        assert f(1) == 7
""",
    "tests called by tests": """
def test_a(x=4):
    assert f(2) == x
    assert f(1) == 2

def test_b():
    with pytest.raises(AssertionError):
        test_a(5)
""",
    "functions called like those of others": """
def isclose(first, second, near):
    return abs(first - second) < near

def approx(x):
    return x + 1

def test_a():
    assert isclose(f(2), 5, 2)
    assert f(2) == approx(3)
""",
    "nearly, in every way": """
import math

def test_a():
    assert f(math.nan) == pytest.approx(math.nan, nan_ok=True)
    assert f(2) == pytest.approx(4.05, abs=0.1)
    assert f(1e999) == pytest.approx(1e999)
    assert f(2) != pytest.approx(1e999)
    assert {"a": f(2), "b": None} == pytest.approx({"a": 4.0, "b": None})
    assert math.isclose(f(2), 4.1, rel_tol=0.1)
""",
    "halves of characters": "def test_a():\n    assert f('\\ud83d\\ude00') == '\\ud83d\\ude00\\ud83d\\ude00'\n",
    "much that is not ASCII": """
@pytest.mark.parametrize("n", range(12))
def test_a(n):
    assert f("字" * 30_000) != "x"
""",
    "processes that import it again": """
import multiprocessing

def work(x):
    return f(x)

@pytest.mark.parametrize("x, want", [(1, 2)])
def test_a(x, want):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(work, [1, 2]) == [2, 4]
    assert f(x) == want
""",
    "objects under odd ids": """
class Bytes(bytes):
    pass

@pytest.mark.parametrize("x, want", [(b"a", b"aa"), (b"\\n", b"\\n\\n"), (b"", b"")])
def test_a(x, want):
    assert Bytes(f(x)) == want

@pytest.mark.parametrize("x", [Bytes(b"a"), Bytes(b"a")])
@pytest.mark.parametrize("want", [b"aa", b"aa", b"aa"])
def test_b(x, want):
    assert Bytes(f(x)) == want
""",
    "nothing that is compared": """
def test_a():
    assert 1 == 1

def test_b():
    want = 3
    got = 3
    assert got == want
    assert not f(2) == 5

def test_c():
    assert (f(2) == 4) == True
""",
    "marks of a twin": """
def test_a():
    assert {f("~")[0]} == {"~"}
    assert f(1e999) == 1e999

def test_b():
    assert {"~": f("~")} == {"~": "~~"}

def test_c():
    assert f(1e999) == 1e999
""",
    "contexts around what is raised": """
from contextlib import contextmanager, suppress

@contextmanager
def not_raises(kind):
    yield

def test_a():
    with suppress(ValueError), pytest.raises(ValueError):
        raise ValueError

def test_b():
    with not_raises(ValueError):
        f(2)
""",
    "tests that go on where others left off": """
class Whole(int):
    pass

STATE = []

def test_a():
    STATE.append(f(1))
    assert STATE == [2]

def test_b():
    STATE.append(Whole(f(2)))
    assert STATE == [2, 4]
""",
    "a failure of one kind that is expected": """
@pytest.mark.xfail(raises=AssertionError)
def test_a():
    assert f(1) == 3
""",
    "names that are looked up": """
def test_a():
    want = 4
    assert f(2) == want
    assert locals()["want"] == 4
""",
    "several names at once": """
def test_a():
    x, want = 2, 4
    assert f(x) == want
    (first, second), third = (1, 2), 3
    assert f(first) == second
    other: int = 8
    assert f(4) == other
""",
    "a docstring that is read": """
def test_a(request):
    "2"
    assert f(int(request.function.__doc__)) == 4
""",
    "what the judge itself uses": """
from unittest.mock import patch

def test_a(monkeypatch):
    monkeypatch.setattr("json.JSONEncoder.encode", None)
    monkeypatch.setattr("os.write", None)
    assert f(2) == 4
    with patch("os.getpid", return_value=1), patch("builtins.repr", return_value="x"):
        assert f(2) == 4
""",
    "comments everywhere": """
def test_a():
    text = '''
# no comment
'''
    assert f(text) == text + text  # one
    assert (f(2) ==  # two
        # three
        4)
    assert f"#{f(2)}" == "#4"  # "#"
    # four""",
    "a test defined twice": "def test_a():\n    assert f(2) == 9\n\n\ndef test_a():\n    assert f(2) > 3\n",
    "classes within classes": """
class Base:
    def test_a(self):
        assert f(2) == 4

class TestIt(Base):
    class TestInner:
        def test_a(self):
            assert f(3) == 6
""",
}


def _text(name: str, body: str) -> str:
    if "carriage" in name:
        return (_HEAD + body).replace("\n", "\r")
    return ("\ufeff" if "mark" in name and "byte" in name else "") + _HEAD + body


MODULES = {name: _text(name, body) for name, body in _BODIES.items()}
