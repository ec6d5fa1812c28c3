"""An interpreter that every user of this machine may start, with the same byte code as the one that runs the tests.

Root's own is often in a closed home. Landlock started by root runs its command as `nobody`, who needs one that is not.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_NOT_NEEDED = (
    "site-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "config-*",
)
_ORIGIN = b"$ORIGIN/../lib"


def open_python(folder: Path) -> str:
    """The path of one: our own or the one it stands on if `nobody` may start it, else a copy of it in `folder`."""
    real = os.path.realpath(sys.executable)
    return next(filter(_starts_for_nobody, (sys.executable, real)), None) or _copied(Path(real), folder)


def as_nobody(argv: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command with the rights of `nobody`; only root may."""
    entry = pwd.getpwnam("nobody")
    return subprocess.run(
        argv,
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def _starts_for_nobody(program: str) -> bool:
    try:
        return as_nobody([program, "-I", "-c", "import ctypes"], cwd="/").returncode == 0
    except OSError:
        return False


def _copied(program: Path, folder: Path) -> str:
    """The interpreter and its standard library, made to find its shared library beside itself."""
    folder.chmod(0o755)
    library = Path(sys.base_prefix, "lib")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "bin").mkdir()
    (folder / "lib").mkdir()
    copy = folder / "bin" / version
    copy.write_bytes(_with_library_beside_it(program.read_bytes(), os.fsencode(library)))
    copy.chmod(0o755)
    ignored = shutil.ignore_patterns(*_NOT_NEEDED, "*.opt-?.pyc", "*.a")
    shutil.copytree(library / version, folder / "lib" / version, ignore=ignored)
    for shared in library.glob("libpython*.so*"):
        shutil.copy(shared, folder / "lib")
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    if not _starts_for_nobody(str(copy)):
        raise RuntimeError(f"a copy of {program} in {folder} cannot be started by the user nobody")
    return str(copy)


def _with_library_beside_it(program: bytes, library: bytes) -> bytes:
    """The place where a shared library is looked for, rewritten within the room that it takes in the program."""
    if len(library) < len(_ORIGIN):
        return program
    return program.replace(library + b"\0", _ORIGIN.ljust(len(library), b"\0") + b"\0")
