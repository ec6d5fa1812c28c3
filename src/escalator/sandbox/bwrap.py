"""Bubblewrap: namespaces of its own for files, network, processes, users and IPC."""

# Plain strings and descriptors on purpose: pathlib follows links and costs time; /tmp is the one inside.
# ruff: noqa: PTH112, PTH114, PTH115, S108

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from escalator.errors import SandboxError
from escalator.records import Isolation, Limits
from escalator.sandbox import seccomp
from escalator.sandbox.artefacts import remove_tree
from escalator.sandbox.copying import RunFolder, first_missing
from escalator.sandbox.launch import Ending, Launch, Places, Request, kernel_limits
from escalator.sandbox.toolchain import STORES, SYSTEM, checked_readable, in_system

PLACES = Places(workspace="/workspace", trusted="/trusted", home="/tmp/home", temporary="/tmp")

_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "mime.types")
_MADE = {
    "/etc/passwd": b"root:x:0:0::/:/bin/sh\nsandbox:x:1000:1000::/tmp/home:/bin/sh\n",
    "/etc/group": b"root:x:0:\nsandbox:x:1000:\n",
    "/etc/hosts": b"127.0.0.1 localhost\n::1 localhost\n",
}
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


def unavailable() -> str:
    """Why bubblewrap cannot even be tried here; empty if it can."""
    if _program() is None:
        return "bubblewrap is not installed. Install it (package `bubblewrap` on Debian, Ubuntu, Fedora and Arch)."
    if os.getuid() == 0 and own_devices() is None:
        return "bubblewrap is started as root but may not make device files here. Run as an ordinary user."
    return ""


def isolation() -> Isolation:
    """What this mode keeps apart."""
    gaps = ["the memory of the whole tree is polled every 0.1 s, not held by the kernel"]
    gaps.append("a writable workspace is polled every 0.1 s, not held by the kernel")
    if os.getuid() == 0:
        gaps.append("started as root: the number of processes is polled every 0.1 s, not held by the kernel")
    if "--size" not in options():
        gaps.append("this bubblewrap is too old to bound the size of /tmp")
    if seccomp.machine() is None:
        gaps.append("no system-call filter for this architecture")
    return Isolation(
        kind="bwrap",
        network="none",
        files="workspace and toolchain only",
        processes="own namespace",
        memory="per process by the kernel, whole tree polled",
        gaps=tuple(gaps),
    )


@functools.cache
def _program() -> str | None:
    return shutil.which("bwrap")


@functools.cache
def options() -> frozenset[str]:
    """The options this bubblewrap knows, from its own help text."""
    shown = subprocess.run(
        [_program() or "bwrap", "--help"], capture_output=True, text=True, check=False, timeout=10
    )
    return frozenset(word for word in shown.stdout.split() if word.startswith("--"))


def own_devices() -> Path | None:
    """A folder of device files made by us, for runs started as root: there the host's own could be chmod-ed."""
    folder = _own_devices()
    if folder is not None and not (folder / "null").exists():
        _own_devices.cache_clear()
        return _own_devices()
    return folder


