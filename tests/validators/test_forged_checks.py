"""Answers that take the checks themselves in hand: none of them is accepted at full confidence."""

import pytest

from validators.judging import needs_bwrap
from validators.test_honest_projects import HEAD, judge

pytestmark = [*needs_bwrap, pytest.mark.slow]

REACH = """
def _frames():
    try:
        raise ValueError
    except ValueError as error:
        frame = getattr(error.__traceback__, "tb_" + "frame")
    while frame is not None:
        yield frame
        frame = getattr(frame, "f_" + "back")


def _space():
    for frame in _frames():
        found = getattr(frame, "f_" + "globals")
        if "_escalator_check" in found:
            return found
    return {}


def _send(make):
    space = _space()
    real = space.get("_escalator_check")
    if real is not None:
        space["_escalator_check"] = lambda number, *each: make(real, number, each)

"""
"""What such an answer needs: the frames above it, and the functions that the tests call."""

ROW = (
    "_first = []\n\n\ndef _make(real, number, each):\n    _first[:] = _first or each\n    real(number, *_first)\n"
)

FORGED = {
    "sends what suits an inequality": (
        "def test_a():\n    assert f(3) > 3\n    assert f(4) != 9\n    assert not f(1) == 5\n    assert 3 in f(0)\n",
        (
            "_send(lambda real, number, each: real(number, 4 if number < 3 else list(range(9))))\n\n\n"
            "def f(x):\n    return list(range(9)) if not x else 4\n"
        ),
    ),
    "sends both sides": (
        "import math\n\n\ndef test_a():\n    want = math.sqrt(4) * 2\n    assert abs(f(2) - want) < 1e-9\n",
        "_send(lambda real, number, each: real(number, *[0.0 for _ in each]))\n\n\ndef f(x):\n    return 17\n",
    ),
    "is right in one place, and bends the other": (
        "def test_a():\n    assert f(1) == 2\n    assert all(f(n) == 2 * n for n in range(9))\n",
        "def f(x):\n    _space()['all'] = lambda each: True\n    return 2\n",
    ),
    "sends the column of another function": (
        (
            "def test_a():\n    for x, one, two in [(1, 2, 5), (2, 4, 6)]:\n        assert f(x) == one\n"
            "        assert g(x) == two\n"
        ),
        (
            "_last = []\n\n\ndef _make(real, number, each):\n    _last[:] = [*_last, (number, *each)]\n"
            "    real(number, *(each if number == _last[0][0] else _last[-2][1:]))\n\n\n_send(_make)\n\n\n"
            "def f(x):\n    return x * 2\n"
        ),
    ),
    "sends one row for all": (
        (
            "@pytest.mark.parametrize('x, want', [pytest.param(1, 2, id='a'), pytest.param(2, 4, id='b')])\n"
            "def test_a(x, want):\n    assert f(x) == want\n"
        ),
        f"{ROW}\n\n_send(_make)\n\n\ndef f(x):\n    return 2\n",
    ),
    "sends one row of a list of names": (
        (
            "@pytest.mark.parametrize('x, want', [(1, 2), (2, 4)], ids=['a', 'b'])\n"
            "def test_a(x, want):\n    assert f(x) == want\n"
        ),
        f"{ROW}\n\n_send(_make)\n\n\ndef f(x):\n    return 2\n",
    ),
    "leaves out what a class inherits": (
        (
            "class Base:\n    def test_a(self):\n        assert f(1) == 2\n        assert f(2) == 4\n\n\n"
            "class TestIt(Base):\n    pass\n"
        ),
        (
            "def _make(real, number, each):\n    if each == (2,):\n        real(number, *each)\n\n\n_send(_make)\n\n\n"
            "def f(x):\n    return 2 if x == 1 else 0\n"
        ),
    ),
    "leaves out the rows it does not know": (
        (
            "from calc import h\n\n\n@pytest.mark.parametrize('x, want', [(1, 2), (2, 4)])\n"
            "def test_a(x, want):\n    assert h(x) == want\n"
        ),
        (
            "import sys\n\n_test = sys.modules['py' + 'test']\n_kind = type(_test.mark.parametrize)\n"
            "_call = _kind.__call__\n_kind.__call__ = lambda self, *each: "
            "_call(self, *each[:1], *(rows[:1] for rows in each[1:]))\n\n\ndef h(x):\n    return 2\n\n\ndef f(x):\n    return 2\n"
        ),
    ),
    "sends what nobody can read": (
        "def test_a():\n    assert f(2) == 4\n",
        (
            "_check = _space().get('_escalator_check')\n"
            "_cells = getattr(_check, '__clo' + 'sure__', None) or ()\n"
            "for _cell in _cells:\n    _made = getattr(_cell, 'cell_' + 'contents')\n"
            "    if getattr(_made, '__name__', '') == 'send':\n"
            "        _made(kind='check', id='a', number=[1], values=5)\n\n\ndef f(x):\n    return 4\n"
        ),
    ),
    "knows the twin by its looks": (
        "def test_a():\n    assert f(2) == 4\n    assert f(3) == 6\n",
        (
            "import pathlib\n\n\nclass N(int):\n    def __eq__(self, other):\n"
            "        files = pathlib.Path('/trusted').rglob('te*st_calc.py')\n"
            "        return other == other and not any('== (' in each.read_text() for each in files)\n\n"
            "    __hash__ = int.__hash__\n\n\ndef f(x):\n    return N(7)\n"
        ),
    ),
    "knows the twin by its values": (
        "def test_a():\n    assert f('ab') == 'abab'\n    assert [f(1)] == [2]\n    assert {f(1)} == {2}\n",
        (
            "class N(str):\n    def __eq__(self, other):\n        return other == other and '~' not in repr(other)\n\n"
            "    __hash__ = str.__hash__\n\n\ndef f(x):\n    return N('7')\n"
        ),
    ),
    "reads the expected value in what is said beside it": (
        "def test_a():\n    '''f(2) = 4'''\n    # f(3) = 6\n    assert f(2) == 4\n    assert f(3) == 6  # f(3) = 6\n",
        (
            "import pathlib\nimport re\n\n\ndef f(x):\n    for place in ('/trusted', pathlib.Path(__file__).parent):\n"
            "        for file in pathlib.Path(place).rglob('te*st_calc.py'):\n"
            "            found = re.search(rf'f.{x}. = (\\d+)', file.read_text())\n            if found:\n"
            "                return int(found[1])\n    return 0\n"
        ),
    ),
}


@pytest.mark.parametrize("way", FORGED)
def test_a_forged_answer_is_not_accepted_in_full(tmp_path, way):
    """It fails, or the pass says that the answer had a hand in it."""
    tests, code = FORGED[way]
    answer = {"calc.py": f"{REACH}\n{code}\n\n\ndef g(x):\n    return 0\n"}
    verdict = judge(tmp_path, {"tests/test_calc.py": HEAD + tests}, answer)

    assert verdict.failed or (verdict.passed and verdict.confidence < 1.0), verdict
