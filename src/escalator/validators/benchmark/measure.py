"""The benchmark validator: is the answer not slower than the base, or as much faster as was asked for?"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from escalator.records import Command, Limits, Verdict
from escalator.steps import run
from escalator.validators.benchmark.options import Options, check
from escalator.validators.benchmark.stats import Decision, Estimate, Round, decide, estimate
from escalator.validators.protocol import broke, failed, passed, skipped
from escalator.validators.runs import answer_files, base_files, run_evidence, tail
from escalator.validators.sending import programs, signed, started

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.records import Brief, Candidate, Isolation, RunResult
    from escalator.validators.protocol import Validator

_FIRST_SHARE = 0.4
_MOST_ROUNDS = 100
_FEW_WAITS = 5
_ROOM = "benchmark"
_PROGRAMS = ("runner", "worker", "children", "ground", "inputs")
_NEEDED = ("encoding", "values")


def benchmark(
    *,
    module: str | None = None,
    call: str | None = None,
    setup: str = "",
    command: Sequence[str] | None = None,
    sizes: Sequence[int] = (1,),
    tolerance: float = 0.10,
    faster_than: float | None = None,
    budget_seconds: float = 20.0,
    interpreter: str | None = None,
) -> Validator:
    """Judge speed: run base and answer in turn in the sandbox, and compare.

    What is measured is `call`, an expression evaluated many times after `setup` in the namespace of `module`,
    which may use `n` (the size) and `i` (counts the calls); or else `command`, a list of arguments where "{n}"
    is the size. `sizes`: give two or more, so that what grows with the size shows. `tolerance`: how much
    slower is still "not slower". `faster_than`: demand that many times the speed of the base (a tenth is
    granted). `budget_seconds`: how long to measure at most. `interpreter`: path of the project's Python.

    The options may also come from the task's `benchmark`, which wins:
    {"module": "textutils", "call": "slugify(text)", "setup": "text = 'Ab c' * n", "sizes": [100, 10000]}

    Nothing kept from a call helps the next. Every timed call gets an input of its own: the plain values that the
    call uses, varied (one number added to all, a few letters changed) in a way in which the base takes them and
    base and answer agree, the same for both sides. Where inputs cannot be varied, and for a `command`, each call
    has a process of its own, and what it left on the disk is taken away before the next; such a call must take
    0.3 ms of processor time. What is lazy is used up within the time; work done outside it counts as well.

    Results are compared by value, exactly and with their types, without tolerance; some of each block, drawn after
    it. Objects of the same type are compared by what they hold. Another result for the benchmark's own input
    fails; one only for varied inputs, or one that cannot be compared, leaves it open. Calls are timed from outside
    their process, in the order base, answer, answer, base. The 95 % interval of the ratio of times decides; while
    it holds the limit, or the base differs from itself by more than half the tolerance, nothing is decided. A
    verdict has confidence 0.95.
    """
    options = Options(
        module=module,
        call=call,
        setup=setup,
        command=None if command is None else tuple(command),
        sizes=tuple(sizes),
        tolerance=tolerance,
        faster_than=faster_than,
        budget_seconds=budget_seconds,
        interpreter=interpreter,
    )
    check(options, complete=False)
    return _Benchmark(options=options)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """What one size came to. `inputs`: what was varied of them."""

    size: int
    decision: Decision
    found: Estimate
    clock: str
    inputs: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Benchmark:
    options: Options
    name: ClassVar[str] = "benchmark"
    cost: ClassVar[str] = "process"
    version: ClassVar[str] = "2"

    def inapplicable(self, brief: Brief) -> str | None:
        """Why there is nothing to measure in this task, or None."""
        if brief.benchmark is None and not self.options.command and not self.options.call:
            return "The task names no benchmark."
        return None

    def __call__(self, candidate: Candidate) -> Flow[Verdict]:
        if (why := self.inapplicable(candidate.brief)) is not None:
            return skipped(self.name, why, "Give the task a benchmark, or the validator a call or command.")
        options = self.options.overlaid(candidate.brief.benchmark)
        samples: dict[int, list[Mapping[str, object]]] = {size: [] for size in options.sizes}
        inputs: dict[int, str] = {}
        open_sizes, seconds = list(options.sizes), 0.0
        measured: list[_Measured] = []
        isolation: Isolation | None = None
        for share in (_FIRST_SHARE, 1 - _FIRST_SHARE):
            key = secrets.token_bytes(32)
            command = _command(options, candidate, open_sizes, options.budget_seconds * share, key)
            result = yield from run(command, validator=self.name)
            seconds, isolation = seconds + result.seconds, result.isolation
            said = _read(result, key)
            if (wrong := _wrong(said, command, result)) is not None:
                return replace(wrong, seconds=seconds, isolation=result.isolation)
            for each in said["sizes"]:
                samples[each["size"]] += each["rounds"]
                inputs[each["size"]] = each["inputs"]
            measured = [_judged(size, blocks, options, inputs[size]) for size, blocks in samples.items()]
            open_sizes = [each.size for each in measured if each.decision == "undecided"]
            if not open_sizes or any(each.decision == "failed" for each in measured):
                break
        return replace(_verdict(measured, options), seconds=seconds, isolation=isolation)


def _command(options: Options, candidate: Candidate, sizes: Sequence[int], seconds: float, key: bytes) -> Command:
    """The one process that measures; it starts the measured ones."""
    left = answer_files(candidate)
    changed = {path: text for path in candidate.changes.files if (text := left.get(path)) is not None}
    job: dict[str, object] = {
        "key": key.hex(),
        "changed": sorted(changed),
        "deleted": sorted(path for path in candidate.changes.files if left.get(path) is None),
        "sizes": list(sizes),
        "seconds": seconds,
        "most_rounds": _MOST_ROUNDS,
    }
    if options.command:
        job["command"] = list(options.command)
    else:
        job |= {"module": options.module, "call": options.call, "setup": options.setup}
    runner = f"{_ROOM}.runner"
    return Command(
        argv=started(options.interpreter or sys.executable, runner, "{report}", "{workspace}", "{trusted}/answer"),
        stdin=json.dumps(job).encode(),
        workspace=candidate.brief.workspace,
        files=base_files(candidate.brief),
        trusted={
            **programs([*_NEEDED, *(f"{_ROOM}.{name}" for name in _PROGRAMS)]),
            **{f"answer/{path}": text for path, text in changed.items()},
        },
        report=True,
        limits=Limits(wall=6 * seconds + 30),
    )


def _read(result: RunResult, key: bytes) -> dict[str, Any]:
    """What was measured; nothing that was not written under the key."""
    try:
        said = json.loads(signed(result.report, key) or b"null")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _wrong(said: Mapping[str, Any], command: Command, result: RunResult) -> Verdict | None:
    """The verdict where nothing could be compared, or None."""
    name, evidence = "benchmark", run_evidence(command, result)
    wrong, size, why = said.get("wrong"), said.get("size"), str(said.get("why", ""))
    if not said:
        return broke(name, f"The measurement gave no result: {tail(result)[-500:]}", evidence=evidence)
    if wrong == "base":
        hint = "Correct the benchmark's setup and call."
        return broke(name, f"The base itself {why} (size {size}).", hint, evidence=evidence)
    if wrong == "answer":
        return failed(name, feedback=f"On the benchmark (size {size}) the code {why}", evidence=evidence)
    told = f"before the change: {said.get('base')}\nafter it:          {said.get('answer')}"
    if wrong == "output":
        return failed(
            name, feedback=f"On the benchmark (size {size}) the result is another one.\n{told}", evidence=evidence
        )
    if wrong in _OPEN:
        why, hint = _OPEN[wrong]
        seen = why.format(size=size, told=told.replace("\n", "; "), why=said.get("why", ""))
        return skipped(name, seen, hint, evidence=evidence)
    return None


_PLAIN = "Let the call take and give plain values (numbers, texts, lists, dicts, ...)."
_OPEN = {
    "unknown": ("At size {size} the results cannot be compared by value: {told}.", _PLAIN),
    "varied": (
        "At size {size} the results are the same for the benchmark's own input and differ for others: {told}.",
        "See whether the answer is made for this input; or let the call use i, so that you say how inputs vary.",
    ),
    "raised": (
        "At size {size} the code does not take inputs like the benchmark's own, which the base takes; it {why}.",
        "See whether the answer is made for this input; or let the call use i, so that you say how inputs vary.",
    ),
    "short": (
        "At size {size} one call is too short to be timed alone, and its inputs cannot be varied.",
        f"{_PLAIN} Or give a larger size, or let the call use i.",
    ),
}
"""What leaves it open, and what can be done about it."""


def _rounds(blocks: Sequence[Mapping[str, Any]]) -> tuple[list[Round], str]:
    """The rounds by the better clock, and its name.

    CPU time hardly feels other work on the machine, but says nothing of a process that waits for something else
    (a sleep, a disk, a thread, a child); then, or where the kernel does not tell, it is wall time.
    """
    each_block = [block for blocks_of in blocks for side in ("base", "answer") for block in blocks_of[side]]
    clock = (
        "cpu" if all(0 <= block["waits"] <= _FEW_WAITS and block["cpu"] > 0 for block in each_block) else "wall"
    )
    rounds = [
        Round(
            base=(of["base"][0][clock], of["base"][1][clock]),
            answer=(of["answer"][0][clock], of["answer"][1][clock]),
        )
        for of in blocks
    ]
    return rounds, clock


def _judged(size: int, blocks: Sequence[Mapping[str, object]], options: Options, inputs: str) -> _Measured:
    rounds, clock = _rounds(blocks)
    found = estimate(rounds)
    decision = decide(found, tolerance=options.tolerance, faster_than=options.faster_than)
    return _Measured(size=size, decision=decision, found=found, clock=clock, inputs=inputs)


def _verdict(measured: Sequence[_Measured], options: Options) -> Verdict:
    evidence = {"sizes": [_figures(each) for each in measured], "tolerance": options.tolerance}
    if options.faster_than is not None:
        evidence["faster_than"] = options.faster_than
    slow = [each for each in measured if each.decision == "failed"]
    if slow:
        told = "\n".join(_told(each, options) for each in slow)
        return failed("benchmark", feedback=told, confidence=0.95, evidence=evidence)
    open_ones = [each for each in measured if each.decision == "undecided"]
    if open_ones:
        why = "The timings do not decide: " + "; ".join(_uncertain(each) for each in open_ones) + "."
        return skipped(
            "benchmark", why, "Measure longer (budget_seconds), or on a quieter machine.", evidence=evidence
        )
    return passed("benchmark", confidence=0.95, evidence=evidence)


def _figures(each: _Measured) -> dict[str, object]:
    found = each.found
    return {
        "size": each.size,
        "decision": each.decision,
        "ratio": round(found.ratio, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "noise": round(found.noise, 4),
        "rounds": found.rounds,
        "clock": each.clock,
        "inputs": each.inputs,
    }


def _told(each: _Measured, options: Options) -> str:
    found = each.found
    times = f"takes {found.ratio:.2f} times as long as before (95 % interval {found.low:.2f} to {found.high:.2f})"
    if options.faster_than is None:
        return f"At size {each.size} the code {times}; at most {1 + options.tolerance:.2f} is allowed."
    return f"At size {each.size} the code {times}; it must be {options.faster_than:g} times faster."


def _uncertain(each: _Measured) -> str:
    found = each.found
    return (
        f"size {each.size}: ratio {found.ratio:.2f}, interval {found.low:.2f} to {found.high:.2f}, "
        f"base against itself off by {found.noise:.1%}, {found.rounds} rounds"
    )
