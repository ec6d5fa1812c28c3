"""The compile validator: does the answer bring errors that the project's own checker did not see before?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from escalator.languages.faults import bounded
from escalator.records import Command, Limits, Verdict
from escalator.steps import run
from escalator.validators.compile.output import Problem, new_problems, read_problems
from escalator.validators.compile.settings import steering_files
from escalator.validators.compile.suppressions import without_new
from escalator.validators.compile.tools import Missing, Tool, finder, tools_for
from escalator.validators.project import base_text
from escalator.validators.protocol import broke, failed, passed, skipped, unavailable
from escalator.validators.runs import answer_files, base_files, ending, run_evidence, tail
from escalator.validators.syntax.readers import TooHeavyError, read_python

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.records import Brief, Candidate, RunResult
    from escalator.validators.protocol import Validator

_SHOWN = 10
_SURE = 0.9
"""How sure a pass is: what compiles and has the right types may still do the wrong thing."""

_CODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_MISSING_PACKAGE = frozenset(
    {
        "import-not-found",
        "import-untyped",
        "reportMissingImports",
        "reportMissingModuleSource",
        "unresolved-import",
    }
    | {"missing-import", "import-error", "TS2307", "TS7016"}
)
_TOOLS = frozenset(
    {"mypy", "pyright", "basedpyright", "ty", "pyrefly", "ruff", "ruff-fatal", "tsc", "go", "cargo", "javac"}
    | {"gcc", "g++", "bash"}
)


def compile_check(*, tool: str | None = None, timeout: float = 60.0) -> Validator:
    """Judge by the project's own compiler or type checker, run in the sandbox on the base and on the answer.

    The tool is found in the base revision: a type checker and ruff as configured in pyproject.toml and the like
    (without any, ruff's rules for Python that cannot run), tsconfig.json, go.mod, Cargo.toml, else javac, gcc, g++
    or `bash -n` for files of their languages. Maven and Gradle are only suggested. An error counts if the base
    did not have it: same file, rule and message, wherever the line moved to. Imports of packages that are not
    installed here are not counted. Settings an answer changes are judged as they were before, and what tells a
    tool to look away (`# noqa`, `# type: ignore`, `@ts-ignore`, `#[allow]`, `#pragma GCC diagnostic` and the like)
    counts only where the base had it. A pass has confidence 0.9: what compiles may still do the wrong thing.

    `tool`: use this one, whatever the project says. `timeout`: seconds for each run.
    """
    if tool is not None and tool not in _TOOLS:
        raise ValueError(f"tool: {tool!r} is not one of {', '.join(sorted(_TOOLS))}")
    return _Compile(tool=tool, timeout=timeout)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Judged:
    """What one tool found: new errors, or why it decided nothing."""

    tool: Tool
    result: RunResult
    new: tuple[Problem, ...] = ()
    old: int = 0
    trouble: str = ""
    not_counted: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Compile:
    tool: str | None
    timeout: float
    name: ClassVar[str] = "compile"
    version: ClassVar[str] = "2"
    cost: ClassVar[str] = "process"

    def unavailable(self, brief: Brief) -> str | None:
        """Which tool the task's files need that is not here, or None."""
        tools = tools_for(brief, list(brief.files), only=self.tool, find=finder(brief))
        missing = [each for each in tools if isinstance(each, Missing) and each.name != "ruff-fatal"]
        return f"{missing[0].why} {missing[0].hint}" if missing else None

    def __call__(self, candidate: Candidate) -> Flow[Verdict]:
        brief = candidate.brief
        changed = [
            path
            for path, text in candidate.changes.files.items()
            if text != brief.files.get(path) and path not in brief.tests
        ]
        tools = tools_for(brief, changed, only=self.tool, find=finder(brief))
        present = [each for each in tools if isinstance(each, Tool) and each.files]
        missing = [each for each in tools if isinstance(each, Missing)]
        broken = _uncompilable(candidate)
        if broken:
            return failed(self.name, feedback=bounded(broken), evidence={"tools": ["compile"]})
        judged: list[_Judged] = []
        for each in present:
            found = yield from self._run(each, candidate)
            judged.append(found)
        return _verdict(judged, missing, compiled=any(path.endswith((".py", ".pyi")) for path in changed))

    def _run(self, tool: Tool, candidate: Candidate) -> Flow[_Judged]:
        """Run a tool on the answer and, if it complains, on the base."""
        brief = candidate.brief
        files = _checked_files(tool, candidate)
        after = yield from run(self._command(tool, brief, files), validator=self.name)
        known = {*brief.files, *candidate.changes.files}
        found = read_problems(tool.form, _output(after), known)
        if _crashed(after) or (after.exit_status and not found):
            trouble = f"{tool.name} {ending(after, self.timeout)}: {tail(after)[-400:]}"
            return _Judged(tool=tool, result=after, trouble=trouble)
        if not found:
            return _Judged(tool=tool, result=after)
        before = yield from run(self._command(tool, brief, base_files(brief)), validator=self.name)
        if _crashed(before):
            trouble = f"On the base, {tool.name} {ending(before, self.timeout)}."
            return _Judged(tool=tool, result=after, trouble=trouble)
        old = read_problems(tool.form, _output(before), known)
        fresh = new_problems(old, found, frozenset(candidate.changes.files))
        foreign = (
            () if tool.knows_packages else tuple(problem for problem in fresh if _is_missing_package(problem))
        )
        new = tuple(problem for problem in fresh if problem not in foreign)
        return _Judged(tool=tool, result=after, new=new, old=len(old), not_counted=foreign)

    def _command(self, tool: Tool, brief: Brief, files: Mapping[str, str | None]) -> Command:
        there = [path for path in tool.files if files.get(path) is not None]
        return Command(
            argv=(*tool.argv, *there) if tool.takes_files else tool.argv,
            workspace=brief.workspace,
            files=files,
            writable=tool.writable,
            readable=tool.readable,
            env=tool.env,
            limits=Limits(wall=self.timeout, memory=None),
        )


def _uncompilable(candidate: Candidate) -> list[str]:
    """Changed Python files that do not even compile; what this process cannot try is left to the tools."""
    broken = []
    for path, text in candidate.changes.files.items():
        if text is None or not path.endswith((".py", ".pyi")):
            continue
        coding = _foreign_coding(text)
        if coding and coding != _foreign_coding(base_text(candidate.brief, path) or ""):
            broken.append(f"{path}:1:1: says that it is written in {coding}, but it is in UTF-8; take that out")
            continue
        try:
            fault = read_python(text, path)
        except TooHeavyError:
            continue
        if fault is not None:
            broken.append(f"{path}:{fault.line}:{fault.column}: {fault.message}")
    return broken


def _foreign_coding(text: str) -> str:
    """The encoding a Python file declares, empty for UTF-8: under another, tools read other code than people."""
    found = next(filter(None, map(_CODING.match, text.split("\n", 2)[:2])), None)
    coding = found[1].lower().replace("_", "-") if found else ""
    return "" if coding in {"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii"} else coding


def _checked_files(tool: Tool, candidate: Candidate) -> dict[str, str | None]:
    """The project as the answer leaves it, but under the base's settings and with no new word to look away."""
    brief = candidate.brief
    files = answer_files(candidate, keep=steering_files(brief))
    after = {
        path: text
        for path, text in candidate.changes.files.items()
        if text is not None and files.get(path) == text and text != brief.files.get(path)
    }
    before = {path: old for path in candidate.changes.files if (old := base_text(brief, path)) is not None}
    return {**files, **without_new(tool.name, before, after)}


def _output(result: RunResult) -> str:
    return f"{result.stdout}\n{result.stderr}"


def _crashed(result: RunResult) -> bool:
    return bool(result.killed) or result.exit_status is None or result.exit_status < 0 or result.exit_status > 125


def _is_missing_package(problem: Problem) -> bool:
    return problem.rule in _MISSING_PACKAGE or problem.message.endswith("No such file or directory")


def _verdict(judged: Sequence[_Judged], missing: Sequence[Missing], *, compiled: bool) -> Verdict:
    evidence: dict[str, object] = {
        "tools": [*(("compile",) if compiled else ()), *(each.tool.name for each in judged)],
        "runs": [_run_evidence(each) for each in judged],
        "missing": [each.name for each in missing],
    }
    isolation = judged[0].result.isolation if judged else None
    seconds = sum(each.result.seconds for each in judged)
    verdict = _decided(judged, missing, compiled=compiled)
    return replace(verdict, evidence={**verdict.evidence, **evidence}, isolation=isolation, seconds=seconds)


def _decided(judged: Sequence[_Judged], missing: Sequence[Missing], *, compiled: bool) -> Verdict:
    name = "compile"
    told = [_told(each) for each in judged if each.new]
    if told:
        return failed(name, feedback=bounded(told))
    if (troubled := next((each for each in judged if each.trouble), None)) is not None:
        return broke(name, troubled.trouble, f"Try {troubled.tool.name} by hand on the project.")
    wanted = [each for each in missing if each.name != "ruff-fatal"]
    if wanted:
        return unavailable(name, wanted[0].why, wanted[0].hint)
    foreign = [problem for each in judged for problem in each.not_counted]
    if foreign:
        return unavailable(
            name,
            f"The answer uses what is not installed here: {foreign[0].told()}.",
            "Install the project's packages in its .venv or node_modules, so that they can be checked.",
        )
    if judged or compiled:
        return passed(name, confidence=_SURE)
    return skipped(name, "No compiler or type checker judges the changed files.", "Use the command validator.")


def _told(each: _Judged) -> str:
    lines = [problem.told() for problem in each.new[:_SHOWN]]
    if len(each.new) > _SHOWN:
        lines.append(f"... and {len(each.new) - _SHOWN} more.")
    return "\n".join([f"{each.tool.name} finds errors that were not there before:", *lines])


def _run_evidence(each: _Judged) -> dict[str, object]:
    command = Command(argv=each.tool.argv)
    return {
        "tool": each.tool.name,
        **run_evidence(command, each.result),
        "new": len(each.new),
        "old": each.old,
        "not_counted": len(each.not_counted),
    }
