"""What is held, what is booked, and what is said where the two do not fit."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from escalator import Escalator
from escalator.errors import TaskError
from escalator.events import Warned
from escalator.ledger import to_usd
from escalator.pricing import Bound
from escalator.records import Completion, Request, Usage
from escalator.testing import MemoryLedger, ScriptedProvider, VirtualClock, failure
from houses import BASE, RIGHT, House, chain_of, matrix

PAID = {"task_types": chain_of("haiku", max_attempts=1)}
PROMPT = "Fix add() in adding.py."


def answer(usage: Usage, *, model: str = "claude-haiku-5-5") -> Completion:
    return Completion(text=RIGHT, model=model, usage=usage)


def test_an_answer_without_figures_is_booked_at_all_that_was_held() -> None:
    """Hidden thinking may have filled the limit, so what is seen is no bound; the outcome says so."""
    house = House({"haiku": [answer(Usage(input_tokens=5, output_tokens=5, estimated=True))]}, **PAID)

    outcome = house.execute()

    (row,) = house.ledger.calls()
    assert (outcome.status, row.cost) == ("accepted", row.amount)
    assert any("upper bound" in text for text in outcome.warnings)


class Counting(ScriptedProvider):
    """Bounds a prompt at a million tokens and counts a hundred."""

    def bound(self, request: Request) -> Bound:
        return Bound(input_tokens=1_000_000, output_tokens=request.max_tokens)

    def count_tokens(self, request: Request) -> int:
        return 100


def house_of(provider: ScriptedProvider, ledger: MemoryLedger, **changes: Any) -> Escalator:
    return Escalator(matrix(**PAID, **changes), ledger=ledger, providers=provider)


def execute(house: Escalator, **options: Any) -> Any:
    return house.execute(PROMPT, files=BASE, validators=["syntax"], task_type="standard_development", **options)


def test_a_failure_after_an_exact_count_is_charged_what_was_held_in_the_end() -> None:
    """The wire's bound did not fit, the counted prompt did: that smaller hold is all that may be charged."""
    ledger = MemoryLedger()
    provider = Counting({"haiku": [failure("timeout", billed=True)]})

    with house_of(provider, ledger, transport={"retries": 0}) as house:
        outcome = execute(house, budget="0.01")

    (row,) = ledger.calls()
    assert row.cost == row.amount
    assert to_usd(row.cost) <= Decimal("0.01")
    assert outcome.cost == to_usd(row.cost)


def test_a_bill_above_the_hold_is_recorded_told_and_closes_the_budget() -> None:
    """It is neither clamped nor silent: the next call finds the limit passed."""
    house = House(
        {"haiku": [answer(Usage(input_tokens=100, output_tokens=1_000_000))]},
        **PAID,
        cost_guard={"budgets": {"day": 0.4}},
    )

    first, second = house.execute(), house.execute("Fix it again.")

    (row,) = house.ledger.calls()
    assert row.cost > row.amount
    assert first.cost == to_usd(row.cost)
    assert any("was billed $0.500" in text for text in first.warnings)
    assert any(isinstance(event, Warned) and "was billed" in event.message for event in house.events)
    assert (second.status, second.cause) == ("stopped", "budget")


@pytest.mark.parametrize(("hour", "input_price"), [(12, 2), (23, 4)])
def test_a_call_that_may_end_after_a_rise_of_the_price_is_held_at_the_dearer_one(
    hour: int, input_price: int
) -> None:
    """One minute before the midnight on which a price doubles, the new price is held."""
    models = matrix()["models"]
    models["haiku"] |= {"provider": "cloud", "id": "gemini-4-argon"}
    providers = {**matrix()["providers"], "cloud": {"kind": "google", "api_key_env": "GEMINI_API_KEY"}}
    data = matrix(models=models, providers=providers, **PAID)
    evening = datetime(2026, 11, 30, hour, 59, tzinfo=UTC).timestamp()
    clock, ledger = VirtualClock(evening), MemoryLedger(clock=lambda: evening)

    class Exact(ScriptedProvider):
        def bound(self, request: Request) -> Bound:
            return Bound(input_tokens=1_000_000, output_tokens=0)

    script = {"haiku": [answer(Usage(input_tokens=1, output_tokens=1), model="gemini-4-argon")]}
    with Escalator(data, ledger=ledger, providers=Exact(script), clock=clock.clock) as house:
        execute(house)

    (row,) = ledger.calls()
    assert to_usd(row.amount) == input_price


def test_a_prompt_that_cannot_have_been_read_in_full_is_told() -> None:
    """A server that counts fewer tokens than there are words has cut the prompt; the answer is judged all the same."""
    files = {**BASE, "long.txt": "".join(f"value_{n} = {n * 7919}\n" for n in range(6_000))}
    usage = Usage(input_tokens=4_096, output_tokens=10)
    house = House({"haiku": [answer(usage)]}, **PAID)

    outcome = house.execute(files=files)

    (warning,) = outcome.warnings
    assert outcome.status == "accepted"
    assert "read 4,096 tokens" in warning
    assert "cut the prompt" in warning
    assert outcome.calls[0].warnings == (warning,)


def test_a_gateways_alias_that_a_bought_model_answers_is_told() -> None:
    """The alias says nothing of who answers; the name in the answer does."""
    local = {"kind": "openai", "base_url": "http://127.0.0.1:4000"}
    model = {"provider": "here", "id": "smart", "tier": "local_fast"}

    def warned(**provider: Any) -> bool:
        data = matrix(
            providers={"here": {**local, **provider}},
            models={"one": model},
            task_types=chain_of("one", max_attempts=1),
            cost_guard={},
        )
        reply = answer(Usage(input_tokens=100, output_tokens=10), model="anthropic/claude-opus-4-5")
        with Escalator(data, ledger=MemoryLedger(), providers=ScriptedProvider({"one": [reply]})) as house:
            return any("which Anthropic sells" in text for text in execute(house).warnings)

    assert (warned(), warned(local=True)) == (True, False)


@pytest.mark.parametrize("budget", ["1e999999", "1e10", Decimal("1e400"), 1e300])
def test_a_budget_beyond_what_a_ledger_counts_is_refused(budget: Any) -> None:
    """It names the field and what to pass instead, before any model is asked."""
    with pytest.raises(TaskError) as caught:
        House({}, **PAID).execute(budget=budget)

    assert caught.value.field == "budget"
    assert "1,000,000,000" in caught.value.hint
