"""Bring files back from a folder that hostile code has written, and remove such a folder.

Everything goes by directory descriptor and never through a symbolic link, so nothing a process left behind
can point the parent at a file of the user.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def collect(root: Path, names: Iterable[str], *, limit: int) -> tuple[dict[str, bytes], list[str]]:
    """Read the named regular files under `root`, at most `limit` bytes each; say which were not read and why."""
    found: dict[str, bytes] = {}
    notes: list[str] = []
    for name in names:
        try:
            found[name] = _read(root, name, limit)
        except FileNotFoundError:
            notes.append(f"The artefact {name!r} was not written.")
        except (OSError, ValueError) as error:
            notes.append(f"The artefact {name!r} was left behind: {_reason(error)}.")
    return found, notes


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _read(root: Path, name: str, limit: int) -> bytes:
    *folders, last = name.split("/")
    if not last or any(part in {"", ".", ".."} for part in (*folders, last)):
        raise ValueError("the name is not a plain relative path")
    here = os.open(root, _DIRECTORY)
    try:
        for folder in folders:
            inner = os.open(folder, _DIRECTORY, dir_fd=here)
            os.close(here)
            here = inner
        file = os.open(last, _FILE, dir_fd=here)
    finally:
        os.close(here)
    with os.fdopen(file, "rb", buffering=0) as stream:
        return _bounded(stream.fileno(), limit)


def _bounded(descriptor: int, limit: int) -> bytes:
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError("it is not a regular file")
    if facts.st_size > limit:
        raise ValueError(f"it has {facts.st_size} bytes, more than the {limit} allowed")
    content = bytearray()
    while chunk := os.read(descriptor, limit + 1 - len(content)):
        content += chunk
        if len(content) > limit:
            raise ValueError(f"it has more than the {limit} bytes allowed")
    return bytes(content)


def remove_tree(path: Path) -> None:
    """Remove `path` and all below it: any depth, any mode, any name.

    Each folder met is moved up to the top before it is emptied, so depth costs neither recursion nor
    descriptors. What cannot be removed (an immutable file, a mount) stays and raises OSError at the end.
    """
    try:
        top = os.open(path, _DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fchmod(top, 0o700)
        pending = _empty(top, top, 0)
        while pending:
            name = pending.pop()
            inner = os.open(name, _DIRECTORY, dir_fd=top)
            try:
                pending += _empty(inner, top, len(pending))
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    path.rmdir()


def _empty(folder: int, top: int, taken: int) -> list[str]:
    """Unlink the files of `folder` and move its folders under `top` with fresh names, which are returned."""
    moved: list[str] = []
    with os.scandir(folder) as entries:
        listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in listed:
        if not is_folder:
            os.unlink(name, dir_fd=folder)
            continue
        with suppress(OSError):
            os.chmod(name, 0o700, dir_fd=folder)
        fresh = f"\x01{os.urandom(8).hex()}-{taken + len(moved)}"
        os.rename(name, fresh, src_dir_fd=folder, dst_dir_fd=top)
        moved.append(fresh)
    return moved
