"""Write a change set into a user's tree, all or nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from escalator.errors import TaskError
from escalator.workspace.encodings import decoded, encoded
from escalator.workspace.newlines import in_newlines_of
from escalator.workspace.paths import is_guarded, is_protected, path_problem
from escalator.workspace.places import no_links, root_of


def write_changes(
    root: str | Path | None,
    files: Mapping[str, str | None],
    *,
    expected: Mapping[str, str] | None = None,
    protected: Iterable[str] = (),
) -> tuple[Path, ...]:
    """Write a change set (None deletes) under `root`, all or nothing, and return the paths touched.

    `expected` is what the files held when they were read: a file that holds something else now, or that exists
    without having been read, is not overwritten, unless it holds the new content already. A directory with none
    of the expected files in it counts as a fresh place to write to. File modes and newline styles are kept,
    directories are made. Raises `TaskError` and leaves the tree as it was.
    """
    if root is None:
        raise TaskError("there is no workspace to write to", field="path", hint="pass a path: apply('some/dir')")
    base, known = root_of(root, "path"), dict(expected or {})
    fresh = not any((base / name).is_file() for name in known)
    guarded = tuple(protected)
    moves = []
    for path in sorted(files):
        _allowed(path, known, guarded)
        old = _current(base, path)
        new = _encoded(path, old, files[path])
        if new != old:
            _unchanged(path, old, known.get(path), fresh=fresh)
            moves.append(_Move(base / path, new, existed=old is not None))
    _Writing(base).perform(moves)
    return tuple(base / path for path in sorted(files))


@dataclass(frozen=True, slots=True)
class _Move:
    path: Path
    data: bytes | None
    existed: bool


@dataclass(slots=True)
class _Writing:
    """One transaction on the tree: stage everything, then rename; undo in reverse order on any failure."""

    base: Path
    token: str = field(default_factory=lambda: secrets.token_hex(6))
    made: list[Path] = field(default_factory=list)
    staged: list[Path] = field(default_factory=list)
    done: list[tuple[_Move, Path]] = field(default_factory=list)

    def perform(self, moves: Sequence[_Move]) -> None:
        move = None
        try:
            for move in moves:
                if move.data is not None:
                    self._stage(move, move.data)
            for move in moves:
                self._put(move)
        except OSError as error:
            self._undo()
            raise TaskError(
                f"could not write {move.path if move else self.base}: {error.strerror or type(error).__name__}",
                field="path",
                hint="nothing was changed; make room or fix the permissions, then apply again",
            ) from error
        except BaseException:
            self._undo()
            raise
        for _, backup in self.done:
            with contextlib.suppress(OSError):
                backup.unlink(missing_ok=True)

    def _stage(self, move: _Move, data: bytes) -> None:
        missing = [folder for folder in move.path.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir()
            self.made.append(folder)
        staged = self._beside(move.path, "new")
        handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        self.staged.append(staged)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if move.existed:
            staged.chmod(stat.S_IMODE(move.path.stat().st_mode))

    def _put(self, move: _Move) -> None:
        backup = self._beside(move.path, "old")
        if move.existed:
            try:
                os.link(move.path, backup)
            except OSError:
                move.path.rename(backup)
        self.done.append((move, backup))
        if move.data is None:
            move.path.unlink(missing_ok=True)
        else:
            self._beside(move.path, "new").replace(move.path)

    def _undo(self) -> None:
        for move, backup in reversed(self.done):
            with contextlib.suppress(OSError):
                if move.existed:
                    backup.replace(move.path)
                else:
                    move.path.unlink(missing_ok=True)
        # Renaming one of two hard links onto the other is a no-op that leaves both.
        for leftover in [*self.staged, *(backup for _, backup in self.done)]:
            with contextlib.suppress(OSError):
                leftover.unlink(missing_ok=True)
        for folder in reversed(self.made):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _beside(self, path: Path, kind: str) -> Path:
        return path.with_name(f".escalator-{self.token}-{kind}-{path.name[:60]}")


def _allowed(path: str, known: Mapping[str, str], protected: tuple[str, ...]) -> None:
    problem = path_problem(path)
    if problem:
        raise TaskError(f"{path!r} cannot be written: {problem}", field="path", hint="nothing was changed")
    if is_protected(path, protected) or (is_guarded(path) and path not in known):
        raise TaskError(f"{path!r} is protected and was not written", field="path", hint="nothing was changed")


def _current(base: Path, path: str) -> bytes | None:
    no_links(base, path, "path")
    place = base / path
    if not place.exists():
        return None
    if not place.is_file():
        raise TaskError(f"{path!r} is not a regular file", field="path", hint="nothing was changed")
    return place.read_bytes()


def _unchanged(path: str, old: bytes | None, known: str | None, *, fresh: bool) -> None:
    if old is None:
        if known and not fresh:
            raise TaskError(
                f"{path!r} was removed since it was read", field="path", hint="run the task again on the new state"
            )
    elif known is None:
        raise TaskError(
            f"{path!r} exists but was not among the task's files, so the answer was written without seeing it",
            field="path",
            hint="add it to files= or apply somewhere else; nothing was changed",
        )
    elif old != encoded(path, known):
        raise TaskError(
            f"{path!r} changed on disk since it was read",
            field="path",
            hint="run the task again on the new state; nothing was changed",
        )


def _encoded(path: str, old: bytes | None, new: str | None) -> bytes | None:
    if new is None:
        return None
    text = (
        in_newlines_of(decoded(path, old) or old.decode("utf-8", "replace"), new)
        if old and "\r" not in new
        else new
    )
    try:
        return encoded(path, text)
    except UnicodeEncodeError:
        raise TaskError(
            f"the new content of {path!r} is not valid Unicode", field="path", hint="nothing was changed"
        ) from None
