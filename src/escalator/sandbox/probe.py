"""Find out what works here by really starting it and trying to break out; versions are not asked."""

from __future__ import annotations

import functools
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from escalator.errors import SandboxError
from escalator.forking import ForkLock
from escalator.records import Command, Isolation, Limits
from escalator.sandbox.execute import WHAT_NEXT, Mode, execute

_QUESTIONS = """
import os, socket, sys
canary, port, pid, name = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
def tried(attempt):
    try:
        return "yes" if attempt() else "no"
    except Exception:
        return "no"
def connected():
    socket.create_connection(("127.0.0.1", port), timeout=2).close()
    return True
print("canary", tried(lambda: open(canary).read()))
print("network", tried(connected))
print("process", tried(lambda: name in open(f"/proc/{pid}/environ").read()
                       or name in open(f"/proc/{pid}/cmdline").read()))
print("environment", "yes" if name in os.environ.values() else "no")
print("end")
"""
_LEAKS = {
    "canary": "a file outside the workspace could be read",
    "network": "a local network service could be reached",
    "process": "another process could be looked into",
    "environment": "the parent's environment came through",
}
_lock = ForkLock()


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeResult:
    """Whether one mode works here: `reason` is empty if so, else one sentence that says why not."""

    mode: str
    works: bool
    reason: str = ""
    isolation: Isolation | None = None


def probed(mode: Mode) -> ProbeResult:
    """Probe a mode, once a process and interpreter."""
    with _lock:
        return _probed(mode, sys.executable)


@functools.cache
def _probed(mode: Mode, interpreter: str) -> ProbeResult:
    reason = mode.unavailable()
    if reason:
        return ProbeResult(mode=mode.name, works=False, reason=reason)
    try:
        reason = _break_out(mode, interpreter)
    except (SandboxError, OSError) as error:
        reason = str(error).replace(WHAT_NEXT, ".")
    if reason:
        return ProbeResult(mode=mode.name, works=False, reason=reason)
    return ProbeResult(mode=mode.name, works=True, isolation=replace(mode.isolation(), probed=True))


def _break_out(mode: Mode, interpreter: str) -> str:
    """Run the questions inside; the answer is what leaked or failed, empty if all is well."""
    with _bait() as (canary, port, pid, name):
        command = Command(
            argv=(interpreter, "-I", "-S", "-c", _QUESTIONS, str(canary), str(port), str(pid), name[:-1]),
            limits=Limits(wall=20.0),
        )
        result = execute(mode, mode.isolation(), command)
    answers = dict(line.split(" ", 1) for line in result.stdout.splitlines() if " " in line)
    leaks = [said for question, said in _LEAKS.items() if answers.get(question) == "yes"]
    if leaks:
        return f"It started, but {' and '.join(leaks)}."
    if result.exit_status != 0 or not result.stdout.endswith("end\n"):
        last = (result.stderr.strip().splitlines() or [result.killed or f"status {result.exit_status}"])[-1]
        return f"The probe did not run to its end: {last}."
    return ""


@contextmanager
def _bait() -> Iterator[tuple[Path, int, int, str]]:
    """A secret file, a listening port, and a process of ours whose command line is a secret."""
    name = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="escalator-probe-") as folder, socket.socket() as listener:
        canary = Path(folder, "canary")
        canary.write_text(name)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield canary, listener.getsockname()[1], os.getpid(), name
