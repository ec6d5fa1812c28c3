"""Any Python function can judge an answer."""

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet, Verdict
from escalator.validators.protocol import failed
from escalator.validators.python_callable import python

CANDIDATE = Candidate(brief=Brief(task_id="t", prompt="p"), changes=ChangeSet(files={"a.py": "print(1)\n"}))


def judge(call, perform=None, **options) -> Verdict:
    return drive(python(call=call, **options)(CANDIDATE), perform)


def no_print(candidate):
    return "Remove print()." if "print(" in candidate.changes.files["a.py"] else ""


def test_true_passes_and_false_fails():
    """A function that returns a bool decides by it."""
    assert judge(lambda _: True).passed
    assert judge(lambda _: False).failed


def test_a_text_is_feedback():
    """A returned text fails the answer and is what the model is told; an empty one passes."""
    verdict = judge(no_print)
    assert verdict.failed
    assert verdict.feedback == "Remove print()."
    assert verdict.validator == "no_print"
    assert judge(lambda _: "").passed


def test_a_verdict_is_taken_as_it_is():
    """A function that makes its own verdict is believed to the letter."""
    own = failed("mine", feedback="no", confidence=0.5)
    assert judge(lambda _: own) is own


def test_a_flow_may_ask_for_steps():
    """A function may be a flow: what it yields is performed, what it returns decides."""

    def curious(candidate):
        answer = yield "a step"
        return answer == "a reply"

    assert judge(curious, perform={"a step": "a reply"}.get).passed


def test_an_exception_is_not_the_answers_fault():
    """A function that breaks makes the verdict inconclusive, with the error named."""
    verdict = judge(lambda _: 1 / 0)
    assert verdict.reason == "error"
    assert "ZeroDivisionError" in verdict.hint


def test_a_strange_return_value_is_an_error():
    """None is neither a pass nor a fail."""
    verdict = judge(lambda _: None)
    assert verdict.reason == "error"
    assert "NoneType" in verdict.hint


def test_a_dotted_name_is_imported():
    """The matrix names a function as "module:attribute"."""
    assert judge("operator:truth").passed is True
    assert judge("operator:not_").failed


def test_a_missing_function_is_unavailable():
    """A name that does not import is found before any money is spent."""
    validator = python(call="no.such.module:f")
    assert "no.such.module" in validator.unavailable(CANDIDATE.brief)
    assert drive(validator(CANDIDATE), None).reason == "unavailable"


@pytest.mark.parametrize("call", ["just_a_name", 3])
def test_nonsense_is_refused_when_the_validator_is_made(call):
    """A call that is neither a function nor "module:attribute" is a mistake in the matrix."""
    with pytest.raises((ValueError, TypeError), match="call:"):
        python(call=call)
