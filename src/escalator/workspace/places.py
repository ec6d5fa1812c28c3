"""Where a tree begins, that it is whole, and that no path in it goes through a symbolic link."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import Final

from escalator.errors import TaskError
from escalator.workspace.paths import OWN, composed

DRAFT: Final = f"{OWN}.draft"
BEGUN: Final = f"{OWN}.begun"
DONE: Final = f"{OWN}.done"
"""Names of the journal of a change: being written, to be taken back, and only to be cleared away."""


def no_links(root: Path, name: str, argument: str) -> None:
    """Raise `TaskError` (on the field `argument`) if any part of a path in the tree is a symbolic link."""
    place = root
    for part in PurePosixPath(name).parts:
        place /= part
        if place.is_symlink():
            raise TaskError(
                f"{name!r} goes through a symbolic link", field=argument, hint="name the file the link points to"
            )


def on_disk(root: Path, name: str) -> str:
    """The name as the tree has it: itself, or the one that differs in its Unicode form alone."""
    if name.isascii() or os.path.lexists(root / name):
        return name
    place = root
    for part in name.split("/"):
        place /= part if part.isascii() else _entry(place, part)
    return place.relative_to(root).as_posix()


def _entry(folder: Path, name: str) -> str:
    if os.path.lexists(folder / name) or not folder.is_dir():
        return name
    wanted = composed(name)
    return next((entry.name for entry in sorted(folder.iterdir()) if composed(entry.name) == wanted), name)


def root_of(workspace: str | Path, argument: str) -> Path:
    """The resolved directory a tree begins at; an interrupted change to it is finished or taken back first.

    Raises `TaskError` if there is none.
    """
    root = Path(workspace).expanduser()
    if not root.is_dir():
        raise TaskError(
            f"{str(workspace)!r} is not a directory", field=argument, hint="pass an existing directory"
        )
    found = root.resolve()
    if is_interrupted(found):
        from escalator.workspace.journal import recover

        recover(found)
    return found


def is_interrupted(home: Path) -> bool:
    """Whether a change to this folder was begun and not cleared away."""
    return any(os.path.lexists(home / name) for name in (BEGUN, DONE, DRAFT))
