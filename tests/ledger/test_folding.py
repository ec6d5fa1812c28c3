"""Roll-ups that are folded in bulk: what is read is the same before and after, whatever happens to a task."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from escalator.ledger import Tried, tally
from escalator.ledger.log import Archive, CallTally, TaskTally, TryTally
from escalator.ledger.migration import migrate
from escalator.ledger.schema import STEPS
from escalator.ledger.sqlite import SqliteLedger
from ledger.making import buy, closing, hold, paid, reserve, row
from ledger.stores import Store

EVERYTHING = {
    TaskTally: ("day", "task_type", "team", "worker", "checker", "status", "bucket"),
    TryTally: ("day", "task_type", "model", "checker", "result", "cause"),
    CallTally: ("day", "task_type", "purpose", "model", "provider", "state", "error", "bucket"),
}


def sums(ledger: Archive) -> list[Any]:
    """Every sum the ledger can tell, grouped as finely as it can."""
    return [ledger.tally(kind, by) for kind, by in EVERYTHING.items()]


def fold(ledger: Any) -> int:
    """Fold now what would be folded some time."""
    return int(ledger._writing().submit(tally.fold).result())


def done(ledger: Archive, task_id: str, status: str = "accepted") -> None:
    ledger.open_task(row(task_id)).result()
    buy(ledger, task_id)
    ledger.close_task(task_id, closing(status)).result()


def test_folding_changes_no_sum(ledger: Archive) -> None:
    """Tasks that were closed, given up or are under way are counted alike, folded or not."""
    for number in range(5):
        done(ledger, f"t{number}", "stopped" if number % 2 else "accepted")
    ledger.open_task(row("open")).result()
    buy(ledger, "open")
    reserve(ledger, "open", "b")
    before = sums(ledger)
    assert fold(ledger) == 5
    assert sums(ledger) == before
    assert fold(ledger) == 0


def test_a_folded_task_that_is_taken_up_again_is_counted_once(ledger: Archive) -> None:
    """Its earlier closing counts until the next one replaces it, and nothing is counted twice."""
    done(ledger, "t", "stopped")
    fold(ledger)
    before = sums(ledger)
    ledger.open_task(row("t")).result()
    assert sums(ledger) == before
    both = (Tried(model="haiku", result="failed"), Tried(model="opus", result="passed"))
    ledger.close_task("t", closing(cost=9, attempts=2, tries=both)).result()
    fold(ledger)
    assert [(t.status, t.n, t.cost, t.attempts) for t in ledger.tally(TaskTally, ("status",))] == [
        ("accepted", 1, 9, 2)
    ]
    assert [(t.model, t.n) for t in ledger.tally(TryTally, ("model",))] == [("haiku", 1), ("opus", 1)]
    assert [(t.state, t.n) for t in ledger.tally(CallTally, ("state",))] == [("done", 1)]


def test_a_late_answer_to_a_folded_task_moves_in_the_sums(ledger: Archive) -> None:
    """A call that was counted as doubtful is counted as done once, at its true cost."""
    ledger.open_task(row()).result()
    hold_id = reserve(ledger, amount=10)
    ledger.close_task("t", closing("stopped")).result()
    fold(ledger)
    ledger.settle(hold_id, paid(4)).result()
    fold(ledger)
    assert [(t.state, t.n, t.cost) for t in ledger.tally(CallTally, ("state",))] == [("done", 1, 4)]
    assert ledger.spent(["day"]) == {"day": (4, 0)}


def test_many_closings_are_folded_without_being_asked(tmp_path: Path) -> None:
    """The thread behind the writes folds now and then, so that a report never has many tasks to look at."""
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3", durability="normal")
    for number in range(300):
        ledger.open_task(row(f"t{number}"), new=True)
        ledger.close_task(f"t{number}", closing()).result()
    ledger.close()
    connection = sqlite3.connect(tmp_path / "ledger.sqlite3")
    waiting = connection.execute("SELECT COUNT(*) FROM pending").fetchone()[0]
    stored = connection.execute("SELECT SUM(n) FROM task_tally").fetchone()[0]
    connection.close()
    assert waiting + stored == 300
    assert waiting < 256


def test_what_short_processes_close_is_folded_when_they_end(tmp_path: Path) -> None:
    """Runs of one task each leave nothing that every later report must count anew."""
    for number in range(3):
        ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
        done(ledger, f"t{number}")
        ledger.close()
    connection = sqlite3.connect(tmp_path / "ledger.sqlite3")
    assert connection.execute("SELECT COUNT(*) FROM pending").fetchone()[0] == 0
    assert connection.execute("SELECT SUM(n) FROM task_tally").fetchone()[0] == 3
    connection.close()


OLD = """
INSERT INTO task (task_id, state, owner, task_type, complexity, description, team, tags, opened, closed, status,
    worker, attempts, seconds, cost)
    VALUES ('old', 'accepted', '', 'quick_edit', 1, 'd', '', '[]', 1, 2, 'accepted', 'haiku', 1, 0.5, 4);
INSERT INTO task (task_id, state, owner, task_type, complexity, description, team, tags, opened)
    VALUES ('left', 'open', 'somebody', 'quick_edit', 1, 'd', '', '[]', 3);
