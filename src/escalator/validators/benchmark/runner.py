"""Runs inside the sandbox: times blocks of calls, each block in a process of its own, from outside that process.

Started as `python -I benchmark_runner.py measure REPORT_FD BASE OVERLAY` with the job as JSON on standard input;
writes its samples as JSON to the descriptor. BASE is the project before the answer, OVERLAY holds changed files.
The measured code runs in children (`worker`), which cannot touch this clock. Wall time is read here, CPU time
from the kernel. Standard library only: it is sent into the sandbox as a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Self

BLOCK = 0.05
START = 20.0
ROUNDS_A_PROCESS = 5
SLOWEST = 10.0
FEWEST_ROUNDS = 5


class BlockError(Exception):
    """A block did not end well; the message continues "the code ..."."""


def measure(descriptor: int, base: str, overlay: str) -> None:
    """Do the job given on standard input and write what was measured."""
    job = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as scratch, os.fdopen(descriptor, "w") as report:
        answer = Path(scratch) / "answer"
        lay_out(job, Path(base), Path(overlay), answer)
        json.dump(Bench(job, {"base": Path(base), "answer": answer}).run(), report)


def lay_out(job: dict[str, Any], base: Path, overlay: Path, answer: Path) -> None:
    """Copy the base and lay the answer's files over the copy."""
    shutil.copytree(base, answer, symlinks=True)
    for name in job["changed"]:
        target = answer / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(overlay / name, target)
    for name in job["deleted"]:
        (answer / name).unlink(missing_ok=True)


class Bench:
    """One job: base and answer, measured in turn for each size."""

    def __init__(self, job: dict[str, Any], trees: dict[str, Path]) -> None:
        self.job = job
        self.trees = trees
        self.share = job["seconds"] / len(job["sizes"])

    def run(self) -> dict[str, Any]:
        """Samples of every size, or what went wrong and on which side."""
        sizes = []
        for size in self.job["sizes"]:
            first: dict[str, Any] = {}
            for side in ("base", "answer"):
                patience = self.share if side == "base" else max(2.0, SLOWEST * first["base"]["wall"])
                try:
                    first[side] = self.block(side, size, patience)
                except BlockError as error:
                    return {"wrong": side, "size": size, "why": str(error)}
            if first["base"]["digest"] != first["answer"]["digest"]:
                shown = {side: first[side]["shown"] for side in first}
                return {"wrong": "output", "size": size, **shown}
            sizes.append(self.sample(size, first["base"]))
        return {"sizes": sizes}

    def sample(self, size: int, first: dict[str, Any]) -> dict[str, Any]:
        """Interleave base, answer, answer, base until the share of time is used up."""
        end = time.perf_counter() + self.share
        loops = self.loops(size, first["wall"])
        patience = max(1.0, SLOWEST * max(BLOCK, loops * first["wall"]))
        rounds: list[dict[str, list[dict[str, float]]]] = []
        while len(rounds) < self.job["most_rounds"] and (time.perf_counter() < end or len(rounds) < FEWEST_ROUNDS):
            with self.start("base", size) as base, self.start("answer", size) as answer:
                for _ in range(ROUNDS_A_PROCESS):
                    blocks: dict[str, list[dict[str, float]]] = {"base": [], "answer": []}
                    for side, child in (("base", base), ("answer", answer), ("answer", answer), ("base", base)):
                        try:
                            blocks[side].append(self.same(child.timed(loops, patience), first, loops))
                        except BlockError as error:
                            return {"size": size, "rounds": rounds, "stopped": side, "why": str(error)}
                    rounds.append(blocks)
        return {"size": size, "loops": loops, "rounds": rounds}

    @staticmethod
    def same(block: dict[str, Any], first: dict[str, Any], loops: int) -> dict[str, float]:
        """The seconds of one call of a block whose last result is the one expected."""
        if block["digest"] != first["digest"]:
            raise BlockError("gives another result when called again")
        return {"wall": block["wall"] / loops, "cpu": block["cpu"] / loops, "waits": block["waits"]}

    def loops(self, size: int, once: float) -> int:
        """How many calls make a block of the base long enough to be timed well."""
        if "command" in self.job:
            return 1
        loops, spent = 1, once
        with self.start("base", size) as child:
            while spent < BLOCK / 4 and loops < 1 << 24:
                loops *= 8 if spent < BLOCK / 16 else 2
                spent = child.timed(loops, self.share)["wall"]
        return max(1, int(loops * BLOCK / max(spent, 1e-9)))

    def block(self, side: str, size: int, patience: float) -> dict[str, Any]:
        """One call in a process of its own."""
        with self.start(side, size) as child:
            return child.timed(1, patience)

    def start(self, side: str, size: int) -> Whole | Worker:
        """A process ready to be timed."""
        if "command" in self.job:
            return Whole([part.replace("{n}", str(size)) for part in self.job["command"]], self.trees[side])
        spec = {key: self.job[key] for key in ("module", "setup", "call")}
        spec |= {"root": str(self.trees[side]), "n": size}
        return Worker(
            [sys.executable, "-I", "-B", str(Path(__file__).resolve()), "worker", json.dumps(spec)],
            self.trees[side],
        )


