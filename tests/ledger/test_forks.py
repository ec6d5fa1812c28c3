"""Forks: a child has connections, locks and a name of its own, and harms nothing of its parent's."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from escalator.errors import LedgerError
from escalator.forking import ForkLock, Forks, look_after, undivided
from escalator.ledger import MemoryLedger
from escalator.ledger.sqlite import SqliteLedger
from ledger.children import finish
from ledger.making import row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


def test_a_child_that_outlives_its_parent_loses_nothing(path: Path) -> None:
    """The parent's last connection does not take the write-ahead log away under the child."""
    assert finish("outlive_the_parent", path) == 0
    ledger = SqliteLedger(path)
    assert {task.task_id for task in ledger.tasks()} == {"parent", "before", "after"}
    ledger.close()


def test_children_of_a_busy_process_write_at_once(path: Path) -> None:
    """Threads write and read while it forks: no child waits for a lock that nobody holds, and the file is sound."""
    assert finish("fork_among_writers", path) == 0
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def _in_child(work: object) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(int(work()))  # type: ignore[operator]
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_lock_another_thread_holds_is_free_in_a_child() -> None:
    """The thread that would give it back is not there."""
    lock, held, done = ForkLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def take() -> int:
        with lock:
            return 7

    assert _in_child(take) == 7
    done.set()
    thread.join()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_cannot_begin_anew_keeps_no_other_from_it() -> None:
    """Nor does one that fails before the fork: what is half closed is its own matter."""

    closed = True

    class Broken(Forks):
        def before_fork(self) -> None:
            if closed:
                raise ValueError("closed")

        begin_anew = before_fork

    class Whole(Forks):
        rested = begun = False

        def before_fork(self) -> None:
            self.rested = True

        def begin_anew(self) -> None:
            self.begun = True

    things = [thing for _ in range(8) for thing in (Broken(), Whole())]
    for thing in things:
        look_after(thing)
    whole = [thing for thing in things if isinstance(thing, Whole)]
    assert _in_child(lambda: all(thing.rested and thing.begun for thing in whole)) == 1
    closed = False


def test_a_fork_waits_for_what_must_not_be_divided() -> None:
    """A child forked meanwhile sees the block begun and ended, or not begun."""
    steps: list[int] = []
    inside = threading.Event()

    def work() -> None:
        with undivided():
            steps.append(1)
            inside.set()
            threading.Event().wait(0.3)
            steps.append(2)

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    assert _in_child(lambda: len(steps)) == 2
    thread.join()


def test_a_ledger_in_memory_is_copied_whole() -> None:
    """The child has its own copy, which nobody keeps locked."""
    ledger = MemoryLedger()
    ledger.open_task(row()).result()

    def child() -> int:
        ledger.open_task(row("child")).result()
        return len(ledger.tasks())

    assert _in_child(child) == 2
    assert len(ledger.tasks()) == 1


def test_a_child_of_a_process_that_never_came_to_rest_is_told_so(path: Path) -> None:
    """A read that lasts longer than a fork waits leaves the child without a ledger, and with a sentence."""
    ledger = SqliteLedger(path)
    reading, done = threading.Event(), threading.Event()

    def slow() -> None:
        ledger._database.read(lambda _: (reading.set(), done.wait(60)))  # a question that takes long

    thread = threading.Thread(target=slow)
    thread.start()
    reading.wait()

    def child() -> int:
        try:
            ledger.tasks()
        except LedgerError as error:
            return 3 if "forked while" in str(error) else 4
        return 5

    assert _in_child(child) == 3
    done.set()
    thread.join()
    assert ledger.tasks() == []
    ledger.close()
