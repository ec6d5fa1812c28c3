"""The log, its roll-ups and reports, reviews, unserved prompts and the erasing of old answers."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.errors import LedgerError
from escalator.ledger import Tried
from escalator.ledger.export import export, follow, forget_all, rows
from escalator.ledger.log import (
    Archive,
    CallTally,
    LogQuery,
    TaskTally,
    TryTally,
    bucket_of,
    day_of,
    quantile,
)
from escalator.ledger.reports import by_model, by_pair, by_task_type, by_worker, savings
from ledger.making import buy, closing, paid, reserve, row, verdict
from ledger.stores import Store

DAY = 86_400.0


def run(ledger: Archive, task_id: str, kind: str = "quick_edit", **facts: object) -> None:
    """One whole task: opened, one call, closed."""
    ledger.open_task(row(task_id, task_type=kind)).result()
    buy(ledger, task_id, cost=4)
    ledger.close_task(task_id, closing(**facts)).result()


def test_every_call_is_logged_with_its_facts(ledger: Archive) -> None:
    """A call row tells who was asked for what, what was held, used and paid."""
    ledger.open_task(row()).result()
    facts = {"rung": 2, "number": 1, "effort": "high", "local": True, "details": {"why": "retry"}}
    hold_id = reserve(ledger, amount=10, prompt_digest="abc", **facts)
    [under_way] = ledger.calls()
    assert (under_way.state, under_way.held, under_way.ended) == ("sent", 10, None)
    ledger.settle(hold_id, paid(4, answered_by="haiku-5-5", finish="stop")).result()
    [call] = ledger.calls()
    assert (call.state, call.held, call.amount, call.cost) == ("done", 0, 10, 4)
    assert (call.rung, call.number, call.effort, call.local, call.prompt_digest) == (2, 1, "high", True, "abc")
    assert (call.input_tokens, call.output_tokens, call.answered_by) == (100, 20, "haiku-5-5")
    assert json.loads(call.details) == {"why": "retry"}
    assert call.task_type == "quick_edit"
    assert call.estimated is False


def test_the_log_is_filtered_by_what_a_person_asks_for(ledger: Archive) -> None:
    """By task, type, model and state; from the old end or the new; going on after an id."""
    for number in range(4):
        run(ledger, f"t{number}", kind="critical" if number % 2 else "quick_edit")
    assert [t.task_id for t in ledger.tries(LogQuery(task_type="critical"))] == ["t1", "t3"]
    assert [t.task_id for t in ledger.tries(LogQuery(count=2))] == ["t0", "t1"]
    assert [t.task_id for t in ledger.tries(LogQuery(count=2, newest=True))] == ["t2", "t3"]
    first = ledger.tries(LogQuery(count=1))[0]
    assert [t.task_id for t in ledger.tries(LogQuery(after=first.id))] == ["t1", "t2", "t3"]
    assert ledger.tries(LogQuery(model="opus")) == []
    assert [c.task_id for c in ledger.calls(LogQuery(task_id="t2", status="done", model="haiku"))] == ["t2"]
    assert len(ledger.calls(LogQuery(task_type="critical"))) == 2
    assert [t.task_id for t in ledger.tasks(LogQuery(status="accepted", task_type="critical"))] == ["t1", "t3"]
    assert len(ledger.tasks(LogQuery(model="haiku"))) == 4


def test_the_log_is_filtered_by_time(tmp_path: object, store: Store) -> None:
    """`since` is included, `until` is not; the store's own clock counts."""
    ledger = store.open()
    run(ledger, "early")
    cut = ledger.tries()[0].at + 0.0005
    store.clock.now += 1
    if store.kind == "postgres":
        ledger.open_task(row("pause")).result()
        ledger.close_task("pause", closing(tries=())).result()
    run(ledger, "late")
    assert [t.task_id for t in ledger.tries(LogQuery(until=cut))] == ["early"]
    assert [t.task_id for t in ledger.tries(LogQuery(since=cut))] == ["late"]
    assert [t.task_id for t in ledger.calls(LogQuery(since=cut))] == ["late"]


def test_a_team_sees_its_own_rows(ledger: Archive) -> None:
    """The team of a task filters tasks, attempts and calls."""
    for team in ("red", "blue"):
        ledger.open_task(row(team, team=team)).result()
        buy(ledger, team)
        ledger.close_task(team, closing()).result()
    wanted = LogQuery(team="blue")
    assert [r.task_id for r in (*ledger.tasks(wanted), *ledger.tries(wanted), *ledger.calls(wanted))] == [
        "blue"
    ] * 3


