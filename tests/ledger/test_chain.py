"""Every row of a task is compared with what was written, and a change of any column is told by the row it is in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from escalator.errors import LedgerError
from escalator.ledger import open_ledger
from escalator.ledger.chain import KINDS
from escalator.ledger.log import Archive
from escalator.ledger.migration import migrate
from escalator.ledger.schema import STEPS
from ledger.making import buy, closing, paid, reserve, row, verdict
from ledger.stores import Store

NOT_EVIDENCE = {("task", "id"), ("task", "owner"), ("task", "chain")}
"""Told otherwise than by a digest: the key by its papers, the owner by the state, the chain by its head."""


def history(ledger: Archive, task_id: str = "t") -> None:
    """A task that was planned late, paused, asked a person, was taken up again and accepted."""
    ledger.open_task(row(task_id, plan="null")).result()
    buy(ledger, task_id, "classify")
    ledger.plan_task(row(task_id, plan='{"late": 1}', task_type="critical", complexity=9)).result()
    ledger.settle(reserve(ledger, task_id, "a"), paid(cache_saved=3)).result()
    ledger.settle(reserve(ledger, task_id, "b"), paid(0, state="failed", error="overloaded")).result()
    ledger.record(task_id, verdict("v", '{"ok": false}')).result()
    number = ledger.review_add(task_id, "answer", "look", '{"of": "it"}').result()
    ledger.close_task(task_id, closing("needs_review")).result()
    ledger.open_task(row(task_id)).result()
    ledger.review_decide(number, "approved", by="ann", note="fine").result()
    ledger.close_task(task_id, closing(baseline=9)).result()


def faults(ledger: Archive, task_id: str = "t") -> list[str]:
    examined = ledger.examine(task_id)
    assert examined is not None
    return [f"{fault.row} {fault.what}" for fault in examined.faults]


def test_what_was_written_fits_its_chain(ledger: Archive) -> None:
    """Rows written, written again and taken away are all there as they were written last."""
    history(ledger)
    examined = ledger.examine("t")
    assert examined is not None
    assert (examined.kept, examined.parts, examined.faults) == (True, 17, ())


def test_a_task_nobody_knows_is_not_examined(ledger: Archive) -> None:
    """There is nothing to compare."""
    assert ledger.examine("t") is None


def test_a_crash_leaves_a_chain_that_fits(store: Store) -> None:
    """A call in flight becomes doubtful, and its answer may still come: each is a link."""
    ledger = store.open()
    ledger.open_task(row()).result()
    held = reserve(ledger)
    ledger = store.crash(ledger)
    ledger.open_task(row()).result()
    assert faults(ledger) == []
    ledger.settle(held, paid()).result()
    ledger.close_task("t", closing()).result()
    assert faults(ledger) == []


def test_erased_texts_leave_the_figures_to_compare(ledger: Archive) -> None:
    """Prompt, answers and outcome are gone; what was paid, and by whom it was decided, is still covered."""
    history(ledger)
    ledger.forget(9e12).result()
    assert faults(ledger) == []


def test_answers_that_are_not_kept_are_not_missed(store: Store) -> None:
    """Without `store_answers` there is no text, and none that was lost."""
    ledger = store.open(store_answers=False)
    ledger.open_task(row()).result()
    buy(ledger)
    ledger.close_task("t", closing()).result()
    assert faults(ledger) == []


def test_a_hold_that_is_undone_and_one_that_is_refused_leave_a_chain_that_fits(ledger: Archive) -> None:
    """A reservation nobody took, a second purchase, a second settlement."""
    ledger.open_task(row()).result()
    held = reserve(ledger, "t", "k")
    ledger.settle(held, paid()).result()
    ledger.settle(held, paid()).result()
    with pytest.raises(LedgerError):
        ledger.settle(10**6, paid()).result()
    assert faults(ledger) == []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger file with two tasks, closed."""
    path = tmp_path / "ledger.sqlite"
    archive = open_ledger(path, durability="normal")
    history(archive)
    history(archive, "other")
    archive.close()
    return path


def columns_of(path: Path) -> list[tuple[str, str]]:
    """Every column of every table whose rows are evidence."""
    connection = sqlite3.connect(path)
    tables = dict.fromkeys(kind.table for kind in KINDS.values())
    found = [(table, each[1]) for table in tables for each in connection.execute(f"PRAGMA table_info({table})")]
    connection.close()
    return found


