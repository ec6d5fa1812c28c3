"""The strength of tests: faults put into an accepted answer, noticed or not."""

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators import broke, failed, passed
from escalator.validators.mutation import mutants_of, strength
from escalator.validators.tests.suite import pytest_suite
from validators.judging import needs_bwrap
from validators.sandboxed import no_process, perform

ANSWER = '''\
def untouched(x):
    return x + 1


def clamp(x, low=0, high=10):
    """Keep x between low and high."""
    if x < low:
        return low
    return high if x > high else x


class Box:
    def size(self):
        return len(self.items) * 2
'''
BEFORE = "def untouched(x):\n    return x + 1\n"


def candidate_of(answer=ANSWER, *, before=BEFORE, tests=None) -> Candidate:
    brief = Brief(task_id="t", prompt="x", files={"clamp.py": before}, tests=tests or {})
    return Candidate(brief=brief, changes=ChangeSet(files={"clamp.py": answer}))


def runs(namespace_check):
    """A validator that runs the answer in this process; only for code these tests wrote."""

    def check(candidate):
        space = {}
        exec(candidate.changes.files["clamp.py"], space)
        try:
            return passed("check") if namespace_check(space) else failed("check", feedback="Wrong.")
        except (ArithmeticError, AttributeError, TypeError) as error:
            return failed("check", feedback=str(error))

    return check


def test_every_kind_of_fault_is_made_where_the_answer_changed_something():
    """Bodies, returns, conditions, branches, bounds, numbers and operators; functions left alone are left out."""
    mutants = mutants_of(candidate_of())
    whats = {mutant.what for mutant in mutants}

    assert {
        "the body is gone",
        "returns None",
        "returns 1",
        "the condition is negated",
        "the branch is never taken",
        "x < low is x <= low",
        "2 is 3",
        "len(self.items) * 2 is len(self.items) + 2",
    } <= whats
    assert {mutant.function for mutant in mutants} == {"clamp", "Box.size"}
    assert len({mutant.text for mutant in mutants}) == len(mutants)


def test_every_mutant_is_valid_python_that_differs_from_the_answer():
    """A mutant that does not compile would be noticed by anything."""
    import ast

    for mutant in mutants_of(candidate_of()):
        assert ast.dump(ast.parse(mutant.text)) != ast.dump(ast.parse(ANSWER))


def test_weak_tests_let_faults_through_and_strong_ones_do_not():
    """The report tells the two apart and names what was let through."""
    answer = "def clamp(x):\n    return 10 if x > 10 else x\n"

    def weak(space):
        return space["clamp"](3) is not None or True

    def strong(space):
        return [space["clamp"](x) for x in (3, 9, 10, 11, 12)] == [3, 9, 10, 10, 10]

    loose, tight = (
        drive(strength(candidate_of(answer, before=""), runs(check)), no_process) for check in (weak, strong)
    )

    assert loose.score == 0.0
    assert "let through: clamp.py:2 in clamp()" in loose.summary()
    assert {str(m.what) for m in tight.survived} == {"x > 10 is x >= 10"}
    assert tight.summary().startswith(f"The tests noticed {len(tight.killed)} of {len(tight.killed) + 1} faults.")


def test_the_limit_spreads_faults_over_functions():
    """With few runs to spend, every changed function gets its share, and the rest is counted."""
    tried = []

    def check(candidate):
        tried.append(candidate.changes.files["clamp.py"])
        return passed("check")

    report = drive(strength(candidate_of(), check, limit=4), no_process)

    assert len(tried) == len(report.survived) == 4
    assert {mutant.function for mutant in report.survived} == {"clamp", "Box.size"}
    assert report.left_out == len(mutants_of(candidate_of())) - 4


def test_what_cannot_be_judged_does_not_count():
    """A validator that breaks on mutants gives no score."""
    report = drive(strength(candidate_of(), lambda candidate: broke("check", "no"), limit=2), no_process)

    assert report.score is None
    assert len(report.unjudged) == 2


def test_an_answer_that_is_not_python_has_no_mutants():
    """Other languages and broken files give an empty report, not an error."""
    brief = Brief(task_id="t", prompt="x")
    other = Candidate(brief=brief, changes=ChangeSet(files={"a.js": "let x", "b.py": "def (", "c.py": None}))

    assert drive(strength(other, lambda candidate: passed("check")), no_process).score is None


class TestReal:
    """With the real test validator."""

    pytestmark = needs_bwrap

    def test_a_test_suite_is_measured_in_the_sandbox(self):
        """A suite that looks at one value only notices the missing body and lets the wrong bound through."""
        tests = {"test_clamp.py": "from clamp import clamp\n\n\ndef test_three():\n    assert clamp(3) == 3\n"}
        answer = "def clamp(x):\n    return 10 if x > 10 else x\n"
        candidate = candidate_of(answer, before="def clamp(x):\n    pass\n", tests=tests)

        report = drive(strength(candidate, pytest_suite(rerun_flaky=False), limit=4), perform)

        assert "the body is gone" in {mutant.what for mutant in report.killed}
        assert "x > 10 is x >= 10" in {mutant.what for mutant in report.survived}
