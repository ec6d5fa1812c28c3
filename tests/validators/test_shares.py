"""How much of what a test asserts is compared where it counts, and what its twin expects instead."""

import random
import textwrap

import pytest

from escalator.validators.tests.blind import blinded
from escalator.validators.tests.others import other_than
from escalator.validators.tests.sources import without_comments
from escalator.validators.tests.twin import plain_of, twin_of

PATH = "test_it.py"


def share(body: str, head: str = "import math\nimport pytest\n") -> float:
    """The share of one test with this body."""
    source = f"{head}\ndef test_it():\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    return blinded({PATH: source}).shares.get(f"{PATH}::test_it", 0.0)


WHOLE = {
    "a value": "assert f(1) == 2",
    "either way round": "assert 2 == f(1)",
    "one of three": "assert 4 == g(1) == f(2)",
    "a truth": "assert f(1) is True",
    "one of a few": "assert f(1) in (2, 3)",
    "a name": "want = 2\nassert f(1) == want",
    "a sum": "assert f(1) + 1 == 3",
    "nearly": "assert abs(f(1) - 2) < 1e-6",
    "nearly, the other way round": "assert 1e-6 >= abs(2 - f(1))",
    "about": "assert f(1) == pytest.approx(2)",
    "close": "assert math.isclose(f(1), 2)",
    "two things": "assert f(1) == 2 and f(2) == 4",
    "beside what is always so": "assert True, 'fine'\nassert f(1) == 2",
}


@pytest.mark.parametrize("body", WHOLE.values(), ids=WHOLE)
def test_what_only_the_right_value_passes_counts_in_full(body):
    """Whoever sends the values must know it."""
    assert share(body) == 1.0


NOTHING = {
    "an order": "assert f(1) > 0",
    "a range": "assert 0 <= f(1) < 9",
    "a difference": "assert f(1) != 3",
    "the opposite": "assert not f(1) == 3",
    "a part": "assert 2 in f(1)",
    "two computed sides": "assert abs(f(1) - g(1)) < 1e-6",
    "two computed sums": "assert f(1) + 1 == g(1)",
    "truth": "assert f(1)",
}


@pytest.mark.parametrize("body", NOTHING.values(), ids=NOTHING)
def test_what_any_value_may_pass_counts_for_nothing(body):
    """A constant would do."""
    assert share(body) == 0.0


def test_a_test_counts_for_as_much_as_is_compared_outside():
    """One assertion of two; what is to be raised, and what helpers and mocks assert, are assertions too."""
    assert share("assert f(1) == 2\nassert f(1)") == 0.5
    assert share("assert f(1) == 2\nwith pytest.raises(ValueError):\n    f(2)") == 0.5
    assert share("assert f(1) == 2\nm.assert_called_once_with(1)") == 0.5
    assert share("assert f(1) == 2\nfor x in xs:\n    check(x)", "def check(x):\n    assert g(x) == 1\n") == 0.5
    assert share("check(f)", "def check(x):\n    assert x(1) == 2\n    assert x(2)\n") == 0.5


def test_names_of_rows_lead_to_their_values():
    """And the tests keep the names they were given."""
    form = blinded(
        {
            PATH: "import pytest\n@pytest.mark.parametrize('x, want', [(1, 2), (2, 4)], ids=['a', 'b'])\n"
            "def test_it(x, want):\n    assert f(x) == want\n"
        }
    )
    first, second = form.hidden
    test = f"{PATH}::test_it[b-escalator-row-{second}.]"

    assert f"('a-escalator-row-{first}.')" in form.texts[PATH]
    assert (form.named(test), form.given(test)) == (f"{PATH}::test_it[b]", {second})


def test_comments_are_left_out_but_for_an_encoding():
    """Lines keep their numbers, and texts their number signs."""
    source = "# -*- coding: utf-8 -*-\nx = '#'\n# f(1) == 2\ny = 1  # two\r\nz = (\n  1,  # one\n)\n"

    assert without_comments(source) == "# -*- coding: utf-8 -*-\nx = '#'\n\ny = 1  \r\nz = (\n  1,  \n)\n"


VALUES = [
    True,
    False,
    None,
    0,
    1,
    -3,
    10**400,
    0.5,
    1e300,
    1j,
    "",
    "a",
    "~",
    "1.0",
    "é",
    " ",
    b"",
    b"a\xff",
    [],
    [1],
]
VALUES += [[[]], (), (None,), set(), {1}, {"~"}, {True, False}, {0, 1, 2, 3}, {}, {"a": []}, {1: {"b": "c"}}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_another_value_is_never_the_same_and_of_the_same_kind(value):
    """Whatever chance picks."""
    for seed in range(30):
        other = other_than(value, random.Random(seed))

        assert other != value
        assert value is None or type(other) is type(value)


def test_the_twin_and_the_plain_tests_are_written_alike():
    """What tells them apart is a value that could be right, or an exception that could be raised."""
    source = (
        "def test_it():\n    assert f(1) == 2\n    assert f(2) == 'ab'\n    with pytest.raises(ValueError):\n"
        "        f(3)\n    assert f(4) == 1e999\n"
    )
    plain = plain_of({PATH: source}).texts[PATH]
    twin = twin_of({PATH: source}, random.Random(1)).form.texts[PATH]

    assert "f(1) == (2)" in plain
    assert "f(2) == ('ab')" in plain
    assert "raises((ValueError))" in plain
    assert "f(4) == 1e999" in plain
    assert [len(line.split("(")) for line in twin.splitlines()] == [
        len(line.split("(")) for line in plain.splitlines()
    ]
    assert twin != plain
    assert "1e999" in twin


class TestRows:
    """Every row of a table has a test of its own."""

    SOURCE = (
        "import pytest\n@pytest.mark.parametrize('x, want', [(1, 2), (2, 4)])\n@pytest.mark.parametrize('y', [5, 6])\n"
        "def test_it(x, y, want):\n    assert f(x) == want\n\n\n"
        "@pytest.mark.parametrize('x', [1, 2, *more])\ndef test_other(x):\n    assert f(x) == 0\n"
    )

    def ids(self, form) -> list[str]:
        marks = [f"escalator-hidden-{number}." for number in form.hidden]
        given = [f"{PATH}::test_it[{y}-{x}-{mark}]" for y in (5, 6) for x, mark in zip((1, 2), marks, strict=True)]
        return [*given, f"{PATH}::test_other[1]", f"{PATH}::test_other[2]"]

    def test_all_of_them_are_enough(self):
        """More may come of what is not written out."""
        form = blinded({PATH: self.SOURCE})

        assert form.lost(self.ids(form)) == ()
        assert form.lost([*self.ids(form), f"{PATH}::test_other[3]"]) == ()

    def test_a_row_that_is_missing_is_missed(self):
        """Also where another stands for it, twice."""
        form = blinded({PATH: self.SOURCE})
        first, second, third, fourth, *others = self.ids(form)

        assert form.lost([first, second, third, *others]) == (f"{PATH}::test_it",)
        assert form.lost([first, first, third, third, *others]) == (f"{PATH}::test_it",)
        assert form.lost([first, second, third, fourth, others[0]]) == (f"{PATH}::test_other",)

    def test_a_function_without_any_test_is_missed_elsewhere(self):
        """As is one whose tests are named in another way."""
        form = blinded({PATH: self.SOURCE})

        assert form.lost([]) == ()
        assert form.lost([f"{PATH}::test_it[case {number}]" for number in range(4)]) == ()
