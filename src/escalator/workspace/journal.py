"""What is written down before a tree is changed, so that a change cut off at any point can be taken back.

A journal lies in the folder it is about while files are put in place. Until then, and until the last is, its name
ends in `begun`: whoever finds it afterwards takes everything back. Renaming it to `done` is the moment from which
the change counts; what is left then is to be cleared away. Both are done by the next start that finds one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from escalator.errors import TaskError
from escalator.workspace.locking import WAIT, locked
from escalator.workspace.paths import OWN, path_problem
from escalator.workspace.places import BEGUN, DONE, DRAFT, is_interrupted, no_links

_TOKEN = re.compile(r"[0-9a-f]{12}")
_LARGEST = 4_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A file of a change: the digests of what it holds before and after; None where there is no file."""

    path: str
    old: str | None
    new: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """A change to the tree below `home`: its moves, and the folders it makes, outermost first."""

    home: Path
    token: str
    moves: tuple[Move, ...]
    made: tuple[str, ...] = ()

    def place(self, move: Move) -> Path:
        """Where the file stands."""
        return self.home / move.path

    def beside(self, move: Move, kind: str) -> Path:
        """Where its new or old content waits: in the same folder, so that it can be renamed into place."""
        name = hashlib.sha256(move.path.encode()).hexdigest()[:12]
        return self.place(move).with_name(f"{OWN}-{self.token}-{name}.{kind}")

    def begin(self) -> None:
        """Write it down, for good, before anything is changed."""
        text = json.dumps({"token": self.token, "moves": [asdict(each) for each in self.moves], "made": self.made})
        draft = self.home / DRAFT
        _without(draft)
        write_new(draft, text.encode(), mode=0o600)
        draft.rename(self.home / BEGUN)
        handle = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def settle(self) -> None:
        """From here on the change counts."""
        (self.home / BEGUN).rename(self.home / DONE)

    def unsettle(self) -> None:
        """From here on it is to be taken back."""
        (self.home / DONE).rename(self.home / BEGUN)

    def clear(self) -> None:
        """Take away what a change that counts has left behind."""
        for move in self.moves:
            for kind in ("new", "old"):
                _without(self.beside(move, kind))
        _without(self.home / DONE)
        _without(self.home / DRAFT)

    def undo(self, *, all_of_it: bool = False) -> None:
        """Give every file its old content back, except, unless `all_of_it`, what somebody changed meanwhile."""
        for move in reversed(self.moves):
            self._restore(move, all_of_it=all_of_it)
            _without(self.beside(move, "new"))
            _without(self.beside(move, "old"))
        for folder in reversed(self.made):
            with contextlib.suppress(OSError):
                (self.home / folder).rmdir()
        _without(self.home / BEGUN)
        _without(self.home / DRAFT)

    def _restore(self, move: Move, *, all_of_it: bool) -> None:
        place, backup = self.place(move), self.beside(move, "old")
        if not all_of_it and digest_of(place) != move.new:
            return
        if move.old is None:
            _without(place)
        elif backup.exists() and digest_of(place) != move.old:
            backup.replace(place)


def recover(home: Path, *, wait: float = WAIT) -> None:
    """Finish what an interrupted change has left in a folder; nothing is done where there is none.

    Waits for a writer who is at it. Raises `TaskError` for a journal that cannot be followed.
    """
    while is_interrupted(home):
        journal = _read(home)
        folders = [home, *(journal.place(move).parent for move in journal.moves)] if journal else [home]
        with locked([folder for folder in folders if folder.is_dir()], wait=wait):
            if _read(home) == journal:
                _finish(home, journal)


def _finish(home: Path, journal: Journal | None) -> None:
    try:
        if journal is None:
            _without(home / DRAFT)
        elif (home / DONE).exists():
            journal.clear()
        else:
            journal.undo()
    except OSError as error:
        raise TaskError(
            f"an interrupted change to {home} could not be taken back: {error.strerror or type(error).__name__}",
            field="workspace",
            hint="fix the permissions of the folder, then try again",
        ) from error


def _read(home: Path) -> Journal | None:
    """The journal in a folder, None without one. What stands in it is believed only in so far as it is harmless:
    paths stay below the folder, and it belongs to this user or to the owner of the folder.
    """
    for name in (DONE, BEGUN):
        try:
            handle = os.open(home / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError:
            raise _strange(home / name) from None
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode) or facts.st_uid not in {os.geteuid(), home.stat().st_uid}:
                raise _strange(home / name)
            data = file.read(_LARGEST)
        try:
            return _journal(home, json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _strange(home / name) from None
    return None


def _journal(home: Path, facts: dict[str, object]) -> Journal:
    token, moves, made = facts["token"], facts["moves"], facts["made"]
    if not (
        isinstance(token, str) and _TOKEN.fullmatch(token) and isinstance(moves, list) and isinstance(made, list)
    ):
        raise ValueError(home)
    journal = Journal(home=home, token=token, moves=tuple(Move(**move) for move in moves), made=tuple(made))
    for path in (*(move.path for move in journal.moves), *journal.made):
        if path_problem(path):
            raise ValueError(path)
        no_links(home, path, "workspace")
    return journal


def _strange(place: Path) -> TaskError:
    return TaskError(
        f"{place} is in the way: the journal of an interrupted change, by somebody else or damaged",
        field="workspace",
        hint="look at the files beside it, then delete it",
    )


def home_for(root: Path, folders: Sequence[Path]) -> Path:
    """Where the journal of a change lies: in the root, or, where nothing may be made there, in the deepest folder
    above all that is changed.
    """
    if os.access(root, os.W_OK) or not folders:
        return root
    return Path(os.path.commonpath(folders))


def folders_of(root: Path, paths: Iterable[str]) -> list[Path]:
    """The root and all folders that exist between it and the files, but for links."""
    found = {root}
    for path in paths:
        found |= {root / folder for folder in PurePosixPath(path).parents}
    return sorted(folder for folder in found if folder.is_dir() and folder.resolve() == folder)


def digest(data: bytes | None) -> str | None:
    """What tells contents apart; None where there is no file."""
    return None if data is None else hashlib.sha256(data).hexdigest()


def digest_of(place: Path) -> str | None:
    """The digest of what a file holds now; None where there is nothing, empty for what is no regular file."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return ""
        with os.fdopen(handle, "rb", closefd=False) as file:
            return digest(file.read())
    finally:
        os.close(handle)


def _without(place: Path) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        place.unlink()


def write_new(place: Path, data: bytes, *, mode: int) -> None:
    """Make a file that was not there, and have its content on the disk."""
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)
