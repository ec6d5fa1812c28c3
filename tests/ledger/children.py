"""What tests let other processes do, and how they start them."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from escalator.errors import LedgerError
from escalator.ledger import Held
from escalator.ledger.locks import FileLock
from escalator.ledger.sqlite import SqliteLedger
from ledger.buyer import HOLD, Job, open_books, warm_up
from ledger.making import closing, hold, paid, reserve, row, verdict


@contextlib.contextmanager
def child(name: str, *args: object) -> Iterator[subprocess.Popen[str]]:
    """Run one of the functions below in a process of its own, and end it afterwards."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, __file__, name, *map(str, args)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def finish(name: str, *args: object) -> int:
    """Run a function to its end; its status, after showing what it said if that is not 0 or a kill."""
    with child(name, *args) as process:
        out, err = process.communicate(timeout=200)
        if process.returncode not in (0, -signal.SIGKILL):
            sys.stderr.write(out + err)
        return process.returncode


def say(word: str) -> None:
    print(word, flush=True)


def hold_a_task(path: str) -> None:
    """Open a task, hold money, and wait to be told to go on."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    hold_id = reserve(ledger)
    say("holding")
    sys.stdin.readline()
    ledger.settle(hold_id, paid()).result()
    ledger.close_task("t", closing()).result()
    ledger.close()


def fork_and_wait(path: str) -> None:
    """Open a task, then fork: the child opens another with the same ledger object and lives on."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    if os.fork() == 0:
        statuses = [ledger.open_task(row(name)).result().status for name in ("t", "child")]
        reserve(ledger, "child")
        say(json.dumps([statuses, os.getpid()]))
        time.sleep(60)
        os._exit(0)
    time.sleep(60)


def fork_many(path: str) -> None:
    """Parent, children and grandchildren write through one ledger object, each with connections of its own."""
    ledger = SqliteLedger(path)
    ledger.open_task(row("parent")).result()
    children = []
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            ledger.open_task(row(f"child-{number}")).result()
            reserve(ledger, f"child-{number}", amount=1)
            if number == 0 and os.fork() == 0:
                ledger.open_task(row("grandchild")).result()
                ledger.close()
                os._exit(0)
            elif number == 0:
                os.wait()
            ledger.close()
            os._exit(0)
        children.append(pid)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    assert statuses == [0, 0, 0], statuses
    reserve(ledger, "parent", amount=1)
    ledger.close_task("parent", closing()).result()
    ledger.close()


def outlive_the_parent(path: str) -> None:
    """The parent closes the ledger, its child goes on and is killed: what the child wrote must be there."""
    ledger = SqliteLedger(path)
    ledger.open_task(row("parent")).result()
    ledger.tasks()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        ledger.open_task(row("before")).result()
        os.read(reader, 1)
        ledger.open_task(row("after")).result()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)
    ledger.close()
    os.write(writer, b"x")
    os.waitpid(pid, 0)


def fork_among_writers(path: str) -> None:
    """Children forked from a process whose threads write and read all the time; each writes and reads."""
    ledger = SqliteLedger(path)
    stop = threading.Event()

    def busy(name: str) -> None:
        number = 0
        while not stop.is_set():
            ledger.open_task(row(f"{name}-{number}")).result()
            assert ledger.look(f"{name}-{number}") is not None
            number += 1

    threads = [threading.Thread(target=busy, args=(f"thread-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    children = []
    for number in range(8):
        pid = os.fork()
        if pid == 0:
            signal.alarm(100)
            ledger.open_task(row(f"child-{number}")).result()
            found = ledger.look(f"child-{number}")
            os._exit(0 if found is not None and found.status == "running" else 1)
        children.append(pid)
        time.sleep(0.05)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    stop.set()
    for thread in threads:
        thread.join()
    ledger.close()
    assert statuses == [0] * 8, statuses


def hold_the_lock(path: str) -> None:
    """Hold the file lock of a ledger until killed."""
    lock = FileLock(Path(path + "-lock"))
    lock.acquire(wait=True)
    say("held")
    time.sleep(600)


def limit_files(size: int) -> None:
    """No file of this process may grow beyond that: writes fail as on a full disk. -1 lifts it."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))


def full_at_settle(path: str) -> None:
    """The disk fills while an answer is on its way: it is kept, nothing is bought, and the books heal."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    hold_id = reserve(ledger)
    limit_files(Path(path + "-wal").stat().st_size)
    ledger.settle(hold_id, paid(4)).result()
    ledger.record("t", verdict()).result()
    assert "Results waiting in memory to be written: 2" in ledger.trouble(), ledger.trouble()
    with pytest.raises(LedgerError, match="cannot be written"):
        reserve(ledger, key="next")
    ledger.close_task("t", closing()).result()
    assert ledger.spent(["day"]) == {"day": (0, 10)}
    limit_files(-1)
    patience = time.monotonic() + 60
    while ledger.trouble() and time.monotonic() < patience:
        time.sleep(0.05)
    assert ledger.trouble() == ""
    assert ledger.spent(["day"]) == {"day": (4, 0)}
    found = ledger.look("t")
    assert found is not None
    assert (found.status, [e.state for e in found.entries]) == ("closed", ["done", "done"])
    ledger.close()


def full_at_reserve(path: str) -> None:
    """The disk is full before the call: refused with a sentence, nothing held, fine once there is space."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    limit_files(Path(path + "-wal").stat().st_size)
    for _ in range(3):
        answer = ledger.reserve(hold()).exception()
        assert isinstance(answer, LedgerError), answer
        assert "Nothing is bought meanwhile" in str(answer)
    assert ledger.trouble() == ""
    limit_files(-1)
    reserve(ledger)
    assert ledger.spent(["day"]) == {"day": (0, 10)}
    ledger.close()


def full_to_the_end(path: str) -> None:
    """Closing a ledger whose disk stays full says what is lost."""
    ledger = SqliteLedger(path)
    ledger.open_task(row()).result()
    hold_id = reserve(ledger)
    limit_files(Path(path + "-wal").stat().st_size)
    ledger.settle(hold_id, paid(4)).result()
    with pytest.raises(LedgerError, match="lost"):
        ledger.close()


def hammer(order: str) -> None:
    """Sixteen processes spend one budget at once until it refuses; prints what each was granted and waited."""
    job = Job(**json.loads(order))
    warm_up(job)
    readers = []
    for number in range(job.processes):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.write(writer, json.dumps(spend(job, f"task-{number}")).encode())
            os._exit(0)
        os.close(writer)
        readers.append(reader)
    say(json.dumps([json.loads(os.read(reader, 65_536)) for reader in readers]))


def spend(job: Job, name: str) -> dict[str, float]:
    """Reserve and settle without a pause; the sum granted, refusals, and the longest wait in seconds."""
    ledger = open_books(job, time.time)
    ledger.open_task(row(name)).result()
    granted, refused, longest, over = 0, 0, 0.0, 0
    for turn in range(job.slots):
        begun = time.monotonic()
        held = ledger.reserve(hold(name, str(turn), HOLD, job.limit)).result()
        longest = max(longest, time.monotonic() - begun)
        if isinstance(held, Held):
            begun = time.monotonic()
            ledger.settle(held.hold_id, paid(HOLD)).result()
            longest = max(longest, time.monotonic() - begun)
            granted += HOLD
        else:
            refused += 1
        over = max(over, sum(ledger.spent(["day"])["day"]))
    ledger.close()
    return {"granted": granted, "refused": refused, "longest": longest, "over": over}


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
