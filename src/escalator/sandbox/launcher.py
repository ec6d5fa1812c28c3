"""Trusted first process of a run without namespaces. Stands alone: started with `python -I -S`.

Its last argument is a marshalled record in hexadecimal: argv, cwd, limits, status (a descriptor), drop (uid and
gid or None), landlock (a ruleset or None), filter (bytes). It forks the command, puts it under limits, adopts
every orphan, and when the command is over kills whatever is left. On the status pipe it writes the line
"started", then one of "status N", "signal N" or "trouble TEXT".

Only modules without imports of their own are used: json, contextlib and signal would double the start-up time.
"""

# Plain strings and descriptors on purpose: pathlib follows links and costs time.
# ruff: noqa: PTH112, PTH116, PTH123, PTH208

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]
import marshal
import os
import resource
import sys
import time

TYPE_CHECKING = False  # typing itself would cost a third of the start-up time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
PATIENCE = 5.0


class Stopped(Exception):  # noqa: N818
    """The one who started us is gone or wants us gone."""


def main() -> None:
    """Read the spec, run the command, and say how it ended."""
    spec = marshal.loads(bytes.fromhex(sys.argv[-1]))  # noqa: S302  # written by our own parent
    os.set_inheritable(spec["status"], False)
    parent = os.getppid()
    signal.signal(signal.SIGTERM, stop)
    if LINUX:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return
    child = os.fork()
    if child == 0:
        become(spec)
    try:
        say(spec, "started")
        _, outcome = os.waitpid(child, 0) if not LINUX else wait_for(child)
    except Stopped:
        outcome = signal.SIGKILL
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    kill_rest(child)
    if os.WIFSIGNALED(outcome):
        say(spec, f"signal {os.WTERMSIG(outcome)}")
    else:
        say(spec, f"status {os.WEXITSTATUS(outcome)}")


def stop(number: int, frame: object) -> None:
    """Turn SIGTERM, which also tells of the death of our parent, into an exception."""
    raise Stopped


def say(spec: dict[str, Any], line: str) -> None:
    """Write one line to the status pipe."""
    try:
        os.write(spec["status"], line.replace("\n", " ").encode() + b"\n")
    except OSError:
        return  # nobody listens any more


def wait_for(child: int) -> tuple[int, int]:
    """Reap adopted orphans until the command itself ends."""
    while True:
        pid, outcome = os.waitpid(-1, 0)
        if pid == child:
            return pid, outcome


def kill_rest(child: int) -> None:
    """Kill and reap everything below; the children of the dead become ours, so direct children suffice."""
    if not LINUX:
        kill(os.killpg, child)
        return
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for pid in children():
            kill(os.kill, pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        time.sleep(0.001)


def kill(how: Callable[[int, int], None], target: int) -> None:
    """SIGKILL a process or a group that may be gone already."""
    try:
        how(target, signal.SIGKILL)
    except OSError:
        return  # gone already


def children() -> list[int]:
    """Our direct children, adopted ones too."""
    own = os.getpid()
    try:
        with open(f"/proc/self/task/{own}/children", "rb") as listing:
            return [int(pid) for pid in listing.read().split()]
    except OSError:
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and parent_of(entry) == own]


def parent_of(pid: str) -> int:
    """The parent of a process; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as line:
            return int(line.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def become(spec: dict[str, Any]) -> None:
    """In the child: give up what the spec says, then turn into the command. Never returns."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if not LINUX:
            os.setpgid(0, 0)
        os.chdir(spec["cwd"])
        rules = open_rules(spec["landlock"]) if spec["landlock"] else None
        set_limits(spec)
        if spec["drop"]:
            drop_root(*spec["drop"])
        if LINUX:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            prctl(PR_SET_NO_NEW_PRIVS, 1)
        if rules is not None:
            restrict(rules)
        if spec["filter"]:
            set_filter(spec["filter"])
        os.execv(spec["argv"][0], spec["argv"])  # noqa: S606
    except OSError as error:
        say(spec, f"trouble {spec['argv'][0]}: {error.strerror} ({error.filename or 'exec'})")
    os._exit(126)


def set_limits(spec: dict[str, Any]) -> None:
    """Put the limits on this process; the command inherits them and cannot raise them."""
    for name, value in spec["limits"].items():
        others = tasks_of(spec["drop"][0] if spec["drop"] else os.getuid()) if name == "nproc" else 0
        kind = getattr(resource, "RLIMIT_" + name.upper())
        try:
            resource.setrlimit(kind, (value + others, value + others))
        except (OSError, ValueError):
            if LINUX:
                raise  # macOS refuses some of them, and has none for the address space


def tasks_of(uid: int) -> int:
    """Threads the user has already: without namespaces the kernel counts all of them against the limit."""
    if not LINUX:
        return 0
    count = 0
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            facts = os.stat(f"/proc/{entry}/task")
        except OSError:
            continue
        count += facts.st_nlink - 2 if facts.st_uid == uid else 0
    return count


def drop_root(uid: int, gid: int) -> None:
    """Become an ordinary user for good."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def libc() -> Any:
    """The C library, with errno kept."""
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """Turn a negative result of the C library into an OSError."""
    import ctypes

    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def prctl(option: int, value: int) -> None:
    """One prctl call with a single argument."""
    import ctypes

    words = [ctypes.c_ulong(number) for number in (value, 0, 0, 0)]
    checked(libc().prctl(option, *words), "prctl")


def set_filter(program: bytes) -> None:
    """Install the system-call filter."""
    import ctypes

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    code = ctypes.create_string_buffer(program, len(program))
    whole = Program(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    checked(libc().prctl(PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.byref(whole), 0, 0), "seccomp")


# Landlock: call numbers are the same on every architecture.
CREATE, ADD, RESTRICT = 444, 445, 446
FILE_RIGHTS = 1 | 2 | 4 | 1 << 14 | 1 << 15


def open_rules(ruleset: dict[str, Any]) -> int:
    """A kernel ruleset from handled rights, network, scope and [path, rights] rules; missing paths are skipped."""
    import ctypes
    import struct

    words = (ruleset["handled"], ruleset["network"], ruleset["scope"])
    attributes = struct.pack("=QQQ", *words)[: ruleset["size"]]
    rules = checked(call(CREATE, attributes, ctypes.c_size_t(len(attributes)), 0), "landlock_create_ruleset")
    for path, rights in ruleset["rules"]:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        allowed = rights if os.path.isdir(path) else rights & FILE_RIGHTS
        rule = struct.pack("=Qi", allowed & ruleset["handled"], place)
        checked(call(ADD, rules, 1, rule, 0), f"landlock rule for {path}")
        os.close(place)
    return rules


def restrict(rules: int) -> None:
    """Put the ruleset on this process and all it will start."""
    checked(call(RESTRICT, rules, 0), "landlock_restrict_self")
    os.close(rules)


def call(number: int, *arguments: object) -> int:
    """One system call by its number."""
    import ctypes

    function = libc().syscall
    function.restype = ctypes.c_long
    return int(function(ctypes.c_long(number), *arguments))


if __name__ == "__main__":
    main()
    os._exit(0)
