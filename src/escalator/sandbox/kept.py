"""Copies of large projects, kept for a while after runs that could not change them.

The next run of the same project copies only what has changed since.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from escalator.records import Command
from escalator.sandbox.artefacts import remove_tree
from escalator.sandbox.copying import RunFolder, checked_source, prepare

_WORTH_FILES = 500
_WORTH_BYTES = 8 * 1024 * 1024
_MOST = 2
_MOST_BYTES = 512 * 1024 * 1024
_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """A folder, emptied at the time `since`; `mode` tells whom its files belong to."""

    folder: RunFolder
    mode: str
    since: float

    @property
    def size(self) -> int:
        return self.folder.mirror.size if self.folder.mirror is not None else 0


@dataclass(kw_only=True, slots=True)
class Shelf:
    """Folders of finished runs, at most two, with 512 MiB in all, each for a minute. Threads may share it."""

    seconds: float = _SECONDS
    _kept: list[_Kept] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _timer: threading.Timer | None = None

    def prepare(self, command: Command, *, mode: str, share: Sequence[str] = ()) -> RunFolder:
        """The folder of a run, out of one that was kept if there is one. Raises as `copying.prepare` does."""
        kept = self._take(command, mode, tuple(share)) if command.workspace is not None else None
        if kept is not None:
            with suppress(OSError):  # somebody else has been in it
                return prepare(command, share=share, kept=kept)
        return prepare(command, share=share)

    def put(self, folder: RunFolder, *, mode: str) -> bool:
        """Keep the folder of a run that could not change its workspace, and say whether that is worth it. What was
        laid over the project, the trusted files and the home are removed at once.
        """
        mirror = folder.mirror
        if mirror is None or (len(mirror.files) < _WORTH_FILES and mirror.size < _WORTH_BYTES):
            return False
        for part in (folder.trusted, folder.home):
            remove_tree(part)
        mirror.forget(folder.laid)
        emptied = replace(folder, laid=set())
        with self._lock:
            self._kept.append(_Kept(folder=emptied, mode=mode, since=time.monotonic()))
            spare = []
            while len(self._kept) > _MOST or sum(kept.size for kept in self._kept) > _MOST_BYTES:
                spare.append(self._kept.pop(0))
            self._wind()
        _dispose(spare)
        return True

    def clear(self) -> None:
        """Remove all that is kept."""
        with self._lock:
            spare, self._kept = self._kept, []
        _dispose(spare)

    def abandon(self) -> None:
        """In a forked child: what is kept is its parent's."""
        self._lock = threading.Lock()
        self._kept, self._timer = [], None

    def _take(self, command: Command, mode: str, share: tuple[str, ...]) -> RunFolder | None:
        source = checked_source(command.workspace) if command.workspace is not None else None
        with self._lock:
            for kept in reversed(self._kept):
                mirror = kept.folder.mirror
                if mirror is not None and (mirror.source, mirror.share, kept.mode) == (source, share, mode):
                    self._kept.remove(kept)
                    mirror.limit = command.limits.workspace
                    return kept.folder
        return None

    def _wind(self) -> None:
        """Have what is kept removed in time; called with the lock held."""
        if self._timer is None and self._kept:
            self._timer = threading.Timer(self.seconds, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def _expire(self) -> None:
        oldest = time.monotonic() - self.seconds
        with self._lock:
            spare = [kept for kept in self._kept if kept.since <= oldest]
            self._kept = [kept for kept in self._kept if kept.since > oldest]
            self._timer = None
            self._wind()
        _dispose(spare)


def _dispose(spare: list[_Kept]) -> None:
    """Remove folders; what cannot be removed loses its lock, and whoever comes next tries again."""
    for kept in spare:
        with suppress(OSError):
            kept.folder.remove()
        kept.folder.release()


SHELF = Shelf()
"""That of this process."""

atexit.register(SHELF.clear)
os.register_at_fork(after_in_child=SHELF.abandon)
