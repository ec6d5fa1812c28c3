"""What every ledger does, whatever it is made of."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from escalator.errors import LedgerError
from escalator.ledger import Entry, Held, Ledger, Refused, Scope
from escalator.ledger.log import Archive
from ledger.making import buy, closing, hold, paid, reserve, row, verdict
from ledger.stores import Store


def test_it_is_a_ledger_and_an_archive(ledger: Archive) -> None:
    """Each store has every method the performer and the reports ask for."""
    assert isinstance(ledger, Ledger)
    assert isinstance(ledger, Archive)


def test_a_task_is_new_once(ledger: Archive) -> None:
    """Opening an unknown task stores it; opening it again while it is worked on says so."""
    assert ledger.open_task(row()).result().status == "new"
    assert ledger.open_task(row()).result().status == "running"


def test_a_closed_task_gives_its_outcome_and_is_not_run_again(ledger: Archive) -> None:
    """An accepted task answers with the stored outcome, so executing an id twice costs nothing."""
    ledger.open_task(row()).result()
    ledger.close_task("t", closing(outcome='{"answer": "42"}')).result()
    again = ledger.open_task(row()).result()
    assert (again.status, again.outcome) == ("closed", '{"answer": "42"}')


@pytest.mark.parametrize("status", ["stopped", "needs_review"])
def test_a_paused_task_is_resumed_with_its_record(ledger: Archive, status: str) -> None:
    """A stopped or reviewed task opens again with every reply recorded so far and the row first stored."""
    ledger.open_task(row(plan='{"first": 1}')).result()
    buy(ledger, key="a")
    ledger.record("t", verdict("b", '{"ok": false}')).result()
    ledger.close_task("t", closing(status)).result()
    again = ledger.open_task(row(plan='{"second": 2}')).result()
    assert again.status == "resumed"
    assert again.row.plan == '{"first": 1}'
    assert again.row.tags == ("a", "b")
    assert [(e.key, e.kind, e.state, e.payload) for e in again.entries] == [
        ("a", "call", "done", '{"text": "x"}'),
        ("b", "verdict", "done", '{"ok": false}'),
    ]


def test_a_call_in_flight_at_a_crash_is_in_doubt_and_costs_its_whole_hold(store: Store) -> None:
    """Nobody knows whether the provider charged, so the books assume it did; nothing stays held."""
    ledger = store.open()
    ledger.open_task(row()).result()
    buy(ledger, key="a", amount=10, cost=4)
    reserve(ledger, key="b", amount=10)
    assert ledger.spent(["day"]) == {"day": (4, 10)}
    ledger = store.crash(ledger)
    again = ledger.open_task(row()).result()
    assert [(e.key, e.state) for e in again.entries] == [("a", "done"), ("b", "doubt")]
    assert ledger.spent(["day"]) == {"day": (14, 0)}


def test_a_settled_call_is_never_bought_again(store: Store) -> None:
    """Reserving a key that has an answer is refused, also by the process that resumes."""
    ledger = store.open()
    ledger.open_task(row()).result()
    buy(ledger)
    with pytest.raises(LedgerError, match="paid for already"):
        ledger.reserve(hold()).result()
    ledger = store.crash(ledger)
    ledger.open_task(row()).result()
    with pytest.raises(LedgerError, match="paid for already"):
        ledger.reserve(hold()).result()


def test_a_call_under_way_is_not_sent_twice(ledger: Archive) -> None:
    """The same key cannot be held twice at once."""
    ledger.open_task(row()).result()
    reserve(ledger)
    with pytest.raises(LedgerError, match="under way"):
        ledger.reserve(hold()).result()


def test_failed_and_doubtful_calls_may_be_tried_again(store: Store) -> None:
    """A new call under the same key replaces a failed or doubtful one in the record; both stay in the log."""
    ledger = store.open()
    ledger.open_task(row()).result()
    ledger.settle(reserve(ledger, key="a"), paid(0, state="failed", error="overloaded")).result()
    reserve(ledger, key="b")
    ledger = store.crash(ledger)
    ledger.open_task(row()).result()
    buy(ledger, key="a")
    buy(ledger, key="b")
    ledger = store.crash(ledger)
    assert [(e.key, e.state) for e in ledger.open_task(row()).result().entries] == [("a", "done"), ("b", "done")]
    assert [call.state for call in ledger.calls()] == ["failed", "doubt", "done", "done"]


def test_a_limit_counts_what_is_spent_and_held_in_every_scope(ledger: Archive) -> None:
    """The first scope that would be passed refuses, with its sums; a refusal holds nothing anywhere."""
    ledger.open_task(row()).result()
    scopes = (Scope(name="month", limit=100), Scope(name="day", limit=20), Scope(name="team"))
    buy(ledger, key="a", amount=10, cost=8, scopes=scopes)
    reserve(ledger, key="b", amount=10, scopes=scopes)
    refused = ledger.reserve(hold(key="c", amount=3, scopes=scopes)).result()
    assert refused == Refused(scope="day", limit=20, spent=8, held=10, amount=3)
    assert isinstance(ledger.reserve(hold(key="c", amount=2, scopes=scopes)).result(), Held)
    assert ledger.spent(["month", "day", "team", "other"]) == {
        "month": (8, 12),
        "day": (8, 12),
        "team": (8, 12),
        "other": (0, 0),
    }


def test_an_overrun_is_recorded_as_it_is_and_the_next_call_refused(ledger: Archive) -> None:
    """A call dearer than its hold is never clamped: the scope passes its limit and nothing more is granted."""
    ledger.open_task(row()).result()
    buy(ledger, key="a", amount=10, cost=25, limit=20)
    assert ledger.spent(["day"]) == {"day": (25, 0)}
    assert ledger.reserve(hold(key="b", amount=1, limit=20)).result() == Refused(
        scope="day", limit=20, spent=25, held=0, amount=1
    )
    assert [(call.amount, call.cost) for call in ledger.calls()] == [(10, 25)]


def test_a_free_call_is_granted_even_beyond_the_limit(ledger: Archive) -> None:
    """A local model costs nothing, so an exhausted budget does not stop it."""
    ledger.open_task(row()).result()
    buy(ledger, key="a", amount=10, cost=25, limit=20)
    assert isinstance(ledger.reserve(hold(key="b", amount=0, limit=20)).result(), Held)


def test_a_scope_named_twice_counts_once(ledger: Archive) -> None:
    """A hold that lists a scope twice holds its amount once, and releases it once."""
    ledger.open_task(row()).result()
    twice = (Scope(name="day"), Scope(name="day"))
    hold_id = reserve(ledger, amount=10, scopes=twice)
    assert ledger.spent(["day"]) == {"day": (0, 10)}
    ledger.settle(hold_id, paid(4)).result()
    assert ledger.spent(["day"]) == {"day": (4, 0)}


def test_settling_twice_counts_once(ledger: Archive) -> None:
    """A settlement repeated after a lost connection changes nothing."""
    ledger.open_task(row()).result()
    hold_id = buy(ledger)
    ledger.settle(hold_id, paid(9)).result()
    assert ledger.spent(["day"]) == {"day": (4, 0)}


def test_a_late_answer_corrects_a_doubt(ledger: Archive) -> None:
    """A call given up as doubtful that is settled after all counts its true cost."""
    ledger.open_task(row()).result()
    hold_id = reserve(ledger, amount=10)
    ledger.release("t").result()
    assert ledger.spent(["day"]) == {"day": (10, 0)}
    ledger.settle(hold_id, paid(4)).result()
    assert ledger.spent(["day"]) == {"day": (4, 0)}


def test_a_released_task_can_be_opened_again_at_once(ledger: Archive) -> None:
    """After a bug in the caller the task is given up, not lost until the process ends."""
    ledger.open_task(row()).result()
    reserve(ledger)
    ledger.release("t").result()
    again = ledger.open_task(row()).result()
    assert (again.status, [e.state for e in again.entries]) == ("resumed", ["doubt"])


def test_closing_leaves_nothing_held(ledger: Archive) -> None:
    """A call nobody settled before its task was closed is counted in full."""
    ledger.open_task(row()).result()
    reserve(ledger, amount=10)
    ledger.close_task("t", closing("stopped")).result()
    assert ledger.spent(["day"]) == {"day": (10, 0)}


def test_only_the_owner_writes(store: Store) -> None:
    """A task that was never opened here, or was given up, takes no holds, records or endings."""
    ledger = store.open()
    for write in (
        lambda: ledger.reserve(hold()),
        lambda: ledger.record("t", verdict()),
        lambda: ledger.close_task("t", closing()),
        lambda: ledger.release("t"),
    ):
        with pytest.raises(LedgerError, match="not held by this process"):
            write().result()


def test_strange_holds_are_refused_in_words(ledger: Archive) -> None:
    """A negative amount and an unknown hold are errors, not bookings."""
    ledger.open_task(row()).result()
    with pytest.raises(LedgerError, match="upper bound"):
        ledger.reserve(hold(amount=-1)).result()
    with pytest.raises(LedgerError, match="no hold 77"):
        ledger.settle(77, paid()).result()


def test_a_hold_without_scopes_is_only_logged(ledger: Archive) -> None:
    """No scope means no limit."""
    ledger.open_task(row()).result()
    buy(ledger, scopes=())
    assert [(call.state, call.cost) for call in ledger.calls()] == [("done", 4)]


def test_the_same_key_recorded_again_replaces_the_entry(ledger: Archive) -> None:
    """A verdict given anew is the one a resume is fed."""
    ledger.open_task(row()).result()
    ledger.record("t", verdict("v", "1")).result()
    ledger.record("t", verdict("w", "2")).result()
    ledger.record("t", verdict("v", "3")).result()
    found = ledger.look("t")
    assert found is not None
    assert [(e.key, e.payload) for e in found.entries] == [("w", "2"), ("v", "3")]


def test_looking_claims_nothing(store: Store) -> None:
    """`look` tells what opening would find and leaves the task as it is."""
    ledger = store.open()
    assert ledger.look("t") is None
    ledger.open_task(row()).result()
    running = ledger.look("t")
    ledger = store.crash(ledger)
    waiting = ledger.look("t")
    assert (running and running.status, waiting and waiting.status) == ("running", "resumed")
    assert ledger.open_task(row()).result().status == "resumed"


def test_what_dead_workers_left_can_be_swept_at_once(store: Store) -> None:
    """Sweeping lists every call in flight at a crash as doubtful without resuming anything."""
    ledger = store.open()
    for number in range(3):
        ledger.open_task(row(f"t{number}")).result()
        reserve(ledger, f"t{number}")
    ledger = store.crash(ledger)
    ledger.open_task(row("mine")).result()
    reserve(ledger, "mine")
    swept = ledger.sweep().result()
    assert swept == (0 if store.kind == "memory" else 3)
    assert [call.state for call in ledger.calls()] == ["doubt", "doubt", "doubt", "sent"]
    assert ledger.spent(["day"]) == {"day": (30, 10)}


def test_answers_need_not_be_kept(store: Store) -> None:
    """Without stored answers a resume finds the call with an empty answer and may buy it again."""
    ledger = store.open(store_answers=False)
    ledger.open_task(row()).result()
    buy(ledger)
    ledger.close_task("t", closing("stopped")).result()
    again = ledger.open_task(row()).result()
    assert [(e.state, e.payload) for e in again.entries] == [("done", "")]
    assert again.row.brief
    buy(ledger)
    ledger.close_task("t", closing()).result()
    closed = ledger.open_task(row()).result()
    assert (closed.status, closed.outcome, closed.row.brief) == ("closed", "", "")


def test_texts_that_databases_dislike_are_kept_readable(ledger: Archive) -> None:
    """NUL characters and lone surrogates from a model or a user do not break the books."""
    nasty = "a\0b\ud800c ü 漢"
    ledger.open_task(row(f"id {nasty}", description=nasty)).result()
    buy(ledger, f"id {nasty}", key=nasty)
    ledger.record(f"id {nasty}", Entry(key=nasty, kind="note", digest="", payload=nasty)).result()
    ledger.close_task(f"id {nasty}", closing(reason=nasty)).result()
    [task] = ledger.tasks()
    assert task.description.startswith("a")
    assert task.description.endswith("c ü 漢")


def test_fifty_threads_never_pass_a_limit(ledger: Archive) -> None:
    """Fifty threads on one budget: never over, and at least nine tenths of it usable."""
    ledger.open_task(row()).result()
    limit, amount = 1_000, 7

    def spend(worker: int) -> int:
        granted = 0
        for turn in range(8):
            held = ledger.reserve(hold(key=f"{worker}/{turn}", amount=amount, limit=limit)).result()
            spent, open_ = ledger.spent(["day"])["day"]
            assert spent + open_ <= limit
            if isinstance(held, Held):
                granted += 1
                ledger.settle(held.hold_id, paid(amount)).result()
        return granted

    with ThreadPoolExecutor(50) as pool:
        granted = sum(pool.map(spend, range(50)))
    assert ledger.spent(["day"]) == {"day": (granted * amount, 0)}
    assert 0.9 * limit <= granted * amount <= limit


def test_fifty_tasks_in_a_loop_never_pass_a_limit(ledger: Archive) -> None:
    """The same from an event loop, through `asyncio.wrap_future`."""
    limit, amount = 1_000, 7

    async def spend(worker: int) -> int:
        granted = 0
        await asyncio.wrap_future(ledger.open_task(row(f"t{worker}")))
        for turn in range(8):
            wanted = hold(f"t{worker}", f"{turn}", amount, limit)
            held = await asyncio.wrap_future(ledger.reserve(wanted))
            if isinstance(held, Held):
                granted += 1
                await asyncio.sleep(0)
                await asyncio.wrap_future(ledger.settle(held.hold_id, paid(amount)))
        return granted

    async def everybody() -> int:
        return sum(await asyncio.gather(*(spend(worker) for worker in range(50))))

    granted = asyncio.run(everybody())
    assert ledger.spent(["day"]) == {"day": (granted * amount, 0)}
    assert 0.9 * limit <= granted * amount <= limit


def test_writes_not_waited_for_keep_their_order(ledger: Archive) -> None:
    """A caller that waits only for the last write still finds all of them, in order."""
    ledger.open_task(row())
    for number in range(20):
        ledger.record("t", verdict(f"{number:02}"))
    ledger.close_task("t", closing("stopped")).result()
    found = ledger.look("t")
    assert found is not None
    assert [e.key for e in found.entries] == [f"{number:02}" for number in range(20)]


def test_money_beyond_what_a_float_counts_is_exact(ledger: Archive) -> None:
    """Sums are whole nano-dollars up to billions of dollars."""
    ledger.open_task(row()).result()
    huge = 2**60 + 1
    buy(ledger, amount=huge, cost=huge, limit=huge)
    buy(ledger, key="b", amount=1, cost=1)
    assert ledger.spent(["day"]) == {"day": (huge + 1, 0)}


def test_tasks_of_several_ledgers_on_one_store_do_not_mix(shared: Store) -> None:
    """Two workers share the books, not the tasks."""
    one, two = shared.open(), shared.open()
    assert one.open_task(row()).result().status == "new"
    assert two.open_task(row()).result().status == "running"
    with pytest.raises(LedgerError, match="not held by this process"):
        two.reserve(hold()).result()
    reserve(one)
    one.close()
    assert two.open_task(row()).result().status == "resumed"
    assert two.spent(["day"]) == {"day": (10, 0)}
    two.close_task("t", replace(closing(), cost=10)).result()
