"""Locks between processes on one machine: who may write now, and who is still alive.

Both are `flock` locks on small files beside the ledger. The system releases them when a process ends, however
it ends, and keeps them while it is merely stopped: no clock, no heartbeat, no lease. A program that tidies up may
remove such a file; both notice it and make another.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from pathlib import Path

from escalator.forking import belongs_to_this_process
from escalator.ledger.owners import evidence, still_runs


class FileLock:
    """An exclusive lock on a file, between processes and between all objects of this class in one process.

    One thread at a time may use an object. The file is opened again after a fork: a shared descriptor would share
    the lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = _open(path)
        belongs_to_this_process(self)

    def acquire(self, *, wait: bool) -> bool:
        """Take the lock; without waiting, say whether it was free."""
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                return False
            if self._fd < 0 or os.fstat(self._fd).st_nlink:
                return self._fd >= 0
            fd, self._fd = self._fd, _open(self._path)  # somebody removed it: others lock another file
            os.close(fd)

    def acquire_within(self, seconds: float) -> bool:
        """Take the lock, waiting for so long at most."""
        if self.acquire(wait=False):
            return True
        waiting = _Waiting(FileLock(self._path))
        if seconds <= 0 or not waiting.ended(seconds):
            return False
        self._fd, fd = waiting.lock.detach(), self._fd
        os.close(fd)
        return True

    def detach(self) -> int:
        """The descriptor, with the lock if it is held; it is the caller's now."""
        fd, self._fd = self._fd, -1
        return fd

    def fileno(self) -> int:
        """The descriptor."""
        return self._fd

    def release(self) -> None:
        """Let others have it."""
        if self._fd >= 0:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give up the descriptor. In a forked child this leaves the parent's lock alone. A thread that still waits
        for the lock never gets it.
        """
        fd, self._fd = self._fd, -1
        os.close(fd)


class _Waiting:
    """A thread that waits in the system's queue for a lock, and lets go of it where nobody wants it by then."""

    def __init__(self, lock: FileLock) -> None:
        self.lock = lock
        self._mutex, self._got, self._wanted = threading.Lock(), threading.Event(), True

    def ended(self, seconds: float) -> bool:
        """Whether the lock was got within so many seconds."""
        threading.Thread(target=self._wait, name="escalator-lock", daemon=True).start()
        self._got.wait(seconds)
        with self._mutex:
            self._wanted = False
            return self._got.is_set()

    def _wait(self) -> None:
        self.lock.acquire(wait=True)
        with self._mutex:
            if self._wanted:
                self._got.set()
            else:
                self.lock.release()
                self.lock.close()


class Presence:
    """A lock file that says "this worker lives" for as long as it does; `name` is the worker's name."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._known_dead: set[str] = set()
        self._mutex = threading.Lock()
        self.name = f"{secrets.token_hex(8)}{evidence()}"
        self._fd = self._appear()
        belongs_to_this_process(self)

    def fileno(self) -> int:
        """The descriptor of the lock file."""
        return self._fd

    def _appear(self) -> int:
        """Put the file, locked before anybody can see it, in its place."""
        path = self._path(self.name)
        hidden = path.with_name(f"{path.name}-new")
        fd = _open(hidden)
        fcntl.flock(fd, fcntl.LOCK_EX)
        hidden.rename(path)
        return fd

    def renew(self) -> None:
        """Make the file again if somebody removed it."""
        if not os.fstat(self._fd).st_nlink:
            fd, self._fd = self._fd, self._appear()
            os.close(fd)

    def alive(self, name: str) -> bool:
        """Whether the worker of that name lives. A dead one's file is cleared away.

        Its file may have been removed while it lives: where there is none, the process it ran in tells.
        """
        if name == self.name:
            return True
        with self._mutex:
            if name in self._known_dead:
                return False
            living = _locked(self._path(name))
            if living is None:
                living = still_runs(name)
            if not living:
                self._known_dead.add(name)
            return living

    def leave(self, *, tidy: bool) -> None:
        """Say that this worker is gone. `tidy`: nothing in the ledger bears its name any more, so the file goes as
        well; an unlocked one says to others that what bears the name is nobody's.
        """
        if tidy:
            self._path(self.name).unlink(missing_ok=True)
        os.close(self._fd)

    def disown(self) -> None:
        """In a forked child: let go of the parent's lock without releasing it."""
        os.close(self._fd)

    def _path(self, name: str) -> Path:
        return self._ledger.with_name(f"{self._ledger.name}-owner-{name}")


def _locked(path: Path) -> bool | None:
    """Whether somebody holds the lock of this file; None if there is no such file. A free one is removed."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        if _same_file(fd, path):
            path.unlink(missing_ok=True)
        return False
    finally:
        os.close(fd)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _same_file(fd: int, path: Path) -> bool:
    """Whether the path still names the open file: its owner may have made a new one just now."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
