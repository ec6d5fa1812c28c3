"""Tests in Go: `go test -json`, limited to the tests of the files that judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from escalator.errors import ValidatorError
from escalator.records import Brief, Command, Limits, RunResult
from escalator.validators.compile.tools import Missing, Tool, finder, tools_for
from escalator.validators.reports import Report, ReportError, Result, read_go
from escalator.validators.stacks.stack import Defined, Lack, Marked, Reading, Share, Turn, Twin, there, under

_PACKAGE = re.compile(r"^package\s+(\w+)", re.MULTILINE)
_TEST = re.compile(r"^func\s+((?:Test|Fuzz)\w*)\s*\(\s*\w+\s+\*testing\.[TF]\s*\)", re.MULTILINE)
_EXAMPLE = re.compile(
    r"^func\s+(Example\w*)\s*\(\s*\)(?:(?!^\}).)*^\s*//\s*(?:Unordered )?Output:", re.MULTILINE | re.DOTALL
)
_LACKS = re.compile(
    r"no required module provides package|missing go\.sum entry|cannot find module providing"
    r"|module lookup disabled"
)
_TOO_OLD = re.compile(r"go\.mod requires go >= |invalid go version|unknown directive: toolchain")
_ALONE = "module task\n"


class Go:
    """`go test`: packages are built from the copy, with what has been fetched before and no network."""

    name = "go"
    kept = ("*_test.go", "vendor")
    settings = ()

    def lack(self, brief: Brief, share: Share) -> Lack | None:
        """The go command."""
        tool = _tool(brief, share)
        return Lack(why=tool.why, mend=tool.hint) if isinstance(tool, Missing) else None

    def defined(self, brief: Brief, share: Share) -> Defined:
        """The test functions."""
        return Defined(
            ids=tuple(
                f"{_folder(share, path)}::{name}" for path, text in share.tests.items() for name in _names(text)
            )
        )

    def wholes(self, share: Share) -> frozenset[str]:
        """The packages."""
        return frozenset(_folder(share, path) for path in share.tests)

    def marked(self, brief: Brief, share: Share, texts: Mapping[str, str], word: str) -> Marked:
        """The tests, and in each package a file of one that must fail."""
        files, ids = dict(texts), []
        for path, text in texts.items():
            folder = PurePosixPath(path).parent
            package = _PACKAGE.search(text)
            own = (folder / f"{word}_test.go").as_posix()
            if own in files or package is None:
                continue
            files[own] = (
                f'package {package[1]}\n\nimport "testing"\n\nfunc Test_{word}(t *testing.T) {{\n'
                '\tif 1 != 2 {\n\t\tt.Error("must fail")\n\t}\n}\n'
            )
            ids.append(f"{_folder(share, path)}::Test_{word}")
        return Marked(files=files, sentinels=tuple(ids))

    def twin(self, share: Share) -> Twin:
        """None: what Go compares, a program cannot bend."""
        return Twin()

    def command(self, brief: Brief, share: Share, files: Mapping[str, str | None], turn: Turn) -> Command:
        """The packages of the tests, and of each the tests asked for."""
        folders = dict.fromkeys(_folder(share, path) for path in share.tests)
        names = dict.fromkeys(name for text in share.tests.values() for name in _names(text))
        module = f"{share.root}/go.mod".lstrip("/")
        wanted = f"^({'|'.join([*names, f'Test_{turn.word}'])})$"
        tool = _tool(brief, share)
        if isinstance(tool, Missing):
            raise ValidatorError(tool.why, validator=self.name)
        return Command(
            argv=(tool.argv[0], "test", "-json", "-count=1", f"-run={wanted}", *folders),
            workspace=brief.workspace,
            files=files if module in files or there(brief, module) else {**files, module: _ALONE},
            writable=turn.bounds.writable,
            readable=tool.readable,
            env={**tool.env, "GOFLAGS": ""},
            cwd=f"{{workspace}}/{share.root}".rstrip("/"),
            limits=Limits(wall=turn.bounds.timeout, memory=None, processes=512),
        )

    def read(self, share: Share, result: RunResult, turn: Turn) -> Reading:
        """Each test of each package; a package that does not build is a failed test of its name."""
        said = "\n".join(part for part in (result.stderr, result.stdout) if part.strip())
        try:
            report = read_go(result.stdout)
        except ReportError:
            return Reading(broken=said or "it said nothing")
        folders = sorted({_folder(share, path) for path in share.tests}, key=len, reverse=True)
        tests: dict[str, Result] = {_named(name, folders): ended for name, ended in report.tests.items()}
        messages = {
            _named(name, folders): text.removeprefix(name).strip() for name, text in report.messages.items()
        }
        for problem in report.problems:
            whole = _named(problem.split()[1], folders)
            tests[whole] = "failed"
            messages[whole] = f"{result.stderr.strip()}\n{messages.get(whole, '')}".strip()
        return Reading(report=Report(tests=tests, messages=messages))

    def environment(self, brief: Brief, message: str) -> Lack | None:
        """Modules that were not fetched."""
        if _LACKS.search(message):
            why = "The tests need a module that is not on this machine, and the sandbox has no network."
            return Lack(why=why, mend="Run `go mod download` in the project.")
        if _TOO_OLD.search(message):
            return Lack(why="The project asks for a newer Go than there is.", mend="Install a newer Go.")
        return None


def _tool(brief: Brief, share: Share) -> Tool | Missing:
    """Go as the compile validator finds it, with what it needs to be shown."""
    return tools_for(brief, tuple(share.tests), only="go", find=finder(brief))[0]


def _names(text: str) -> list[str]:
    return [*_TEST.findall(text), *_EXAMPLE.findall(text)]


def _folder(share: Share, path: str) -> str:
    """The folder of a test's package, as go is told it."""
    folder = PurePosixPath(under(share.root, path)).parent.as_posix()
    return "." if folder == "." else f"./{folder}"


def _named(name: str, folders: list[str]) -> str:
    """A test's id with its package's folder in place of its import path."""
    package, colons, test = name.partition("::")
    folder = next((each for each in folders if package.endswith(each[1:])), ".")
    return folder + colons + test
