"""The command validator: run any command on the answer in the sandbox and believe its exit status."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, get_args

from escalator.records import Command, Limits, Verdict
from escalator.steps import run as run_step
from escalator.validators.build_files import Steering, changed_by_right, steering
from escalator.validators.protocol import broke, failed, passed, skipped, unavailable
from escalator.validators.reports import Format, Report, ReportError, read_report
from escalator.validators.runs import answer_files, base_files, ending, plain, run_evidence, tail
from escalator.validators.shadows import shadows

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.records import Candidate, RunResult
    from escalator.validators.protocol import Validator

_NOT_STARTED = frozenset({126, 127})
"""What a shell says when the program is missing or may not be run."""

_BY_OWN_RULES = 0.5
"""How sure a pass is where the task lets the answer change what the command reads."""


def command(
    *,
    run: str | Sequence[str],
    timeout: float = 120.0,
    format: Format | None = None,  # noqa: A002  the word of the matrix
    artefact: str | None = None,
    protect: Sequence[str] = (),
    compare: bool = False,
    env: Mapping[str, object] | None = None,
    readable: Sequence[str] = (),
    memory_mb: int | None = 2048,
) -> Validator:
    """Judge by a command: exit status 0 passes, any other fails.

    `run`: a list of arguments, or a text for `sh -c`; it starts in a writable copy of the project as the answer
    leaves it. Tests of the task, protected paths and those matching `protect` (such as "snapshots") are as before
    the answer, and so is what steers the command: build files, settings of tools, existing tests, the scripts it
    names; new ones are left out. Files that the task gives to be changed are the answer's; a pass by build files
    it changed so has confidence 0.5. A new module that would be imported in place of one of the project, of Python
    or of an installed tool fails.

    `timeout`: seconds. `format`: how the tests report, "junit", "tap", "go-json", "jest-json" (vitest's too) or
    "libtest" (cargo's text, both streams in one). The report is read from a private pipe where `run` holds
    "{report}" (a descriptor number, as in "/dev/fd/{report}"), else from the file `artefact` in the project, else
    from standard output. No test in it is inconclusive, a failing one fails whatever the exit status. `compare`:
    run on the base first; a test the base ran must be run again, not skipped. `env`: more variables. `readable`:
    host folders a toolchain needs. `memory_mb`: None for runtimes that reserve more than they use.

    A file or output that the tested code can write can also be forged by it; prefer "{report}".
    """
    if format is not None and format not in get_args(Format):
        raise ValueError(f"format: {format!r} is not one of {', '.join(get_args(Format))}")
    if compare and format is None:
        raise ValueError("compare: needs a format, for only a report tells which tests ran")
    argv = ("sh", "-c", run) if isinstance(run, str) else tuple(str(part) for part in run)
    if not "".join(argv).strip() or (isinstance(run, str) and not run.strip()):
        raise ValueError("run: is empty; give the command that judges the answer")
    template = Command(
        argv=argv,
        writable=True,
        env=plain(env),
        readable=tuple(Path(path) for path in readable),
        report=any("{report}" in part for part in argv),
        artefacts=(artefact,) if artefact else (),
        limits=Limits(wall=timeout, memory=None if memory_mb is None else memory_mb * 1024 * 1024),
    )
    shown = run if isinstance(run, str) else shlex.join(argv)
    return _Command(
        template=template, shown=shown, form=format, artefact=artefact, protect=tuple(protect), compare=compare
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Command:
    template: Command
    shown: str
    form: Format | None
    artefact: str | None
    protect: tuple[str, ...] = field(default=())
    compare: bool = False
    name: ClassVar[str] = "command"
    version: ClassVar[str] = "2"
    cost: ClassVar[str] = "process"

    def __call__(self, candidate: Candidate) -> Flow[Verdict]:
        brief = candidate.brief
        if found := shadows(candidate):
            return failed(self.name, feedback="\n".join(found), evidence={"shadows": found})
        before: Report | None = None
        if self.compare:
            old = replace(self.template, workspace=brief.workspace, files=base_files(brief))
            result = yield from run_step(old, validator=self.name)
            try:
                before = self._report(result)
            except ReportError as error:
                return self._undecided(broke(self.name, f"On the base: {error}"), old, result)
        kept = steering(candidate, self.shown)
        files = kept.undone(answer_files(candidate, keep=self.protect), brief)
        new = replace(self.template, workspace=brief.workspace, files=files)
        result = yield from run_step(new, validator=self.name)
        return _with_steering(self._judge(new, result, before), kept, changed_by_right(candidate))

    def _judge(self, run: Command, result: RunResult, before: Report | None) -> Verdict:
        if result.exit_status in _NOT_STARTED and not result.killed:
            why = f"`{self.shown}` could not be started: {tail(result)[-300:].strip() or 'not found'}."
            return self._undecided(
                unavailable(self.name, why, "Install it, or correct `run` in the matrix."), run, result
            )
        ok = result.exit_status == 0 and not result.killed
        if self.form is None:
            return self._ended(run, result, ok=ok, told="")
        try:
            report = self._report(result)
        except ReportError as error:
            if not ok:
                return self._ended(run, result, ok=False, told="")
            return self._undecided(
                broke(self.name, str(error), f"Check that the command writes {self.form}."), run, result
            )
        if ok and not (report.count("passed") or report.count("failed") or report.problems):
            return self._undecided(skipped(self.name, "The command ran no test."), run, result, report)
        wrong = _wrong(report, before)
        told = "\n".join([*wrong, report.first_failure]).strip()
        return self._ended(run, result, ok=ok and not wrong, told=told, report=report)

    def _report(self, result: RunResult) -> Report:
        if self.form is None:
            return Report()
        if self.template.report:
            text = result.report.decode("utf-8", "replace")
        elif self.artefact is not None:
            text = result.artefacts.get(self.artefact, b"").decode("utf-8", "replace")
        else:
            text = result.stdout
        return read_report(self.form, text)

    def _ended(
        self, run: Command, result: RunResult, *, ok: bool, told: str, report: Report | None = None
    ) -> Verdict:
        evidence = {**run_evidence(run, result), **_counts(report)}
        if ok:
            return passed(self.name, evidence=evidence, seconds=result.seconds, isolation=result.isolation)
        feedback = f"`{self.shown}` {ending(result, run.limits.wall)}.\n{told or tail(result)}".strip()
        return failed(
            self.name, feedback=feedback, evidence=evidence, seconds=result.seconds, isolation=result.isolation
        )

    def _undecided(
        self, verdict: Verdict, run: Command, result: RunResult, report: Report | None = None
    ) -> Verdict:
        evidence = {**verdict.evidence, **run_evidence(run, result), **_counts(report)}
        return replace(verdict, evidence=evidence, seconds=result.seconds, isolation=result.isolation)


def _with_steering(verdict: Verdict, kept: Steering, own: Sequence[str]) -> Verdict:
    """The verdict with what was done to the answer's build files; a pass by rules of its own counts half."""
    evidence = {**verdict.evidence, "put_back": list(kept.put_back), "left_out": list(kept.left_out)}
    if verdict.failed:
        return replace(verdict, evidence=evidence, feedback="\n".join(filter(None, [verdict.feedback, kept.told])))
    if verdict.passed and own:
        why = f"The answer changes {', '.join(own)}, which the command itself reads; look at that change."
        return replace(verdict, evidence=evidence, confidence=_BY_OWN_RULES, hint=why)
    return replace(verdict, evidence=evidence, hint=" ".join(filter(None, [verdict.hint, kept.told])))


def _wrong(report: Report, before: Report | None) -> list[str]:
    """What the report holds against the answer, each as a line."""
    lines = list(report.problems)
    if count := report.count("failed"):
        lines.append(f"{count} of {len(report.tests)} tests failed.")
    if before is None:
        return lines
    gone = [name for name in before.tests if name not in report.tests]
    dodged = [
        name
        for name, result in report.tests.items()
        if result == "skipped" and before.tests.get(name) in {"passed", "failed"}
    ]
    lines += [f"The test {name} ran before the change and is gone now." for name in gone[:5]]
    lines += [f"The test {name} ran before the change and is skipped now." for name in dodged[:5]]
    return lines


def _counts(report: Report | None) -> dict[str, object]:
    if report is None:
        return {}
    return {
        "tests": len(report.tests),
        "tests_passed": report.count("passed"),
        "tests_failed": report.count("failed"),
        "tests_skipped": report.count("skipped"),
    }
