"""One run of trusted tests in the sandbox: the command, the sentinel, the signed report."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from importlib.resources import files as package_files

from escalator.flow import Flow
from escalator.records import Command, Limits, RunResult
from escalator.steps import run
from escalator.validators.tests.blind import Blinded
from escalator.validators.tests.comparisons import Compared, compared
from escalator.validators.tests.layout import Suite
from escalator.validators.tests.report import Report, Result, read_report

TESTS = "root"
"""The folder of the read-only mount from which trusted modules are read; they believe to be in the project."""

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What stays the same for every run of one task: the tests, the interpreter, the limits."""

    suite: Suite
    python: str
    timeout: float
    memory: int | None
    writable: bool
    conftest: bool
    plugins: tuple[str, ...]
    form: Blinded = field(default_factory=Blinded)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What came of one run. `sentinels` are the ids of the tests that had to fail, `digest` that of the trusted
    modules as they were laid out, `command` the argument vector, `compared` what the tests sent to be compared.
    """

    compared: Compared
    result: RunResult
    sentinels: tuple[str, ...]
    digest: str
    command: tuple[str, ...]

    @property
    def report(self) -> Report:
        """What the tests came to."""
        return self.compared.report

    @property
    def hung(self) -> bool:
        """Whether the run was ended by the clock."""
        return self.result.killed == "wall"

    def ids(self, tests: tuple[str, ...]) -> tuple[str, ...]:
        """The ids under which tests ran; those of the ones that must fail come by themselves."""
        return tuple(self.compared.sent.get(test, test) for test in tests)

    def decided_by(self, plain: Session) -> Session:
        """The session with the undecided tests as another, in which they ran as they are written, decides them.
        The tests of one function come in the same order in both.
        """
        if self.compared.unusable:
            whole = replace(plain.compared, undecided=frozenset(plain.tests), unusable=True)
            return replace(plain, compared=whole)
        results, details = dict(self.report.results), dict(self.report.details)
        there = _by_definition(plain.report.collected)
        for definition, tests in _by_definition(self.report.collected).items():
            again = there.get(definition, [])
            for test, other in zip(tests, again if len(again) == len(tests) else tests, strict=True):
                if test in self.compared.undecided:
                    results[test] = plain.report.results.get(other, "unfinished") if plain.sound else "failed"
                    details.pop(test, None)
                    details |= {test: plain.report.details[other]} if other in plain.report.details else {}
        report = replace(self.report, results=results, details=details)
        return replace(self, compared=replace(self.compared, report=report))

    def cut_short(self, timeout: float) -> bool:
        """Whether the clock ended the run before these seconds, which it was to have, were over."""
        return self.hung and self.result.seconds < timeout

    @property
    def tests(self) -> dict[str, Result]:
        """Results by test id, the sentinels left out."""
        return {test: result for test, result in self.report.results.items() if test not in self.sentinels}

    @property
    def sentinels_failed(self) -> bool:
        """Whether every test that must fail did fail."""
        return all(self.report.results.get(sentinel) == "failed" for sentinel in self.sentinels)

    @property
    def sound(self) -> bool:
        """Whether the run ended as an honest one does: records whole, tests untouched, failures still failing."""
        return (
            self.report.intact
            and self.report.status == 1
            and self.result.exit_status == 1
            and not self.result.killed
            and self.sentinels_failed
            and self.report.digest == self.digest
        )


def run_tests(
    bench: Bench,
    files: Mapping[str, str | None],
    *,
    workspace: object,
    only: tuple[str, ...] = (),
    form: Blinded | None = None,
) -> Flow[Session]:
    """Run the suite over the workspace with `files` laid over it. `only` limits it to tests, by the ids under
    which they ran or by those without parameters; `form` is how the tests are written, the bench's if not given.
    """
    form, only = bench.form if form is None else form, only or bench.suite.runs
    suite, key, word = bench.suite, secrets.token_bytes(32), "test_" + secrets.token_hex(6)
    sentinels = tuple(f"{word}.py::{word}{name}" for name in _SENTINELS)
    trusted: dict[str, str | bytes] = {**suite.trusted, **form.texts, f"{word}.py": _sentinel(word)}
    modules = {**suite.modules, word: f"{word}.py"}
    setup = {
        "key": key.hex(),
        "files": [*suite.files, f"{word}.py"],
        "modules": modules,
        "paths": suite.paths,
        "project": suite.project,
        "plugins": [*bench.plugins, *suite.settings.plugins],
        "optional_plugins": suite.settings.plugins,
        "arguments": suite.settings.arguments,
        "conftest": bench.conftest,
        "only": [*only, *sentinels] if only else [],
    }
    command = Command(
        argv=(bench.python, "-I", "-B", "{trusted}/run.py", "{trusted}", "{workspace}", "{report}"),
        workspace=workspace,  # type: ignore[arg-type]
        files={**files, **suite.given, **form.texts, f"{word}.py": _sentinel(word)},
        trusted={
            "run.py": _program("escalator.validators.tests", "runner.py"),
            "checks.py": _program("escalator.validators.tests", "checks.py"),
            "encoding.py": _program("escalator.validators", "encoding.py"),
            f"{TESTS}/pytest.ini": _collecting(suite.settings.ini, word),
            **{f"{TESTS}/{path}": trusted[path] for path in modules.values()},
        },
        writable=bench.writable,
        own_path=True,
        stdin=json.dumps(setup).encode(),
        report=True,
        limits=Limits(wall=bench.timeout, memory=bench.memory),
    )
    result = yield from run(command, validator="tests")
    return Session(
        compared=compared(read_report(result.report, key), form),
        result=result,
        sentinels=sentinels,
        digest=_digest([trusted[modules[name]] for name in sorted(modules)]),
        command=command.argv,
    )


def _by_definition(tests: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for test in tests:
        found.setdefault(test.partition("[")[0], []).append(test)
    return found


def _collecting(ini: str, word: str) -> str:
    """Settings under which the tests that must fail are collected too, whatever the others are called."""
    return re.sub(r"^python_functions = .*", rf"\g<0> {word}", ini, flags=re.MULTILINE)


@cache
def _program(package: str, name: str) -> str:
    """A file of ours that runs inside the sandbox."""
    return package_files(package).joinpath(name).read_text("utf-8")


_SENTINELS = {
    "": "assert sorted([2, 1]) == [2, 1]",
    "_too": "raise ValueError(1)",
    "_raises": "with pytest.raises(ValueError):\n        pass",
    "_near": "assert math.isclose(1.0, 2.0) or 1.0 == pytest.approx(2.0)",
    "_unit": "unittest.TestCase().assertEqual(1, 2)",
    "_parts": "assert all([True, False]) or any([False]) or isinstance(1, str) or len([1]) == 2",
    "_data": "assert json.loads('[1]') == json.loads('[2]')",
}
"""Tests that must fail, each by another of the ways in which tests say what they expect."""


def _sentinel(word: str) -> str:
    """A module of tests that must fail and look like any other."""
    tests = (f"def {word}{name}():\n    {body}\n" for name, body in _SENTINELS.items())
    return "import json\nimport math\nimport unittest\n\nimport pytest\n\n\n" + "\n\n".join(tests)


def _digest(contents: list[str | bytes]) -> str:
    whole = blake2b(digest_size=16)
    for content in contents:
        whole.update(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return whole.hexdigest()
