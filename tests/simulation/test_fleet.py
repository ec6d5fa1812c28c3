"""The simulated fleet: real wires on loopback, models as good as the function behind them, everything labelled."""

from __future__ import annotations

from typing import Any

import pytest

from escalator import Escalator
from escalator.simulation import Fault, Fleet, Question
from escalator.simulation.fleet import SIMULATED
from houses import BASE, RIGHT, WRONG, adds, chain_of


def matrix(fleet: Fleet, *kinds: str) -> dict[str, Any]:
    """A chain with one model of each kind; the model bears the kind's name."""
    price = {"input": 1, "output": 5}
    return {
        "version": 1,
        "providers": fleet.providers(),
        "models": {kind: {"provider": kind, "id": kind, "tier": "haiku", "price": price} for kind in kinds},
        "task_types": chain_of(*kinds, max_attempts=1),
    }


def do(fleet: Fleet, *kinds: str) -> Any:
    with Escalator(matrix(fleet, *kinds), ledger=":memory:") as house:
        return house.execute("Fix add() in adding.py.", files=BASE, validators=["syntax", adds])


@pytest.mark.parametrize("kind", SIMULATED)
def test_every_wire_carries_prompt_and_answer(kind: str) -> None:
    """The real provider of the kind asks; what came is judged, paid and labelled as any answer, and as simulated."""
    asked: list[Question] = []

    def skill(question: Question) -> str:
        asked.append(question)
        return RIGHT

    with Fleet(skill) as fleet:
        outcome = do(fleet, kind)
        assert fleet.asked == {kind: 1}
    assert (outcome.status, outcome.simulated) == ("accepted", True)
    assert outcome.attempts[0].answer == RIGHT
    (question,) = asked
    assert (question.kind, question.model) == (kind, kind)
    assert "Fix add() in adding.py." in question.prompt
    (call,) = outcome.calls
    assert call.usage.input_tokens > 0
    assert call.usage.output_tokens > 0
    assert call.cost > 0


def test_models_are_as_good_as_the_function_says() -> None:
    """A wrong answer of one is climbed over to the next."""
    first, second = SIMULATED[:2]
    with Fleet(lambda question: WRONG if question.model == first else RIGHT) as fleet:
        outcome = do(fleet, first, second)
    assert (outcome.status, outcome.model) == ("accepted", second)
    assert [move.kind for move in outcome.transitions] == ["escalation"]


@pytest.mark.parametrize(("status", "cause"), [(500, "server"), (429, "rate_limit"), (401, "auth")])
def test_a_fault_is_what_its_status_means(status: int, cause: str) -> None:
    """The provider reads it as it reads the real one: the next model is asked, and nothing is charged."""
    first, second = SIMULATED[:2]
    fault = Fault(status=status, body={"error": {"message": "no"}})
    with Fleet(lambda question: fault if question.model == first else RIGHT) as fleet:
        outcome = do(fleet, first, second)
    assert (outcome.status, outcome.model) == ("accepted", second)
    assert outcome.attempts[0].failure.kind == cause
    assert outcome.attempts[0].cost == 0


def test_a_kind_that_is_down_refuses_connections() -> None:
    """As a server that was not started does."""
    first, second = SIMULATED[:2]
    with Fleet(lambda _: RIGHT, down=(first,)) as fleet:
        outcome = do(fleet, first, second)
    assert (outcome.attempts[0].failure.kind, outcome.model) == ("connection", second)
    assert fleet.asked == {second: 1}


def test_what_is_not_simulated_is_said_to_be_not_found() -> None:
    """Nobody takes it for an answer."""
    import httpx2

    with Fleet(lambda _: RIGHT) as fleet, httpx2.Client(base_url=fleet.url(SIMULATED[0])) as client:
        for answer in (client.get("/v1/nothing"), client.post("/v1/nothing", json={})):
            assert (answer.status_code, answer.json()["error"]["message"]) == (404, "not simulated")
        assert client.get("/v1/models").json()["data"] == []
