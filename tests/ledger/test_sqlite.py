"""What is true of the ledger in a file: rights, versions, forks, stopped processes, full disks, clocks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import stat
import threading
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from escalator.errors import LedgerError
from escalator.ledger import Held, MemoryLedger, Scope, open_ledger
from escalator.ledger.filesystems import NETWORK_FILE_SYSTEMS, type_of_device
from escalator.ledger.migration import migrate
from escalator.ledger.schema import STEPS
from escalator.ledger.sqlite import SqliteLedger, database_warning
from ledger.children import child, finish
from ledger.making import buy, closing, hold, paid, reserve, row, verdict
from ledger.migrating import MORE_STEPS, killed_at
from ledger.stores import Clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite3"


def test_the_target_decides_which_ledger_it_is(path: Path) -> None:
    """The word :memory: means in memory, a path a file; a ledger is taken as it is."""
    assert isinstance(open_ledger(":memory:"), MemoryLedger)
    ledger = open_ledger(path, durability="normal")
    assert isinstance(ledger, SqliteLedger)
    assert open_ledger(ledger) is ledger
    ledger.close()
    with pytest.raises(LedgerError, match="'full' or 'normal'"):
        SqliteLedger(path, durability="some")  # type: ignore[arg-type]


def test_nobody_else_may_read_the_books(path: Path) -> None:
    """Every file of the ledger is its owner's alone, also one that was open to others before."""
    path.parent.mkdir()
    path.touch(mode=0o644)
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    ledger.close()
    assert len(modes) == 5
    assert set(modes.values()) == {0o600}


def test_closing_leaves_only_the_file_and_its_lock(path: Path) -> None:
    """The log is brought into the database and the sign of life removed."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    ledger.close()
    ledger.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.sqlite3", "ledger.sqlite3-lock"]
    with pytest.raises(LedgerError, match="closed"):
        ledger.open_task(row())


def test_strange_files_are_refused(tmp_path: Path) -> None:
    """A text file, another program's database and a folder are not taken for ledgers."""
    text = tmp_path / "text"
    text.write_text("hello" * 500, encoding="utf-8")
    other = tmp_path / "other"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    for file, words in ((text, "damaged"), (other, "another program"), (tmp_path, "cannot be opened")):
        with pytest.raises(LedgerError, match=words):
            SqliteLedger(file)


def test_a_newer_file_is_refused_and_left_alone(path: Path) -> None:
    """An older library says that it must be upgraded."""
    SqliteLedger(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="newer escalator"):
        SqliteLedger(path)
    assert path.read_bytes() == before


def test_a_migration_keeps_a_copy_of_the_old_file(path: Path) -> None:
    """Moving forward copies the file first; the copy opens as the old version with its rows."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    ledger.close()
    connection = sqlite3.connect(path, isolation_level=None)
    copy = migrate(connection, path, steps=MORE_STEPS)
    assert connection.execute("SELECT colour FROM task").fetchall() == [("red",)]
    assert migrate(connection, path, steps=MORE_STEPS) is None
    connection.close()
    assert copy is not None
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    old = SqliteLedger(copy)
    assert old.look("t") is not None
    old.close()


def test_a_migration_killed_anywhere_leaves_one_version_or_the_next(path: Path) -> None:
    """Killed at each statement, the file is of a whole version, keeps its rows, and the next try succeeds."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    ledger.close()
    seen = set()
    for statement in range(1, 30):
        died = killed_at(path, statement)
        connection = sqlite3.connect(path, isolation_level=None)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        columns = [fact[1] for fact in connection.execute("PRAGMA table_info(task)")]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        rows = connection.execute("SELECT COUNT(*) FROM task").fetchone()[0]
        connection.close()
        later = version - len(STEPS)
        assert (later >= 1, later >= 2, rows) == ("colour" in columns, "extra" in tables, 1)
        seen.add(version)
        if not died:
            break
    assert seen == {len(STEPS), len(STEPS) + 1, len(STEPS) + 2}


