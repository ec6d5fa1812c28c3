"""Tests by a command that is stated: whatever runs them, as long as it reports each by its name."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

from escalator.records import Brief, Command, Limits, RunResult
from escalator.validators.reports import Format, ReportError, read_report
from escalator.validators.runs import ending, tail
from escalator.validators.stacks.stack import Defined, Lack, Marked, Reading, Share, Turn, Twin

_NOT_STARTED = frozenset({126, 127})


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """Runs `run` by a shell and reads what it reports in `form`: from a private pipe where the command names it,
    else from the file `artefact`, else from standard output.
    """

    run: str
    form: Format
    artefact: str | None = None
    name: str = "command"
    kept: tuple[str, ...] = ("node_modules", "*/node_modules/*", "*_test.go", "vendor", "*.snap")

    @property
    def settings(self) -> tuple[str, ...]:
        """The words of the command itself."""
        return (self.run,)

    def lack(self, brief: Brief, share: Share) -> Lack | None:
        """The program that the command begins with."""
        try:
            words = [word for word in shlex.split(self.run) if "=" not in word]
        except ValueError:
            words = []
        program = words[0] if words else ""
        if (
            not program.isidentifier()
            or shutil.which(program)
            or program in {"cd", "set", "export", "exec", "test"}
        ):
            return None
        return Lack(why=f"`{program}`, with which the tests are run, was not found.", mend=f"Install {program}.")

    def defined(self, brief: Brief, share: Share) -> Defined:
        """Nothing: only the runner knows how its tests are called."""
        return Defined()

    def wholes(self, share: Share) -> frozenset[str]:
        """None that are known."""
        return frozenset()

    def marked(self, brief: Brief, share: Share, texts: Mapping[str, str], word: str) -> Marked:
        """The tests alone: nothing is known that must fail."""
        return Marked(files=texts)

    def twin(self, share: Share) -> Twin:
        """None."""
        return Twin()

    def command(self, brief: Brief, share: Share, files: Mapping[str, str | None], turn: Turn) -> Command:
        """The command in a writable copy of the project."""
        return Command(
            argv=("sh", "-c", self.run),
            workspace=brief.workspace,
            files=files,
            writable=True,
            report="{report}" in self.run,
            artefacts=(*share.tests, *([self.artefact] if self.artefact else [])),
            limits=Limits(wall=turn.bounds.timeout, memory=None, processes=512),
        )

    def read(self, share: Share, result: RunResult, turn: Turn) -> Reading:
        """The report; one that counts no failure where the command failed is not believed."""
        if result.exit_status in _NOT_STARTED:
            return Reading(
                lack=Lack(why=f"`{self.run}` could not be started: {tail(result)[-300:]}", mend="Install it.")
            )
        if "{report}" in self.run:
            text = result.report.decode("utf-8", "replace")
        elif self.artefact:
            text = result.artefacts.get(self.artefact, b"").decode("utf-8", "replace")
        else:
            text = result.stdout
        try:
            report = read_report(self.form, text)
        except ReportError as error:
            return Reading(broken=f"{error} `{self.run}` {ending(result, turn.bounds.timeout)}.\n{tail(result)}")
        broken = "; ".join(report.problems)
        if not broken and result.exit_status != 0 and not report.count("failed"):
            broken = f"`{self.run}` {ending(result, turn.bounds.timeout)}.\n{tail(result)}"
        return Reading(report=report, broken=broken)

    def environment(self, brief: Brief, message: str) -> Lack | None:
        """Unknown."""
        return None
