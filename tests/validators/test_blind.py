"""Expected values are taken out of tests, and what the tests send is compared where no code of the answer runs."""

import textwrap

import pytest

from escalator.validators.encoding import Encoder
from escalator.validators.tests.blind import Blinded, blinded
from escalator.validators.tests.comparisons import compared
from escalator.validators.tests.report import Report

PATH = "test_it.py"


def blind(source: str) -> Blinded:
    return blinded({PATH: textwrap.dedent(source)})


def run(form: Blinded, names: dict[str, object]) -> Report:
    """What a runner would report of a module run with these names: plain Python, no pytest, no sandbox."""
    checks: dict[str, list] = {}
    at = [""]

    class Hidden:
        def __init__(self, number: int) -> None:
            self.number = number

    def sent(value: object) -> list:
        if type(value) is Hidden:
            return ["hidden", value.number]
        return ["value", Encoder()(value)]

    def check(number: int, *values: object) -> None:
        checks.setdefault(at[0], []).append((number, list(map(sent, values))))

    space = {"_escalator_check": check, "_escalator_hidden": Hidden, **names}
    exec(compile(form.texts[PATH], PATH, "exec"), space)
    results: dict = {}
    for name, value in list(space.items()):
        if name.startswith("test") and callable(value):
            at[0] = f"{PATH}::{name}"
            try:
                value()
                results[at[0]] = "passed"
            except Exception:  # noqa: BLE001  whatever a test raises
                results[at[0]] = "failed"
    return Report(intact=True, results=results, collected=tuple(results), checks=checks)


def decided(source: str, **names: object) -> dict[str, str]:
    """The results of a module's tests after the comparison, by name."""
    form = blind(source)
    return {
        test.partition("::")[2]: result for test, result in compared(run(form, names), form).report.results.items()
    }


WAYS = {
    "a comparison": "assert f(2) == 4",
    "the other way round": "assert 4 == f(2)",
    "a variable": "got = f(2)\n    assert got == 4",
    "an order": "assert 3 < f(2) <= 4",
    "membership": "assert f(2) in (4, 6)",
    "a difference within bounds": "assert abs(f(2) - 4) < 1e-6",
    "a rounded value": "assert round(f(2), 1) == 4.0",
    "nearly": "assert f(2) == pytest.approx(4.0000001)",
    "close": "assert math.isclose(f(2), 4, rel_tol=1e-6)",
    "two things at once": "assert f(2) == 4 and f(3) != 5",
    "not": "assert not f(2) == 5",
    "a name for the expected value": "want = 4\n    assert f(2) == want",
    "a loop over a table": "for x, want in [(2, 4), (3, 6)]:\n        assert f(x) == want",
    "a message": "assert f(2) == 4, 'twice two'",
    "several lines": "assert f(\n        2,  # two\n    ) == (\n        4\n    )",
    "a context": "with open('/dev/null'):\n        assert f(2) == 4",
}


@pytest.mark.parametrize("body", WAYS.values(), ids=WAYS)
def test_what_is_expected_is_not_in_the_blinded_text(body):
    """The right value passes and a wrong one fails, and the test itself no longer says which is which."""
    source = f"import math\nimport pytest\n\n\ndef test_it():\n    {body}\n"
    form = blind(source)

    assert form.checks
    assert "4" not in form.texts[PATH].replace("0.04", "")
    assert decided(source, f=lambda x: x * 2) == {"test_it": "passed"}
    assert decided(source, f=lambda x: x * 2 + 1) == {"test_it": "failed"}


def test_lines_keep_their_numbers():
    """What pytest tells of a line is found in the file as the task gave it."""
    source = """
    def test_one():
        assert f(
            1,
            2,
        ) == [
            3,
        ]
        x = 1

    CASES = [
        (1,
         2),
    ]
    """
    text = blind(source).texts[PATH]

    assert text.count("\n") == textwrap.dedent(source).count("\n")
    assert text.split("\n")[8].strip() == "x = 1"