class Child:
    """A process whose time is taken from outside."""

    def __init__(self, argv: list[str], where: Path) -> None:
        env = {**os.environ, "PYTHONHASHSEED": "0"}
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self.process = subprocess.Popen(
            argv, cwd=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=env
        )
        self.output = self.process.stdout.fileno() if self.process.stdout else -1
        self.pending = b""
        self.wait_at_most(START)
        self.begun = (0.0, 0.0, 0)

    def close(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def wait_at_most(self, seconds: float) -> None:
        """Let what follows take so long."""
        self.patience = seconds
        self.deadline = time.perf_counter() + seconds

    def send(self, line: str) -> None:
        """Write one line to the process; that it is gone is noticed when its answer is read."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.process.stdin.fileno() if self.process.stdin else -1, line.encode() + b"\n")

    def await_line(self, key: str) -> str:
        """What follows `key` on the line that starts with it."""
        while True:
            line, found, rest = self.pending.partition(b"\n")
            if found:
                self.pending = rest
                said, _, more = line.decode("utf-8", "replace").partition(" ")
                if said == key:
                    return more
            elif not self.read():
                raise BlockError(self.stopped())

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

    def ended(self, shown: str) -> dict[str, Any]:
        """Stop the clocks: seconds of wall and CPU time, how often it waited, and what it showed."""
        wall = time.perf_counter() - self.begun[0]
        cpu, waits = self.spent()
        digest = hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()
        told = waits - self.begun[2] if waits >= 0 else -1
        return {"wall": wall, "cpu": cpu - self.begun[1], "waits": told, "digest": digest, "shown": shown[:300]}

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

    def __enter__(self) -> Self:
        self.nonce = secrets.token_hex(16)
        self.send(self.nonce)
        try:
            self.await_line("ready")
        except BlockError:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def timed(self, loops: int, patience: float) -> dict[str, Any]:
        """Time one block of calls."""
        self.wait_at_most(patience)
        self.started()
        self.send(str(loops))
        return self.ended(str(json.loads(self.await_line(self.nonce))))


class Whole:
    """A command that is started anew for each block and timed from start to end."""

    def __init__(self, argv: list[str], where: Path) -> None:
        self.argv, self.where = argv, where

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def timed(self, _loops: int, patience: float) -> dict[str, Any]:
        """Time one run of the command."""
        begun = time.perf_counter()
        with contextlib.closing(Child(self.argv, self.where)) as child:
            child.wait_at_most(patience)
            while child.read():
                continue
            if child.process.wait():
                raise BlockError(child.stopped())
            found = child.ended(child.pending.decode("utf-8", "replace"))
        return {**found, "wall": time.perf_counter() - begun, "cpu": 0.0, "waits": -1}


def worker(spec: dict[str, Any]) -> None:
    """Import the module, prepare and say so; then for each number read, make so many calls and show the last."""
    nonce = sys.stdin.readline().strip()
    out = os.dup(1)
    os.dup2(2, 1)
    root = Path(spec["root"])
    sys.path[:0] = [str(path) for path in (root, root / "src") if path.is_dir()]
    __import__(spec["module"])
    names: dict[str, Any] = {**vars(sys.modules[spec["module"]]), "n": spec["n"]}
    exec(compile(spec["setup"], "<setup>", "exec"), names)  # noqa: S102  the task's own words
    lines = ("def _calls(_loops):", " _last = None", " for i in range(_loops):", f"  _last = ({spec['call']}\n)")
    exec(compile("\n".join((*lines, " return _last")), "<call>", "exec"), names)  # noqa: S102  the task's own words
    os.write(out, b"ready \n")
    for line in sys.stdin:
        shown = re.sub(r"0x[0-9a-f]+", "0x", repr(names["_calls"](int(line))))
        os.write(out, f"{nonce} {json.dumps(shown)}\n".encode())


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        try:
            worker(json.loads(sys.argv[2]))
        except BaseException:  # noqa: BLE001  the measured code may raise anything
            traceback.print_exc(limit=-4)
            sys.stderr.flush()
            os._exit(1)
    else:
        measure(int(sys.argv[2]), sys.argv[3], sys.argv[4])