INSERT INTO paper (task_id, brief, plan, outcome) VALUES ('old', '{"b": 1}', '{"p": 1}', '{"o": 1}');
INSERT INTO paper (task_id, brief, plan) VALUES ('left', '{"b": 2}', '{"p": 2}');
INSERT INTO attempt (task_id, at, task_type, team, model, result, rung, number, answered_by, checker, effort,
    cause, validation, cost, seconds, input_tokens, output_tokens)
    VALUES ('old', 2, 'quick_edit', '', 'haiku', 'passed', 0, 1, '', '', '', '', '', 4, 0.5, 0, 0);
INSERT INTO task_tally
    VALUES ('1970-01-01', 'quick_edit', '', 'haiku', '', 'accepted', 36, 1, 500, 4, 1, 0, 0, 0, 0, 0);
INSERT INTO try_tally VALUES ('1970-01-01', 'quick_edit', 'haiku', '', 'passed', '', 1, 500, 4, 0, 0);
INSERT INTO call_tally
    VALUES ('1970-01-01', 'quick_edit', 'worker', 'haiku', 'cloud', 'done', '', 32, 2, 500, 8, 0, 0);
INSERT INTO budget VALUES ('day', 8, 10), ('task:old', 4, 0), ('task:left', 4, 10);
"""


def old_ledger(path: Path) -> None:
    """A ledger of version 2: one finished task, and one whose process died with a call under way."""
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, steps=STEPS[:2])
    connection.executescript(OLD)
    calls = [("old", "k", "done", 10, 0, 4, 1.0), ("left", "a", "done", 10, 0, 4, 3.0)]
    for number, (task_id, step, state, amount, held, cost, sent) in enumerate(
        [*calls, ("left", "b", "sent", 10, 10, 0, 3.5)], start=1
    ):
        connection.execute(
            "INSERT INTO call (task_id, step, digest, state, purpose, model, provider, rung, number, effort, local, "
            "prompt_digest, details, scopes, amount, held, cost, sent, seconds) VALUES (?, ?, 'd', ?, 'worker', "
            "'haiku', 'cloud', 0, 1, '', 0, '', '{}', '[\"day\"]', ?, ?, ?, ?, 0.25)",
            (task_id, step, state, amount, held, cost, sent),
        )
        if state == "done":
            connection.execute("INSERT INTO answer VALUES (?, ?)", (number, f'{{"answer": "{task_id}"}}'))
    connection.close()


def test_an_old_ledger_keeps_every_row(tmp_path: Path) -> None:
    """Tasks, papers, answers, attempts, sums and money are the same after the tables were made lean."""
    path = tmp_path / "ledger.sqlite3"
    old_ledger(path)
    ledger = SqliteLedger(path)
    old, left = ledger.look("old"), ledger.look("left")
    assert old is not None
    assert left is not None
    assert (old.status, old.row.brief, old.row.plan, old.outcome) == ("closed", '{"b": 1}', '{"p": 1}', '{"o": 1}')
    assert (left.status, left.row.brief, left.row.plan) == ("resumed", '{"b": 2}', '{"p": 2}')
    assert [(e.key, e.state, e.payload) for e in left.entries] == [
        ("a", "done", '{"answer": "left"}'),
        ("b", "doubt", ""),
    ]
    assert [(t.task_id, t.state, t.cost) for t in ledger.tasks()] == [("old", "accepted", 4), ("left", "open", 0)]
    assert [(t.task_id, t.model) for t in ledger.tries()] == [("old", "haiku")]
    assert ledger.spent(["day", "task:old", "task:left"]) == {
        "day": (8, 10),
        "task:old": (4, 0),
        "task:left": (4, 10),
    }
    [calls] = ledger.tally(CallTally, ("state",))
    assert (calls.state, calls.n, calls.cost, calls.millis) == ("done", 2, 8, 500)
    [tasks] = ledger.tally(TaskTally, ())
    assert (tasks.n, tasks.cost) == (1, 4)
    assert ledger.sweep().result() == 1
    assert ledger.spent(["day", "task:left"]) == {"day": (18, 0), "task:left": (14, 0)}
    states = {t.state: (t.n, t.cost) for t in ledger.tally(CallTally, ("state",))}
    assert states == {"done": (2, 8), "doubt": (1, 10)}
    ledger.close()


def test_a_migrated_ledger_is_worked_on_like_a_new_one(tmp_path: Path) -> None:
    """What an older version left open is resumed, paid for and closed."""
    path = tmp_path / "ledger.sqlite3"
    old_ledger(path)
    ledger = SqliteLedger(path)
    assert ledger.open_task(row("left")).result().status == "resumed"
    buy(ledger, "left", "c")
    ledger.close_task("left", closing()).result()
    assert ledger.spent(["day"]) == {"day": (22, 0)}
    [tasks] = ledger.tally(TaskTally, ())
    assert tasks.n == 2
    ledger.close()


def test_the_books_of_a_store_that_dies_come_to_the_same(store: Store) -> None:
    """After a crash the sums of a task that was under way are those of its calls, folded or not."""
    ledger = store.open()
    ledger.open_task(row()).result()
    buy(ledger, "t", "a")
    assert ledger.reserve(hold("t", "b")).result()
    ledger = store.crash(ledger)
    ledger.sweep().result()
    before = sums(ledger)
    assert fold(ledger) == 1
    assert sums(ledger) == before
    assert {t.state: t.cost for t in ledger.tally(CallTally, ("state",))} == {"done": 4, "doubt": 10}
