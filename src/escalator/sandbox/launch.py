"""What every way of keeping a process apart produces: a command line, an environment, open descriptors."""

# Plain strings and descriptors on purpose: pathlib follows links and costs time.
# ruff: noqa: PTH120

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from escalator.records import Command, Limits
from escalator.sandbox.copying import RunFolder

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
MEMORY_WITHOUT_LIMIT = 4096 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where the folders of a run are, as the process inside sees them."""

    workspace: str
    trusted: str
    home: str
    temporary: str

    def fill(self, text: str, *, report: int | None) -> str:
        """Put the real places into a template such as "{workspace}/main.py"."""
        text = text.replace("{workspace}", self.workspace).replace("{trusted}", self.trusted)
        return text if report is None else text.replace("{report}", str(report))


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How the command itself ended: a status, a signal, or `trouble` if it never started."""

    status: int | None = None
    signal: int | None = None
    trouble: str = ""


class Descriptors:
    """The descriptors one run has opened; each is closed once, however often that is asked."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def pipe(self) -> tuple[int, int]:
        """A new pipe: (read, write)."""
        ends = os.pipe()
        self._open.update(ends)
        return ends

    def content(self, data: bytes) -> int:
        """A descriptor from which `data` can be read once."""
        descriptor = os.memfd_create("escalator", os.MFD_CLOEXEC)
        self._open.add(descriptor)
        os.write(descriptor, data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def close(self, *descriptors: int) -> None:
        """Close those of the descriptors that are still open here."""
        for descriptor in self._open.intersection(descriptors):
            self._open.remove(descriptor)
            os.close(descriptor)

    def close_all(self) -> None:
        """Close whatever is still open."""
        self.close(*self._open)


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """A process to start. `status` is a pipe to read the ending from, `ending` understands what came out of it.

    `abandon` is called after a kill, for modes whose processes are not below the one that was started.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    pass_fds: tuple[int, ...]
    ending: Callable[[bytes, int, str], Ending]
    status: int | None = None
    abandon: Callable[[], None] = lambda: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One run, ready to be turned into a launch: `program` is the host path of argv[0]."""

    command: Command
    folder: RunFolder
    program: str
    needed: tuple[Path, ...]
    report: int | None
    descriptors: Descriptors

    def argv(self, places: Places) -> tuple[str, ...]:
        """The command with the places filled in."""
        first, *rest = (places.fill(part, report=self.report) for part in (self.program, *self.command.argv[1:]))
        return (first, *rest)

    def env(self, places: Places) -> dict[str, str]:
        """The whole environment of the process; nothing of the parent's is in it."""
        own = os.path.dirname(self.program)
        path = f"{own}:{SYSTEM_PATH}" if own and own not in SYSTEM_PATH.split(":") else SYSTEM_PATH
        plain = {
            "PATH": path,
            "HOME": places.home,
            "TMPDIR": places.temporary,
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
        }
        return plain | {key: places.fill(value, report=self.report) for key, value in self.command.env.items()}


def kernel_limits(limits: Limits) -> dict[str, int]:
    """Limits the kernel holds for each process, by the lower-case end of their RLIMIT name.

    The processor time is a backstop behind the wall clock: every core busy all the time, and a little more.
    """
    wanted = {
        "core": 0,
        "cpu": int(limits.wall * (os.cpu_count() or 1)) + 5,
        "fsize": limits.file_size,
        "nofile": limits.open_files,
        "nproc": limits.processes,
    }
    if limits.memory is not None:
        wanted["as"] = limits.memory
    return {name: _within_hard_limit(name, value) for name, value in wanted.items()}


def _within_hard_limit(name: str, value: int) -> int:
    _, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def tree_memory(limits: Limits) -> int:
    """Bytes the whole tree may hold; runtimes without an address-space bound still have this one."""
    return MEMORY_WITHOUT_LIMIT if limits.memory is None else limits.memory
