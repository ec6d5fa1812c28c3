"""Which interpreter runs the tests: the project's own where it has pytest, else the one escalator runs under."""

from __future__ import annotations

import sys
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


def _project_python(workspace: Path) -> str | None:
    for name in (".venv", "venv", "env"):
        folder = workspace / name
        if not (folder / "pyvenv.cfg").is_file():
            continue
        python = folder / "bin" / "python"
        if python.is_file() and any(folder.glob("lib/python3*/site-packages/pytest/__init__.py")):
            return str(python.absolute())
    return None
