"""What a validator may be, and how a name becomes one."""

from importlib.metadata import EntryPoint

import pytest

from escalator.errors import ConfigError, ValidatorError
from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet, Command, Failure, ValidatorSpec
from escalator.steps import run
from escalator.validators import (
    BUILT_IN,
    broke,
    build,
    cost_of,
    cost_rank,
    failed,
    judge,
    name_of,
    passed,
    resolve,
    skipped,
    suspicious,
    unavailable,
    version_of,
    why_inapplicable,
    why_unavailable,
)

BRIEF = Brief(task_id="t", prompt="x")
CANDIDATE = Candidate(brief=BRIEF, changes=ChangeSet())


def says_yes(*, loudly: bool = False):
    def check(candidate):
        return passed("yes", confidence=1.0 if loudly else 0.9)

    return check


def picky(*, least: int = 1):
    raise ValueError(f"least is {least}; give a number above 1")


NOT_A_FACTORY = 3


def returns_nothing():
    return None


class Careful:
    name, version, cost = "careful", "7", "model"

    def __call__(self, candidate):
        result = yield from run(Command(argv=("true",)), validator="careful")
        return passed("careful") if result.exit_status == 0 else failed("careful", feedback="No.")

    def unavailable(self, brief):
        return "There is no model."

    def inapplicable(self, brief):
        return None


def no_step(step):
    raise AssertionError(step)


class TestVerdicts:
    """The ways a verdict can read."""

    def test_only_a_pass_passes(self):
        """Inconclusive verdicts of every reason are neither passed nor failed."""
        undecided = [
            skipped("v", "Nothing to judge."),
            unavailable("v", "No tool."),
            broke("v", ValueError("odd")),
            suspicious("v", "Odd code."),
        ]

        assert [v.reason for v in undecided] == ["skipped", "unavailable", "error", "suspicious"]
        assert not any(v.passed or v.failed for v in undecided)
        assert passed("v").passed
        assert failed("v", feedback="Mend it.").failed

    def test_the_hint_says_why_and_what_to_do(self):
        """A person reads one field; a program finds the reason apart."""
        verdict = skipped("v", "No tests were given.", "Pass tests=.")

        assert verdict.hint == "No tests were given. Pass tests=."
        assert verdict.evidence["why"] == "No tests were given."


class TestJudging:
    """One way to run validators of either form."""

    def test_a_plain_function_is_a_validator(self):
        """A validator that needs no process just returns its verdict."""
        assert drive(judge(says_yes(), CANDIDATE), no_step).confidence == 0.9

    def test_a_flow_is_a_validator(self):
        """A validator that needs a process yields it."""
        from escalator.records import Isolation, RunResult

        verdict = drive(
            judge(Careful(), CANDIDATE), lambda step: RunResult(exit_status=0, isolation=Isolation(kind="none"))
        )
        assert verdict.passed

    def test_no_sandbox_is_no_verdict(self):
        """Where nothing can be run, the validator is unavailable and says so."""
        verdict = drive(
            judge(Careful(), CANDIDATE), lambda step: Failure(kind="unavailable", message="No sandbox.")
        )

        assert (verdict.status, verdict.reason) == ("inconclusive", "unavailable")
        assert "No sandbox." in verdict.hint

    def test_a_validator_that_breaks_is_no_verdict_on_the_answer(self):
        """An exception of a stranger's validator becomes an inconclusive verdict that names it."""

        def broken(candidate):
            return 1 / 0

        def wordless(candidate):
            return None

        first, second = (drive(judge(v, CANDIDATE), no_step) for v in (broken, wordless))

        assert first.reason == second.reason == "error"
        assert "ZeroDivisionError" in first.hint

    def test_optional_attributes_have_defaults(self):
        """A bare function has a name, a version and a cost; it is always available and applicable."""
        plain = says_yes()

        assert (name_of(plain), version_of(plain), cost_of(plain), cost_rank(plain)) == (
            "check",
            "1",
            "process",
            1,
        )
        assert why_unavailable(plain, BRIEF) is None
        assert why_inapplicable(plain, BRIEF) is None

    def test_optional_attributes_are_read(self):
        """What a validator says of itself is used."""
        careful = Careful()

        assert (name_of(careful), version_of(careful), cost_rank(careful)) == ("careful", "7", 2)
        assert why_unavailable(careful, BRIEF) == "There is no model."

    def test_an_unknown_cost_is_an_error(self):
        """A misspelt cost is told, not guessed."""
        careful = Careful()
        careful.cost = "cheap"

        with pytest.raises(ValidatorError, match="instant"):
            cost_of(careful)


HERE = f"{__name__}:says_yes"


class TestNames:
    """From a name in the matrix to a validator."""

    @pytest.mark.parametrize("name", BUILT_IN)
    def test_every_built_in_name_leads_to_a_factory(self, name):
        """The table of built-in names points at functions that exist."""
        assert callable(resolve(name))

    def test_a_path_leads_to_a_factory(self):
        """Any function can be named as module:attribute."""
        assert build(ValidatorSpec(name=HERE, options={"loudly": True}))(CANDIDATE).confidence == 1.0

    def test_an_entry_point_leads_to_a_factory(self):
        """A distribution can publish a short name."""
        point = EntryPoint(name="yes", value=HERE, group="escalator.validators")

        assert build(ValidatorSpec(name="yes"), installed=[point])(CANDIDATE).passed

    def test_two_plug_ins_of_one_name_are_an_error(self):
        """Which of two was meant is not guessed, and both are named."""
        points = [EntryPoint(name="yes", value=f"{pkg}:v", group="escalator.validators") for pkg in ("a", "b")]

        with pytest.raises(ConfigError, match="a:v and b:v"):
            resolve("yes", installed=points)

    def test_a_plug_in_that_does_not_import_is_an_error_that_names_it(self):
        """The matrix asked for it, so it is not passed over."""
        point = EntryPoint(name="yes", value="no_such_package:v", group="escalator.validators")

        with pytest.raises(ConfigError, match="no_such_package"):
            resolve("yes", installed=[point])

    def test_a_misspelt_name_is_answered_with_the_nearest(self):
        """The error proposes what was probably meant."""
        with pytest.raises(ConfigError, match="did you mean 'syntax'"):
            resolve("sintax", installed=[])

    def test_an_unknown_option_is_answered_with_the_nearest(self):
        """Options are held against the factory's signature."""
        with pytest.raises(ConfigError, match="did you mean 'timeout'") as caught:
            build(ValidatorSpec(name="tests", options={"timeot": 5}))
        assert caught.value.key == "validators.tests.timeot"

    @pytest.mark.parametrize(
        ("attribute", "said"),
        [
            ("picky", "above 1"),
            ("NOT_A_FACTORY", "not a function"),
            ("returns_nothing", "NoneType"),
            ("gone", "gone"),
        ],
    )
    def test_a_factory_that_cannot_serve_is_a_configuration_error(self, attribute, said):
        """A refused value, a thing that is no factory, and a missing attribute are all told with the key."""
        with pytest.raises(ConfigError, match=said):
            build(ValidatorSpec(name=f"{__name__}:{attribute}"))
