"""Which host paths a command needs to be able to start: its executable, its interpreter, its libraries."""

# Plain strings and descriptors on purpose: pathlib follows links and costs time.
# ruff: noqa: PTH100, PTH114, PTH115, PTH117, PTH118, PTH120, PTH123

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from escalator.errors import SandboxError
from escalator.sandbox.copying import homes, is_home_or_above

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
STORES = ("/nix/store", "/gnu/store")
_MOST_LINKS = 16


def executable(name: str) -> str:
    """The absolute path of a command. Raises SandboxError when there is none."""
    if "{" in name:
        return name
    found = shutil.which(name) or (sys.executable if name in {"python", "python3"} else None)
    if not found:
        raise SandboxError(f"The command {name!r} is not on PATH. Install it, or name its full path.")
    return os.path.abspath(found)


def needed(program: str) -> tuple[Path, ...]:
    """Paths outside the system folders that `program` needs, none of which is a home directory."""
    seen: dict[Path, None] = {}
    pending = [program]
    for _ in range(_MOST_LINKS):
        if not pending:
            break
        path = pending.pop()
        if in_system(path) or not os.path.isabs(path):
            continue
        prefixes = _prefixes(Path(path).parent.parent) if Path(path).parent.name == "bin" else []
        for found in prefixes or [Path(path)]:
            seen.setdefault(found)
        pending += _next(path)
    return tuple(seen)


def in_system(path: str | Path) -> bool:
    """Whether the path lies in a folder that every run shows read-only."""
    text = os.fspath(path)
    return any(text == root or text.startswith(root + "/") for root in (*SYSTEM, *STORES))


def checked_readable(path: Path) -> Path:
    """An absolute path to show read-only. Raises SandboxError for one that would show a whole home directory."""
    absolute = Path(os.path.abspath(path))
    if is_home_or_above(absolute) or is_home_or_above(absolute.resolve()):
        raise SandboxError(
            f"{path} is a home directory or contains one, so it is not shown to code in the sandbox. "
            "Name the folder of the one tool that is needed."
        )
    return absolute


def _next(path: str) -> list[str]:
    """Where a link leads, the real place of the file, and the interpreter of a script."""
    found = []
    if os.path.islink(path):
        found.append(os.path.join(os.path.dirname(path), os.readlink(path)))
        found = [os.path.abspath(each) for each in found]
    elif os.path.realpath(path) != path:
        found.append(os.path.realpath(path))
    try:
        with open(path, "rb") as start:
            line = start.readline(512)
    except OSError:
        return found
    if line.startswith(b"#!"):
        found.append(os.fsdecode(line[2:].split()[0]) if line[2:].split() else "")
    return [each for each in found if each]


def _prefixes(prefix: Path) -> list[Path]:
    """The parts of a Python installation or virtual environment at `prefix`; none if there is no Python."""
    config = prefix / "pyvenv.cfg"
    if config.is_file():
        return [*_narrow(prefix), *(part for base in _bases(config) for part in _narrow(base))]
    if any(prefix.glob("lib/python3*/os.py")):
        return _narrow(prefix)
    return []


def _bases(config: Path) -> Iterator[Path]:
    for line in config.read_text("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "home" and value.strip():
            base = Path(value.strip()).parent
            yield base
            if base.resolve() != base:
                yield base.resolve()


def _narrow(prefix: Path) -> list[Path]:
    """The prefix itself, or only its Python parts where the prefix holds other things of the user."""
    if in_system(prefix):
        return []
    if not is_home_or_above(prefix) and prefix not in {home / ".local" for home in homes()}:
        return [prefix]
    return [part for pattern in ("bin/python*", "lib/python3*", "lib/libpython*") for part in prefix.glob(pattern)]
