"""Runs inside the sandbox: times calls on base and answer in turn, each in a process of its own, from outside it.

Called as `main(REPORT_FD, BASE, OVERLAY)` with the job as JSON on standard input; writes its samples as one record
under the job's key. BASE is the project before the answer, OVERLAY holds changed files. Every timed call gets an
input that no call had before, made here, the same for base and answer but never the same objects. Where inputs
cannot be varied, each call has a process of its own. Standard library only, Python 3.8.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from escalator.validators.benchmark.children import BlockError, Whole, Worker, same, same_text, worked
from escalator.validators.benchmark.ground import Ground
from escalator.validators.benchmark.inputs import KINDS, OWN, Kind, Source, decode
from escalator.validators.values import OTHER, SAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 0.03
ROUNDS_A_PROCESS = 5
SLOWEST = 10.0
FEWEST_ROUNDS = 5
SHORTEST = 0.0003
_PROBES = 6
_COMPARED = 16
_KEPT = 1_000_000
_ALIKE = 4
_VAGUE = 0.00005
_SLACK = 0.002
_NOT_DUMPABLE = 4


class Wrong(Exception):  # noqa: N818  what it says is the result
    """Nothing more is to be measured; what is reported instead."""

    def __init__(self, **said: Any) -> None:
        super().__init__(said)
        self.said = said


class SpentError(Exception):
    """There are no more inputs that were never used."""


def main(descriptor: str, base: str, overlay: str) -> None:
    """Do the job given on standard input and write what was measured."""
    os.set_inheritable(int(descriptor), False)
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)  # so that no measured process looks into this one
    job = json.load(sys.stdin)
    key = bytes.fromhex(job.pop("key"))
    with tempfile.TemporaryDirectory() as scratch:
        said = measured(job, Path(base), Path(overlay), Path(scratch))
    body = json.dumps(said).encode("ascii")
    with os.fdopen(int(descriptor), "wb") as report:
        report.write(
            hashlib.blake2b(body, key=key, digest_size=16).hexdigest().encode("ascii") + b" " + body + b"\n"
        )


def measured(job: dict[str, Any], base: Path, overlay: Path, scratch: Path) -> dict[str, Any]:
    """Samples of every size, or what went wrong and on which side."""
    answer, copy = scratch / "answer", scratch / "base"
    trees: dict[Path, Callable[[], None]] = {
        answer: lambda: lay_out(job, base, overlay, answer),
        copy: lambda: lay_out({}, base, overlay, copy),
    }
    for lay in trees.values():
        lay()
    shared = {Path(tempfile.gettempdir()), Path(os.environ.get("HOME") or scratch)}
    if str(base) == "/workspace":  # a sandbox with places of its own
        shared |= {Path("/tmp"), Path("/dev/shm")}  # noqa: S108
    ground = Ground(trees, sorted(shared))
    where = {"base": copy, "answer": answer} if "command" in job else {"base": base, "answer": answer}
    try:
        return {"sizes": [Size(job, where, ground, size).run() for size in job["sizes"]]}
    except Wrong as wrong:
        return wrong.said


def lay_out(job: dict[str, Any], base: Path, overlay: Path, answer: Path) -> None:
    """Copy the base and lay the answer's files over the copy."""
    shutil.copytree(base, answer, symlinks=True)
    for name in job.get("changed", ()):
        target = answer / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(overlay / name, target)
    for name in job.get("deleted", ()):
        (answer / name).unlink(missing_ok=True)


