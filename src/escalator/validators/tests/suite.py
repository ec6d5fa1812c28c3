"""The test validator: trusted tests decide, and the answer cannot touch, skip, shadow or outshout them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import Literal

from escalator.flow import Flow
from escalator.records import Brief, Candidate, Verdict
from escalator.remedies import PYTHON, install
from escalator.validators.protocol import failed, skipped, unavailable
from escalator.validators.recent import Recent, key_of
from escalator.validators.shadows import shadows
from escalator.validators.tests.blind import blinded
from escalator.validators.tests.hearing import Case, Hearing
from escalator.validators.tests.lacking import own_modules
from escalator.validators.tests.layout import imported_names, python_tests, read_suite
from escalator.validators.tests.python import find_python
from escalator.validators.tests.rerun import NAME, SecondRun
from escalator.validators.tests.session import MIB, Bench, Session, run_tests
from escalator.validators.tests.suspects import taken_away, unchanged
from escalator.validators.tests.tamper_scan import foreign_encoding, scan
from escalator.validators.tests.twin import plain_of, twin_of

CRITICAL = "critical"
"""The type of task whose tests are always run again with other expected values."""

_TWIN_TIMES = 3.0
"""How much longer than the tests their twin may take: all of it fails, and pytest words every failure."""

_MOST_BASES = 32
_NO_TESTS = "No tests that pytest can run were given."
_NO_PYTEST = "No Python interpreter with pytest was found."


def pytest_suite(
    *,
    timeout: float = 60.0,
    expected: Sequence[str] | None = None,
    trusted_conftest: bool = True,
    plugins: Sequence[str] = (),
    rerun_flaky: bool = True,
    base_run: bool = True,
    scan_answer: bool = True,
    blind: bool = True,
    sentinels: Literal["marked", "always", "never"] = "marked",
    writable: bool = False,
    python: str | None = None,
    pythonpath: Sequence[str] = (),
    memory_mib: int | None = 2048,
) -> PytestSuite:
    """Judge by the task's own pytest (or unittest) tests.

    `timeout`: seconds for one run of all tests. `expected`: test ids that must pass, where the untouched project
    cannot tell. `trusted_conftest`: use the project's conftest.py files, as they were before the answer.
    `plugins`: pytest plug-ins to load, by module or entry point name; no others are, but for well-known ones the
    tests visibly use. `rerun_flaky`: run failing tests once more before they count. `base_run`: run the tests once
    a task on the untouched project. `scan_answer`: mark passing answers that look written to fool the judge.
    `blind`: compare what the answer computed where none of its code runs, for every assertion that allows it.
    `sentinels`: run passing tests again with other expected values, of which every one must fail: "always",
    "never", or where the answer is "marked" or the task critical; tests that were compared blind need none.
    `writable`: let tests write into their copy of the project. `python`: the interpreter, where it is neither the
    project's virtual environment nor escalator's own. `pythonpath`: more folders to import from. `memory_mib`:
    None for no limit.
    """
    if timeout <= 0:
        raise ValueError(f"timeout is {timeout}; give seconds above 0")
    for option, value in (("expected", expected), ("plugins", plugins), ("pythonpath", pythonpath)):
        if isinstance(value, str):
            raise ValueError(f"{option} is a single text; give a list")  # noqa: TRY004  one kind of error for options
    if sentinels not in ("marked", "always", "never"):
        raise ValueError(f"sentinels is {sentinels!r}; give marked, always or never")
    return PytestSuite(
        timeout=float(timeout),
        expected=None if expected is None else tuple(expected),
        trusted_conftest=trusted_conftest,
        plugins=tuple(plugins),
        rerun_flaky=rerun_flaky,
        base_run=base_run,
        scan_answer=scan_answer,
        blind=blind,
        sentinels=sentinels,
        writable=writable,
        python=python,
        pythonpath=tuple(pythonpath),
        memory_mib=memory_mib,
    )


@dataclass(frozen=True, kw_only=True)
class PytestSuite:
    """Runs trusted tests against an answer; made by `pytest_suite`, which explains the options."""

    timeout: float
    expected: tuple[str, ...] | None
    trusted_conftest: bool
    plugins: tuple[str, ...]
    rerun_flaky: bool
    base_run: bool
    scan_answer: bool
    blind: bool
    sentinels: str
    writable: bool
    python: str | None
    pythonpath: tuple[str, ...]
    memory_mib: int | None
    _cases: Recent[Case] = field(default_factory=lambda: Recent(_MOST_BASES), repr=False, compare=False)

    name = NAME
    version = "2"
    cost = "process"

    def inapplicable(self, brief: Brief) -> str | None:
        """Why there is nothing to judge by: the task has no Python tests."""
        return None if python_tests(brief) else _NO_TESTS

    def unavailable(self, brief: Brief) -> str | None:
        """Why the tests cannot be run here: no interpreter has pytest."""
        if not python_tests(brief) or find_python(brief.workspace, self.python):
            return None
        return " ".join(self._no_python())

    def _no_python(self) -> tuple[str, str]:
        """Why no interpreter can run the tests, and the line that mends it."""
        if self.python is not None:
            return f"There is no interpreter {self.python}, which the option python names.", PYTHON
        return _NO_PYTEST, install("pytest")

    def prepare(self, brief: Brief) -> Flow[None]:
        """Run the tests on the untouched project, which needs no answer."""
        interpreter = find_python(brief.workspace, self.python) if python_tests(brief) else None
        if interpreter is not None:
            yield from self._prepare(brief, interpreter)

    def foresees(self, brief: Brief) -> Verdict | None:
        """The verdict that every answer would get, where the run on the untouched project shows it."""
        from escalator.validators.tests.foresight import foreseen

        interpreter = find_python(brief.workspace, self.python)
        case = None if interpreter is None else self._cases.get(key_of(brief, interpreter))
        return None if case is None else foreseen(case, brief)

    def __call__(self, candidate: Candidate) -> Flow[Verdict]:
        """Run the tests on the untouched project (once a task) and on the answer, and compare."""
        brief = candidate.brief
        if not python_tests(brief):
            return skipped(
                NAME, _NO_TESTS, "Pass tests=[...] with the task, or take the validator out of the list."
            )
        interpreter = find_python(brief.workspace, self.python)
        if interpreter is None:
            return unavailable(NAME, *self._no_python())
        case = yield from self._prepare(brief, interpreter)
        refused = _refused(candidate, case.bench)
        if refused:
            return failed(NAME, feedback=refused)
        files, notes = _laid_over(candidate, case.bench)
        session = yield from run_tests(case.bench, files, workspace=brief.workspace)
        session = yield from _decided(case.bench, session, files, brief)
        hearing = Hearing(candidate, case, session, expected=self.expected, notes=notes)
        again = None
        if self.rerun_flaky and hearing.worth_a_second_run:
            again = yield from self._run_again(hearing, files)
        marks = scan(candidate, case.bench.suite.hashes) if self.scan_answer else ()
        grave = candidate.task_type == CRITICAL or bool(marks) or bool(session.compared.undecided)
        doubted = self.sentinels == "always" or (self.sentinels == "marked" and grave)
        if doubted and hearing.would_pass(again):
            twin = yield from _twin_run(hearing, files)
            return hearing.verdict(marks, again, twin)
        verdict = hearing.verdict(marks, again)
        return (yield from _with_suspects(hearing, verdict)) if verdict.failed else verdict

    def _prepare(self, brief: Brief, interpreter: str) -> Flow[Case]:
        """The task's tests and their run on the untouched project, made once. A run that a deadline cut short, so
        that it got less than its time, says nothing of the project and is made again.
        """
        key = key_of(brief, interpreter)
        known = self._cases.get(key)
        if known is not None:
            return known
        bench = Bench(
            suite=read_suite(brief, conftest=self.trusted_conftest, pythonpath=self.pythonpath),
            python=interpreter,
            timeout=self.timeout,
            memory=None if self.memory_mib is None else self.memory_mib * MIB,
            writable=self.writable,
            conftest=self.trusted_conftest,
            plugins=self.plugins,
        )
        if self.blind:
            bench = replace(bench, form=blinded(bench.suite.hideable, documented=bench.suite.documented))
        base = None
        if self.base_run:
            base = yield from run_tests(bench, dict(brief.files), workspace=brief.workspace)
            base = yield from _decided(bench, base, dict(brief.files), brief)
        case = Case(bench=bench, base=base)
        if base is None or not base.cut_short(self.timeout):
            self._cases.put(key, case)
        return case

    def _run_again(self, hearing: Hearing, files: dict[str, str | None]) -> Flow[SecondRun]:
        """Run the failing tests once more on the answer, and those that now pass once more without it."""
        case, brief = hearing.case, hearing.candidate.brief
        again = yield from run_tests(
            case.bench, files, workspace=brief.workspace, only=hearing.session.ids(hearing.wrong)
        )
        again = yield from _decided(case.bench, again, files, brief)
        passing = {test for test in hearing.wrong if again.sound and again.report.results.get(test) == "passed"}
        flaky = tuple(test for test in hearing.wrong if test in passing)
        before = {test: case.base.tests[test] for test in flaky if test in case.base.tests} if case.base else {}
        changed: tuple[str, ...] = ()
        if before and case.base is not None:
            base = yield from run_tests(
                case.bench, dict(brief.files), workspace=brief.workspace, only=case.base.ids(tuple(before))
            )
            base = yield from _decided(case.bench, base, dict(brief.files), brief)
            changed = tuple(test for test, result in before.items() if base.report.results.get(test) != result)
        steady = tuple(test for test in hearing.wrong if test not in passing)
        return SecondRun(steady=steady, flaky=flaky, flaky_before=changed)


def _with_suspects(hearing: Hearing, verdict: Verdict) -> Flow[Verdict]:
    """A failed verdict with the tests in its evidence that fail as without the answer, and those of them that do
    so whatever the task's files hold; these are looked for once a second answer has left tests as they were.
    """
    case, brief, same = hearing.case, hearing.candidate.brief, hearing.unchanged
    if not same or case.base is None:
        return verdict
    evidence: dict[str, object] = {**verdict.evidence, "unchanged": list(same)}
    fresh = tuple(test for test in same if test not in case.seen.known)
    if case.seen.again(hearing.candidate) and fresh:
        independent = fresh
        for files in taken_away(brief):
            only = case.base.ids(independent)
            if only:
                away = yield from run_tests(case.bench, files, workspace=brief.workspace, only=only)
                independent = unchanged(case.base, away, independent)
        case.seen.known.update({test: test in independent for test in fresh})
    independent = tuple(test for test in same if case.seen.known.get(test))
    if independent:
        evidence["independent"] = list(independent)
    return replace(verdict, evidence=evidence)


def _refused(candidate: Candidate, bench: Bench) -> str:
    """What to tell the model of an answer whose names or encoding have something else run than what is read."""
    packages = {name for text in bench.suite.given.values() for name in imported_names(text)}
    taken = shadows(candidate, bench.suite.paths, packages)
    if taken:
        return taken[0]
    for path, text in candidate.changes.files.items():
        named = foreign_encoding(text) if text and path.endswith(".py") else ""
        if named and foreign_encoding(candidate.brief.files.get(path, "")) != named:
            return f"{path} says that it is written in {named}. Write it in UTF-8, and leave that line out."
    return ""


def _decided(bench: Bench, session: Session, files: Mapping[str, str | None], brief: Brief) -> Flow[Session]:
    """The session with its undecided tests decided by a run of them as they are written, among the tests of their
    modules, which may rely on each other.
    """
    undecided = session.compared.undecided
    if not undecided and not session.compared.unusable:
        return session
    modules = {test.partition("::")[0] for test in undecided}
    among = {test.partition("[")[0] for test in session.tests if test.partition("::")[0] in modules}
    only = () if session.compared.unusable else tuple(sorted(among))
    plain = yield from run_tests(
        bench, files, workspace=brief.workspace, only=only, form=plain_of(bench.suite.texts)
    )
    return session.decided_by(plain)


def _twin_run(hearing: Hearing, files: Mapping[str, str | None]) -> Flow[Session | None]:
    """The tests that passed without having been compared blind, run with other expected values."""
    bench = hearing.case.bench
    twin = twin_of(bench.suite.texts)
    failing = {test.partition("[")[0] for test in hearing.session.report.with_result("xfailed")}
    only = tuple(sorted({test.partition("[")[0] for test in hearing.unproven} & twin.tests - failing))
    if not only:
        return None
    workspace, bench = hearing.candidate.brief.workspace, replace(bench, timeout=_TWIN_TIMES * bench.timeout)
    return (yield from run_tests(bench, files, workspace=workspace, only=only, form=twin.form))


def _laid_over(candidate: Candidate, bench: Bench) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """The task's files after the change. Changes to trusted files are left out, and new conftest.py files, which
    would steer the tests; the only file of an answer to a task that names none serves as the module the tests
    import.
    """
    trusted = bench.suite.trusted
    changes = {
        path: text
        for path, text in candidate.changes.files.items()
        if str(PurePosixPath(path)) not in trusted and PurePosixPath(path).name != "conftest.py"
    }
    notes = tuple(
        f"change to {path} left out: it is trusted" for path in candidate.changes.files if path not in changes
    )
    files: dict[str, str | None] = {**candidate.brief.files, **changes}
    if candidate.brief.workspace is None and not candidate.brief.files and len(changes) == 1:
        ((path, text),) = changes.items()
        for name in _imported(bench) - own_modules(candidate):
            files[f"{name}.py"] = text
            notes += (f"{path} served as the module {name}",)
    return files, notes


def _imported(bench: Bench) -> set[str]:
    """Names the tests import that no installed module has, if there is exactly one."""
    names = {name for path in bench.suite.files for name in imported_names(str(bench.suite.trusted[path]))}
    unknown = {name for name in names - sys.stdlib_module_names if find_spec(name) is None}
    return unknown if len(unknown) == 1 else set()
