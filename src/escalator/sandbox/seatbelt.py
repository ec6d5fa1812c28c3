"""macOS's sandbox-exec, with a profile that refuses everything it does not name."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from escalator.records import Isolation
from escalator.sandbox import direct
from escalator.sandbox.launch import Launch, Request
from escalator.sandbox.toolchain import checked_readable

_PROGRAM = "/usr/bin/sandbox-exec"
_SYSTEM = ("/usr", "/bin", "/sbin", "/System", "/Library/Apple", "/Library/Developer", "/Library/Frameworks")
_FILES = (
    "/private/etc/localtime",
    "/private/var/db/timezone",
    "/private/var/db/dyld",
    "/dev/urandom",
    "/dev/random",
)
_WRITABLE_DEVICES = ("/dev/null", "/dev/zero")


def unavailable() -> str:
    """Why sandbox-exec cannot even be tried here; empty if it can."""
    if sys.platform != "darwin":
        return "sandbox-exec exists on macOS only."
    if shutil.which(_PROGRAM) is None:
        return "sandbox-exec is missing from this Mac. Use docker or podman by name."
    if os.getuid() == 0:
        return "sandbox-exec does not protect enough when started as root. Run as an ordinary user."
    return ""


def isolation() -> Isolation:
    """What this mode keeps apart."""
    return Isolation(
        kind="seatbelt",
        network="none",
        files="workspace and toolchain only",
        processes="shared, signals only inside",
        memory="whole tree polled",
        gaps=(
            "a process that leaves its group and its parents may outlive the run",
            "the address space is not bounded by the kernel; memory is polled every 0.1 s",
        ),
    )


def launch(request: Request) -> Launch:
    """The launcher, with sandbox-exec between it and the command."""
    folder = request.folder
    readable = [
        *request.needed,
        *map(checked_readable, request.command.readable),
        folder.trusted,
        folder.workspace,
    ]
    writable = [folder.home, *([folder.workspace] if request.command.writable else [])]
    text = profile(readable=readable, writable=writable)
    return direct.launch(request, direct.Restraint(wrapper=(_PROGRAM, "-p", text)))


def profile(*, readable: Iterable[Path], writable: Iterable[Path]) -> str:
    """The profile text. Paths are given as they are and as they resolve, since /tmp and /var are links there."""
    write = list(_both(writable))
    read = [*_SYSTEM, *_FILES, *_both(readable), *write]
    return "\n".join(
        (
            "(version 1)",
            "(deny default)",
            "(allow process-fork)",
            "(allow process-exec)",
            "(allow signal (target same-sandbox))",
            "(allow process-info* (target same-sandbox))",
            "(allow sysctl-read)",
            '(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))',
            "(allow file-read-metadata)",
            f'(allow file-read* (literal "/") {_subpaths(read)})',
            f"(allow file-write* {_subpaths(write)})",
            f"(allow file-read* file-write-data {_subpaths(_WRITABLE_DEVICES)})",
            "(deny network*)",
        )
    )


def _both(paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        yield from dict.fromkeys((os.fspath(path), os.path.realpath(path)))


def _subpaths(paths: Iterable[str]) -> str:
    return " ".join(f"(subpath {_quoted(path)})" for path in paths)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
