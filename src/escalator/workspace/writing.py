"""Write a change set into a user's tree, all or nothing, one writer at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from escalator.errors import TaskError
from escalator.workspace.conflicts import Known, changes_to
from escalator.workspace.journal import folders_of, recover
from escalator.workspace.locking import WAIT, locked
from escalator.workspace.moving import Transaction
from escalator.workspace.places import is_interrupted, root_of


class Written(NamedTuple):
    """The paths written or deleted, the commit they are in, and the command that takes that back; both are empty
    where none was made.
    """

    paths: tuple[Path, ...]
    commit: str = ""
    undo: str = ""


def write_changes(
    root: str | Path | None,
    files: Mapping[str, str | None],
    *,
    expected: Mapping[str, str] | None = None,
    tests: Mapping[str, str] | None = None,
    protected: Iterable[str] = (),
    in_place: bool = False,
    absent: Collection[str] | None = None,
    force: bool = False,
    message: str = "",
    wait: float = WAIT,
) -> Written:
    """Write a change set (None deletes) under `root`, all or nothing, and return the paths touched.

    `expected` and `tests` are what the files of the task held when it was judged: one that holds something else
    now, or was removed, is a conflict, whether the change set touches it or not, and so is a file to be written
    that exists without having been read; `force` overrules conflicts. What holds the new content already is none.
    Unless `in_place`, a directory with none of the expected files counts as a fresh place to write to. `absent`
    are those files and tests that were not in the tree when the task began (None: not noted), so that nobody
    removed them. Permissions, owners and newline styles are kept, directories are made. `message` makes one
    commit of these files. Waits up to `wait` seconds for others who write to the tree. Raises `TaskError` and
    leaves the tree as it was.
    """
    if root is None:
        raise TaskError("there is no workspace to write to", field="path", hint="pass a path: apply('some/dir')")
    base = root_of(root, "path")
    if not files:
        return Written(())
    known = Known(
        files=expected or {},
        tests=tests or {},
        protected=tuple(protected),
        in_place=in_place,
        absent=absent,
        force=force,
    )
    known.must_allow(files)
    with _alone(base, files, wait):
        transaction = Transaction(base, changes_to(base, files, known))
        written = tuple(base / path for path in sorted(files))
        if message:
            return _committed(transaction, written, message)
        transaction.perform()
        return Written(written)


def _committed(transaction: Transaction, written: tuple[Path, ...], message: str) -> Written:
    from escalator.workspace.git import Repository

    repository = Repository.at(transaction.base)
    paths = [change.path for change in transaction.changes]
    repository.must_be_ready(paths or [path.relative_to(transaction.base).as_posix() for path in written])
    if not paths:
        return Written(written)  # it is all there, and committed
    made: list[str] = []
    transaction.perform(then=lambda: made.append(repository.commit(paths, message)))
    return Written(written, commit=made[0], undo=repository.undo(made[0]))


@contextlib.contextmanager
def _alone(base: Path, paths: Iterable[str], wait: float) -> Iterator[None]:
    """Be the only writer to these paths, in a tree that no other has left half-written."""
    while True:
        folders = folders_of(base, paths)
        for folder in folders:
            recover(folder, wait=wait)
        with locked(folders, wait=wait):
            if not any(is_interrupted(folder) for folder in folders):
                yield
                return
