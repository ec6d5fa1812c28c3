"""The record a resumed task is fed from: what was settled is taken, what no longer fits is asked anew."""

from __future__ import annotations

from typing import Any

import pytest

from escalator import TaskError
from escalator.events import CallFinished, TaskStarted, Warned
from escalator.execution.journal import Record
from escalator.ledger import Entry
from escalator.records import Candidate
from escalator.testing import MemoryLedger, failure
from escalator.validators import failed, passed
from houses import BROKEN, RIGHT, WRONG, House, chain_of

Stop = KeyboardInterrupt
SECOND, THIRD = WRONG.replace("a - b", "a * b"), WRONG.replace("a - b", "a / b")
ONE = chain_of("haiku", max_attempts=3)


def says(feedback: str) -> Any:
    """A validator whose findings are worded like this; other words are another version of it."""

    def judge(candidate: Candidate) -> Any:
        if "a + b" in candidate.files["adding.py"]:
            return passed("says")
        return failed("says", feedback=feedback)

    judge.name, judge.version = "says", feedback  # type: ignore[attr-defined]
    return judge


def cut(ledger: MemoryLedger, *replies: Any, feedback: str = "wrong sum") -> House:
    """A task whose process ends at the first call without a reply."""
    house = House({"haiku": [*replies, Stop()]}, ledger=ledger, task_types=ONE)
    with pytest.raises(Stop):
        house.execute(task_id="t", validators=[says(feedback)])
    return house


def again(ledger: MemoryLedger, *replies: Any, feedback: str = "wrong sum") -> tuple[House, Any]:
    """The same task, taken up once more."""
    house = House({"haiku": list(replies)}, ledger=ledger, task_types=ONE)
    return house, house.execute(task_id="t", validators=[says(feedback)])


def replayed(house: House) -> list[bool]:
    """Of each call that was told: whether it came from the record."""
    return [event.replayed for event in house.events if isinstance(event, CallFinished)]


def test_what_was_settled_is_taken_and_told_as_such() -> None:
    """The answer of before is in the outcome with its cost; only the one after it is asked for."""
    ledger = MemoryLedger()
    first = cut(ledger, WRONG)
    second, outcome = again(ledger, RIGHT)
    assert (outcome.status, second.models()) == ("accepted", ["haiku"])
    assert replayed(second) == [True, False]
    assert [event.resumed for event in (*first.events, *second.events) if isinstance(event, TaskStarted)] == [
        False,
        True,
    ]
    assert outcome.cost == sum(call.cost for attempt in outcome.attempts for call in attempt.calls) > 0


def test_what_no_longer_fits_is_asked_anew_from_there_on_and_said() -> None:
    """Another version of a validator judges the first answer anew; what was bought after it is bought again."""
    ledger = MemoryLedger()
    cut(ledger, WRONG, SECOND)
    second, outcome = again(ledger, RIGHT, feedback="the sum is wrong")
    assert (outcome.status, len(outcome.attempts), replayed(second)) == ("accepted", 2, [True, False])
    assert "the sum is wrong" in "\n".join(message.text for message in second.provider.requests[0].messages)
    warning, doubt = outcome.warnings
    assert "earlier process ended: 1;" in doubt
    assert "the recorded work no longer matches from r0.a2.worker on; it was done again from there" in warning
    assert warning in [event.message for event in second.events if isinstance(event, Warned)]


def test_the_latest_of_two_answers_for_one_place_is_the_one_that_counts() -> None:
    """A third process is fed what the second had bought, not what the first had."""
    ledger = MemoryLedger()
    cut(ledger, WRONG, SECOND)
    second = House({"haiku": [THIRD, Stop()]}, ledger=ledger, task_types=ONE)
    with pytest.raises(Stop):
        second.execute(task_id="t", validators=[says("the sum is wrong")])
    third, outcome = again(ledger, RIGHT, feedback="the sum is wrong")
    assert (outcome.status, replayed(third)) == ("accepted", [True, True, False])
    assert [attempt.answer for attempt in outcome.attempts] == [WRONG, THIRD, RIGHT]
    assert not [warning for warning in outcome.warnings if "no longer matches" in warning]


def test_what_was_bought_twice_is_counted_twice() -> None:
    """What was paid for an answer that no longer fits stays in the outcome's cost, as it stays on the books."""
    ledger = MemoryLedger()
    cut(ledger, WRONG, SECOND)
    _, outcome = again(ledger, RIGHT, feedback="the sum is wrong")
    done = [call for call in ledger.calls() if call.state == "done"]
    assert (len(done), len(outcome.calls), len(outcome.overhead)) == (3, 3, 1)
    assert sum(call.cost for call in done) == outcome.cost * 10**9 > 0


def test_a_call_that_failed_is_not_made_again_where_another_model_answered_since() -> None:
    """It is part of how the walk came to that answer, which is not asked for twice."""
    ledger = MemoryLedger()
    types = {"task_types": chain_of("small", "large", "haiku"), "ledger": ledger}
    first = House({"small": [failure("server")], "large": [BROKEN], "haiku": [Stop()]}, **types)
    with pytest.raises(Stop):
        first.execute(task_id="t", validators=["syntax"])
    second = House({"haiku": [RIGHT]}, **types)
    outcome = second.escalator.resume("t")
    assert (outcome.status, second.models()) == ("accepted", ["haiku"])
    assert [move.kind for move in outcome.transitions] == ["fallback", "escalation"]


def test_a_call_that_failed_is_made_again_where_nobody_answered_since() -> None:
    """An outage is where the record ends: whoever was away is asked first."""
    ledger = MemoryLedger()
    first = House({"small": [failure("server")], "large": [Stop()]}, ledger=ledger)
    with pytest.raises(Stop):
        first.execute(task_id="t", validators=["syntax"])
    second = House({"small": [RIGHT]}, ledger=ledger)
    outcome = second.escalator.resume("t")
    assert (outcome.status, second.models(), outcome.transitions) == ("accepted", ["small"], ())