@functools.cache
def _own_devices() -> Path | None:
    for place in (tempfile.gettempdir(), "/var/tmp", "/dev"):
        with suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix="escalator-dev-", dir=place))
            atexit.register(_remove_devices, folder, os.getpid())
            for name, (major, minor) in _DEVICES.items():
                os.mknod(folder / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
                (folder / name).chmod(0o666)
            (folder / "null").write_bytes(b"")
            return folder
    return None


def _remove_devices(folder: Path, owner: int) -> None:
    """A forked child that exits in the ordinary way must not take them from its parent."""
    if os.getpid() == owner:
        remove_tree(folder)


def launch(request: Request) -> Launch:
    """The bubblewrap command line of one run."""
    read, status = request.descriptors.pipe()
    passed = [status] if request.report is None else [status, request.report]
    arguments = [*_namespaces(), "--json-status-fd", str(status), *_system(), *_private(request.command.limits)]
    for target, content in _MADE.items():
        descriptor = request.descriptors.content(content)
        passed.append(descriptor)
        arguments += ["--ro-bind-data", str(descriptor), target]
    arch = seccomp.machine()
    if arch is not None:
        descriptor = request.descriptors.content(seccomp.shared_filter(arch))
        passed.append(descriptor)
        arguments += ["--seccomp", str(descriptor)]
    arguments += [*_shown(request), *_environment(request)]
    argv = request.argv(PLACES)
    bounds = limiter(request.command.limits)
    # By descriptor, because the command line of the first process inside is readable there.
    told = request.descriptors.content(b"\0".join(os.fsencode(word) for word in arguments) + b"\0")
    passed.append(told)
    return Launch(
        argv=(_program() or "bwrap", "--args", str(told), "--", *bounds, *argv),
        env={},
        pass_fds=tuple(passed),
        status=read,
        ending=_ending,
    )


def _namespaces() -> list[str]:
    wanted = ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"]
    wanted += ["--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"]
    return [*wanted, *(["--disable-userns"] if "--disable-userns" in options() else [])]


def _system() -> Iterator[str]:
    """The system's folders read-only, links as links; of /etc only what the loader and the toolchains need."""
    for root in SYSTEM:
        if os.path.islink(root):
            yield from ("--symlink", os.readlink(root), root)
        elif os.path.isdir(root):
            yield from ("--ro-bind", root, root)
    for store in STORES:
        if os.path.isdir(store):
            yield from ("--ro-bind", store, store)
    for name in (*_ETC, *(path.name for path in Path("/etc").glob("java-*"))):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")


def _private(limits: Limits) -> Iterator[str]:
    size = ("--size", str(limits.workspace)) if "--size" in options() else ()
    yield from ("--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev")
    devices = own_devices() if os.getuid() == 0 else None
    for name in _DEVICES if devices else ():
        yield from ("--dev-bind", f"{devices}/{name}", f"/dev/{name}")
    yield from (*size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev", *size, "--tmpfs", "/tmp")
    yield from ("--dir", "/tmp/home", "--dir", "/var", "--symlink", "/tmp", "/var/tmp")


def _shown(request: Request) -> Iterator[str]:
    command, folder = request.command, request.folder
    bind, copy = "--bind" if command.writable else "--ro-bind", os.fspath(folder.workspace)
    shown = [
        path for path in sorted({*request.needed, *map(checked_readable, command.readable)}) if not in_system(path)
    ]
    own = command.workspace if command.own_path else None
    inner = [path for path in shown if own is not None and path.is_relative_to(own)]
    for path in shown:
        if path not in inner:
            yield from ("--ro-bind", os.fspath(path), os.fspath(path))
    if own is not None and own not in inner and not in_system(own):
        yield from (bind, copy, os.fspath(own))
        for path in inner:
            _make_room(folder, path.relative_to(own), like=path)
    for path in inner:
        yield from ("--ro-bind", os.fspath(path), os.fspath(path))
    yield from (bind, copy, PLACES.workspace)
    yield from ("--ro-bind", os.fspath(folder.trusted), PLACES.trusted, "--remount-ro", "/")


def _make_room(folder: RunFolder, inner: Path, *, like: Path) -> None:
    """Something to mount on, in a copy that will be read-only."""
    place = folder.workspace / inner
    folder.laid.add(first_missing(place).relative_to(folder.workspace).as_posix())
    (place if like.is_dir() else place.parent).mkdir(parents=True, exist_ok=True)
    if not like.is_dir():
        place.touch()


def _environment(request: Request) -> Iterator[str]:
    for key, value in request.env(PLACES).items():
        yield from ("--setenv", key, value)
    yield from ("--chdir", PLACES.fill(request.command.cwd, report=None))


@functools.cache
def _prlimit() -> str:
    found = shutil.which("prlimit", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if found is None:
        raise SandboxError("The program `prlimit` is missing. Install the package `util-linux`.")
    return found


def limiter(limits: Limits) -> tuple[str, ...]:
    """The words that put the kernel's limits on the command that follows; it cannot raise them again."""
    return (_prlimit(), *(f"--{name}={value}:{value}" for name, value in kernel_limits(limits).items()))


def _ending(status: bytes, returncode: int, stderr: str) -> Ending:
    lines = [json.loads(line) for line in status.splitlines() if line.startswith(b"{")]
    code = next((line["exit-code"] for line in lines if "exit-code" in line), None)
    if not isinstance(code, int):
        last = (stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Ending(trouble=f"bubblewrap could not start the command: {last}")
    return Ending(signal=code - 128) if 128 < code <= 128 + 64 else Ending(status=code)
