"""What is written when a task ends: the ledger's rows, the warnings, and what it would have cost otherwise."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from escalator.execution.journal import Record
from escalator.execution.rows import closing, warnings
from escalator.ledger import Entry
from escalator.records import Attempt, Call, Completion, Outcome, Tier, Transition, Usage
from escalator.records.codec import OUTCOMES
from escalator.testing import MemoryLedger, failure
from houses import BASE, BROKEN, RIGHT, WRONG, House
from making import answered, brief, broken, chain, failed, model, passed, plan, undecided, unusable

FIRST, SECOND, LAST = chain("a", "b", "c")


def outcome(*attempts: Attempt, **more: Any) -> Outcome:
    given = {"status": "accepted", "reason": "because", "brief": brief(), "plan": plan(), "attempts": attempts}
    return Outcome(**{**given, **more})


def call(purpose: Any = "worker", name: str = "a", cost: str = "0", **more: Any) -> Call:
    usage = Usage(input_tokens=100, output_tokens=10)
    return Call(
        **{"purpose": purpose, "model": name, "provider": "p", "cost": Decimal(cost), "usage": usage, **more}
    )


@pytest.mark.parametrize(
    ("attempt", "result", "cause"),
    [
        (answered(FIRST, verdicts=(passed("syntax"), passed("tests"))), "passed", ""),
        (answered(FIRST, verdicts=(passed("syntax"), failed("tests"))), "failed", "tests"),
        (answered(FIRST, verdicts=(passed("syntax"), undecided("tests"))), "inconclusive", "tests"),
        (answered(FIRST), "inconclusive", "unproven"),
        (answered(FIRST, verdicts=(passed("syntax"), failed("style", required=False))), "passed", ""),
        (unusable(FIRST, kind="elided"), "unusable", "elided"),
        (broken(FIRST, "rate_limit"), "unavailable", "rate_limit"),
        (replace(broken(FIRST, "deadline"), changes=answered(FIRST).changes), "unavailable", "deadline"),
    ],
)
def test_what_became_of_an_attempt_is_a_word_and_its_cause_another(
    attempt: Attempt, result: str, cause: str
) -> None:
    """The row tells a wrong answer from one nobody could use, and both from one nobody gave."""
    (tried,) = closing(outcome(attempt)).tries
    assert (tried.result, tried.cause) == (result, cause)


def test_an_attempt_s_row_says_who_answered_and_what_it_took() -> None:
    """Tokens are the worker's, the cost is everybody's, the seconds are those of calls and checks."""
    calls = (call(cost="0.001", seconds=1.5), call("checker", "judge", cost="0.002", seconds=2.0))
    attempt = answered(SECOND, 2, verdicts=(passed("syntax", seconds=0.25),), answered_by="b-2026", effort="low")
    (tried,) = closing(outcome(replace(attempt, calls=calls))).tries
    assert (tried.model, tried.answered_by, tried.rung, tried.number) == ("b", "b-2026", 1, 2)
    assert (tried.checker, tried.effort, tried.validation) == ("judge", "low", "syntax passed")
    assert (tried.input_tokens, tried.output_tokens) == (100, 10)
    assert (tried.cost, tried.seconds) == (3_000_000, 3.75)


def test_a_part_of_a_nano_dollar_is_a_whole_one_in_the_books() -> None:
    """The log never understates what a task cost."""
    dear = replace(answered(FIRST, verdicts=(passed("tests"),)), calls=(call(cost="0.0000000001"),))
    row = closing(outcome(dear))
    assert (row.cost, row.tries[0].cost) == (1, 1)


def test_a_task_s_row_is_about_the_answer_that_counts() -> None:
    """Worker and validation are those of the best answer; the checker is the one asked last."""
    wrong = replace(
        answered(FIRST, verdicts=(failed("syntax"),)), calls=(call("checker", "early"),), rung=FIRST.index
    )
    right = answered(LAST, verdicts=(passed("syntax"), undecided("semantic", "skipped", required=False)))
    right = replace(right, calls=(call(name="c"), call("checker", "late")))
    row = closing(outcome(wrong, right, broken(SECOND, "server")))
    assert (row.worker, row.checker, row.attempts) == ("c", "late", 3)
    assert row.validation == "syntax passed, semantic skipped"


def test_a_task_without_an_answer_has_no_worker() -> None:
    """Nobody is named where nobody answered."""
    row = closing(outcome(broken(FIRST, "connection"), status="stopped"))
    assert (row.worker, row.checker, row.validation, row.baseline) == ("", "", "", None)


def test_moves_are_counted_by_kind() -> None:
    """Retries, fallbacks and escalations are counted apart; a rung passed by is none of them."""
    kinds: Any = ("retry", "retry", "fallback", "escalation", "skip")
    moves = tuple(Transition(kind=kind, from_model="a") for kind in kinds)
    row = closing(outcome(transitions=moves))
    assert (row.retries, row.fallbacks, row.escalations) == (2, 1, 1)


def test_the_outcome_in_the_row_is_the_one_returned() -> None:
    """What is stored for later is the caller's outcome, whole."""
    done = outcome(answered(FIRST, verdicts=(passed("tests"),)))
    assert OUTCOMES.load(closing(done).outcome, brief=done.brief, plan=done.plan) == done


