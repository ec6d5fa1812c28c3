"""One sandboxed process: what is run, under which limits, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

IsolationKind: TypeAlias = Literal["bwrap", "landlock", "seatbelt", "container", "external", "none"]

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Isolation:
    """What kept a process apart, as found by really starting one; every field is one readable phrase."""

    kind: IsolationKind
    network: str = "open"
    files: str = "open"
    processes: str = "shared"
    memory: str = "unlimited"
    probed: bool = False
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bounds of one run, in seconds, bytes and counts. None for memory suits runtimes that reserve address space.

    A run that writes more than `output` bytes is killed; `kept` bytes of head and of tail are kept a stream.
    """

    wall: float = 60.0
    memory: int | None = 2048 * MIB
    file_size: int = 256 * MIB
    workspace: int = 512 * MIB
    processes: int = 256
    open_files: int = 512
    output: int = 64 * MIB
    kept: int = 64 * 1024
    artefact: int = 8 * MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A process to run in a sandbox.

    `argv`: the command; in each argument "{workspace}" and "{trusted}" are replaced by where those are inside.
    `workspace`: a directory copied in before the run (never written). `files`: laid over that copy; None
    deletes. `trusted`: files mounted read-only outside the workspace. `writable`: whether the process may
    write its workspace copy. `own_path`: show the copy at the path of `workspace` too, where the sandbox can do
    that. `readable`: host paths shown read-only (an interpreter, a toolchain).
    `env`: the whole environment beside PATH, HOME, TMPDIR and LANG. `stdin`: bytes given to the process.
    `report`: opens a private pipe whose descriptor number is put in place of "{report}" in argv; what is
    written to it comes back as `RunResult.report`. `artefacts`: regular files under the workspace to bring
    back.
    """

    argv: tuple[str, ...]
    workspace: Path | None = None
    files: Mapping[str, str | bytes | None] = field(default_factory=dict)
    trusted: Mapping[str, str | bytes] = field(default_factory=dict)
    writable: bool = False
    own_path: bool = False
    readable: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    cwd: str = "{workspace}"
    report: bool = False
    artefacts: tuple[str, ...] = ()
    limits: Limits = Limits()


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """What came of a run. `exit_status` is None if it was killed; `killed` then says by which limit.

    `stdout` and `stderr` are decoded with replacement and stripped of terminal control characters.
    """

    exit_status: int | None
    isolation: Isolation
    stdout: str = ""
    stderr: str = ""
    report: bytes = b""
    artefacts: Mapping[str, bytes] = field(default_factory=dict)
    killed: Literal["", "wall", "output", "memory", "signal", "processes", "workspace"] = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
