"""Random histories: the durable ledgers must agree with the one in memory, step by step and at the end."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from escalator.errors import LedgerError
from escalator.ledger import Held, Scope, Tried
from escalator.ledger.log import DIMENSIONS, Archive, LogQuery
from ledger.making import closing, hold, paid, row, verdict
from ledger.stores import Store, make_store

TASKS = st.sampled_from(["t1", "t2", "t3"])
KEYS = st.sampled_from(["a", "b"])
COSTS = st.integers(0, 30)
RESULTS = st.sampled_from(["passed", "failed", "unavailable"])
TRIED = st.builds(
    lambda model, result, cost, ms: Tried(model=model, result=result, cost=cost, seconds=ms / 1000),
    st.sampled_from(["local", "haiku"]),
    RESULTS,
    COSTS,
    st.integers(0, 5000),
)
STEPS = st.one_of(
    st.tuples(st.just("open"), TASKS),
    st.tuples(st.just("reserve"), TASKS, KEYS, COSTS),
    st.tuples(st.just("settle"), st.integers(1, 8), COSTS, st.sampled_from(["done", "failed"])),
    st.tuples(st.just("record"), TASKS, KEYS),
    st.tuples(
        st.just("close"),
        TASKS,
        st.sampled_from(["accepted", "skipped", "stopped", "needs_review"]),
        COSTS,
        st.none() | COSTS,
        st.lists(TRIED, max_size=3).map(tuple),
    ),
    st.tuples(st.just("release"), TASKS),
    st.tuples(st.just("crash")),
    st.tuples(st.just("forget")),
)
SCOPES = (Scope(name="all", limit=60), Scope(name="free"))
_TIMES = {"sent": 0, "ended": None, "opened": 0, "closed": None, "at": 0}


class Player:
    """Plays a history on one store and remembers what was answered."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ledger: Archive = store.open()

    def play(self, step: tuple[Any, ...]) -> Any:
        try:
            return self._play(*step)
        except LedgerError as error:
            return str(error)

    def _play(self, what: str, *args: Any) -> Any:
        ledger = self.ledger
        if what == "open":
            return ledger.open_task(row(args[0])).result()
        if what == "reserve":
            answer = ledger.reserve(hold(args[0], args[1], args[2], scopes=SCOPES)).result()
            return "held" if isinstance(answer, Held) else answer
        if what == "settle":
            calls = ledger.calls()
            number = calls[args[0] - 1].id if args[0] <= len(calls) else 10**6
            return ledger.settle(number, paid(args[1], state=args[2])).result()
        if what == "record":
            return ledger.record(args[0], verdict(args[1])).result()
        if what == "close":
            ending = closing(args[1], cost=args[2], baseline=args[3], tries=args[4])
            return ledger.close_task(args[0], ending).result()
        if what == "release":
            return ledger.release(args[0]).result()
        if what == "forget":
            return ledger.forget(9e12).result()
        self.ledger = self.store.crash(ledger)
        self.ledger.sweep().result()
        return None

    def untouched(self) -> list[Any]:
        """What is wrong with the rows of each task."""
        return [examined.faults for task in self.ledger.tasks() if (examined := self.ledger.examine(task.task_id))]

    def books(self) -> dict[str, Any]:
        """Everything that can be read, times and ids aside."""
        ledger = self.ledger
        facts: dict[str, Any] = {"spent": ledger.spent(["all", "free"])}
        for name, records in (
            ("tasks", sorted(ledger.tasks(), key=lambda r: r.task_id)),
            ("tries", ledger.tries(LogQuery())),
            ("calls", ledger.calls()),
        ):
            facts[name] = [_timeless(record) for record in records]
        for kind, dimensions in DIMENSIONS.items():
            facts[kind.__name__] = ledger.tally(kind, [name for name in dimensions if name != "day"])
        facts["seen"] = [ledger.look(task) for task in ("t1", "t2", "t3")]
        return facts


def _timeless(record: Any) -> Any:
    facts = {name: value for name, value in _TIMES.items() if hasattr(record, name)}
    return replace(record, **facts, **({"id": 0} if hasattr(record, "id") else {}))


_FOLDERS = itertools.count()


@pytest.mark.parametrize(
    ("kind", "examples"), [("sqlite", 60), pytest.param("postgres", 12, marks=pytest.mark.needs_postgres)]
)
def test_random_histories_agree_with_the_books_in_memory(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, examples: int
) -> None:
    """Any order of opening, spending, closing, crashing and erasing gives the same answers and the same books, and
    every row fits its chain.
    """
    url = request.getfixturevalue("postgres").url if kind == "postgres" else ""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, min_size=3, max_size=25))
    def check(history: list[tuple[Any, ...]]) -> None:
        folder = tmp_path / str(next(_FOLDERS))
        folder.mkdir()
        real, model = make_store(kind, folder, url), make_store("memory", folder)
        try:
            one, two = Player(real), Player(model)
            for step in history:
                assert one.play(step) == two.play(step), step
            assert one.books() == two.books()
            assert one.untouched() == two.untouched() == [()] * len(one.ledger.tasks())
        finally:
            real.close()

    check()