class Size:
    """Base and answer, measured in turn for one size."""

    def __init__(self, job: dict[str, Any], where: dict[str, Path], ground: Ground, size: int) -> None:
        self.job, self.where, self.ground, self.size = job, where, ground, size
        self.share = job["seconds"] / len(job["sizes"])
        self.once = self.timed_alone = 0.0

    def run(self) -> dict[str, Any]:
        """The samples, and how inputs were varied."""
        self.once, own = self.compared_once()
        source = None if "command" in self.job else self.source(own)
        if source is None and "command" not in self.job and self.timed_alone < SHORTEST:
            raise Wrong(wrong="short", size=self.size, seconds=self.timed_alone)
        rounds = self.sampled(source)
        return {"size": self.size, "inputs": source.kind.name if source else "the same", **rounds}

    def compared_once(self) -> tuple[float, dict[str, Any]]:
        """Seconds of the base for the benchmark's own input, on which both must agree; what the call uses.

        Whether a call can be timed alone is told by the clock that would time it: other work on the machine makes
        every call long on the wall.
        """
        first = {
            side: self.alone(side, self.share if side == "base" else self.patience) for side in ("base", "answer")
        }
        self.agreed(first["base"][1], first["answer"][1])
        self.timed_alone = worked(first["base"][0])
        return first["base"][0]["wall"], first["base"][2]

    @property
    def patience(self) -> float:
        """How long one call of the answer may take."""
        return max(2.0, SLOWEST * self.once)

    def alone(self, side: str, patience: float) -> tuple[dict[str, Any], str, dict[str, Any]]:
        """One call in a process of its own that finds nothing of those before it: time, result, what it uses."""
        self.ground.tidy()
        with self.blamed(side):
            if "command" in self.job:
                argv = [part.replace("{n}", str(self.size)) for part in self.job["command"]]
                with contextlib.closing(Whole(argv, self.where[side])) as child:
                    return (*child.timed(patience), {})
            with self.start(side) as worker:
                worker.load([], b"", patience)
                block = worker.timed(patience)
                shown = worker.shown([0], patience)
                used = worker.inputs() if side == "base" and not self.once else []
                self.once = self.once or block["wall"]
                return block, shown, dict(zip(used[1::2], used[2::2]))  # noqa: B905  Python 3.8

    @contextlib.contextmanager
    def blamed(self, side: str) -> Iterator[None]:
        """What ends too early within is this side's doing."""
        try:
            yield
        except BlockError as error:
            raise Wrong(wrong=side, size=self.size, why=str(error)) from error

    def start(self, side: str) -> Worker:
        """A process ready to be timed."""
        spec = {key: self.job[key] for key in ("module", "setup", "call")}
        return Worker(self.where[side], {**spec, "root": str(self.where[side]), "n": self.size})

    def agreed(self, base: str, answer: str, *, varied: bool = False) -> None:
        """Go on only if both sides gave the same."""
        found, told = (same_text if "command" in self.job else same)(base, answer)
        if found != SAME:
            wrong = "unknown" if found != OTHER else "varied" if varied else "output"
            raise Wrong(wrong=wrong, size=self.size, **told)

    def source(self, own: dict[str, Any]) -> Source | None:
        """Inputs that vary in a way on which base and answer agree, or None where the base takes no others."""
        plain = {
            name: decode(tree) for name, tree in own.items() if name != "i" and '["o"' not in json.dumps(tree)
        }
        if not plain and "i" not in own:
            return None
        usual = self.probed(self.made(plain, OWN, counts="i" in own))
        differing: Wrong | None = None
        for kind in KINDS if usual is not None else ():
            source = self.made(plain, kind, counts="i" in own)
            try:
                if self.probed(source, usual) is not None:
                    return source
            except Wrong as wrong:
                differing = differing or wrong
        if differing is not None:
            raise differing
        return None

    @staticmethod
    def made(plain: dict[str, Any], kind: Kind, *, counts: bool) -> Source:
        """Inputs that begin where nobody can tell."""
        return Source(plain, kind, counts=counts, start=secrets.randbelow(1 << 16))

    def probed(self, source: Source, usual: float | None = None) -> float | None:
        """Seconds of the base for one of these inputs; None if it does not take them in about its usual time.

        Raises `Wrong` if the answer does not agree.
        """
        inputs, places = source.take(_PROBES), list(range(_PROBES))
        if inputs is None:
            return None
        try:
            with self.start("base") as base:
                base.load(source.names, inputs, self.share)
                block = base.timed(_PROBES * (2 * _ALIKE * self.once + 0.2))
                shown = base.shown(places, self.share)
        except BlockError:
            return None
        seconds = worked(block) / _PROBES
        if usual is not None and not usual / _ALIKE - _VAGUE <= seconds <= usual * _ALIKE + _VAGUE:
            return None
        self.once = min(self.once, seconds)
        source.most = max(1, min(source.most, _KEPT // (1 + len(shown) // _PROBES)))
        varied = source.kind is not OWN and bool(source.own)
        try:
            with self.start("answer") as answer:
                answer.load(source.names, inputs, self.share)
                answer.timed(_PROBES * self.patience)
                told = answer.shown(places, self.share)
        except BlockError as error:
            raise Wrong(wrong="raised" if varied else "answer", size=self.size, why=str(error)) from error
        self.agreed(shown, told, varied=varied)
        return seconds

    def sampled(self, source: Source | None) -> dict[str, Any]:
        """Interleave base, answer, answer, base until the share of time is used up."""
        end = time.perf_counter() + self.share
        rounds: list[Any] = []
        loops = self.loops(source) if source else 1
        with contextlib.suppress(SpentError):
            while len(rounds) < self.job["most_rounds"] and (
                time.perf_counter() < end or len(rounds) < FEWEST_ROUNDS
            ):
                if source is None:
                    rounds.append(self.unvaried())
                else:
                    self.varied(source, loops, rounds)
        if not rounds:
            raise Wrong(wrong="short", size=self.size, seconds=self.once)
        return {"loops": loops, "rounds": rounds}

    def unvaried(self) -> dict[str, Any]:
        """One round of calls that have a process each."""
        blocks: dict[str, Any] = {"base": [], "answer": []}
        told: dict[str, str] = {}
        for side in ("base", "answer", "answer", "base"):
            block, told[side], _ = self.alone(side, self.patience)
            blocks[side].append(block)
        self.agreed(told["base"], told["answer"])
        return blocks

    def loops(self, source: Source) -> int:
        """How many inputs make a block of the base long enough to be timed well."""
        loops, spent = 1, self.once
        with self.start("base") as base:
            while spent < BLOCK / 4 and loops < source.most:
                loops = min(source.most, loops * (8 if spent < BLOCK / 16 else 2))
                inputs = source.take(loops)
                if inputs is None:
                    return max(1, loops // 8)
                base.load(source.names, inputs, self.share)
                spent = worked(base.timed(self.share))
        self.once = spent / loops
        return max(1, min(source.most, int(loops * BLOCK / max(spent, 1e-9))))

    def varied(self, source: Source, loops: int, rounds: list[dict[str, Any]]) -> None:
        """Add the rounds of one pair of processes."""
        with self.start("base") as base, self.start("answer") as answer:
            for _ in range(ROUNDS_A_PROCESS):
                blocks: dict[str, Any] = {"base": [], "answer": []}
                for order in ((("base", base), ("answer", answer)), (("answer", answer), ("base", base))):
                    self.pair(dict(order), source, loops, blocks)
                rounds.append(blocks)

    def pair(self, order: dict[str, Worker], source: Source, loops: int, blocks: dict[str, Any]) -> None:
        """One block of each side, on the same new inputs; some results, drawn afterwards, must be the same."""
        inputs = source.take(loops)
        if inputs is None:
            raise SpentError
        patience = max(1.0, SLOWEST * max(BLOCK, loops * self.once))
        found = {}
        for side, worker in order.items():
            with self.blamed(side):
                worker.load(source.names, inputs, patience)
                found[side] = worker.timed(patience)
        places = sorted(secrets.SystemRandom().sample(range(loops), min(loops, _COMPARED)))
        shown = {}
        for side in ("base", "answer"):
            with self.blamed(side):
                shown[side] = order[side].shown(places, patience)
        self.agreed(shown["base"], shown["answer"], varied=bool(source.own))
        late = max(0.0, order["answer"].unseen - 1.25 * order["base"].unseen - _SLACK)
        for side, block in found.items():
            more = late if side == "answer" else 0.0
            each = {"wall": (block["wall"] + more) / loops, "cpu": (block["cpu"] + more) / loops}
            blocks[side].append({**each, "waits": block["waits"]})
