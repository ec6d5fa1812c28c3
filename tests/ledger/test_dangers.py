"""What becomes of the books when their files are removed, and of what a dead process left."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest

from escalator.errors import LedgerError
from escalator.ledger.checkup import look_at
from escalator.ledger.filesystems import trust, why_not
from escalator.ledger.log import LogQuery
from escalator.ledger.owners import evidence, still_runs
from escalator.ledger.sqlite import SqliteLedger
from ledger.children import child
from ledger.making import hold, paid, reserve, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.mark.parametrize("what", ["deleted", "replaced"])
def test_a_file_that_is_gone_is_not_paid_on(path: Path, tmp_path: Path, what: str) -> None:
    """Nothing is bought where nobody would find it written; put back, the file is written again."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    hold_id = reserve(ledger, key="a")
    aside = tmp_path / "aside"
    path.rename(aside)
    if what == "replaced":
        path.write_bytes(aside.read_bytes())
    with pytest.raises(LedgerError, match=f"{path.name} was {what}.*Nothing is bought"):
        ledger.reserve(hold(key="b")).result()
    ledger.settle(hold_id, paid(4)).result()
    assert "waiting in memory" in ledger.trouble()
    aside.rename(path)
    patience = time.monotonic() + 60
    while ledger.trouble() and time.monotonic() < patience:
        time.sleep(0.05)
    assert ledger.spent(["day"]) == {"day": (4, 0)}
    ledger.close()


def test_a_paid_answer_without_a_file_to_write_it_to_is_told(path: Path) -> None:
    """Closing a ledger whose file was deleted says what is lost."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    hold_id = reserve(ledger)
    path.unlink()
    ledger.settle(hold_id, paid(4)).result()
    with pytest.raises(LedgerError, match=r"deleted.*lost"):
        ledger.close()


def test_a_tidied_away_sign_of_life_lets_nobody_take_the_task(path: Path) -> None:
    """The process it told of still runs; once that is killed, its task is free."""
    with child("hold_a_task", path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for sign in path.parent.glob("*-owner-*"):
            sign.unlink()
        ledger = SqliteLedger(path)
        assert ledger.open_task(row()).result().status == "running"
        process.kill()
        process.wait()
    later = SqliteLedger(path)
    assert later.open_task(row()).result().status == "resumed"
    ledger.close()
    later.close()


def test_a_sign_of_life_is_made_anew(path: Path) -> None:
    """The next write notices that it was removed."""
    ledger = SqliteLedger(path)
    (sign,) = path.parent.glob("*-owner-*")
    sign.unlink()
    ledger.open_task(row()).result()
    assert sign.exists()
    ledger.close()


def test_two_ledgers_agree_on_a_new_lock_file(path: Path) -> None:
    """Removed while both use it, it is made again by who writes next, and the other follows."""
    one, two = SqliteLedger(path), SqliteLedger(path)
    for turn in range(3):
        path.with_name(path.name + "-lock").unlink()
        one.open_task(row(f"one-{turn}")).result()
        two.open_task(row(f"two-{turn}")).result()
    assert len(one.tasks()) == 6
    one.close()
    two.close()


def test_calls_of_a_dead_process_are_shown_as_doubtful(path: Path) -> None:
    """Before anybody opens their task, and counted in full."""
    with child("hold_a_task", path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        ledger = SqliteLedger(path)
        assert [call.state for call in ledger.calls()] == ["sent"]
        process.kill()
        process.wait()
    ledger.close()
    ledger = SqliteLedger(path)
    assert [(call.state, call.cost, call.held) for call in ledger.calls()] == [("doubt", 10, 0)]
    assert ledger.calls(LogQuery(status="sent")) == []
    assert len(ledger.calls(LogQuery(status="doubt"))) == 1
    ledger.close()


def test_a_name_tells_whether_its_process_runs() -> None:
    """This one does; one that began at another moment or before the machine was started anew does not."""
    name = f"x{evidence()}"
    _, pid, began, space = name.split(".")
    assert still_runs(name)
    assert not still_runs(f"x.{pid}.{int(began) + 1}.{space}")
    assert not still_runs(f"x.{pid}.{began}.00000000-1")
    assert still_runs(f"x.{pid}.{began}.{space.partition('-')[0]}-1"), "another container cannot be looked into"
    assert not still_runs("an older name")


@pytest.mark.parametrize(
    ("kind", "known"), [("ext4", "local"), ("nfs4", "network"), ("fuse.sshfs", "network"), ("9p", "doubtful")]
)
def test_file_systems_are_told_apart(kind: str, known: str) -> None:
    """A network file system is refused, a shared folder warned of, and both say what to do."""
    assert trust(kind) == known
    assert bool(why_not(kind)) == (known != "local")


def test_a_checkup_tells_of_version_doubt_and_lock(path: Path) -> None:
    """Without opening the ledger; a file that is not there is no trouble."""
    assert [seen.what for seen in look_at(path)] == ["ledger disk"]
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    reserve(ledger)
    ledger.release("t").result()
    ledger.close()
    assert [(seen.what, seen.good) for seen in look_at(path)][1:] == [("ledger calls", None)]
    with child("hold_the_lock", path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert f"process {process.pid}" in [*look_at(path)][-1].detail
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert [(seen.what, seen.good) for seen in look_at(path)][1:] == [("ledger file", False)]