def test_an_accepted_answer_is_compared_with_the_baseline_by_its_own_tokens() -> None:
    """Rejected answers and checkers are no part of what one model would have cost."""
    short = Completion(text=RIGHT, model="large:30b", usage=Usage(input_tokens=1_000_000, output_tokens=0))
    one = House({"small": [WRONG, WRONG], "large": [short]}).execute()
    two = House({"small": [short]}).execute()
    assert one.baseline == two.baseline
    assert one.baseline.model == "haiku"
    assert closing(one).baseline == int(one.baseline.cost * 1_000_000_000) > 0


def test_nothing_is_compared_where_nobody_answered() -> None:
    """Without an answer there is no saving to speak of."""
    down = House({name: [failure("server")] * 3 for name in ("small", "large", "haiku")}).execute()
    assert (down.baseline, closing(down).baseline, down.saved) == (None, None, 0)


def told(record: Record, done: Outcome | None = None, trouble: str = "") -> str:
    return "\n".join(warnings(done or outcome(), record, trouble))


def doubt(key: str = "r0.a1.ask") -> Entry:
    return Entry(key=key, kind="call", digest="d", payload="", state="doubt")


def test_an_ordinary_task_has_no_warnings() -> None:
    """Silence means that nothing is odd."""
    assert warnings(outcome(answered(FIRST)), Record()) == ()


def test_calls_in_doubt_are_told_where_they_may_have_cost_something() -> None:
    """A crashed process may have been billed, unless every model of the chain is free."""
    paid = chain("a") + tuple(replace(rung, model=model("h", Tier.HAIKU)) for rung in chain("h"))
    record = Record([doubt(), doubt("r1.a1.ask")])
    assert "earlier process ended: 2;" in told(record, outcome(plan=replace(plan(), chain=paid)))
    assert told(record, outcome(plan=plan("a", "b"))) == ""


def test_a_record_that_no_longer_fits_is_told() -> None:
    """Work done again, because the record differs or holds no answers, is named as such."""
    other = Record([Entry(key="k", kind="call", digest="d", payload="{}", state="done")])
    other.take("k", "another")
    assert "no longer matches from k on" in told(other)
    empty = Record([Entry(key="k", kind="call", digest="d", payload="", state="done")])
    empty.take("k", "d")
    assert "so 1 replies were asked for again" in told(empty)


def test_an_estimated_cost_is_told_only_where_there_is_one() -> None:
    """A paid call without usage has an upper bound for a cost; a free one has nothing to bound."""
    guess = Usage(input_tokens=10, estimated=True)
    paid = replace(answered(FIRST), calls=(call(cost="0.01", usage=guess),))
    free = replace(answered(FIRST), calls=(call(usage=guess),))
    assert "upper bound" in told(Record(), outcome(paid))
    assert told(Record(), outcome(free)) == ""


def test_the_ledger_s_trouble_comes_first() -> None:
    """That nothing is written down at the moment is more urgent than anything about this task."""
    paid = replace(answered(FIRST), calls=(call(cost="0.01", usage=Usage(estimated=True)),))
    assert warnings(outcome(paid), Record(), "the disk is full")[0] == "the disk is full"


def test_a_resumed_task_is_closed_with_every_attempt() -> None:
    """The row written by the resume has the attempts from before it too, and replaces the first one's."""
    ledger = MemoryLedger()
    script = {"small": [BROKEN] * 2, "large": [BROKEN] * 2, "haiku": [RIGHT]}
    house = House(script, ledger=ledger, cost_guard={"before_paid": "confirm"})
    house.execute(task_id="t1", files=BASE, validators=["syntax"])
    before = [tried.model for tried in ledger.tries()]
    done = house.escalator.resume("t1", approve=lambda _: True)
    assert before == ["small", "small", "large", "large"]
    assert [(row.model, row.result, row.cause) for row in ledger.tries()] == [
        (tried.model, tried.result, tried.cause) for tried in closing(done).tries
    ]
    assert len(ledger.tries()) == 5
