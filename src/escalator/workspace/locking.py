"""One writer at a time: locks on the folders of a tree, between threads and between processes.

The lock is `flock` on the folder's own descriptor: it needs no file, only the right to read the folder, holds for
every name the folder has, and ends with the process that has it, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from escalator.errors import TaskError

WAIT: Final = 10.0
"""Seconds to wait for another writer; a change is written in milliseconds, a commit in seconds."""

_PAUSE: Final = 0.005


@contextlib.contextmanager
def locked(folders: Iterable[Path], *, wait: float = WAIT) -> Iterator[None]:
    """Hold folders inside the block, all in one order, so that no two writers wait for each other.

    Raises `TaskError` for a folder that somebody else holds for longer than `wait` seconds.
    """
    deadline = time.monotonic() + wait
    with contextlib.ExitStack() as held:
        for folder in _in_order(folders):
            held.enter_context(_held(folder, deadline))
        yield


def _in_order(folders: Iterable[Path]) -> list[Path]:
    found: dict[tuple[int, int], Path] = {}
    for folder in folders:
        facts = folder.stat()
        found.setdefault((facts.st_dev, facts.st_ino), folder)
    return [found[key] for key in sorted(found)]


@contextlib.contextmanager
def _held(folder: Path, deadline: float) -> Iterator[None]:
    handle = _opened(folder)
    try:
        while not _taken(handle, folder):
            if time.monotonic() > deadline:
                raise TaskError(
                    f"somebody else is writing to {folder}",
                    field="path",
                    hint="nothing was changed; apply again when that has ended",
                )
            time.sleep(_PAUSE)
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # a child forked meanwhile has the descriptor too
        os.close(handle)


def _taken(handle: int, folder: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _unusable(folder, error) from error
    return True


def _opened(folder: Path) -> int:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> TaskError:
    return TaskError(
        f"{folder} cannot be locked against other writers: {error.strerror or type(error).__name__}",
        field="path",
        hint="apply in a folder you may read, on a file system that has locks; nothing was changed",
    )