def test_what_a_comparison_shows_is_what_pytest_would_show():
    """The model is told the assertion as it is written, and both values."""
    form = blind("def test_it():\n    assert f(2) == [1, 'a']\n")
    whole = compared(run(form, {"f": lambda _: [2, "a"]}), form).report

    detail = whole.details[f"{PATH}::test_it"]
    assert "assert f(2) == [1, 'a']" in detail["text"]
    assert "E   assert [2, 'a'] == [1, 'a']" in detail["text"]
    assert f"{PATH}:2" in detail["text"]


LEFT = {
    "nothing is written out": "assert f(1) == g(1)",
    "only truth is asked": "assert f(1)",
    "one of two": "assert f(1) == 2 or f(1) == 3",
    "identity with an object": "assert f(1) is g",
    "where a failure is expected": "with pytest.raises(AssertionError):\n        assert f(1) == 2",
    "where a failure is caught": "try:\n        assert f(1) == 2\n    except AssertionError:\n        pass",
    "a loop of unknown length": "for x in range(n):\n        assert f(x) == 2",
}


@pytest.mark.parametrize("body", LEFT.values(), ids=LEFT)
def test_what_cannot_be_told_apart_stays_as_it_is(body):
    """An assertion is rewritten only where that changes nothing but who compares."""
    source = f"import pytest\n\n\ndef test_it():\n    {body}\n"

    assert blind(source).texts.get(PATH, source) == source


@pytest.mark.parametrize(
    "decorator", ["@pytest.mark.xfail", "@given(st.integers())", "@unittest.expectedFailure", "@retry"]
)
def test_a_decorator_that_may_turn_a_failure_round_leaves_the_test_alone(decorator):
    """Whoever expects a failure must see it."""
    assert not blind(f"{decorator}\ndef test_it():\n    assert f(1) == 2\n").checks


def test_methods_of_unittest_are_assertions_too():
    """`assertEqual` and its kind say what they expect as `assert` does."""
    source = """
    class TestIt(TestCase):
        def test_it(self):
            self.assertEqual(f(2), 4)
            self.assertAlmostEqual(f(2), 4.00000001)
            self.assertIsNone(g(2))
            self.assertTrue(f(2) < 5)
            self.assertIn(f(2), [4])
    """

    assert [check.template for check in blind(source).checks.values()] == [
        "a0 == e0",
        "almost(a0, e0)",
        "a0 is e0",
        "a0 < e0",
        "a0 in e0",
    ]


class Number(int):
    """Whatever it says of itself, it is no plain number."""


class TestForgery:
    """What a test must send is known from its text; what it sends is taken at its word and no further."""

    SOURCE = "def test_it():\n    assert f(1) == 2\n    assert f(2) == 4\n"
    TABLE = "def test_it():\n    for x, want in [(1, 2), (2, 4)]:\n        assert f(x) == want\n"

    def decide(self, source: str, checks: list) -> str:
        form, test = blind(source), f"{PATH}::test_it"
        report = Report(intact=True, results={test: "passed"}, collected=(test,), checks={test: checks})
        return compared(report, form).report.results[test]

    def test_a_test_that_sends_what_it_owes_passes(self):
        """The honest case, by hand."""
        assert (
            self.decide(self.SOURCE, [(0, [["value", Encoder()(2)]]), (1, [["value", Encoder()(4)]])]) == "passed"
        )

    def test_a_test_that_leaves_an_assertion_out_fails(self):
        """Emptied, it sends nothing."""
        assert self.decide(self.SOURCE, [(0, [["value", Encoder()(2)]])]) == "failed"

    def test_a_check_that_nobody_wrote_fails(self):
        """As does one with another number of values."""
        assert self.decide(self.SOURCE, [(7, [["value", Encoder()(2)]])]) == "failed"
        assert self.decide(self.SOURCE, [(0, []), (1, [])]) == "failed"

    def test_what_is_hidden_cannot_be_sent_back_as_an_answer(self):
        """A stand-in found in the test's frame is not the value that was to be computed."""
        form = blind(self.TABLE)
        first, second = form.hidden
        check = next(iter(form.checks))
        echo = [(check, [["hidden", first], ["hidden", first]]), (check, [["hidden", second], ["hidden", second]])]

        assert self.decide(self.TABLE, echo) == "failed"

    def test_one_right_row_does_not_stand_for_the_others(self):
        """Every row of a table must have been compared with its own value."""
        form = blind(self.TABLE)
        first = min(form.hidden)
        check = next(iter(form.checks))
        row = (check, [["value", Encoder()(2)], ["hidden", first]])

        assert self.decide(self.TABLE, [row, row]) == "failed"

    def test_an_object_of_another_class_decides_nothing(self):
        """The test is to be run as it is written."""
        form, test = blind(self.SOURCE), f"{PATH}::test_it"
        sent = [(0, [["value", Encoder()(Number())]]), (1, [["value", Encoder()(4)]])]
        report = Report(intact=True, results={test: "passed"}, collected=(test,), checks={test: sent})

        assert compared(report, form).undecided == {test}

    def test_an_object_that_should_be_none_is_wrong(self):
        """Whatever it is, it is not None."""
        source = "def test_it():\n    assert f(1) is None\n"

        assert self.decide(source, [(0, [["value", Encoder()(Number())]])]) == "failed"


