"""The test validator: trusted tests of any language decide, each run by its own runner under one set of rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, get_args

from escalator.flow import Flow
from escalator.records import Brief, Candidate, Verdict
from escalator.validators.build_files import changed_by_right, steering
from escalator.validators.protocol import failed, skipped, unavailable
from escalator.validators.recent import Recent, key_of
from escalator.validators.reports import Format
from escalator.validators.runs import answer_files, base_files
from escalator.validators.shadows import shadows
from escalator.validators.stacks.choose import RUNNERS, Chosen, Runner, chosen
from escalator.validators.stacks.hearing import Hearing, Laid, foreseen
from escalator.validators.stacks.javascript import imported_place
from escalator.validators.stacks.joining import joined
from escalator.validators.stacks.session import Case, run_tests
from escalator.validators.stacks.stack import Bounds, Lack, Stack, Twin
from escalator.validators.stacks.stated import Stated
from escalator.validators.tests.layout import python_tests
from escalator.validators.tests.rerun import NAME, SecondRun
from escalator.validators.tests.suite import PytestSuite, pytest_suite

_MOST_BASES = 32
_NO_TESTS = "No tests that a runner known here can run were given."


def _with_options_of(other: Callable[..., object]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A factory that also takes, and shows, the options of another."""

    def widened(factory: Callable[..., Any]) -> Callable[..., Any]:
        own = inspect.signature(factory)
        named = [each for each in own.parameters.values() if each.kind is each.KEYWORD_ONLY]
        both = [*named, *inspect.signature(other).parameters.values()]
        factory.__signature__ = own.replace(parameters=both)  # type: ignore[attr-defined]
        return factory

    return widened


@_with_options_of(pytest_suite)
def any_tests(
    *,
    runner: Runner | None = None,
    command: str | None = None,
    format: Format | None = None,  # noqa: A002  the word of the matrix
    artefact: str | None = None,
    **pytest: Any,
) -> AnyTests:
    """Judge by the task's own tests: in Python by pytest, in other languages by their own runners.

    Who runs a test is told by the file and the project: pytest for Python, `node --test`, vitest or jest for
    JavaScript and TypeScript, `go test` for files named *_test.go, `cargo test` for files in a crate's folder
    tests. `runner`: one of pytest, node, vitest, jest, go, cargo, which then runs what it can and nothing else
    does. `command`: a text for `sh -c` that runs the tests instead; `format` says how it reports them (junit, tap,
    go-json, jest-json, libtest), to "{report}" where the command holds that, else to the file `artefact`, else
    to standard output.

    The other options are those of `pytest`, below. For other runners too hold `timeout`, `expected`,
    `rerun_flaky`, `base_run`, `sentinels`, `writable` and `memory_mib`.
    """
    if runner is not None and runner not in RUNNERS:
        raise ValueError(f"runner is {runner!r}; give one of {', '.join(RUNNERS)}")
    if format is not None and format not in get_args(Format):
        raise ValueError(f"format is {format!r}; give one of {', '.join(get_args(Format))}")
    if (command is None) != (format is None) or (command is None and runner == "command"):
        raise ValueError("command and format go together: only a report tells which tests ran")
    if artefact is not None and command is None:
        raise ValueError("artefact: needs a command that writes it")
    expected: Sequence[str] | None = pytest.get("expected")
    suite = pytest_suite(**pytest)
    if suite.expected is not None:
        suite = replace(suite, expected=tuple(test for test in suite.expected if _of_python(test)))
    return AnyTests(
        pytest=suite,
        runner=runner,
        stated=None if command is None or format is None else Stated(run=command, form=format, artefact=artefact),
        expected=None if expected is None else tuple(test for test in expected if not _of_python(test)),
    )


