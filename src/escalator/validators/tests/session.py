"""One run of trusted tests in the sandbox: the command, the sentinel, the signed report."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files as package_files

from escalator.flow import Flow
from escalator.records import Command, Limits, RunResult
from escalator.steps import run
from escalator.validators.tests.layout import Suite
from escalator.validators.tests.report import Report, Result, read_report

TESTS = "root"
"""The folder of the read-only mount that holds the tests; the runner makes it pytest's root."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What came of one run. `sentinels` are the ids of the tests that had to fail, `digest` that of the trusted
    modules as they were laid out, `command` the argument vector.
    """

    report: Report
    result: RunResult
    sentinels: tuple[str, ...]
    digest: str
    command: tuple[str, ...]

    @property
    def hung(self) -> bool:
        """Whether the run was ended by the clock."""
        return self.result.killed == "wall"

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
    bench: Bench, files: Mapping[str, str | None], *, workspace: object, only: tuple[str, ...] = ()
) -> Flow[Session]:
    """Run the suite over the workspace with `files` laid over it; `only` limits it to these test ids."""
    suite, key, word = bench.suite, secrets.token_bytes(32), "test_" + secrets.token_hex(6)
    sentinels = (f"{word}.py::{word}", f"{word}.py::{word}_too")
    trusted: dict[str, str | bytes] = {**suite.trusted, f"{word}.py": _sentinel(word)}
    modules = {**suite.modules, word: f"{word}.py"}
    setup = {
        "key": key.hex(),
        "files": [*suite.files, f"{word}.py"],
        "modules": modules,
        "paths": suite.paths,
        "trusted_paths": suite.trusted_paths,
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
        files=files,
        trusted={
            "run.py": runner_source(),
            f"{TESTS}/pytest.ini": suite.settings.ini,
            **{f"{TESTS}/{path}": content for path, content in trusted.items()},
        },
        writable=bench.writable,
        stdin=json.dumps(setup).encode(),
        report=True,
        limits=Limits(wall=bench.timeout, memory=bench.memory),
    )
    result = yield from run(command, validator="tests")
    return Session(
        report=read_report(result.report, key),
        result=result,
        sentinels=sentinels,
        digest=_digest([trusted[modules[name]] for name in sorted(modules)]),
        command=command.argv,
    )


@cache
def runner_source() -> str:
    """The program that runs inside the sandbox."""
    return package_files("escalator.validators.tests").joinpath("runner.py").read_text("utf-8")


def _sentinel(word: str) -> str:
    """Two tests that must fail, in two ways, and look like any other."""
    return f"def {word}():\n    assert sorted([2, 1]) == [2, 1]\n\n\ndef {word}_too():\n    raise ValueError(1)\n"


def _digest(contents: list[str | bytes]) -> str:
    whole = blake2b(digest_size=16)
    for content in contents:
        whole.update(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return whole.hexdigest()
