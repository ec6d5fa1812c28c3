"""Landlock with a system-call filter: for Linux machines where bubblewrap does not work."""

from __future__ import annotations

import ctypes
import functools
import os
import pwd
import sys
from pathlib import Path

from escalator.records import Isolation
from escalator.sandbox import direct, seccomp
from escalator.sandbox.copying import hand_over
from escalator.sandbox.launch import Launch, Request
from escalator.sandbox.toolchain import STORES, SYSTEM, checked_readable

_CREATE = 444
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_CHAR, _MAKE_SOCK, _MAKE_BLOCK = 1 << 6, 1 << 9, 1 << 11
_READ = _EXECUTE | _READ_FILE | _READ_DIR
# How many rights over files each version of the interface knows; rights are the bits from the lowest up.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_TCP = 3
_SCOPES = 3
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "passwd", "group", "hosts", "mime.types")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_FACTS = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu")


@functools.cache
def version() -> int:
    """The version of the kernel's Landlock interface; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    return max(0, int(syscall(ctypes.c_long(_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint(1))))


def unavailable() -> str:
    """Why Landlock cannot even be tried here; empty if it can."""
    if version() == 0:
        return "this kernel has no Landlock. Use a kernel from 5.13 on with Landlock switched on, or bubblewrap."
    if seccomp.machine() is None:
        return "the system-call filter is known for x86-64 and aarch64 only. Install bubblewrap."
    if os.getuid() == 0 and _nobody() is None:
        return "run as root, and there is no user `nobody` to change to. Run as an ordinary user."
    closed = _closed_to_others(sys.executable) if os.getuid() == 0 else None
    if closed is not None:
        return f"run as root it changes to `nobody`, who may not pass {closed} to {sys.executable}. Run as a user."
    return ""


def isolation() -> Isolation:
    """What this mode keeps apart."""
    gaps = [
        "names, sizes and times of files outside can be asked for by path, but not listed, read or changed",
        "the number of files and the size of the workspace are polled every 0.1 s",
        "no loopback network, no UNIX sockets, no /dev/shm; chmod and utime are accepted and ignored",
    ]
    if version() < 6:
        gaps.append("this kernel lets it send signals to other processes of the same user")
    return Isolation(
        kind="landlock",
        network="none, loopback neither",
        files="workspace and toolchain only",
        processes="signals stay inside" if version() >= 6 else "shared",
        memory="per process by the kernel, whole tree polled",
        gaps=tuple(gaps),
    )


def holds() -> bool:
    """Whether a workspace that may not be written cannot be changed: older kernels let files be cut short."""
    return version() >= 3


def launch(request: Request) -> Launch:
    """The launcher with a ruleset and a filter, and as `nobody` where root starts it."""
    arch = seccomp.machine()
    nobody = _nobody() if os.getuid() == 0 else None
    if nobody is not None:
        hand_over(request.folder, *nobody)
    return direct.launch(
        request,
        direct.Restraint(
            landlock=ruleset(request),
            filter=seccomp.strict_filter(arch) if arch else b"",
            drop=nobody,
        ),
    )


def ruleset(request: Request) -> dict[str, object]:
    """What the launcher hands to the kernel: everything is refused that no rule allows."""
    known = version()
    handled = (1 << _RIGHTS.get(known, 16)) - 1
    write = handled & ~(_MAKE_CHAR | _MAKE_BLOCK | _MAKE_SOCK)
    readable = map(checked_readable, request.command.readable)
    folder = request.folder
    shown = [*map(Path, (*SYSTEM, *STORES, *_FACTS)), *(Path("/etc", name) for name in _ETC)]
    shown += [*Path("/etc").glob("java-*"), *request.needed, *readable, folder.trusted]
    rules = [(os.fspath(path), _READ) for path in shown]
    rules += [(f"/dev/{name}", _READ_FILE | _WRITE_FILE) for name in _DEVICES]
    rules.append((os.fspath(folder.home), write))
    rules.append((os.fspath(folder.workspace), write if request.command.writable else _READ))
    return {
        "handled": handled,
        "network": _TCP if known >= 4 else 0,
        "scope": _SCOPES if known >= 6 else 0,
        "size": 24 if known >= 6 else 16 if known >= 4 else 8,
        "rules": rules,
    }


@functools.cache
def _nobody() -> tuple[int, int] | None:
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return None
    return (entry.pw_uid, entry.pw_gid) if entry.pw_uid != 0 else None


def _closed_to_others(program: str) -> Path | None:
    """The first folder on the way to the program, as named and as it really is, that only its owner may pass."""
    for named in (Path(program), Path(os.path.realpath(program))):
        for part in (*reversed(named.parents), named):
            if not part.stat().st_mode & 0o001:
                return part
    return None
