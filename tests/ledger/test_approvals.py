"""An approval is a budget of one model for one task, kept by the ledger."""

from __future__ import annotations

from typing import Any

from escalator.ledger import Held, Refused, Scope, approval_scope
from escalator.ledger.log import Archive
from ledger.making import hold, paid, row
from ledger.stores import Store

SCOPE = approval_scope("t", "haiku")
LATER = 4_000_000_000.0


def ask(ledger: Archive, key: str, amount: int) -> Held | Refused:
    return ledger.reserve(hold("t", key, amount, scopes=(Scope(name=SCOPE, approved=True),))).result()


def test_without_an_approval_nothing_is_held(ledger: Archive) -> None:
    """A call that counts to an approval nobody gave is refused; one that costs nothing is not."""
    ledger.open_task(row()).result()
    assert ask(ledger, "a", 10) == Refused(scope=SCOPE, limit=0, spent=0, held=0, amount=10)
    assert isinstance(ask(ledger, "b", 0), Held)
    assert ledger.allowed("t", "haiku") == 0


def test_calls_are_taken_off_and_what_they_did_not_cost_comes_back(ledger: Archive) -> None:
    """Held in full while a call is under way, and at its true cost once it is settled."""
    ledger.open_task(row()).result()
    ledger.allow("t", "haiku", 25, expires=LATER).result()
    first = ask(ledger, "a", 20)
    assert ledger.allowed("t", "haiku") == 5
    assert isinstance(ask(ledger, "b", 6), Refused)
    assert isinstance(first, Held)
    ledger.settle(first.hold_id, paid(4)).result()
    assert ledger.allowed("t", "haiku") == 21
    assert isinstance(ask(ledger, "b", 21), Held)


def test_an_approval_is_for_one_task_and_model(ledger: Archive) -> None:
    """Another task or another model needs its own."""
    ledger.open_task(row()).result()
    ledger.allow("t", "opus", 100, expires=LATER).result()
    ledger.allow("u", "haiku", 100, expires=LATER).result()
    assert isinstance(ask(ledger, "a", 10), Refused)


def test_a_later_approval_replaces_the_earlier(ledger: Archive) -> None:
    """It allows so much more from then on, whatever was left before."""
    ledger.open_task(row()).result()
    ledger.allow("t", "haiku", 100, expires=LATER).result()
    first = ask(ledger, "a", 30)
    assert isinstance(first, Held)
    ledger.allow("t", "haiku", 10, expires=LATER).result()
    assert ledger.allowed("t", "haiku") == 10
    assert isinstance(ask(ledger, "b", 11), Refused)


def test_an_approval_expires(store: Store) -> None:
    """After its time it allows nothing, and says so."""
    ledger = store.open()
    ledger.open_task(row()).result()
    ledger.allow("t", "haiku", 100, expires=ledger.now() - 1).result()
    assert ledger.allowed("t", "haiku") == 0
    refused: Any = ask(ledger, "a", 10)
    assert (refused.scope, refused.limit) == (SCOPE, 0)


def test_an_approval_outlives_the_process(store: Store) -> None:
    """What was allowed and what was used of it are found by whoever takes the task up."""
    ledger = store.open()
    ledger.open_task(row()).result()
    ledger.allow("t", "haiku", 100, expires=LATER)
    ask(ledger, "a", 30)
    ledger = store.crash(ledger)
    ledger.open_task(row()).result()
    assert ledger.allowed("t", "haiku") == 70