def test_an_interrupted_call_is_made_again_under_a_key_of_its_own() -> None:
    """Its first row stays in the books, in doubt, and is never taken for an answer."""
    ledger = MemoryLedger()
    cut(ledger)
    _, outcome = again(ledger, RIGHT)
    assert [(call.key, call.state) for call in ledger.calls()] == [
        ("r0.a1.worker", "doubt"),
        ("r0.a1.worker+", "done"),
    ]
    assert any("they may have been billed" in warning for warning in outcome.warnings)


def test_a_task_that_is_done_is_answered_from_its_outcome() -> None:
    """Nobody is asked, nobody judges, nothing is told but what is returned."""
    ledger = MemoryLedger()
    house, outcome = again(ledger, RIGHT)
    later = House({}, ledger=ledger, task_types=ONE)
    assert later.escalator.resume("t") == outcome
    assert later.execute(task_id="t", validators=[says("never asked")]) == outcome
    assert (later.events, len(ledger.calls())) == ([], len(house.models()))


def test_another_prompt_under_a_known_id_is_refused_and_changes_nothing() -> None:
    """A task that waits to be resumed is not lost to a mistake with its name."""
    ledger = MemoryLedger()
    cut(ledger, WRONG)
    mistaken = House({}, ledger=ledger, task_types=ONE)
    says = r"knows 't' as another task: it was 'Fix add\(\) in adding.py.' and is 'Delete.*new task id, or none"
    with pytest.raises(TaskError, match=says):
        mistaken.execute("Delete add().", task_id="t", validators=["syntax"])
    assert mistaken.events == []
    _, outcome = again(ledger, RIGHT)
    assert (outcome.status, outcome.brief.prompt) == ("accepted", "Fix add() in adding.py.")


def test_a_task_in_work_is_not_taken_from_who_works_on_it() -> None:
    """A second call under its id is told so; the first goes on to its end."""
    house, told = House({"small": [RIGHT]}), list[str]()

    def interferes(candidate: Candidate) -> bool:
        for again in (lambda: house.escalator.resume("t"), lambda: house.execute(task_id="t")):
            with pytest.raises(
                TaskError, match=r"somebody is working on 't'.*wait for it, or choose a new id"
            ) as caught:
                again()
            told.append(caught.value.field)
        return True

    assert house.execute(task_id="t", validators=[interferes]).status == "accepted"
    assert (told, house.models()) == (["task_id", "task_id"], ["small"])


def test_a_task_whose_texts_were_erased_cannot_be_answered_any_more() -> None:
    """The log is kept, the answer is not; a new id is the way to have it done again."""
    house = House({"small": [RIGHT, RIGHT]})
    house.execute(task_id="t", validators=["syntax"])
    house.ledger.forget(house.clock.clock() + 1).result()
    for ask in (lambda: house.escalator.resume("t"), lambda: house.execute(task_id="t", validators=["syntax"])):
        with pytest.raises(
            TaskError, match=r"does not have the texts of 't' any more.*new id to have it done again"
        ):
            ask()
    assert house.execute(task_id="t2", validators=["syntax"]).status == "accepted"


def test_without_kept_answers_a_task_that_is_done_says_so() -> None:
    """`store_answers: false` keeps what it cost, and that it was done."""
    ledger = MemoryLedger(store_answers=False)
    house = House({"small": [RIGHT]}, ledger=ledger)
    assert house.execute(task_id="t", validators=["syntax"]).status == "accepted"
    with pytest.raises(TaskError, match="or never kept them"):
        house.escalator.resume("t")
    assert house.models() == ["small"]


def entry(key: str, digest: str = "d", state: Any = "done", payload: str = "{}") -> Entry:
    return Entry(key=key, kind="call", digest=digest, state=state, payload=payload)


@pytest.mark.parametrize(
    ("entries", "taken"),
    [
        ([], None),
        ([entry("k")], "k"),
        ([entry("k", state="failed")], None),
        ([entry("k", state="failed"), entry("later")], "k"),
        ([entry("k", state="doubt")], None),
        ([entry("k", payload="")], None),
        ([entry("k"), entry("k+")], "k+"),
        ([entry("k", "other"), entry("k+")], "k+"),
        ([entry("k"), entry("k+", state="doubt")], None),
        ([entry("k+")], "k+"),
        ([entry("kk")], None),
    ],
)
def test_a_reply_is_taken_where_it_is_settled_kept_and_the_last(entries: list[Entry], taken: str | None) -> None:
    """`has` says before the call what `take` will do, where the same is asked."""
    record = Record(entries)
    found = record.has("k")
    got = record.take("k", "d")
    assert (got.key if got else None) == taken
    assert found == (taken is not None)
    assert record.diverged == ""


def test_after_the_first_difference_nothing_of_the_record_counts() -> None:
    """What follows another question is an answer to something else, even where its own digest fits."""
    record = Record([entry("a"), entry("b", "other"), entry("c")])
    assert record.take("a", "d") is not None
    assert record.take("b", "d") is None
    assert (record.take("c", "d"), record.has("c"), record.diverged) == (None, False, "b")
    assert record.take("a", "changed") is None
    assert record.diverged == "b"


def test_a_fresh_key_is_one_that_nobody_used() -> None:
    """What is asked anew never overwrites what was paid for."""
    record = Record([entry("a"), entry("a+"), entry("b")])
    assert [record.fresh(key) for key in ("a", "b", "c")] == ["a++", "b+", "c"]
    assert [record.began(prefix) for prefix in ("a", "b", "c")] == [True, True, False]
