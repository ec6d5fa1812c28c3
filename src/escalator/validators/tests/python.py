"""Which interpreter runs the tests: the project's own where it has pytest, else the one escalator runs under."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path


def find_python(workspace: Path | None, chosen: str | None = None) -> str | None:
    """The path of an interpreter that has pytest, or None. Nothing is started to find out."""
    if chosen is not None:
        return str(Path(chosen).absolute()) if Path(chosen).is_file() else None
    own = _project_python(workspace) if workspace is not None else None
    if own is not None:
        return own
    return sys.executable if sys.executable and find_spec("pytest") is not None else None


def without_pytest(workspace: Path | None) -> str | None:
    """The interpreter of the project's virtual environment, if it is passed over because it has no pytest."""
    if workspace is None or _project_python(workspace) is not None:
        return None
    return next((str(python.absolute()) for _, python in _environments(workspace)), None)


def _project_python(workspace: Path) -> str | None:
    for folder, python in _environments(workspace):
        if any(folder.glob("lib/python3*/site-packages/pytest/__init__.py")):
            return str(python.absolute())
    return None


def _environments(workspace: Path) -> Iterator[tuple[Path, Path]]:
    """The virtual environments in a project, each with its interpreter."""
    for name in (".venv", "venv", "env"):
        folder = workspace / name
        python = folder / "bin" / "python"
        if (folder / "pyvenv.cfg").is_file() and python.is_file():
            yield folder, python