def test_reports_come_from_rollups(ledger: Archive) -> None:
    """Types, workers, pairs, models and savings add up to what was done."""
    local = Tried(model="local", result="failed", cause="tests", checker="flash", cost=1, seconds=2.0)
    haiku = Tried(model="haiku", result="passed", checker="flash", cost=3, seconds=1.0)
    down = Tried(model="local", result="unavailable", cause="connection")
    escalated = closing(attempts=2, escalations=1, cost=4, baseline=10, tries=(local, haiku))
    run(ledger, "a", attempts=2, escalations=1, cost=4, baseline=10, tries=(local, haiku))
    assert escalated.tries == (local, haiku)
    run(ledger, "b", attempts=1, fallbacks=1, cost=2, baseline=None, tries=(down, haiku))
    run(ledger, "c", "critical", status="needs_review", cost=7, baseline=9, tries=(local,))
    quick, critical = by_task_type(ledger)
    assert (quick.task_type, quick.tasks, quick.accepted, quick.escalations, quick.fallbacks) == (
        ("quick_edit", 2, 2, 0.5, 0.5)
    )
    assert quick.cost == Decimal(6) / 10**9
    assert (critical.task_type, critical.accepted, critical.share) == ("critical", 0, pytest.approx(1 / 3))
    success = {(line.worker, line.task_type): (line.judged, line.success) for line in by_worker(ledger)}
    assert success == {
        ("haiku", "quick_edit"): (2, 1.0),
        ("local", "quick_edit"): (1, 0.0),
        ("local", "critical"): (1, 0.0),
    }
    assert [(p.worker, p.checker, p.judged) for p in by_pair(ledger)] == [
        ("haiku", "flash", 2),
        ("local", "flash", 2),
    ]
    [calls] = by_model(ledger)
    assert (calls.model, calls.calls, calls.failed, calls.input_tokens) == ("haiku", 3, 0, 300)
    assert calls.p50_seconds == pytest.approx(0.25, rel=0.1)
    total = savings(ledger)
    assert (total.tasks, total.saved, total.baseline) == (2, Decimal(6) / 10**9, Decimal(10) / 10**9)
    assert total.spent_on_all == Decimal(13) / 10**9


def test_a_task_closed_again_is_counted_once(ledger: Archive) -> None:
    """What a paused task added is taken back when it is closed anew, attempts included."""
    run(ledger, "t", status="stopped", cost=1, tries=(Tried(model="local", result="failed"),))
    ledger.open_task(row("t")).result()
    both = (Tried(model="local", result="failed"), Tried(model="haiku", result="passed"))
    ledger.close_task("t", closing(cost=5, attempts=2, tries=both)).result()
    [task] = ledger.tally(TaskTally, ("status",))
    assert (task.status, task.n, task.cost, task.attempts) == ("accepted", 1, 5, 2)
    assert [(t.model, t.n) for t in ledger.tally(TryTally, ("model",))] == [("haiku", 1), ("local", 1)]
    assert [t.model for t in ledger.tries()] == ["local", "haiku"]


def test_a_doubt_that_is_settled_late_moves_in_the_sums(ledger: Archive) -> None:
    """The roll-up of calls follows a call from doubtful to done."""
    ledger.open_task(row()).result()
    hold_id = reserve(ledger, amount=10)
    ledger.release("t").result()
    assert [(t.state, t.n, t.cost) for t in ledger.tally(CallTally, ("state",))] == [("doubt", 1, 10)]
    ledger.settle(hold_id, paid(4)).result()
    assert [(t.state, t.n, t.cost) for t in ledger.tally(CallTally, ("state",))] == [("done", 1, 4)]


def test_sums_can_be_bounded_by_day_and_not_grouped(ledger: Archive) -> None:
    """Without a dimension there is one row, or none when nothing happened in those days."""
    run(ledger, "t")
    assert [t.n for t in ledger.tally(TaskTally, ())] == [1]
    assert ledger.tally(TaskTally, (), since="2999-01-01") == []
    assert ledger.tally(TaskTally, (), until="1999-01-01") == []
    with pytest.raises(ValueError, match="grouped by"):
        ledger.tally(TaskTally, ("model",))


def test_reviews_are_asked_for_once_and_decided_once(ledger: Archive) -> None:
    """A waiting review is renewed by a resume; a decided one stays decided and a new one may be asked for."""
    first = ledger.review_add("t", "answer", "Critical change", '{"v": 1}').result()
    assert ledger.review_add("t", "answer", "Critical change, again", '{"v": 2}').result() == first
    other = ledger.review_add("t", "approval", "Paid model", "{}").result()
    assert [r.id for r in ledger.reviews(state="waiting", task_id="t")] == [first, other]
    decided = ledger.review_decide(first, "approved", by="ann", note="fine").result()
    assert (decided.state, decided.decided_by, decided.note) == ("approved", "ann", "fine")
    assert ledger.review(first) == decided
    with pytest.raises(LedgerError, match="approved by ann"):
        ledger.review_decide(first, "rejected", by="bob").result()
    with pytest.raises(LedgerError, match="no review 99"):
        ledger.review_decide(99, "rejected", by="bob").result()
    assert ledger.review_add("t", "answer", "Third", "{}").result() not in (first, other)
    assert ledger.review(99) is None


