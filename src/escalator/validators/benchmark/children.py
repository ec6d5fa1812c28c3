"""Processes whose time is taken from outside: wall time is read here, CPU time from the kernel. Python 3.8."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from escalator.validators.values import OTHER, SAME, UNKNOWN, EncodingError, compare, parse, show

if TYPE_CHECKING:
    from typing import Self

START = 20.0
_FEW_WAITS = 5
_STARTER = (
    "import sys; sys.path.insert(0, sys.argv[1]); given = sys.argv[2]; del sys.argv[1:]; "
    "from escalator.validators.benchmark.worker import main; main(given)"
)


class BlockError(Exception):
    """A block did not end well; the message continues "the code ..."."""


class Child:
    """A process whose time is taken from outside."""

    def __init__(self, argv: list[str], where: Path) -> None:
        env = {**os.environ, "PYTHONHASHSEED": "0"}
        self.launched = time.perf_counter()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self.process = subprocess.Popen(
            argv,
            cwd=where,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=env,
            start_new_session=True,
        )
        self.output = self.process.stdout.fileno() if self.process.stdout else -1
        self.pending, self.looked, self.word = bytearray(), 0, ""
        self.wait_at_most(START)
        self.begun = (0.0, 0.0, 0)

    def close(self) -> None:
        """Kill the process, and what it has started."""
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def wait_at_most(self, seconds: float) -> None:
        """Let what follows take so long."""
        self.patience = seconds
        self.deadline = time.perf_counter() + seconds

    def send(self, line: bytes, data: bytes = b"") -> None:
        """Write one line and what belongs to it; that the process is gone is noticed when it is to answer."""
        left = line + b"\n" + data
        with contextlib.suppress(BrokenPipeError):
            while left:
                left = left[os.write(self.process.stdin.fileno() if self.process.stdin else -1, left) :]

    def await_line(self, wanted: str | None = None) -> str:
        """The next line behind the word; the one wanted, where one is."""
        while True:
            end = self.pending.find(b"\n", self.looked)
            if end < 0:
                self.looked = len(self.pending)
                if not self.read():
                    raise BlockError(self.stopped())
                continue
            line = self.pending[:end].decode("utf-8", "replace")
            del self.pending[: end + 1]
            self.looked = 0
            word, _, more = line.partition(" ")
            if word == self.word and wanted in {None, more}:
                return more

    def read(self) -> bool:
        """Take what there is to read; False at the end of output."""
        left = self.deadline - time.perf_counter()
        if left <= 0 or not select.select([self.output], [], [], left)[0]:
            raise BlockError(f"did not end within {self.patience:.1f} s")
        data = os.read(self.output, 1 << 16)
        self.pending += data
        return bool(data)

    def stopped(self) -> str:
        """How the process ended too early."""
        status = self.process.wait(timeout=10)
        self.errors.seek(0)
        told = self.errors.read()[-1500:].decode("utf-8", "replace").strip()
        return f"ended with exit status {status}\n{told}" if status or told else "stopped before its last call"

    def started(self) -> None:
        """Start the clocks."""
        self.begun = (time.perf_counter(), *self.spent())

    def ended(self) -> dict[str, Any]:
        """Stop the clocks: seconds of wall and CPU time, and how often it waited."""
        wall = time.perf_counter() - self.begun[0]
        cpu, waits = self.spent()
        told = waits - self.begun[2] if waits >= 0 else -1
        return {"wall": wall, "cpu": cpu - self.begun[1], "waits": told}

    def spent(self) -> tuple[float, int]:
        """CPU seconds of the process so far and how often it gave up the processor, by the kernel's own count.

        Minus one wait where the kernel does not tell.
        """
        try:
            text = Path(f"/proc/{self.process.pid}/status").read_text()
            waits = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.MULTILINE)
            cpu = time.clock_gettime((~self.process.pid << 3) | 2)
        except (OSError, AttributeError):
            return 0.0, -1
        return cpu, int(waits[1]) if waits else -1


class Worker(Child):
    """A Python process that has prepared everything and makes as many calls as it is told."""

    def __init__(self, where: Path, spec: dict[str, Any]) -> None:
        lib = str(Path(__file__).resolve().parents[3])
        super().__init__([sys.executable, "-I", "-B", "-c", _STARTER, lib, json.dumps(spec)], where)
        self.names = ""
        self.unseen = 0.0

    def __enter__(self) -> Self:
        self.word = secrets.token_hex(16)
        self.send(self.word.encode())
        try:
            self.await_line("ready")
        except BlockError:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def load(self, names: list[str], inputs: bytes, patience: float) -> None:
        """Give it the inputs of its next calls; none for one call of what it prepared itself."""
        self.wait_at_most(patience + START)
        self.unseen = self.spent()[0]
        self.send(f"load {len(inputs)} {','.join(names) or '-'}".encode(), inputs)
        self.await_line("loaded")

    def timed(self, patience: float) -> dict[str, Any]:
        """Time one call for each of its inputs."""
        self.wait_at_most(patience)
        self.started()
        self.send(b"go")
        self.await_line("done")
        found = self.ended()
        self.unseen += found["cpu"]
        return found

    def shown(self, places: list[int], patience: float) -> str:
        """The results of some of its last calls, encoded; told only now which, and its other work is counted."""
        self.wait_at_most(patience + START)
        self.send(b"show " + b" ".join(str(at).encode() for at in places))
        told = self.await_line()
        self.unseen = self.spent()[0] - self.unseen
        return told

    def inputs(self) -> Any:
        """What the call uses, as a tree."""
        self.wait_at_most(START)
        self.send(b"inputs")
        return parse(self.await_line())  # the base's own, so it can be read


class Whole(Child):
    """A command that is timed from start to end."""

    def timed(self, patience: float) -> tuple[dict[str, Any], str]:
        """Time the run; also what it wrote."""
        self.wait_at_most(patience)
        while self.read():
            continue
        if self.process.wait():
            raise BlockError(self.stopped())
        wall = time.perf_counter() - self.launched
        return {"wall": wall, "cpu": 0.0, "waits": -1}, bytes(self.pending).decode("utf-8", "replace")


def same(left: str, right: str) -> tuple[str, dict[str, str]]:
    """Whether encodings of results tell the same values of the same types: same, other, or unknown.

    Also the first two results that are not the same, for a person.
    """
    if left == right and '["o",' not in left:
        return SAME, {}
    try:
        base, answer = parse(left), parse(right)
        found = compare(base, answer, exact=True)
        pairs = zip(base[1:], answer[1:])  # noqa: B905  Python 3.8
        first = next((each for each in pairs if compare(*each, exact=True) == found), (base, answer))
    except (EncodingError, TypeError):
        return UNKNOWN, {"base": left[:300], "answer": right[:300]}
    return found, {"base": show(first[0]), "answer": show(first[1])}


def same_text(left: str, right: str) -> tuple[str, dict[str, str]]:
    """Whether two outputs are the same, and their beginnings."""
    return SAME if left == right else OTHER, {"base": left[:300], "answer": right[:300]}


def worked(block: dict[str, Any]) -> float:
    """Seconds of a block: of CPU time, which hardly feels other work on the machine, unless it waited."""
    seconds: float = block["cpu"] if 0 <= block["waits"] <= _FEW_WAITS and block["cpu"] > 0 else block["wall"]
    return seconds
