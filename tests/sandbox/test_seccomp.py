"""The system-call filter, run through an interpreter of its instructions."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from escalator.sandbox.seccomp import ALONE, BRIDGED, NUMBERS, SHARED, Rule, shared_filter, strict_filter

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOWED, KILLED = 0x7FFF0000, 0x80000000
HEADERS = {
    "x86_64": ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"),
    "aarch64": ("/usr/include/asm-generic/unistd.h",),
}


def judge(program: bytes, arch: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel would return for one call."""
    words = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number, arch, 0, *words)
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    place = accumulator = 0
    for _ in range(len(code)):
        operation, yes, no, k = code[place]
        place += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif operation == 0x06:
            return int(k)
        else:
            met = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[operation]
            place += yes if met else no
    raise AssertionError("the program does not end")


def denied(error: int) -> int:
    return 0x00050000 | error


CASES = [
    (arch, rule, program)
    for arch in AUDIT
    for rules, program in ((SHARED + BRIDGED, shared_filter(arch)), (SHARED + ALONE, strict_filter(arch)))
    for rule in rules
]


@pytest.mark.parametrize("arch", AUDIT)
def test_every_rule_answers_as_written(arch: str) -> None:
    """Each rule refuses what it names with its error, and lets pass what it does not name."""
    for case_arch, rule, program in CASES:
        number = NUMBERS[rule.name][arch == "aarch64"]
        if case_arch != arch or number is None:
            continue
        for arguments, refused in _examples(rule):
            expected = denied(rule.error) if refused else ALLOWED
            assert judge(program, AUDIT[arch], number, arguments) == expected, (rule, arguments)


def _examples(rule: Rule) -> list[tuple[tuple[int, ...], bool]]:
    if rule.argument is None:
        return [((0, 0, 0), True), ((7, 7, 7), True)]
    values = {0: False, rule.bits: bool(rule.bits), 0x5412: 0x5412 in rule.exactly, 0x5413: False}
    if rule.only:
        values = {99: True, **dict.fromkeys(rule.only, False)}
    values |= dict.fromkeys(rule.exactly, True)
    if rule.bits:
        values = {0: False, rule.bits: True, rule.bits & -rule.bits: True, 0x11: False}
    return [((*[0] * rule.argument, value), refused) for value, refused in values.items()]


@pytest.mark.parametrize("arch", AUDIT)
def test_ordinary_calls_pass(arch: str) -> None:
    """Calls no rule names are allowed by both filters."""
    named = {pair[arch == "aarch64"] for pair in NUMBERS.values()}
    for program in (shared_filter(arch), strict_filter(arch)):
        for number in set(range(450)) - named:
            assert judge(program, AUDIT[arch], number) == ALLOWED


def test_foreign_architectures_are_killed() -> None:
    """A call in another architecture's numbering never reaches the rules, nor does the x32 variant."""
    assert judge(shared_filter("x86_64"), 0x40000003, 1) == KILLED
    assert judge(shared_filter("aarch64"), AUDIT["x86_64"], 1) == KILLED
    assert judge(shared_filter("x86_64"), AUDIT["x86_64"], 0x40000000 + 41) == denied(errno.ENOSYS)


@pytest.mark.parametrize("arch", AUDIT)
def test_the_numbers_are_the_kernels(arch: str) -> None:
    """Every call number is the one in the kernel's own headers."""
    header = next((Path(name) for name in HEADERS[arch] if Path(name).exists()), None)
    if header is None:
        pytest.skip("no kernel headers here")
    known = {
        name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", header.read_text())
    }
    for name, pair in NUMBERS.items():
        number = pair[arch == "aarch64"]
        assert number is None or known.get(name, number) == number, name


def test_the_strict_filter_leaves_no_socket() -> None:
    """Beside Landlock no socket of any family can be made, but a pair within the process can."""
    program = strict_filter("x86_64")
    for family in (1, 2, 10, 16, 17, 40):
        assert judge(program, AUDIT["x86_64"], 41, (family, 1, 0)) == denied(errno.EACCES)
    assert judge(program, AUDIT["x86_64"], 53, (1, 1, 0)) == ALLOWED
