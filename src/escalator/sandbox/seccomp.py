"""The system-call filter, as a program for the kernel's packet-filter machine.

Two strengths: `shared_filter` goes with namespaces (bubblewrap), `strict_filter` goes with Landlock, which
leaves sockets, modes of files and other processes' priorities to the filter.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000
_NEW_NAMESPACE = 0x7E020000
_NEW_TIME = 0x80

_ARCHES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16

# name: (x86-64, aarch64); None where the architecture has no such call
NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chmod": (90, None),
    "chown": (92, None),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsetxattr": (190, 7),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "fremovexattr": (199, 16),
    "futimesat": (261, None),
    "init_module": (175, 105),
    "inotify_add_watch": (254, 27),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "ioprio_set": (251, 30),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lchown": (94, None),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "msgget": (68, 186),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "prlimit64": (302, 261),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "removexattr": (197, 14),
    "request_key": (249, 218),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "semget": (64, 190),
    "setns": (308, 268),
    "setpriority": (141, 140),
    "settimeofday": (164, 170),
    "setxattr": (188, 5),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "truncate": (76, 45),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "utime": (132, None),
    "utimensat": (280, 88),
    "utimes": (235, None),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to one call: `error` is what the caller sees, 0 pretends success.

    Without `argument` always. With `bits` only if the argument has one of them; with `only` if its low word
    is none of these; with `exactly` if its low word is one of these.
    """

    name: str
    error: int
    argument: int | None = None
    bits: int = 0
    only: tuple[int, ...] = ()
    exactly: tuple[int, ...] = ()


def _all(error: int, names: str) -> tuple[Rule, ...]:
    return tuple(Rule(name, error) for name in names.split())


SHARED: tuple[Rule, ...] = (
    *_all(
        errno.EPERM, "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise process_mrelease"
    ),
    *_all(errno.EPERM, "bpf perf_event_open userfaultfd add_key request_key keyctl fanotify_init syslog"),
    *_all(errno.EPERM, "mount umount2 pivot_root chroot setns open_by_handle_at quotactl quotactl_fd acct"),
    *_all(errno.EPERM, "open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr"),
    *_all(errno.EPERM, "kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff"),
    *_all(errno.EPERM, "settimeofday clock_settime clock_adjtime"),
    # Memory that no process maps would escape the count of the tree's memory.
    *_all(errno.ENOSYS, "memfd_create memfd_secret io_uring_setup io_uring_enter io_uring_register shmget"),
    # The flags of clone3 lie behind a pointer; without it the C library falls back to clone.
    *_all(errno.ENOSYS, "clone3"),
    Rule("clone", errno.EPERM, argument=0, bits=_NEW_NAMESPACE),
    Rule("unshare", errno.EPERM, argument=0, bits=_NEW_NAMESPACE | _NEW_TIME),
    Rule("ioctl", errno.EPERM, argument=1, exactly=(0x5412, 0x541C)),  # TIOCSTI and TIOCLINUX type for the user
)

BRIDGED: tuple[Rule, ...] = (
    # A network namespace does not hold virtual-machine sockets, kernel crypto and the like.
    Rule("socket", errno.EAFNOSUPPORT, argument=0, only=(_UNIX, _INET, _INET6, _NETLINK)),
)

ALONE: tuple[Rule, ...] = (
    *_all(errno.EACCES, "socket inotify_add_watch"),
    Rule("socketpair", errno.EACCES, argument=0, only=(_UNIX,)),
    *_all(errno.EACCES, "truncate"),
    # Landlock does not guard modes and times of files outside; pretending keeps build tools going.
    *_all(0, "chmod fchmod fchmodat fchmodat2 utime utimes futimesat utimensat"),
    *_all(errno.EPERM, "chown fchown lchown fchownat"),
    *_all(errno.ENOTSUP, "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"),
    *_all(errno.ENOSYS, "mq_open mq_unlink semget msgget"),
    *(
        Rule(name, errno.EPERM, argument=0, only=(0,))
        for name in ("prlimit64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler")
    ),
    Rule("setpriority", errno.EPERM, argument=1, only=(0,)),
    Rule("ioprio_set", errno.EPERM, argument=1, only=(0,)),
)


def machine() -> str | None:
    """The architecture whose calls are known here, or None where no filter can be built."""
    name = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return name if name in _ARCHES else None


def shared_filter(arch: str) -> bytes:
    """The filter for code that already lives in namespaces of its own."""
    return assemble(arch, SHARED + BRIDGED)


def strict_filter(arch: str) -> bytes:
    """The filter for code that shares the machine's namespaces: no sockets at all, nothing done to others."""
    return assemble(arch, SHARED + ALONE)


def assemble(arch: str, rules: Iterable[Rule]) -> bytes:
    """A program of eight-byte instructions that kills foreign architectures and applies the rules."""
    audit, column = _ARCHES[arch]
    program = [_op(_LOAD, k=_ARCH), _op(_EQUAL, yes=1, k=audit), _op(_RETURN, k=_KILL), _op(_LOAD, k=_NUMBER)]
    if arch == "x86_64":
        program += [_op(_AT_LEAST, no=1, k=_X32), _op(_RETURN, k=_ERRNO | errno.ENOSYS)]
    for rule in rules:
        number = NUMBERS[rule.name][column]
        if number is not None:
            program += _compiled(rule, number)
    program.append(_op(_RETURN, k=_ALLOW))
    return b"".join(program)


def _compiled(rule: Rule, number: int) -> Iterator[bytes]:
    verdict = _op(_RETURN, k=_ERRNO | rule.error)
    if rule.argument is None:
        yield _op(_EQUAL, no=1, k=number)
        yield verdict
        return
    test = list(_tests(rule))
    yield _op(_EQUAL, no=len(test) + 3, k=number)
    yield _op(_LOAD, k=_ARGUMENTS + 8 * rule.argument)
    yield from test
    yield verdict
    yield _op(_LOAD, k=_NUMBER)


def _tests(rule: Rule) -> Iterator[bytes]:
    """Comparisons that fall through to the verdict or jump behind it."""
    if rule.bits:
        yield _op(_ANY_BIT, no=1, k=rule.bits)
    for left, value in _countdown(rule.only):
        yield _op(_EQUAL, yes=left + 1, k=value)
    for left, value in _countdown(rule.exactly):
        yield _op(_EQUAL, yes=left, no=0 if left else 1, k=value)


def _countdown(values: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Each value with the number of values after it, which is how far a jump has to reach."""
    return ((len(values) - place - 1, value) for place, value in enumerate(values))


def _op(code: int, *, yes: int = 0, no: int = 0, k: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, k)
