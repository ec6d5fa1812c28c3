"""Trees to write to, and everything that is in one."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path


def tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
    root.mkdir(exist_ok=True)
    return root


def everything(root: Path) -> dict[str, bytes]:
    """Content of every file outside .git by its path; folders with nothing in them too."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.startswith(".git/") or name == ".git":
            continue
        if path.is_file():
            found[name] = path.read_bytes()
        elif path.is_dir() and not any(path.iterdir()):
            found[f"{name}/"] = b""
    return found


def mode(path: Path) -> int:
    """Permission bits of a file, those beyond the usual nine included."""
    return stat.S_IMODE(path.stat().st_mode)
