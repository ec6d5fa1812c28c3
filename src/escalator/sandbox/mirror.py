"""One folder made like another: what may be copied is, and what has not changed since the last time is left."""

# Plain strings and descriptors on purpose: pathlib follows links and costs time.
# ruff: noqa: PTH102, PTH106, PTH108, PTH112, PTH114, PTH115, PTH117, PTH118, PTH211

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from escalator.errors import TaskError
from escalator.sandbox.artefacts import remove_tree
from escalator.workspace import CACHES, HEAD, is_protected, kind_of, stays_back

_MOST_FILES = 100_000
_CHUNK = 1 << 20
_JUST_NOW = 1_000_000_000
"""Nanoseconds. A file that changed so shortly before it was copied may change again and keep its times."""

Facts: TypeAlias = tuple[int, ...]
"""What changes whenever a file does: device, inode, size and times. Nothing where that cannot be relied on."""


@dataclass(kw_only=True, slots=True)
class Mirror:
    """Keeps `target` like the project `source`, but for what may hold a secret, caches, and links that lead out.

    `limit`: bytes the project may hold. `share`: paths, folders or patterns that are copied although they would
    stay back. `files` and `folders` are what the target has by relative path, `fresh` what the last `update` made.
    """

    source: Path
    target: Path
    limit: int
    share: tuple[str, ...] = ()
    files: dict[str, Facts] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    fresh: list[str] = field(default_factory=list)
    size: int = 0
    _seen: dict[str, Facts] = field(default_factory=dict)
    _passed: set[str] = field(default_factory=set)
    _left_out: list[str] = field(default_factory=list)
    _began: int = 0

    def update(self) -> tuple[str, ...]:
        """Make the target like the source, and say what was left out. Raises TaskError for a project too large,
        OSError where the target is not as this left it.
        """
        self.size, self._began, self._seen, self._passed = 0, time.time_ns(), {}, set()
        self._left_out, self.fresh = [], []
        pending = [("", False)]
        while pending:
            inner, closed = pending.pop()
            with os.scandir(os.path.join(self.source, inner)) as entries:
                pending += self._listed(entries, inner, closed=closed)
        self._remove(self.files.keys() - self._seen.keys(), self.folders - self._passed)
        self.files, self.folders = self._seen, self._passed
        return self._notes()

    def forget(self, names: Iterable[str]) -> None:
        """Remove these paths from the target, to be made anew by the next `update`."""
        for name in names:
            place = os.path.join(self.target, name)
            if os.path.isdir(place) and not os.path.islink(place):
                remove_tree(Path(place))
                below = f"{name}/"
                self.folders = {path for path in self.folders if path != name and not path.startswith(below)}
                self.files = {path: facts for path, facts in self.files.items() if not path.startswith(below)}
            elif os.path.lexists(place):
                os.unlink(place)
            self.files.pop(name, None)

    def _listed(self, entries: Iterable[os.DirEntry[str]], inner: str, *, closed: bool) -> list[tuple[str, bool]]:
        """Copy what lies in one folder; the folders in it are returned, to be looked at next."""
        folders = []
        for entry in entries:
            name = inner + entry.name
            if entry.name in CACHES or entry.name.endswith(".pyc"):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders += self._folder(name, closed=closed)
            elif closed and not self._shared(name):
                continue
            elif entry.is_symlink():
                self._link(entry, name)
            elif entry.is_file(follow_symlinks=False):
                self._file(entry, name)
        return folders

    def _folder(self, name: str, *, closed: bool) -> list[tuple[str, bool]]:
        """What is to be copied next; of a folder that stays back, or lies in one, only what is shared in it."""
        stays = kind_of(name.rpartition("/")[2], folder=True, top="/" not in name) is not None
        if stays and not closed and not self._shared(name):
            self._left_out.append(name)
        closed = (closed or stays) and not self._shared(name)
        if closed and not any(rule.startswith(f"{name}/") or "*" in rule for rule in self.share):
            return []
        if name not in self.folders:
            os.mkdir(os.path.join(self.target, name), 0o700)
            self.fresh.append(name)
        self._passed.add(name)
        return [(f"{name}/", closed)]

    def _shared(self, name: str) -> bool:
        return bool(self.share) and is_protected(name, self.share)

    def _file(self, entry: os.DirEntry[str], name: str) -> None:
        known = self.files.get(name)
        if known:
            facts = entry.stat(follow_symlinks=False)
            if known == _facts(facts):
                self._count(facts.st_size)
                self._seen[name] = known
                return
        self._copied(entry, name)

    def _copied(self, entry: os.DirEntry[str], name: str) -> None:
        reader = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            facts = os.fstat(reader)
            head = os.read(reader, HEAD)
            if stays_back(entry.name, head) and not self._shared(name):
                self._left_out.append(name)
                return
            self._count(facts.st_size)
            self._make_room(name)
            mode = stat.S_IMODE(facts.st_mode) & 0o777 | 0o600
            _copy(reader, head, os.path.join(self.target, name), mode)
            self._seen[name] = _facts(facts) if facts.st_ctime_ns < self._began - _JUST_NOW else ()
        finally:
            os.close(reader)

    def _link(self, entry: os.DirEntry[str], name: str) -> None:
        where = os.readlink(entry.path)
        real = Path(os.path.realpath(entry.path))
        if not os.path.isabs(where) and real.is_relative_to(self.source):
            self._make_room(name)
            os.symlink(where, os.path.join(self.target, name))
            self._seen[name] = ()
        else:
            self._left_out.append(os.path.relpath(entry.path, self.source))

    def _make_room(self, name: str) -> None:
        if name in self.files:
            os.unlink(os.path.join(self.target, name))
        self.fresh.append(name)

    def _remove(self, files: Iterable[str], folders: Iterable[str]) -> None:
        for name in files:
            os.unlink(os.path.join(self.target, name))
        for name in sorted(folders, reverse=True):  # what lies in a folder comes before it
            os.rmdir(os.path.join(self.target, name))

    def _count(self, size: int) -> None:
        self.size += size
        if self.size > self.limit or len(self._seen) >= _MOST_FILES:
            raise TaskError(
                f"the project holds more than {self.limit} bytes or {_MOST_FILES} files",
                field="workspace",
                hint="point at a smaller folder, or raise Limits.workspace",
            )

    def _notes(self) -> tuple[str, ...]:
        if not self._left_out:
            return ()
        shown = ", ".join(sorted(self._left_out)[:5])
        more = f" and {len(self._left_out) - 5} more" if len(self._left_out) > 5 else ""
        return (f"Left out of the workspace copy: {shown}{more}.",)


def _facts(found: os.stat_result) -> Facts:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode)


def _copy(reader: int, head: bytes, target: str, mode: int) -> None:
    """Write `head` and what is still to be read to a new file."""
    writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        _write_all(writer, head)
        while len(head) == HEAD and (chunk := os.read(reader, _CHUNK)):  # a shorter head was all there is
            _write_all(writer, chunk)
    finally:
        os.close(writer)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
