"""Trees to write to, and everything that is in one."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


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


@contextmanager
def open_place() -> Iterator[Path]:
    """A folder that other users may enter."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_nobody(root: Path, code: str) -> str:
    """What Python code prints that runs in a folder without the rights of root; with `write_changes` at hand."""
    start = (
        "import os; from pathlib import Path; from escalator.errors import TaskError\n"
        "from escalator.workspace import write_changes; from escalator.workspace.locking import locked\n"
        "os.geteuid() or (os.setgid(65534), os.setuid(65534))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + code], cwd=root, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
