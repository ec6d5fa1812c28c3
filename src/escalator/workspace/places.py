"""Where a tree begins, and that it is whole."""

from __future__ import annotations

from pathlib import Path

from escalator.errors import TaskError
from escalator.workspace.journal import recover
from escalator.workspace.links import no_links

__all__ = ["no_links", "root_of"]


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