@dataclass(frozen=True, kw_only=True)
class AnyTests:
    """Runs trusted tests against an answer; made by `any_tests`, which explains the options."""

    pytest: PytestSuite
    runner: str | None
    stated: Stated | None
    expected: tuple[str, ...] | None
    _cases: Recent[Case] = field(default_factory=lambda: Recent(_MOST_BASES), repr=False, compare=False)

    name = NAME
    version = "2"
    cost = "process"

    @property
    def timeout(self) -> float:
        """Seconds for one run of all tests, whoever runs them."""
        return self.pytest.timeout

    def inapplicable(self, brief: Brief) -> str | None:
        """Why there is nothing to judge by: the task has no tests that anybody here can run."""
        return None if self._takes_python(brief) or self._chosen(brief) else _NO_TESTS

    def unavailable(self, brief: Brief) -> str | None:
        """Why the tests cannot be run here: an interpreter, a runner or a tool chain is missing."""
        if self._takes_python(brief) and (why := self.pytest.unavailable(brief)):
            return why
        lacks = (_lack(brief, each) for each in self._chosen(brief))
        return next((f"{lack.why} {lack.mend}" for lack in lacks if lack is not None), None)

    def prepare(self, brief: Brief) -> Flow[None]:
        """Run the tests on the untouched project, which needs no answer."""
        if self._takes_python(brief):
            yield from self.pytest.prepare(brief)
        for each in self._chosen(brief):
            if each.stack is not None and _lack(brief, each) is None:
                yield from self._prepare(brief, each, each.stack)

    def foresees(self, brief: Brief) -> Verdict | None:
        """The verdict that every answer would get, where the run on the untouched project shows it."""
        if self._takes_python(brief) and (verdict := self.pytest.foresees(brief)) is not None:
            return verdict
        cases = (
            self._cases.get(key_of(brief, each.stack.name, each.share.root))
            for each in self._chosen(brief)
            if each.stack
        )
        return next((verdict for case in cases if case and (verdict := foreseen(case)) is not None), None)

    def __call__(self, candidate: Candidate) -> Flow[Verdict]:
        """Let each runner judge by the tests that are its own; what one of them finds wrong is wrong."""
        brief, verdicts = candidate.brief, list[tuple[str, Verdict]]()
        if self._takes_python(brief):
            verdict = self.pytest(candidate)
            verdicts.append(("pytest", verdict if isinstance(verdict, Verdict) else (yield from verdict)))
        for each in self._chosen(brief):
            lack = _lack(brief, each)
            if lack is not None or each.stack is None:
                why, mend = (lack.why, lack.mend) if lack is not None else (_NO_TESTS, "")
                verdicts.append(("", unavailable(NAME, why, mend)))
            else:
                verdicts.append((each.stack.name, (yield from self._judge(candidate, each, each.stack))))
        if not verdicts:
            return skipped(
                NAME, _NO_TESTS, "Pass tests=[...] with the task, or take the validator out of the list."
            )
        return joined(verdicts)

    def _takes_python(self, brief: Brief) -> bool:
        return self.stated is None and self.runner in {None, "pytest"} and bool(python_tests(brief))

    def _chosen(self, brief: Brief) -> tuple[Chosen, ...]:
        return chosen(brief, self.runner, self.stated)

    def _judge(self, candidate: Candidate, each: Chosen, stack: Stack) -> Flow[Verdict]:
        """Run the tests on the untouched project (once a task) and on the answer, and compare."""
        brief = candidate.brief
        case = yield from self._prepare(brief, each, stack)
        taken = shadows(candidate)
        if taken:
            return failed(NAME, feedback=taken[0])
        files, laid = _laid_over(candidate, case)
        session = yield from run_tests(case, files)
        hearing = Hearing(case, session, expected=self.expected, laid=laid)
        again = None
        if self.pytest.rerun_flaky and hearing.worth_a_second_run:
            again = yield from _run_again(hearing, files)
        twin = stack.twin(case.share) if self.pytest.sentinels != "never" else Twin()
        if twin.ids and hearing.would_pass(again):
            other = yield from run_tests(case, files, texts=twin.texts)
            return hearing.verdict(again, (twin, other))
        return hearing.verdict(again)

    def _prepare(self, brief: Brief, each: Chosen, stack: Stack) -> Flow[Case]:
        """The tests and their run on the untouched project, made once, and again where a deadline cut it short."""
        key = key_of(brief, stack.name, each.share.root)
        known = self._cases.get(key)
        if known is not None:
            return known
        limits = self.pytest
        bounds = Bounds(timeout=limits.timeout, memory=limits.memory_mib, writable=limits.writable)
        case = Case(brief=brief, stack=stack, share=each.share, bounds=bounds)
        if limits.base_run:
            case = replace(case, base=(yield from run_tests(case, base_files(brief))))
        if case.base is None or not case.base.hung or case.base.result.seconds >= bounds.timeout:
            self._cases.put(key, case)
        return case


def _run_again(hearing: Hearing, files: Mapping[str, str | None]) -> Flow[SecondRun]:
    """Run the files of failing tests once more on the answer, and those that now pass once more without it."""
    case, wrong = hearing.case, hearing.wrong
    again = yield from run_tests(case, files, texts=_texts(case, wrong))
    flaky = tuple(test for test in wrong if again.sound and again.passed(test))
    before = {test: case.base.tests[test] for test in flaky if case.base and test in case.base.tests}
    changed: tuple[str, ...] = ()
    if before:
        base = yield from run_tests(case, base_files(case.brief), texts=_texts(case, tuple(before)))
        changed = tuple(test for test, result in before.items() if base.tests.get(test) != result)
    return SecondRun(steady=tuple(test for test in wrong if test not in flaky), flaky=flaky, flaky_before=changed)


def _texts(case: Case, tests: Sequence[str]) -> Mapping[str, str]:
    """The files that these tests stand in, or all where their ids do not tell."""
    names = {test.partition("::")[0] for test in tests}
    found = {path: text for path, text in case.share.tests.items() if path in names}
    return found if set(found) == names else case.share.tests


def _laid_over(candidate: Candidate, case: Case) -> tuple[dict[str, str | None], Laid]:
    """The task's files after the change, with what steers the runner as the base has it; the only file of an
    answer to a task that names none serves as what the tests import.
    """
    brief, stack, changes = candidate.brief, case.stack, candidate.changes.files
    kept = steering(candidate, " ".join(stack.settings))
    files = kept.undone(answer_files(candidate, keep=stack.kept), brief)
    brought = {path for path in changes if "node_modules" in PurePosixPath(path).parts} - set(brief.files)
    files = {path: text for path, text in files.items() if path not in brought}
    notes = tuple(f"change to {path} left out: it is trusted" for path in changes if path in brief.tests)
    if brief.workspace is None and not brief.files and len(changes) == 1:
        ((path, text),) = changes.items()
        place = imported_place(case.share.tests, path)
        if place is not None and place not in brief.tests:
            files[place] = text
            notes += (f"{path} served as {place}",)
    return files, Laid(kept=kept, own=changed_by_right(candidate), notes=notes)


def _lack(brief: Brief, each: Chosen) -> Lack | None:
    return each.lack if each.stack is None else each.stack.lack(brief, each.share)


def _of_python(test: str) -> bool:
    return PurePosixPath(test.partition("::")[0]).suffix == ".py"
