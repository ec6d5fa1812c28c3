"""One attempt of a worker: composed, asked, taken apart."""

import pytest

from escalator.answers import work
from escalator.flow import drive
from escalator.records import Call, Completion, Failure, Rung
from escalator.steps import Ask, Asked
from making import brief, model, plan

RUNG = Rung(index=0, model=model(), effort="low")
FILES = {"app.py": "x = 1\n"}
CALL = Call(purpose="worker", model="local-14b", provider="ollama")


def attempt_with(text="", *, condition="ok", finish="stop", failure=None, **more):
    more.setdefault("files", FILES)
    steps = []

    def perform(step):
        steps.append(step)
        if failure is not None:
            return Asked(failure=failure, calls=(CALL,))
        done = Completion(text=text, model="qwen:14b", condition=condition, finish=finish)
        return Asked(completion=done, calls=(CALL,))

    attempt = drive(work(brief(**more), plan("a"), RUNG, 2, ()), perform)
    assert [type(step) for step in steps] == [Ask]
    assert steps[0].purpose == "worker"
    return attempt


def test_a_good_answer_becomes_a_change_set():
    """The attempt says who answered, how, what it changes and what was asked."""
    attempt = attempt_with("```python\nx = 2\n```")

    assert attempt.changes is not None
    assert dict(attempt.changes.files) == {"app.py": "x = 2\n"}
    assert (attempt.rung, attempt.number, attempt.model, attempt.answered_by, attempt.effort) == (
        0,
        2,
        "local-14b",
        "qwen:14b",
        "low",
    )
    assert attempt.calls == (CALL,)
    assert len(attempt.prompt_digest) >= 16
    assert attempt.answer == "```python\nx = 2\n```"


def test_an_unusable_answer_becomes_a_rejection():
    """A text without code is an answer, but not a change."""
    attempt = attempt_with("I would rather not say more about it")

    assert attempt.rejection is not None
    assert attempt.rejection.kind == "no_code"
    assert attempt.changes is None
    assert attempt.failure is None


def test_a_failed_call_becomes_a_failure():
    """A call that failed leaves no answer and keeps its reason."""
    attempt = attempt_with(failure=Failure(kind="rate_limit", message="slow down"))

    assert attempt.failure is not None
    assert attempt.failure.kind == "rate_limit"
    assert attempt.calls == (CALL,)


@pytest.mark.parametrize("condition", ["truncated", "refusal", "empty", "incomplete", "bad_output"])
def test_an_answer_in_bad_condition_becomes_a_failure(condition):
    """What a provider marks as unusable is a failure of that kind, with the text kept."""
    attempt = attempt_with("```python\nx = 2\n```", condition=condition, finish="odd")

    assert attempt.failure is not None
    assert attempt.failure.kind == condition
    assert attempt.changes is None
    assert attempt.answer


def test_an_unknown_finish_reason_is_judged_by_its_text():
    """A reason that did not exist when this was written does not spoil a good answer."""
    assert attempt_with("```python\nx = 2\n```", condition="unknown", finish="brand_new").changes is not None


def test_given_tests_cannot_be_changed():
    """The tests of the brief are protected without being listed as such."""
    attempt = attempt_with("```python test_app.py\nx = 2\n```", tests={"test_app.py": "def test(): ...\n"})

    assert attempt.rejection is not None
    assert attempt.rejection.kind == "protected"


@pytest.mark.parametrize(
    "text", ['{"a": 1}', '```json\n{"a": 1}\n```', '<think>hm</think>\n{"a": 1}', '\ufeff {"a": 1}\n']
)
def test_an_answer_to_a_schema_is_its_json(text):
    """With a response schema the answer is the bare JSON and no file changes."""
    attempt = attempt_with(text, files={}, response_schema={"type": "object"})

    assert attempt.changes is not None
    assert dict(attempt.changes.files) == {}
    assert attempt.answer == '{"a": 1}'


def test_an_answer_to_a_schema_that_is_no_json_is_rejected():
    """Prose where JSON was asked for is a failure of format."""
    attempt = attempt_with("The answer is 1.", files={}, response_schema={"type": "object"})

    assert attempt.rejection is not None
    assert attempt.rejection.kind == "bad_format"


def test_an_answer_to_a_schema_may_name_files():
    """JSON with files and contents changes those files."""
    text = '{"files": [{"path": "app.py", "content": "x = 2\\n"}]}'
    attempt = attempt_with(text, response_schema={"type": "object"})

    assert attempt.changes is not None
    assert dict(attempt.changes.files) == {"app.py": "x = 2\n"}