def altered(path: Path, change: Callable[[sqlite3.Connection], object]) -> list[str]:
    """What is told of task "t" after a change of the file, which is taken back."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    change(connection)
    connection.execute("COMMIT")
    connection.close()
    archive = open_ledger(path, durability="normal")
    try:
        return faults(archive)
    finally:
        archive.close()


def test_every_column_is_of_one_kind(file: Path) -> None:
    """No column of these tables is left out, and none is covered twice: what one writes cannot hide what is altered."""
    covered = [(kind.table, name) for kind in KINDS.values() for name in kind.figures[1:] + kind.texts]
    keys = {(kind.table, kind.figures[0]) for kind in KINDS.values()}
    assert len(covered) == len(set(covered))
    assert {*covered, *keys} | NOT_EVIDENCE == set(columns_of(file))


def test_a_change_of_any_column_is_told_by_its_row(file: Path) -> None:
    """For every column of every row of a task: another value, and the row is named."""
    original = file.read_bytes()
    seen = 0
    for table, name in columns_of(file):
        if (table, name) == ("task", "task_id"):
            continue  # under another name there is no such task
        for (key,) in _keys(file, table):
            told = altered(file, lambda c, at=(table, name, key): _change(c, *at))
            assert told, f"{table}.{name} of row {key} was altered and nothing said"
            assert any(word in " ".join(told) for word in _WORDS[table]), (table, name, told)
            file.write_bytes(original)
            seen += 1
    assert seen > 100


_WORDS = {
    "task": ("task", "outcome", "erasure", "chain", "prompt"),
    "paper": ("prompt", "plan"),
    "call": ("call",),
    "entry": ("entry",),
    "attempt": ("attempt",),
    "review": ("review",),
}


def _keys(path: Path, table: str) -> list[Any]:
    connection = sqlite3.connect(path)
    where = "id = (SELECT id FROM task WHERE task_id = 't')" if table == "paper" else "task_id = 't'"
    try:
        return connection.execute(f"SELECT id FROM {table} WHERE {where}").fetchall()
    finally:
        connection.close()


def _change(connection: sqlite3.Connection, table: str, name: str, key: int) -> None:
    ((old,),) = connection.execute(f"SELECT {name} FROM {table} WHERE id = ?", (key,))
    new: Any = f"{old}x" if isinstance(old, str) else 77 if old is None else old + 1000
    connection.execute(f"UPDATE {table} SET {name} = ? WHERE id = ?", (new, key))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DELETE FROM call WHERE task_id = 't' AND step = 'a'", "call 2 is missing"),
        ("DELETE FROM attempt WHERE task_id = 't'", "is missing"),
        ("DELETE FROM entry WHERE task_id = 't'", "entry 1 is missing"),
        ("DELETE FROM review WHERE task_id = 't'", "review 1 is missing"),
        ("DELETE FROM paper WHERE id = 1", "prompt and files is missing"),
        ("UPDATE call SET task_id = 't' WHERE task_id = 'other'", "was not written by the ledger"),
        ("UPDATE call SET id = 20 - id WHERE task_id = 't'", "was not written by the ledger"),
        ("UPDATE call SET payload = NULL WHERE task_id = 't'", "has lost its text"),
        ("UPDATE call SET state = 'sent' WHERE id = 1", "reply to call 1 is missing"),
        ("UPDATE review SET state = 'waiting' WHERE id = 1", "decision on review 1 is missing"),
        ("UPDATE task SET closed = NULL", "outcome is missing"),
        ("UPDATE task SET chain = ''", "the chain is gone"),
        ("UPDATE task SET chain = substr(chain, 1, length(chain) - 30)", "the chain does not fit its head"),
        ("UPDATE task SET chain = (SELECT chain FROM task WHERE task_id = 'other')", "was altered"),
    ],
)
def test_rows_taken_away_added_or_reordered_are_told(file: Path, change: str, told: str) -> None:
    """Nothing can be removed, slipped in or put in another order, nor can the chain be cut or exchanged."""
    assert any(told in line for line in altered(file, lambda c: c.execute(change))), change


def test_what_was_altered_before_more_was_written_is_still_told(tmp_path: Path) -> None:
    """What the ledger writes afterwards covers what it writes, and does not take the alteration for its own."""
    path = tmp_path / "ledger.sqlite"
    archive = open_ledger(path, durability="normal")
    archive.open_task(row()).result()
    held = reserve(archive, "t", "k")
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("UPDATE call SET prompt_digest = 'forged'")
        connection.execute("UPDATE task SET description = 'forged'")
        connection.execute("UPDATE task SET chain = replace(chain, 'y:', 'y:A')")
    connection.close()
    archive.settle(held, paid()).result()
    archive.close_task("t", closing()).result()
    told = faults(archive)
    archive.close()
    assert {"task was altered", "call 1 was altered", "the chain does not fit its head"} <= set(told)


def test_a_ledger_from_before_has_no_chain_for_its_tasks_and_one_for_new_ones(tmp_path: Path) -> None:
    """Of an old task nothing is claimed, also after it was taken up again; a new one cannot pass for an old one."""
    path = tmp_path / "ledger.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, steps=STEPS[:3])
    names = "task_id, state, owner, task_type, complexity, description, team, tags, opened"
    values = ("old", "stopped", "", "critical", 9.0, "", "", json.dumps([]), 1.0)
    connection.execute(f"INSERT INTO task ({names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.execute("INSERT INTO paper (id, brief, plan) VALUES (1, '{}', '{}')")
    connection.close()
    archive = open_ledger(path, durability="normal")
    archive.open_task(row("old")).result()
    buy(archive, "old")
    archive.close_task("old", closing()).result()
    examined = archive.examine("old")
    assert examined is not None
    assert (examined.kept, examined.faults) == (False, ())
    history(archive)
    archive.close()
    assert altered(path, lambda c: c.execute("SELECT 1")) == []
    assert altered(path, lambda c: c.execute("UPDATE task SET chain = ''")) == ["the chain is gone"]