def test_an_unserved_prompt_is_taken_by_one_and_returns_when_that_one_dies(store: Store) -> None:
    """Taking hides a prompt from others only while the taker lives; dropping it ends it."""
    ledger = store.open()
    add = {"model": "local-14b", "reason": "connection refused", "payload": "{}"}
    one = ledger.prompt_add("a", provider="ollama", **add).result()
    two = ledger.prompt_add("b", provider="lmstudio", **add).result()
    assert ledger.prompt_add("a", provider="ollama", **add).result() == one
    taken = ledger.prompt_take("lmstudio").result()
    assert taken is not None
    assert (taken.id, taken.task_id) == (two, "b")
    assert ledger.prompt_take("lmstudio").result() is None
    ledger.prompt_return(two).result()
    again = ledger.prompt_take("lmstudio").result()
    assert again == taken
    ledger = store.crash(ledger)
    assert ledger.prompt_take("lmstudio").result() == taken
    ledger.prompt_drop(two).result()
    assert [p.id for p in ledger.prompts()] == [one]
    oldest = ledger.prompt_take().result()
    assert oldest is not None
    assert oldest.id == one
    assert ledger.prompt_take().result() is None


def test_old_answers_are_erased_and_the_log_is_kept(store: Store) -> None:
    """Retention takes prompts, answers, verdicts and outcomes of final tasks; money and counts stay."""
    ledger = store.open()
    for number in range(3):
        ledger.open_task(row(f"t{number}")).result()
        buy(ledger, f"t{number}")
        ledger.record(f"t{number}", verdict(payload='{"secret": 1}')).result()
        ledger.review_add(f"t{number}", "answer", "look", '{"secret": 1}').result()
        ledger.close_task(f"t{number}", closing("accepted" if number else "stopped")).result()
    assert forget_all(ledger, before=0.0) == 0
    assert forget_all(ledger, before=9e9) == 2
    kept, erased = ledger.look("t0"), ledger.look("t1")
    assert kept is not None
    assert kept.row.brief
    assert kept.entries[0].payload
    assert erased is not None
    assert (erased.row.brief, erased.outcome) == ("", "")
    assert [entry.payload for entry in erased.entries] == ["", ""]
    assert [review.payload for review in ledger.reviews()] == ['{"secret": 1}', "", ""]
    assert len(ledger.calls()) == 3
    assert ledger.spent(["day"]) == {"day": (12, 0)}
    assert [t.n for t in ledger.tally(CallTally, ())] == [3]


def test_the_log_can_be_exported(ledger: Archive) -> None:
    """JSON Lines and CSV hold the same rows; money is USD in exact decimals."""
    run(ledger, "a")
    run(ledger, "b")
    lines, table = io.StringIO(), io.StringIO()
    assert export(ledger, "attempts", lines) == 2
    assert export(ledger, "tasks", table, form="csv") == 2
    attempts = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(a["task_id"], a["model"], a["cost"]) for a in attempts] == [
        ("a", "haiku", "0.000000004"),
        ("b", "haiku", "0.000000004"),
    ]
    tasks = list(csv.DictReader(io.StringIO(table.getvalue())))
    assert [(t["task_id"], t["status"], t["tags"], t["baseline"]) for t in tasks] == [
        ("a", "accepted", "a b", ""),
        ("b", "accepted", "a b", ""),
    ]
    assert [c.task_id for c in rows(ledger, "calls")] == ["a", "b"]


def test_following_shows_each_new_attempt_once(ledger: Archive) -> None:
    """A follower that has seen everything waits and then shows what came meanwhile."""
    run(ledger, "a")
    stream = follow(ledger, "attempts", sleep=lambda _: run(ledger, "b"))
    assert [next(stream).task_id, next(stream).task_id] == ["a", "b"]


@given(st.lists(st.floats(min_value=0.001, max_value=3600), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_a_quantile_from_buckets_is_near_the_true_one(durations: list[float], share: float) -> None:
    """Four buckets an octave place a latency within 9 % (and the half millisecond it was rounded by)."""
    counts: dict[int, int] = {}
    for seconds in durations:
        bucket = bucket_of(round(seconds * 1000))
        counts[bucket] = counts.get(bucket, 0) + 1
    ranked = sorted(durations)
    true = ranked[next(i for i in range(len(ranked)) if i + 1 >= share * len(ranked))]
    assert abs(quantile(counts, share) - true) <= 0.095 * true + 0.0006


def test_what_caches_saved_is_added_up_by_days(store: Store) -> None:
    """Calls of the days asked for, what writing cost taken off."""
    ledger = store.open()
    ledger.open_task(row()).result()
    for key, saved in (("a", -250), ("b", 900), ("c", 0)):
        ledger.settle(reserve(ledger, "t", key), paid(cache_saved=saved)).result()
    today = day_of(ledger.calls()[0].sent)
    assert ledger.cache_saved() == ledger.cache_saved(since=today, until=today) == 650
    assert ledger.cache_saved(since="2999-01-01") == ledger.cache_saved(until="2000-01-01") == 0
    examined = ledger.examine("t")
    assert examined is not None
    assert examined.faults == ()
