"""Which files of a project git ignores: asked of git where it is, else read from the .gitignore files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from escalator.workspace.git import OF_ANOTHER

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_SECONDS: Final = 30
"""How long git may take to answer before its files are read instead."""

_FOUND, _NONE = 0, 1


def ignored(root: Path, names: Sequence[str]) -> frozenset[str]:
    """Those of the names, relative to a folder, that git ignores; a file it tracks all the same is not ignored."""
    if not names:
        return frozenset()
    asked = _asked(root, names)
    return _read(root, names) if asked is None else asked


def _asked(root: Path, names: Sequence[str]) -> frozenset[str] | None:
    """What git says; None where there is no git, no repository, or no answer."""
    program = shutil.which("git")
    if program is None:
        return None
    kept = {name: value for name, value in os.environ.items() if name not in OF_ANOTHER}
    try:
        done = subprocess.run(
            [program, "-c", "core.fsmonitor=false", "-C", str(root), "check-ignore", "-z", "--stdin"],
            input="".join(f"{name}\0" for name in names),
            env={**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return frozenset(done.stdout.split("\0")) - {""} if done.returncode in {_FOUND, _NONE} else None


def _read(root: Path, names: Sequence[str]) -> frozenset[str]:
    """What the .gitignore files say from the repository's top, or the folder itself, down to each name."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    above = PurePosixPath(root.relative_to(top).as_posix())
    rules = cache(lambda folder: _rules(top / folder))

    @cache
    def gone(path: str, is_folder: bool) -> bool:
        folder = PurePosixPath(path).parent
        if path == ".":
            return False
        if gone(folder.as_posix(), True):
            return True
        for home in (folder, *folder.parents):
            spec = rules(home.as_posix())
            inside = PurePosixPath(path).relative_to(home).as_posix() + ("/" if is_folder else "")
            said = spec.check_file(inside).include if spec is not None else None
            if said is not None:
                return said
        return False

    return frozenset(name for name in names if gone((above / name).as_posix(), False))


def _rules(folder: Path) -> GitIgnoreSpec | None:
    from pathspec import GitIgnoreSpec

    try:
        lines = (folder / ".gitignore").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    return GitIgnoreSpec.from_lines(lines)
