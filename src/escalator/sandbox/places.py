"""Where the folders of runs are made, and how those of a dead process are found and removed.

The owner of a folder holds a lock on it, which the kernel drops when the owner dies, however it dies. A folder has
its name only while it is locked, so what bears the name without a lock is a dead process's, and whoever comes next
removes it.
"""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from escalator.sandbox.artefacts import remove_tree

PREFIX = "escalator-run-"
_UNNAMED = "escalator-new-"
_MEMORY = Path("/dev/shm")  # noqa: S108
_YOUNG = 60.0
_locks: set[int] = set()


def new_folder(*, room: int) -> tuple[Path, int]:
    """A fresh folder with a lock on it: (path, descriptor to close when it is gone). `room` is in bytes."""
    sweep()
    parent = _memory(room) or Path(tempfile.gettempdir())
    unnamed = Path(tempfile.mkdtemp(prefix=_UNNAMED, dir=parent))
    lock = os.open(unnamed, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    _locks.add(lock)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    folder = parent / unnamed.name.replace(_UNNAMED, PREFIX, 1)
    unnamed.rename(folder)
    return folder, lock


def let_go(lock: int) -> None:
    """Give up the lock of a folder; to be called once."""
    _locks.discard(lock)
    os.close(lock)


def _let_go_of_all() -> None:
    """In a forked child: the folders are its parent's, and must not outlive that one for as long as it lives."""
    while _locks:
        os.close(_locks.pop())


os.register_at_fork(after_in_child=_let_go_of_all)


def sweep() -> None:
    """Remove what dead processes of this user left in the places where folders are made."""
    for parent in {Path(tempfile.gettempdir()), *([_MEMORY] if sys.platform == "linux" else [])}:
        for name in _names(parent):
            with suppress(OSError):
                _remove_if_orphaned(parent / name)


def _names(parent: Path) -> list[str]:
    """Folders of ours; without a recursive look, for this is done before each run."""
    with suppress(OSError), os.scandir(parent) as entries:
        return [entry.name for entry in entries if entry.name.startswith((PREFIX, _UNNAMED))]
    return []


def _remove_if_orphaned(folder: Path) -> None:
    facts = folder.lstat()
    if facts.st_uid != os.getuid():
        return
    if folder.name.startswith(_UNNAMED):
        if time.time() - facts.st_mtime > _YOUNG:  # its owner may be about to lock and name it; it holds nothing
            folder.rmdir()
        return
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_tree(folder)
    finally:
        os.close(lock)


def _memory(room: int) -> Path | None:
    """Memory-backed storage if it has room for twice as much: copying 2,000 files there is many times faster.

    A TMPDIR set by the user is the user's word and wins.
    """
    if sys.platform != "linux" or tempfile.gettempdir() != "/tmp":  # noqa: S108
        return None
    try:
        facts = os.statvfs(_MEMORY)
    except OSError:
        return None
    usable = not facts.f_flag & (os.ST_NOEXEC | os.ST_RDONLY) and os.access(_MEMORY, os.W_OK | os.X_OK)
    return _MEMORY if usable and facts.f_bavail * facts.f_frsize >= 2 * room else None
