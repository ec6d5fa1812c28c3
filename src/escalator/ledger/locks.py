"""Locks between processes on one machine: who may write now, and who is still alive.

Both are `flock` locks on small files beside the ledger. The system releases them when a process ends, however
it ends, and keeps them while it is merely stopped: no clock, no heartbeat, no lease.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from escalator.errors import LedgerError

NETWORK_FILE_SYSTEMS = (
    *("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "afpfs", "ceph", "lustre", "beegfs"),
    *("gpfs", "glusterfs", "fuse.glusterfs", "fuse.sshfs", "davfs", "fuse.davfs", "webdav"),
)


class FileLock:
    """An exclusive lock on a file, between processes and between the ledgers of one process.

    One thread at a time may hold it; the ledger's own mutex sees to that. The file is opened again after a
    fork, because a shared descriptor would share the lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = _open(path)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the lock and hold it inside the block."""
        self.acquire(wait=True)
        try:
            yield
        finally:
            self.release()

    def acquire(self, *, wait: bool) -> bool:
        """Take the lock; without waiting, say whether it was free."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let others have it."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give up the descriptor. In a forked child this leaves the parent's lock alone."""
        os.close(self._fd)


class Presence:
    """A lock file that says "this worker lives" for as long as it does; `name` is the worker's name."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._known_dead: set[str] = set()
        self._mutex = threading.Lock()
        while True:
            self.name = secrets.token_hex(8)
            path = self._path(self.name)
            self._fd = _open(path)
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            if _same_file(self._fd, path):
                return
            os.close(self._fd)

    def alive(self, name: str) -> bool:
        """Whether the worker of that name lives. A dead one's file is cleared away."""
        if name == self.name:
            return True
        with self._mutex:
            if name in self._known_dead:
                return False
            living = self._locked(self._path(name))
            if not living:
                self._known_dead.add(name)
            return living

    def leave(self) -> None:
        """Say that this worker is gone."""
        self._path(self.name).unlink(missing_ok=True)
        os.close(self._fd)

    def disown(self) -> None:
        """In a forked child: let go of the parent's lock without releasing it."""
        os.close(self._fd)

    def _path(self, name: str) -> Path:
        return self._ledger.with_name(f"{self._ledger.name}-owner-{name}")

    @staticmethod
    def _locked(path: Path) -> bool:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            path.unlink(missing_ok=True)
            return False
        finally:
            os.close(fd)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _same_file(fd: int, path: Path) -> bool:
    """Whether the path still names the open file: another worker may have cleared it away just before."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False


def refuse_network_file_system(path: Path) -> None:
    """Raise `LedgerError` where locks and shared memory do not work between machines."""
    kind = file_system_of(path)
    if kind in NETWORK_FILE_SYSTEMS:
        raise LedgerError(
            f"The ledger {path} lies on a network file system ({kind}), where SQLite can corrupt it. Put it on a "
            "local disk, or give a postgresql:// address to share one between machines."
        )


def file_system_of(path: Path) -> str:
    """The type of the file system a path lies on, empty where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    device = path.stat().st_dev
    return type_of_device(mounts, f"{os.major(device)}:{os.minor(device)}", str(path.resolve()))


def type_of_device(mounts: str, device: str, path: str) -> str:
    """Find a device in the text of /proc/self/mountinfo; where several mounts fit, the deepest one counts."""
    found = [("", "")]
    for line in mounts.splitlines():
        facts, _, source = line.partition(" - ")
        fields = facts.split(" ")
        if len(fields) < 5 or not source:
            continue
        point = fields[4].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if fields[2] == device or (inside and source.split(" ")[0] in NETWORK_FILE_SYSTEMS):
            found.append((point if inside else "", source.split(" ")[0]))
    return max(found, key=lambda mount: len(mount[0]))[1]