def test_a_plan_that_a_note_corrected_is_the_plan_after_a_migration(path: Path) -> None:
    """An old ledger kept the plan of a task that a model classified as a note; it stands in the task's own row now."""
    path.parent.mkdir()
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, path, steps=STEPS[:1])
    for name, plan in (("t", '{"first": 1}'), ("u", '{"only": 1}')):
        connection.execute(
            "INSERT INTO task (task_id, state, owner, task_type, complexity, description, team, tags, opened) "
            "VALUES (?, 'open', '', 'quick_edit', 1, '', '', '[]', 1)",
            (name,),
        )
        connection.execute("INSERT INTO paper (task_id, brief, plan) VALUES (?, '{}', ?)", (name, plan))
    connection.execute(
        "INSERT INTO entry (task_id, step, kind, digest, state, payload, at) "
        "VALUES ('t', 'plan', 'note', '', 'done', '{\"second\": 2}', 1)"
    )
    connection.close()
    ledger = SqliteLedger(path)
    known, other = ledger.look("t"), ledger.look("u")
    ledger.close()
    assert known is not None
    assert other is not None
    assert (known.row.plan, known.entries, other.row.plan) == ('{"second": 2}', (), '{"only": 1}')


def test_network_file_systems_are_recognised() -> None:
    """The mount table tells the type of the deepest mount a path lies on, also where the mount has no device."""
    mounts = (
        "22 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n"
        "40 22 0:45 / /srv/team rw shared:2 - nfs4 server:/team rw\n"
        "41 22 0:46 / /mnt/with\\040space rw - cifs //server/share rw\n"
        "broken line\n"
    )
    assert type_of_device(mounts, "254:0", "/var/lib/ledger") == "ext4"
    assert type_of_device(mounts, "0:45", "/srv/team/ledger") in NETWORK_FILE_SYSTEMS
    assert type_of_device(mounts, "0:46", "/mnt/with space/ledger") in NETWORK_FILE_SYSTEMS
    assert type_of_device(mounts, "0:99", "/somewhere") == ""


def test_the_doctor_is_told_of_the_wal_bug() -> None:
    """Versions before 3.51.3 are named with what protects the ledger from their bug."""
    affected = sqlite3.sqlite_version_info < (3, 51, 3)
    assert bool(database_warning()) == affected
    assert sqlite3.sqlite_version in database_warning() or not affected


def test_a_stopped_process_keeps_its_task(path: Path) -> None:
    """SIGSTOP is not death: nobody takes the task over, others go on writing, and it ends what it began."""
    with child("hold_a_task", path) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "holding\n"
        process.send_signal(signal.SIGSTOP)
        ledger = SqliteLedger(path)
        assert ledger.open_task(row()).result().status == "running"
        assert ledger.sweep().result() == 0
        ledger.open_task(row("mine")).result()
        buy(ledger, "mine")
        assert ledger.spent(["day"]) == {"day": (4, 10)}
        process.send_signal(signal.SIGCONT)
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.wait(timeout=120) == 0
    assert ledger.open_task(row()).result().status == "closed"
    assert ledger.spent(["day"]) == {"day": (8, 0)}
    ledger.close()


