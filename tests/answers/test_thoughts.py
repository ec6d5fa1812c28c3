"""What a model thought aloud is not its answer, however damaged the marks around it are."""

import pytest

from escalator.answers import extract, work
from escalator.flow import drive
from escalator.records import Call, ChangeSet, Completion, Rejection, Rung
from escalator.steps import Asked
from making import brief, model, plan

T = "```"
ANSWER = f"{T}python\nx = 1\n{T}\n"
DRAFT = f"{T}python\nx = 5\n{T}\n"
APP = {"app.py": "x = 0\n"}


@pytest.mark.parametrize(
    "text",
    [
        f"analysisWe need x to be one. Maybe:\n{DRAFT}\nassistantfinal{ANSWER}",
        f"analysisWe need it.assistantcommentary to=nobodyassistantfinalHere it is:\n\n{ANSWER}",
        "analysisWe need it.assistantfinalimport os\n\nx = 1\n".replace("import os\n\n", ""),
        f"assistantanalysisWe need it.assistantfinal{ANSWER}",
        f"analysis\nWe need it.\nfinal\n{ANSWER}",
        f"analysis\nWe need it.\nassistant\nfinal\n{ANSWER}",
        f"assistantfinal{ANSWER}",
        f"final\n{ANSWER}",
        f"<|channel|>analysis<|message|>hm<|channel|>final\n{ANSWER}",
        f"<|channel|>final<|message|>{ANSWER}<|return|>",
        f"Final answer:\n{ANSWER}",
        f"analysis of what is wrong:\n{ANSWER}",
    ],
)
def test_the_final_channel_is_the_answer(text: str) -> None:
    """With its tokens, without them, or with some."""
    found = extract(text, workspace=APP)

    assert isinstance(found, ChangeSet), found
    assert dict(found.files) == {"app.py": "x = 1\n"}


@pytest.mark.parametrize(
    "text", [f"analysisWe need to think of it.\n{DRAFT}", f"<|channel|>analysis<|message|>{DRAFT}"]
)
def test_a_channel_of_thoughts_alone_is_no_answer(text: str) -> None:
    """A draft in it is not taken for one."""
    found = extract(text, workspace=APP)

    assert isinstance(found, Rejection)
    assert found.kind == "truncated"


def test_a_word_in_the_file_is_no_channel() -> None:
    """A file may begin with a name that looks like one, and hold the word."""
    code = 'finalResult = 1;\nlet mark = "assistantfinal";\n'
    found = extract(code, workspace={"a.js": "let a = 1;\n"}, target="a.js")

    assert isinstance(found, ChangeSet)
    assert dict(found.files) == {"a.js": code}


def attempt(text: str, reasoning: str) -> object:
    done = Completion(text=text, model="m", reasoning=reasoning)
    asked = Asked(completion=done, calls=(Call(purpose="worker", model="a", provider="b"),))
    return drive(work(brief(files=APP), plan("a"), Rung(index=0, model=model()), 1, ()), lambda _: asked)


@pytest.mark.parametrize(
    "text", [f"<think>\n\n{ANSWER}", "<think>\nx = 1\n", f"<think>{ANSWER}", f"</think>\n{ANSWER}"]
)
def test_a_tag_that_was_left_over_opens_nothing(text: str) -> None:
    """Where the thoughts came beside the answer, its open tag is a leftover; else the thinking never ended."""
    taken = attempt(text, "x must be one")

    assert taken.changes is not None
    assert dict(taken.changes.files) == {"app.py": "x = 1\n"}
    if not text.startswith("</"):
        assert attempt(text, "").rejection.kind == "truncated"
