"""The processes below one process: found, weighed and killed."""

# Plain strings and descriptors on purpose: pathlib follows links and costs time.
# ruff: noqa: PTH123, PTH208

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


def descendants(pid: int) -> list[int]:
    """Every living process below `pid`, parents before their children, `pid` itself not among them."""
    if sys.platform != "linux":
        return _from_table(pid, {row[0]: row[1] for row in _ps()})
    if not (_PROC / "self" / "task" / str(os.getpid()) / "children").exists():
        return _from_table(pid, _parents())
    found: list[int] = []
    pending = [pid]
    while pending:
        children = _children(pending.pop())
        found += children
        pending += children
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as listing:
                found += map(int, listing.read().split())
    return found


def _parents() -> dict[int, int]:
    """Child to parent for every process, for kernels that do not list children."""
    table: dict[int, int] = {}
    for entry in filter(str.isdigit, os.listdir(_PROC)):
        with suppress(OSError, ValueError, IndexError), open(f"/proc/{entry}/stat", "rb") as line:
            table[int(entry)] = int(line.read().rpartition(b")")[2].split()[1])
    return table


def _ps() -> list[tuple[int, int, int]]:
    listing = subprocess.run(["/bin/ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=False)
    rows = (line.split() for line in listing.stdout.splitlines())
    return [(int(row[0]), int(row[1]), int(row[2]) * 1024) for row in rows if len(row) == 3]


def _from_table(pid: int, parents: dict[int, int]) -> list[int]:
    found: list[int] = []
    level = {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level and child not in found}
        found += level
    return found


def resident(pids: list[int], *, enough: int) -> int:
    """Bytes of memory the processes hold together.

    Pages shared by forks are counted for each process at first; only if that passes `enough` are they
    divided fairly, because the exact count is a hundred times dearer.
    """
    if sys.platform != "linux":
        wanted = set(pids)
        return sum(size for pid, _, size in _ps() if pid in wanted)
    rough = sum(map(_resident_pages, pids)) * _PAGE
    return rough if rough <= enough else sum(map(_proportional, pids))


def _resident_pages(pid: int) -> int:
    with suppress(OSError, IndexError), open(f"/proc/{pid}/statm", "rb") as line:
        return int(line.read().split()[1])
    return 0


def _proportional(pid: int) -> int:
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup", "rb") as lines:
        for line in lines:
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return _resident_pages(pid) * _PAGE


def kill_below(pid: int, *, patience: float = 2.0) -> None:
    """SIGKILL everything below `pid` again and again until nothing is left or `patience` seconds are over."""
    end = time.monotonic() + patience
    while (found := [each for each in descendants(pid) if not _is_zombie(each)]) and time.monotonic() < end:
        for each in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)
        time.sleep(0.002)


def _is_zombie(pid: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as line:
            return line.read().rpartition(b")")[2].split()[0] in {b"Z", b"X"}
    except (OSError, IndexError):
        return True
