"""Who a worker is, as far as its name tells, and who holds a lock: for the day when a lock file is not there."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


def evidence() -> str:
    """What follows the random part of a worker's name: its process, when that began, and where it is counted."""
    pid = os.getpid()
    return f".{pid}.{_began(pid) or 0}.{_space()}"


def still_runs(name: str) -> bool:
    """Whether the process that a worker's name tells of still runs; True where that cannot be seen from here."""
    _, _, told = name.partition(".")
    parts = told.split(".")
    if len(parts) != 3 or not parts[0].isdigit():
        return False
    pid, began, space = int(parts[0]), parts[1], parts[2]
    boot, here = space.partition("-")[0], _space()
    if boot != here.partition("-")[0]:
        return False  # the machine was started anew since
    if space != here:
        return True  # another container, whose processes are not seen here
    if _PROC.is_dir():
        return (_began(pid) or "") == began
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def process(pid: int) -> str:
    """A process as a person would look for it: "process 12 (python, stopped)"."""
    fields = _stat(pid)
    if fields is None:
        return f"process {pid}"
    about = fields[0] + (", stopped" if fields[1] in ("T", "t") else "")
    return f"process {pid} ({about})"


def lock_holder(path: Path) -> str:
    """Which process holds the `flock` lock of a file, as a person would look for it; empty where nobody tells."""
    try:
        inode, locks = path.stat().st_ino, (_PROC / "locks").read_text()
    except OSError:
        return ""
    for line in locks.splitlines():
        fields = line.split()
        if len(fields) >= 6 and fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(inode):
            return process(int(fields[4])) if int(fields[4]) > 0 else "a process of another container"
    return ""


def _stat(pid: int) -> list[str] | None:
    """Name, state and the other fields of a process; None where it is not, or where the system does not tell."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = [name, *rest.split()]
    return None if len(fields) < 21 or fields[1] in ("Z", "X") else fields


def _began(pid: int) -> str | None:
    """When a process began, in the system's own count since it was started."""
    fields = _stat(pid)
    return None if fields is None else fields[20]


@cache
def _space() -> str:
    """The start of this machine and the set of processes that are numbered together, as "1a2b3c4d-4026531836"."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()[:8]
        numbered = (_PROC / "self/ns/pid").readlink().name
    except OSError:
        return "0-0"
    return f"{boot}-{''.join(filter(str.isdigit, numbered))}"
