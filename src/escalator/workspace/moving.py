"""One change to a tree: everything is laid ready beside its place, then renamed into it, or taken back."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from escalator.errors import TaskError
from escalator.workspace.journal import Journal, Move, digest, digest_of, home_for, write_new

_PERMISSIONS: Final = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO
"""What is kept of a mode; bits that lend a user's or a group's rights to what an answer wrote are not."""

_KEPT_ATTRIBUTES: Final = ("user.", "system.posix_acl_access", "security.selinux")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A file to be written, made (`old` None) or deleted (`new` None); `origin` is the path it is renamed from."""

    path: str
    old: bytes | None
    new: bytes | None
    origin: str = ""


def _nothing() -> None:
    pass


class Transaction:
    """Changes to the tree at `base` that are made together or not at all, whatever happens in between."""

    def __init__(self, base: Path, changes: Sequence[Change]) -> None:
        self.base, self.changes = base, changes
        folders = [_existing(base, change.path) for change in changes]
        home = home_for(base, folders)
        inside = [(base / change.path).relative_to(home).as_posix() for change in changes]
        self._journal = Journal(
            home=home,
            token=secrets.token_hex(6),
            moves=tuple(
                Move(path=path, old=digest(change.old), new=digest(change.new))
                for path, change in zip(inside, changes, strict=True)
            ),
            made=_missing(home, inside),
        )
        self._current: Path = base

    def perform(self, then: Callable[[], object] = _nothing) -> None:
        """Make the changes, and what comes `then`; if that raises `TaskError`, they are taken back.

        Raises `TaskError` if one cannot be made.
        """
        if not self.changes:
            return
        try:
            self._put_in_place()
        except OSError as error:
            self._take_back()
            raise TaskError(
                f"could not write {self._current}: {error.strerror or type(error).__name__}",
                field="path",
                hint="nothing was changed; make room or fix the permissions, then apply again",
            ) from error
        except BaseException:
            self._take_back()
            raise
        try:
            then()
        except TaskError:
            self._journal.unsettle()
            self._take_back(all_of_it=True)
            raise
        except BaseException:
            self._clear()
            raise
        self._clear()

    def _clear(self) -> None:
        with contextlib.suppress(OSError):  # the next start in this tree does it
            self._journal.clear()

    def _put_in_place(self) -> None:
        pairs = list(zip(self.changes, self._journal.moves, strict=True))
        self._journal.begin()
        for folder in self._journal.made:
            self._current = self._journal.home / folder
            self._current.mkdir()
        for change, move in pairs:
            self._lay_ready(change, move)
        for change, move in pairs:
            self._put(change, move)
        self._journal.settle()

    def _lay_ready(self, change: Change, move: Move) -> None:
        place, ready, backup = self._places(move)
        model = place if change.old is not None else self.base / change.origin if change.origin else None
        if change.new is not None:
            write_new(ready, change.new, mode=0o666 if model is None else 0o600)
            if model is not None:
                _make_alike(ready, model, keeps_owner=model is place)
        if change.old is not None:
            try:
                os.link(place, backup, follow_symlinks=False)
            except OSError:  # file systems without hard links, files of others
                write_new(backup, change.old, mode=0o600)
                _make_alike(backup, place, keeps_owner=True)

    def _put(self, change: Change, move: Move) -> None:
        place, ready, _ = self._places(move)
        if digest_of(place) != move.old:
            raise TaskError(
                f"{change.path!r} changed on disk while it was written",
                field="path",
                hint="run the task again on the new state; nothing was changed",
            )
        if change.new is None:
            place.unlink()
        elif change.old is None:
            _put_new(ready, place)
        else:
            ready.replace(place)

    def _places(self, move: Move) -> tuple[Path, Path, Path]:
        journal = self._journal
        self._current = journal.place(move)
        return journal.place(move), journal.beside(move, "new"), journal.beside(move, "old")

    def _take_back(self, *, all_of_it: bool = False) -> None:
        try:
            self._journal.undo(all_of_it=all_of_it)
        except OSError as error:
            raise TaskError(
                f"a change to {self.base} was cut off and could not be taken back: "
                f"{error.strerror or type(error).__name__}",
                field="path",
                hint="the next apply or task in this tree takes it back; fix the permissions of the folder first",
            ) from error


def _put_new(ready: Path, place: Path) -> None:
    """Rename, but never over a file that somebody has just made."""
    try:
        os.link(ready, place, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # file systems without hard links
        ready.rename(place)


def _make_alike(made: Path, model: Path, *, keeps_owner: bool) -> None:
    """Give a file the permissions, the owner and the attributes of another."""
    wanted, is_now = model.stat(), made.stat()
    if keeps_owner and (wanted.st_uid, wanted.st_gid) != (is_now.st_uid, is_now.st_gid):
        try:
            os.chown(made, wanted.st_uid, wanted.st_gid)
        except PermissionError:
            raise TaskError(
                f"{model} belongs to another user or group, which a new content cannot be given to",
                field="path",
                hint="apply as the owner of the file; nothing was changed",
            ) from None
    for name in os.listxattr(model) if hasattr(os, "listxattr") else ():
        if name.startswith(_KEPT_ATTRIBUTES):
            with contextlib.suppress(OSError):
                os.setxattr(made, name, os.getxattr(model, name))
    made.chmod(wanted.st_mode & _PERMISSIONS)


def _existing(base: Path, path: str) -> Path:
    """The deepest folder above a file that is there already."""
    parents = [base / folder for folder in PurePosixPath(path).parents]
    return next(folder for folder in parents if folder.is_dir())


def _missing(home: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """Folders that have to be made, outermost first."""
    wanted = {folder.as_posix() for path in paths for folder in PurePosixPath(path).parents}
    return tuple(sorted(folder for folder in wanted if not (home / folder).exists()))
