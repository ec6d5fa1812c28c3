"""That no path in a tree goes through a symbolic link."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from escalator.errors import TaskError


def no_links(root: Path, name: str, argument: str) -> None:
    """Raise `TaskError` (on the field `argument`) if any part of a path in the tree is a symbolic link."""
    place = root
    for part in PurePosixPath(name).parts:
        place /= part
        if place.is_symlink():
            raise TaskError(
                f"{name!r} goes through a symbolic link", field=argument, hint="name the file the link points to"
            )
