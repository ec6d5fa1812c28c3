"""A twin of the task's tests expects other values: whatever passes it was never compared."""

import re
import textwrap
import warnings

import pytest

from escalator.validators.tests.twin import twin_of

PATH = "test_it.py"


def changed(source: str) -> tuple[str, frozenset[str]]:
    twin = twin_of({PATH: textwrap.dedent(source)})
    return twin.form.texts.get(PATH, ""), twin.tests


def outcome(text: str, **names: object) -> str:
    """Whether the first test of a module passes or fails."""
    space = dict(names)
    exec(compile(text, PATH, "exec"), space)
    try:
        next(value for name, value in space.items() if name.startswith("test"))()
    except AssertionError:
        return "failed"
    return "passed"


KINDS = {
    "a number": ("4", 4),
    "a fraction": ("0.5", 0.5),
    "a very large fraction": ("1e300", 1e300),
    "a text": ("'ab'", "ab"),
    "bytes": ("b'ab'", b"ab"),
    "a truth": ("True", True),
    "nothing": ("None", None),
    "a list": ("[1, 2]", [1, 2]),
    "an empty list": ("[]", []),
    "a tuple": ("(1,)", (1,)),
    "a set": ("{1}", {1}),
    "a dict": ("{'a': 1}", {"a": 1}),
}


@pytest.mark.parametrize(("written", "value"), KINDS.values(), ids=KINDS)
def test_a_right_answer_fails_the_twin(written, value):
    """Whatever kind of value is expected, the twin expects another; an object equal to everything passes both."""

    class Equal:
        def __eq__(self, other):
            return True

        __hash__ = None

    text, tests = changed(f"def test_it():\n    assert f() == {written}\n")

    assert tests == {f"{PATH}::test_it"}
    assert outcome(text, f=lambda: value) == "failed"
    assert outcome(text, f=Equal) == "passed"


@pytest.mark.parametrize("body", ["assert f() is None", "self.assertIsNone(f())", "assert f() is True"])
def test_a_twin_gives_python_nothing_to_warn_of(body):
    """A verdict would print it for each assertion, and where warnings are errors there would be no twin at all."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text, _ = changed(f"def test_it():\n    {body}\n")
        compile(text, PATH, "exec")

    assert text


def test_a_table_is_changed_in_every_row():
    """In a loop, and in the column of `parametrize` that is compared with."""
    loop, tests = changed("def test_it():\n    for x, want in [(1, 2), (2, 4)]:\n        assert f(x) == want\n")
    given, more = changed("""
        @pytest.mark.parametrize("x, want", [(1, 2), (2, 4)])
        def test_it(x, want):
            assert f(x) == want
    """)

    assert tests == more == {f"{PATH}::test_it"}
    for text in (loop, given):
        assert re.search(r"\(1, \([13]\)\), \(2, \([35]\)\)", text)


def test_an_exception_that_is_expected_becomes_another():
    """A `raises` that catches anything passes the twin."""
    text, tests = changed("def test_it():\n    with pytest.raises(ValueError):\n        f()\n")

    assert tests == {f"{PATH}::test_it"}
    assert "ValueError" not in text


UNCHANGED = {
    "nothing is expected by value": "assert f()",
    "not every run comes by": "if g():\n        assert f() == 1",
    "an order may hold for other values too": "assert f() < 4",
    "membership may too": "assert f() in [4]",
    "nothing follows for certain": "if g():\n        return\n    assert f() == 1",
}


@pytest.mark.parametrize("body", UNCHANGED.values(), ids=UNCHANGED)
def test_a_test_that_need_not_fail_has_no_twin(body):
    """A false alarm would be a right answer refused."""
    assert changed(f"def test_it():\n    {body}\n")[1] == frozenset()


def test_a_module_that_cannot_be_read_has_none():
    """Nor does it keep the others from having theirs."""
    twin = twin_of({"a.py": "def test_(:\n", "b.py": "def test_it():\n    assert f() == 1\n"})

    assert twin.tests == {"b.py::test_it"}
