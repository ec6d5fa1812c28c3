"""One run of tests by their runner: laid out with others that must fail, run in the sandbox, read."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from escalator.flow import Flow
from escalator.records import Brief, RunResult
from escalator.steps import run
from escalator.validators.reports import Result
from escalator.validators.stacks.stack import Bounds, Marked, Reading, Share, Stack, Turn


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What is prepared once for a task: the tests, who runs them, and their run on the untouched project."""

    brief: Brief
    stack: Stack
    share: Share
    bounds: Bounds
    base: Session | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What came of one run. `changed`: tests that were not as they had been laid out when it had ended."""

    reading: Reading
    result: RunResult
    marked: Marked
    command: tuple[str, ...]
    changed: tuple[str, ...] = ()

    @property
    def tests(self) -> dict[str, Result]:
        """Results by test id, those that must fail left out."""
        return {
            test: result for test, result in self.reading.report.tests.items() if test not in self.marked.sentinels
        }

    @property
    def hung(self) -> bool:
        """Whether the run was ended by the clock."""
        return self.result.killed == "wall"

    @property
    def sentinels_failed(self) -> bool:
        """Whether every test that must fail did fail."""
        return all(self.reading.report.tests.get(test) == "failed" for test in self.marked.sentinels)

    @property
    def sound(self) -> bool:
        """Whether the run went as an honest one does."""
        return not (self.reading.broken or self.result.killed or self.changed) and self.sentinels_failed

    def passed(self, *tests: str) -> bool:
        """Whether these tests passed."""
        return all(self.reading.report.tests.get(test) == "passed" for test in tests)


def run_tests(
    case: Case,
    files: Mapping[str, str | None],
    *,
    texts: Mapping[str, str] | None = None,
) -> Flow[Session]:
    """Run tests of a case over the project with files laid over it; `texts`: these of them, or in another form."""
    brief, texts = case.brief, case.share.tests if texts is None else texts
    turn = Turn(bounds=case.bounds, key=secrets.token_hex(32), word="w" + secrets.token_hex(6))
    share = Share(root=case.share.root, tests=dict(texts))
    marked = case.stack.marked(brief, share, texts, turn.word)
    command = case.stack.command(brief, share, {**files, **marked.files}, turn)
    result = yield from run(command, validator="tests")
    reading = case.stack.read(share, result, turn)
    changed = tuple(
        path
        for path in command.artefacts
        if path in marked.files
        and not result.killed
        and result.artefacts.get(path) != marked.files[path].encode("utf-8", "surrogatepass")
    )
    return Session(
        reading=reading,
        result=result,
        marked=marked,
        command=command.argv,
        changed=tuple(dict.fromkeys((*changed, *reading.changed))),
    )
