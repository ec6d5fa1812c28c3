"""Runs through our own launcher: plain (no isolation), with Landlock, or inside macOS's sandbox-exec."""

from __future__ import annotations

import functools
import marshal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from escalator.records import Isolation, IsolationKind
from escalator.sandbox.launch import Ending, Launch, Places, Request, kernel_limits

_LAUNCHER = Path(__file__).with_name("launcher.py")
_START = "import marshal, sys; exec(marshal.loads(bytes.fromhex(sys.argv[1])))"


@dataclass(frozen=True, kw_only=True, slots=True)
class Restraint:
    """What the launcher puts on the command beside limits."""

    landlock: Mapping[str, object] | None = None
    filter: bytes = b""
    drop: tuple[int, int] | None = None
    wrapper: Sequence[str] = ()


def places(request: Request) -> Places:
    """Without a mount namespace the folders are where they are."""
    folder = request.folder
    home = str(folder.home)
    return Places(workspace=str(folder.workspace), trusted=str(folder.trusted), home=home, temporary=home)


def launch(request: Request, restraint: Restraint) -> Launch:
    """The launcher's command line for one run."""
    here = places(request)
    read, status = request.descriptors.pipe()
    spec = {
        "argv": [*restraint.wrapper, *request.argv(here)],
        "cwd": here.fill(request.command.cwd, report=None),
        "limits": kernel_limits(request.command.limits),
        "status": status,
        "drop": restraint.drop,
        "landlock": restraint.landlock,
        "filter": restraint.filter,
    }
    return Launch(
        argv=(sys.executable, "-I", "-S", "-c", _START, _compiled_launcher(), marshal.dumps(spec).hex()),
        env=request.env(here),
        pass_fds=(status,) if request.report is None else (status, request.report),
        status=read,
        ending=_ending,
    )


@functools.cache
def _compiled_launcher() -> str:
    """The launcher as byte code: compiling it anew in each child would take longer than all the rest."""
    source = _LAUNCHER.read_bytes()
    return marshal.dumps(compile(source, str(_LAUNCHER), "exec", dont_inherit=True, optimize=2)).hex()


def plain(request: Request) -> Launch:
    """Limits, a clean environment and orderly killing, but nothing kept apart."""
    return launch(request, Restraint())


def plain_isolation(kind: IsolationKind) -> Isolation:
    """What is true when this library itself keeps nothing apart."""
    said = "left to the machine around it" if kind == "external" else "open"
    return Isolation(
        kind=kind,
        network=said,
        files=said,
        processes="shared, all children killed at the end",
        memory="per process by the kernel, whole tree polled",
        gaps=("nothing is kept apart by escalator: only limits, a clean environment and orderly killing",),
    )


def _ending(status: bytes, returncode: int, stderr: str) -> Ending:
    said = dict(line.partition(" ")[::2] for line in status.decode("utf-8", "replace").splitlines())
    if "trouble" in said:
        return Ending(trouble=f"The command could not be started: {said['trouble']}")
    if "status" in said:
        return Ending(status=int(said["status"]))
    if "signal" in said:
        return Ending(signal=int(said["signal"]))
    if "started" in said:
        return Ending(signal=-returncode if returncode < 0 else 9)
    last = (stderr.strip().splitlines() or ["it said nothing"])[-1]
    return Ending(trouble=f"The launcher of the sandbox failed: {last}")
