"""The project as it was before the answer: what validators read of it, from the base revision only."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from escalator.records import Brief

_LARGEST = 4 * 1024 * 1024


def base_text(brief: Brief, path: str) -> str | None:
    """A file's content before any change, or None if there was none that is text of a sensible size.

    `path` is relative and may come from the answer: one that leads out of the workspace gives None.
    """
    if path in brief.files:
        return brief.files[path]
    if path in brief.tests:
        return brief.tests[path]
    pure = PurePosixPath(path)
    if brief.workspace is None or pure.is_absolute() or ".." in pure.parts:
        return None
    root = brief.workspace.resolve()
    try:
        file = (root / pure).resolve()
        if not file.is_relative_to(root) or not file.is_file() or file.stat().st_size > _LARGEST:
            return None
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
