"""What a fresh process costs: commands beside `pytest --version`, the first answer beside httpx's.

Every run is a process of its own; rounds are interleaved, and each figure is the median of the rounds' ratios, for
the wall clock and for the CPU of user and system together. Byte code is warm and allowed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.houses import FILES, PROMPT, matrix
from benchmarks.measure import table
from benchmarks.server import server

FLOOR, FIRST_FLOOR = "pytest --version", "httpx: import, one POST"
REQUEST = "Fix the typo in the docstring of parse()."
_SCRIPTS = Path(sys.executable).parent

COMMANDS: Mapping[str, tuple[str, ...]] = {
    FLOOR: ("pytest", "--version"),
    "escalator --help": ("escalator", "--help"),
    "escalator classify": ("escalator", "classify", REQUEST),
    "escalator plan": ("escalator", "plan", REQUEST),
    "escalator matrix check": ("escalator", "matrix", "check"),
    "escalator log, no ledger": ("escalator", "log"),
    "escalator report, no ledger": ("escalator", "report"),
}

_HTTPX = """
import httpx
body = {{"model": "good", "messages": [{{"role": "user", "content": {prompt!r}}}], "max_tokens": 1024}}
assert httpx.post({url!r} + "/v1/chat/completions", json=body).json()["choices"]
"""
_EXECUTE = """
from escalator import execute
outcome = execute({prompt!r}, files={files!r}{more})
assert outcome.status == "accepted", outcome.reason
"""


@dataclass(frozen=True)
class Start:
    """One kind of process: wall and CPU in ms at the median, and the medians of their ratios to the floor."""

    name: str
    wall: float
    cpu: float
    wall_ratio: float
    cpu_ratio: float


def commands(*, rounds: int, names: Sequence[str] = tuple(COMMANDS)) -> list[Start]:
    """The command line; `pytest --version` must be among the names."""
    with _folder() as folder:
        wanted = {name: [str(_SCRIPTS / COMMANDS[name][0]), *COMMANDS[name][1:]] for name in names}
        return _interleaved(wanted, FLOOR, rounds, folder)


def first_answers(*, rounds: int) -> list[Start]:
    """From the start of a process to its first answer, of a server that answers at once."""
    with _folder() as folder, server() as served:
        (folder / "escalation_matrix.yaml").write_text(json.dumps(matrix(served.url)))
        ways = {
            FIRST_FLOOR: _HTTPX.format(url=served.url, prompt=PROMPT),
            "escalator: import, one execute": _EXECUTE.format(prompt=PROMPT, files=FILES, more=""),
            "escalator, ledger in memory": _EXECUTE.format(prompt=PROMPT, files=FILES, more=', ledger=":memory:"'),
        }
        wanted = {name: [sys.executable, "-c", code] for name, code in ways.items()}
        return _interleaved(wanted, FIRST_FLOOR, rounds, folder)


@contextmanager
def _folder() -> Iterator[Path]:
    """A working directory with nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _interleaved(wanted: Mapping[str, Sequence[str]], floor: str, rounds: int, folder: Path) -> list[Start]:
    for argv in wanted.values():
        _run(argv, folder)
    taken = {name: list[tuple[float, float]]() for name in wanted}
    for _ in range(rounds):
        for name, argv in wanted.items():
            taken[name].append(_run(argv, folder))
    return [_start(name, runs, taken[floor]) for name, runs in taken.items()]


def _run(argv: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "ESCALATOR_LEDGER": str(folder / "no-ledger" / "ledger.sqlite")}
    if any("execute(" in word for word in argv):
        environment["ESCALATOR_LEDGER"] = str(folder / "ledger.sqlite")
    begun = time.perf_counter()
    child = os.fork()
    if not child:
        _become(argv, environment, folder)
    _, status, used = os.wait4(child, 0)
    if "-c" in argv and status:
        raise RuntimeError(f"a first answer did not come: status {status}")
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime


def _become(argv: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.chdir(folder)
    os.execve(argv[0], list(argv), dict(environment))


def _start(name: str, own: Sequence[tuple[float, float]], floor: Sequence[tuple[float, float]]) -> Start:
    pairs = list(zip(own, floor, strict=True))
    return Start(
        name=name,
        wall=statistics.median(wall for wall, _ in own) * 1000,
        cpu=statistics.median(cpu for _, cpu in own) * 1000,
        wall_ratio=statistics.median(mine[0] / theirs[0] for mine, theirs in pairs),
        cpu_ratio=statistics.median(mine[1] / theirs[1] for mine, theirs in pairs),
    )


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks cold_start", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args(argv)
    for floor, found in ((FLOOR, commands(rounds=chosen.rounds)), ("httpx", first_answers(rounds=chosen.rounds))):
        heads = ("process", "wall ms", "CPU ms", f"wall / {floor}", f"CPU / {floor}")
        rows = ((f"`{s.name}`", s.wall, s.cpu, s.wall_ratio, s.cpu_ratio) for s in found)
        print(f"{table(heads, rows)}\n")


if __name__ == "__main__":
    main()