def test_a_killed_process_loses_its_task_at_once(path: Path) -> None:
    """No lease has to run out."""
    with child("hold_a_task", path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        ledger = SqliteLedger(path)
        process.kill()
        process.wait()
        assert ledger.open_task(row()).result().status == "resumed"
    ledger.close()


def test_a_fork_is_a_worker_of_its_own(path: Path) -> None:
    """The child cannot take the parent's task, has its own, and does not keep the parent's alive."""
    with child("fork_and_wait", path) as process:
        assert process.stdout is not None
        statuses, forked = json.loads(process.stdout.readline())
        assert statuses == ["running", "new"]
        process.kill()
        process.wait()
        ledger = SqliteLedger(path)
        assert ledger.open_task(row()).result().status == "resumed"
        assert ledger.open_task(row("child")).result().status == "running"
        os.kill(forked, signal.SIGKILL)
    ledger.close()


def test_parents_children_and_grandchildren_share_one_file(path: Path) -> None:
    """Forks write through the same ledger object without harm to each other."""
    assert finish("fork_many", path) == 0
    ledger = SqliteLedger(path)
    ledger.sweep().result()
    names = {task.task_id for task in ledger.tasks()}
    assert names == {"parent", "child-0", "child-1", "child-2", "grandchild"}
    assert ledger.spent(["day"]) == {"day": (4, 0)}
    ledger.close()


@pytest.mark.parametrize("case", ["full_at_settle", "full_at_reserve", "full_to_the_end"])
def test_a_full_disk_costs_no_answer(path: Path, case: str) -> None:
    """A paid answer is kept and booked once there is space; nothing is bought meanwhile; a loss is said."""
    assert finish(case, path) == 0
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
def test_a_clock_that_jumps_strands_nothing(path: Path, jump: float) -> None:
    """Over midnight or back, a hold is settled to the scopes it was taken from, and tasks are not run again."""
    clock = Clock()
    ledger = SqliteLedger(path, clock=clock)
    ledger.open_task(row()).result()
    hold_id = reserve(ledger, amount=10, scopes=(Scope(name="day:1", limit=10),))
    clock.now += jump
    ledger.settle(hold_id, paid(4)).result()
    buy(ledger, key="b", scopes=(Scope(name="day:2", limit=10),))
    assert ledger.spent(["day:1", "day:2"]) == {"day:1": (4, 0), "day:2": (4, 0)}
    assert ledger.open_task(row()).result().status == "running"
    ledger.close_task("t", closing()).result()
    clock.now -= 2 * jump
    assert ledger.open_task(row()).result().status == "closed"
    assert ledger.now() == clock.now
    ledger.close()


def test_a_cancelled_reservation_holds_nothing(path: Path) -> None:
    """A task cancelled while it waits for its reservation leaves no money held and no doubt."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()

    async def cancelled() -> None:
        waiting = [asyncio.wrap_future(ledger.reserve(hold(key=str(number)))) for number in range(20)]
        for future in waiting:
            future.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(cancelled())
    for _ in range(3):  # what is queued is written first, then what undoes it
        ledger.record("t", verdict()).result()
    assert ledger.spent(["day"]) == {"day": (0, 0)}
    assert all(call.state == "failed" for call in ledger.calls())
    assert isinstance(ledger.reserve(hold(key="1")).result(), Held)
    ledger.close()


def test_a_reservation_cancelled_too_late_is_given_back(path: Path) -> None:
    """Cancelled after it was answered, but before anybody read the answer, a reservation holds nothing either."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    waiting = ledger.reserve(hold())
    wait([waiting])
    assert waiting.cancel() is False
    assert ledger.spent(["day"]) == {"day": (0, 0)}
    taken = ledger.reserve(hold(key="2"))
    assert isinstance(taken.result(), Held)
    assert taken.cancel() is False
    assert ledger.spent(["day"])["day"][1] > 0
    ledger.close()


def test_records_are_committed_with_the_next_write_or_when_asked_for(path: Path) -> None:
    """Three verdicts and an ending are one commit; a verdict somebody waits for is written by itself."""
    commits = 0

    def clock() -> float:
        nonlocal commits
        commits += 1
        return 1_7917_500_000.0

    ledger = SqliteLedger(path, clock=clock)
    ledger.open_task(row()).result()
    commits = 0
    waiting = [ledger.record("t", verdict(str(number))) for number in range(3)]
    assert (commits, [future.done() for future in waiting]) == (0, [False, False, False])
    ledger.close_task("t", closing("stopped")).result()
    assert (commits, [future.done() for future in waiting]) == (1, [True, True, True])
    ledger.open_task(row()).result()
    ledger.record("t", verdict("asked")).result()
    assert commits == 3
    ledger.record("t", verdict("left")).done()
    ledger.close()
    again = SqliteLedger(path)
    found = again.look("t")
    assert found is not None
    assert [entry.key for entry in found.entries] == ["0", "1", "2", "asked", "left"]
    again.close()


def test_the_write_ahead_log_is_kept_short(path: Path) -> None:
    """Checkpoints are made by hand once the log has grown past 16 MB, without anybody waiting for them."""
    ledger = SqliteLedger(path, durability="normal")
    ledger.open_task(row()).result()
    for number in range(110):
        ledger.settle(reserve(ledger, key=str(number)), paid(payload="x" * 200_000)).result()
    ledger.record("t", verdict()).result()
    wal = path.with_name(path.name + "-wal")
    patience = time.monotonic() + 60
    while wal.stat().st_size > 17_500_000 and time.monotonic() < patience:
        time.sleep(0.05)
    assert wal.stat().st_size < 17_500_000
    assert path.stat().st_size > 8_000_000
    ledger.close()


def test_no_thread_is_started_for_a_lone_synchronous_caller(path: Path) -> None:
    """Where nobody waits the caller writes itself."""
    before = threading.active_count()
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    buy(ledger)
    after = threading.active_count()
    ledger.close()
    assert after == before
