"""The benchmark validator: is the answer not slower than the base, or as much faster as was asked for?"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from escalator.errors import ValidatorError
from escalator.records import Command, Limits, Verdict
from escalator.steps import run
from escalator.validators.benchmark.stats import Decision, Estimate, Round, decide, estimate
from escalator.validators.protocol import broke, failed, passed, skipped
from escalator.validators.runs import answer_files, base_files, run_evidence, tail

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.records import Brief, Candidate, Isolation, RunResult
    from escalator.validators.protocol import Validator

_FIRST_SHARE = 0.4
_MOST_ROUNDS = 100
_FEW_WAITS = 5


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
    is the size. `sizes`: give two or more, so that a cached or special-cased answer shows. `tolerance`: how much
    slower is still "not slower". `faster_than`: demand that many times the speed of the base (a tenth is
    granted). `budget_seconds`: how long to measure at most. `interpreter`: path of the project's Python.

    The options may also come from the task's `benchmark`, which wins:
    {"module": "textutils", "call": "slugify(text)", "setup": "text = 'Ab c' * n", "sizes": [100, 10000]}

    Outputs are compared first; a difference fails. Each block of calls is a process of its own, timed from
    outside it, in the order base, answer, answer, base. The 95 % interval of the ratio of times decides; while it
    holds the limit, or the base differs from itself by more than half the tolerance, nothing is decided.
    """
    options = _Options(
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
    _check(options, complete=False)
    return _Benchmark(options=options)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Options:
    module: str | None
    call: str | None
    setup: str
    command: tuple[str, ...] | None
    sizes: tuple[int, ...]
    tolerance: float
    faster_than: float | None
    budget_seconds: float
    interpreter: str | None

    def overlaid(self, given: Mapping[str, Any] | None) -> _Options:
        """These options with those of a task laid over them. Raises `ValidatorError` for unknown or bad ones."""
        given = dict(given or {})
        known = {each.name for each in fields(self)}
        if unknown := sorted(set(given) - known):
            raise ValidatorError(
                f"The task's benchmark has no option {unknown[0]!r}; known are {', '.join(sorted(known))}.",
                validator="benchmark",
            )
        for key in ("sizes", "command"):
            if given.get(key) is not None:
                given[key] = tuple(given[key])
        options = replace(self, **given)
        try:
            _check(options, complete=True)
        except ValueError as error:
            raise ValidatorError(f"The benchmark cannot be run: {error}", validator="benchmark") from error
        return options


def _check(options: _Options, *, complete: bool) -> None:
    if complete and not options.command and not (options.module and options.call):
        raise ValueError("give module and call, or command")
    if options.command and options.call:
        raise ValueError("give either call or command, not both")
    if not options.sizes or any(size < 0 for size in options.sizes):
        raise ValueError("sizes: give one or more sizes from 0 upward")
    if not 0 < options.tolerance < 10:
        raise ValueError("tolerance: give a fraction such as 0.10")
    if options.faster_than is not None and options.faster_than <= 0:
        raise ValueError("faster_than: give a factor such as 2")
    if not 1 <= options.budget_seconds <= 3600:
        raise ValueError("budget_seconds: give 1 to 3600 seconds")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """What one size came to."""

    size: int
    decision: Decision
    found: Estimate
    clock: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Benchmark:
    options: _Options
    name: ClassVar[str] = "benchmark"
    cost: ClassVar[str] = "process"

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
        open_sizes, seconds = list(options.sizes), 0.0
        measured: list[_Measured] = []
        isolation: Isolation | None = None
        for share in (_FIRST_SHARE, 1 - _FIRST_SHARE):
            command = _command(options, candidate, open_sizes, options.budget_seconds * share)
            result = yield from run(command, validator=self.name)
            seconds, isolation = seconds + result.seconds, result.isolation
            said = _read(result)
            if (wrong := _wrong(said, command, result)) is not None:
                return replace(wrong, seconds=seconds, isolation=result.isolation)
            for each in said["sizes"]:
                samples[each["size"]] += each["rounds"]
            measured = [_judged(size, blocks, options) for size, blocks in samples.items()]
            open_sizes = [each.size for each in measured if each.decision == "undecided"]
            if not open_sizes or any(each.decision == "failed" for each in measured):
                break
        return replace(_verdict(measured, options), seconds=seconds, isolation=isolation)


def _command(options: _Options, candidate: Candidate, sizes: Sequence[int], seconds: float) -> Command:
    """The one process that measures; it starts the measured ones."""
    left = answer_files(candidate)
    changed = {path: text for path in candidate.changes.files if (text := left.get(path)) is not None}
    job: dict[str, object] = {
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
    runner = (Path(__file__).parent / "runner.py").read_text(encoding="utf-8")
    return Command(
        argv=(
            options.interpreter or sys.executable,
            *("-I", "-B", "{trusted}/benchmark_runner.py"),
            *("measure", "{report}", "{workspace}", "{trusted}/answer"),
        ),
        stdin=json.dumps(job).encode(),
        workspace=candidate.brief.workspace,
        files=base_files(candidate.brief),
        trusted={"benchmark_runner.py": runner, **{f"answer/{path}": text for path, text in changed.items()}},
        report=True,
        limits=Limits(wall=6 * seconds + 30),
    )


def _read(result: RunResult) -> dict[str, Any]:
    try:
        said = json.loads(result.report)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _wrong(said: Mapping[str, Any], command: Command, result: RunResult) -> Verdict | None:
    """The verdict where nothing could be compared, or None."""
    name, evidence = "benchmark", run_evidence(command, result)
    stopped = [each for each in said.get("sizes", ()) if "stopped" in each]
    wrong, size, why = said.get("wrong"), said.get("size"), str(said.get("why", ""))
    if stopped:
        wrong, size, why = stopped[0]["stopped"], stopped[0]["size"], stopped[0]["why"]
    if not said:
        return broke(name, f"The measurement gave no result: {tail(result)[-500:]}", evidence=evidence)
    if wrong == "base":
        return broke(
            name,
            f"The base itself {why} (size {size}).",
            "Correct the benchmark's setup and call.",
            evidence=evidence,
        )
    if wrong == "answer":
        return failed(name, feedback=f"On the benchmark (size {size}) the code {why}", evidence=evidence)
    if wrong == "output":
        told = f"before the change: {said['base']}\nafter it:          {said['answer']}"
        return failed(
            name, feedback=f"On the benchmark (size {size}) the result is another one.\n{told}", evidence=evidence
        )
    return None


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


def _judged(size: int, blocks: Sequence[Mapping[str, object]], options: _Options) -> _Measured:
    rounds, clock = _rounds(blocks)
    found = estimate(rounds)
    decision = decide(found, tolerance=options.tolerance, faster_than=options.faster_than)
    return _Measured(size=size, decision=decision, found=found, clock=clock)


def _verdict(measured: Sequence[_Measured], options: _Options) -> Verdict:
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
    }


def _told(each: _Measured, options: _Options) -> str:
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
