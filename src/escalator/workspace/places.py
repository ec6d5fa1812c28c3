"""Where a tree begins, and that it is whole."""

from __future__ import annotations

import os
from pathlib import Path

from escalator.errors import TaskError
from escalator.workspace.journal import recover
from escalator.workspace.links import no_links
from escalator.workspace.paths import composed

__all__ = ["no_links", "on_disk", "root_of"]


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
    recover(found)
    return found
