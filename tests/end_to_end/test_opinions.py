"""A whole task whose only judges are a parser and a checker: a good opinion leaves it to a person."""

import json

import pytest

from escalator import Escalator
from escalator.testing import MemoryLedger, ScriptedProvider

RIGHT = "def add(a, b):\n    return a + b\n"
MATRIX = {
    "version": 1,
    "providers": {"here": {"kind": "ollama"}},
    "models": {
        "small": {"provider": "here", "id": "small:1b", "tier": "local_fast", "context": 32768},
        "checker": {"provider": "here", "id": "checker:1b", "tier": "local_quality", "context": 32768},
    },
    "task_types": {
        "standard_development": {
            "complexity": [0, 10],
            "chain": ["small"],
            "checker": ["checker"],
            "validators": ["syntax", "semantic"],
            "max_attempts": 1,
            "at_end": "skip",
        }
    },
}


def script(quote, call="", expected="", met="yes"):
    def reply(request):
        if request.model.name == "small":
            return f"solution.py\n```python\n{RIGHT}```"
        body = "\n".join(message.text for message in request.messages)
        data = json.loads(body[body.index("{") : body.rindex("</data-")])
        defect = {"severity": "blocking", "where": quote, "what": "wrong", "call": call, "expected": expected}
        return json.dumps(
            {
                "requirements": [{"id": each["id"], "met": met, "quote": quote} for each in data["requirements"]],
                "defects": [defect] if call else [],
                "control": "no",
            }
        )

    return reply


def executed(reply, **options):
    with Escalator(MATRIX, ledger=MemoryLedger(), providers=ScriptedProvider(reply)) as house:
        before = {"solution.py": "def add(a, b):\n    return 0\n"}
        return house.execute("add(a, b) must return the sum of a and b.", files=before, **options)


def test_a_good_opinion_beside_good_form_waits_for_a_person():
    """Nothing has run; the answer is kept, with how sure the opinion was."""
    outcome = executed(script("return a + b"))
    assert outcome.status == "needs_review"
    assert outcome.confidence == pytest.approx(0.70)
    assert outcome.files == {"solution.py": RIGHT}
    assert "opinion" in outcome.reason


def test_a_calibrated_opinion_may_accept():
    """What the team measured of its checker counts as a verdict."""
    calibrated = [{"semantic": {"calibration": [[0, 0.1], [1, 0.9]]}}]
    outcome = executed(script("return a + b"), validators=["syntax", *calibrated])
    assert (outcome.status, outcome.confidence) == ("accepted", pytest.approx(0.85))


def test_a_defect_that_cannot_be_shown_is_no_veto_and_one_that_can_is():
    """The call is tried, and its value compared outside the process that ran the answer."""
    assert executed(script("return a + b", "add(2, 2)", "4")).status == "needs_review"
    assert executed(script("return a + b", "add(2, 2)", "5")).status == "skipped"


def test_a_quote_that_shows_nothing_decides_nothing():
    """The checker says yes to all and points at a keyword."""
    outcome = executed(script("return"))
    assert outcome.status == "needs_review"
    assert "shows the point" in outcome.reason