class TestParameters:
    """Columns of `parametrize` that are only compared with are hidden, and the tests keep their names."""

    SOURCE = """
    import pytest

    @pytest.mark.parametrize("x, want", [(1, 2), (2, 4), pytest.param(3, "six")])
    def test_it(x, want):
        assert f(x) == want
    """

    def test_the_expected_column_is_hidden(self):
        """The inputs stay."""
        text = blind(self.SOURCE).texts[PATH]

        assert '(1, globals().get("_escalator_hidden", str)(' in text
        assert "six" not in text

    def test_the_ids_are_those_pytest_gives(self):
        """A test is known by its values, wherever these are."""
        form = blind(self.SOURCE)
        ids = [
            f"{PATH}::test_it[{x}-escalator-hidden-{number}.]"
            for x, number in zip((1, 2, 3), form.hidden, strict=True)
        ]

        assert [form.named(test) for test in ids] == [
            f"{PATH}::test_it[{tail}]" for tail in ("1-2", "2-4", "3-six")
        ]

    def test_a_test_answers_for_its_own_parameter(self):
        """The pair of another test is not taken."""
        form = blind(self.SOURCE)
        first, second, _ = form.hidden
        check = next(iter(form.checks))
        test = f"{PATH}::test_it[2-escalator-hidden-{second}.]"
        sent = {test: [(check, [["value", Encoder()(2)], ["hidden", first]])]}
        report = Report(intact=True, results={test: "passed"}, collected=(test,), checks=sent)

        assert compared(report, form).report.results == {f"{PATH}::test_it[2-4]": "failed"}

    @pytest.mark.parametrize(
        "use", ["print(want)", "assert f(x) == want + 0 * len(str(want))", "assert g(want) == 1"]
    )
    def test_a_column_that_is_read_elsewhere_stays(self, use):
        """The test needs its value there."""
        source = f"""
        @pytest.mark.parametrize("x, want", [(1, 2)])
        def test_it(x, want):
            {use}
            assert f(x) == want
        """

        assert not blind(source).hidden

    def test_tables_with_names_of_their_own_stay(self):
        """`ids` may be a function of the values."""
        source = """
        @pytest.mark.parametrize("x, want", [(1, 2)], ids=str)
        def test_it(x, want):
            assert f(x) == want
        """

        assert not blind(source).hidden


def test_a_helper_that_tests_call_is_blinded_with_them():
    """`check(candidate)` holds the assertions, and the test owes them."""
    source = """
    def check(candidate):
        assert candidate(1) == 2

    def test_it():
        check(f)
    """
    form = blind(source)

    assert form.owed[f"{PATH}::test_it"] == set(form.checks)
    assert decided(source, f=lambda x: x + 1) == {"test_it": "passed"}


def test_a_helper_that_is_used_otherwise_is_left():
    """Who knows how often it is called."""
    assert not blind(
        "def check(c):\n    assert c(1) == 2\n\ndef test_it():\n    for c in cs:\n        check(c)\n"
    ).checks


def test_a_module_that_python_cannot_read_is_left_as_it_is():
    """Its own error is the better one."""
    assert not blind("def test_it(:\n").texts
