"""Tests in JavaScript and TypeScript: `node --test`, vitest and jest, each reporting through a private pipe."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path, PurePosixPath

from escalator.languages.parsing import parses
from escalator.records import Brief, Command, Limits, RunResult
from escalator.remedies import WRITABLE
from escalator.validators.project import base_text
from escalator.validators.reports import Report, ReportError, Result, read_jest
from escalator.validators.stacks import javascript, packages
from escalator.validators.stacks.sentinels import must_fail
from escalator.validators.stacks.stack import Defined, Lack, Marked, Reading, Share, Turn, Twin, under
from escalator.validators.stacks.wire import Wire, read_wire

_NODE = Lack(why="Node, which the tests need, was not found.", mend="Install Node 20 or newer.")
_MENDS = {
    "node": "Install Node 20 or newer.",
    "typescript": "Install Node 22.18 or newer, or give the tests in JavaScript.",
}
_PACKAGE = re.compile(
    r"Cannot find (?:package|module) '([^'./#][^']*)'|Failed to resolve import \"([^\"./#][^\"]*)\""
)
_WATCHED = (
    r"(?:^|/)(?:tests?|__tests__|__mocks__|__snapshots__|specs?|testing|e2e)/|[._-](?:test|spec)\.\w+$|(?:^|/)test[^/]*$"
    r"|(?:^|/)package\.json$|\.config\.\w+$|\.setup\.\w+$"
)
"""Files that a run which may write its copy has to leave as they are, unless it changes them without the answer
too.
"""

_MODULES_IN_JEST = "--experimental-vm-modules"
_FRAMES = re.compile(
    r"^ +at (?:.*(?:node:internal|/node_modules)/.*|(?:new )?(?:Safe)?Promise.*)\n?", re.MULTILINE
)
_READ_ONLY = re.compile(r"\bEROFS\b")
_NETWORK = re.compile(r"\bgetaddrinfo (?:EAI_AGAIN|ENOTFOUND)\b|\bENETUNREACH\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One of the runners. `bin`: its program among the installed packages, none for node's own; `library`: what
    its tests import; `options`: words of its command line; `kept`, `settings`: see `Stack`.
    """

    name: str
    bin: str = ""
    options: tuple[str, ...]
    kept: tuple[str, ...]
    settings: tuple[str, ...] = ()

    def lack(self, brief: Brief, share: Share) -> Lack | None:
        """Node itself, or the runner among the project's packages."""
        if shutil.which("node") is None:
            return _NODE
        if self.bin and packages.installed(brief, share.root, self.bin) is None:
            asked = self.name in packages.declared(brief, share.root)
            mend = "Run `npm ci` in the project." if asked else f"Run `npm install --save-dev {self.name}`."
            return Lack(why=f"The tests need {self.name}, which is not installed in the project.", mend=mend)
        return None

    def defined(self, brief: Brief, share: Share) -> Defined:
        """Tests whose names are written out, and those said to be skipped."""
        ids, excused = [], set()
        for path, text in share.tests.items():
            found = javascript.tests_of(path, text)
            alone = bool(self.bin) and re.search(r"\.only\b|(?<![\w.])f(?:it|describe)\(", text) is not None
            excused |= {f"{path}::{test.title}" for test in found if test.aside or alone}
            ids += [f"{path}::{test.title}" for test in found] or [path] * self._is_script(text)
        return Defined(ids=tuple(dict.fromkeys(ids)), excused=frozenset(excused))

    def wholes(self, share: Share) -> frozenset[str]:
        """The files."""
        return frozenset(share.tests)

    def marked(self, brief: Brief, share: Share, texts: Mapping[str, str], word: str) -> Marked:
        """The tests with sentinels at their ends."""
        files, ids = {}, []
        for path, text in texts.items():
            tests = must_fail(text, word, runner=self.name, module=self._as_module(brief, path, text))
            files[path] = "\n".join([text, *tests.values(), ""])
            ids += [f"{path}::{title}" for title in tests if title]
        return Marked(files=files, sentinels=tuple(ids))

    def _as_module(self, brief: Brief, path: str, text: str) -> bool:
        ending = PurePosixPath(path).suffix
        if ending in {".mjs", ".mts"}:
            return True
        if ending in {".cjs", ".cts"}:
            return False
        return javascript.has_module_syntax(text) or packages.is_module(brief, path)

    def twin(self, share: Share) -> Twin:
        """The tests with other expected values."""
        texts, ids = {}, set()
        for path, text in share.tests.items():
            twin, titles = javascript.twin_text(path, text)
            if titles and parses(javascript.language(path), twin) is not False:
                texts[path] = twin
                ids |= {f"{path}::{title}" for title in titles}
        return Twin(texts=texts, ids=frozenset(ids))

    def command(self, brief: Brief, share: Share, files: Mapping[str, str | None], turn: Turn) -> Command:
        """The launcher, told what to link and what to run."""
        linked, shown = packages.links(brief, share)
        setup = {
            "key": turn.key,
            "runner": self.name,
            "folder": ".",
            "root": share.root or ".",
            "links": linked,
            "program": packages.installed(brief, share.root, self.bin) if self.bin else None,
            "flags": _flags(brief, share.root) if self.bin else [],
            "options": self.options,
            "files": [under(share.root, path) for path in share.tests],
            "typescript": any(javascript.language(path) != "javascript" for path in share.tests),
        }
        bounds = turn.bounds
        writable = bool(linked) or bool(self.bin) or bounds.writable
        setup |= {"watched": _WATCHED if writable else ""}
        heap = {} if bounds.memory is None else {"NODE_OPTIONS": f"--max-old-space-size={bounds.memory}"}
        return Command(
            argv=("node", "{trusted}/launch.cjs", "{report}", "{trusted}"),
            workspace=brief.workspace,
            files=files,
            trusted={name: _program(name) for name in ("launch.cjs", "reporter.mjs")},
            writable=writable,
            readable=shown,
            env={**heap, "NO_COLOR": "1", "FORCE_COLOR": "0"},
            stdin=json.dumps(setup).encode(),
            report=True,
            artefacts=tuple(share.tests),
            limits=Limits(wall=bounds.timeout, memory=None, processes=512),
        )

    def read(self, share: Share, result: RunResult, turn: Turn) -> Reading:
        """Each test as the runner's own process reported it."""
        wire = read_wire(result.report, turn.key)
        start, lacking, end = wire.first("start"), wire.first("lacking"), wire.first("end")
        if lacking:
            return Reading(lack=Lack(why=lacking["why"], mend=_MENDS[lacking["what"]]))
        if not start:
            return Reading(broken="Nothing was reported.")
        version = f"node {start['node']}"
        try:
            report = self._report(wire, share, str(start["folder"]), turn.word)
        except ReportError as error:
            return Reading(broken=str(error), version=version)
        broken = "" if end.get("status") is not None else "The runner itself was ended."
        return Reading(report=report, broken=broken, version=version, changed=tuple(end.get("changed", ())))

    def _report(self, wire: Wire, share: Share, folder: str, word: str) -> Report:
        if self.bin and not wire.rest.strip():
            raise ReportError("The runner ended before it reported.")
        if self.bin:
            return _renamed(read_jest(wire.rest), folder)
        if wire.rest.strip() or wire.tests is None:
            raise ReportError("The records of the tests do not add up.")
        tests: dict[str, Result] = {}
        messages: dict[str, str] = {}
        for record in wire.tests:
            path = _inside(record["file"], folder)
            name = _free(f"{path}::{record['title']}" if record["title"] else path, tests)
            tests[name] = record["result"]
            if record["result"] == "failed":
                messages[name] = _FRAMES.sub("", record["text"])
        for path, text in share.tests.items():
            if self._is_script(text) and any(name.startswith(f"{path}::{word}") for name in tests):
                tests.setdefault(path, "passed")  # it ran to its end, where the sentinels stand
        return Report(tests=tests, messages=messages)

    def environment(self, brief: Brief, message: str) -> Lack | None:
        """Packages that are not installed, a network, a project that is not to be written."""
        found = _PACKAGE.search(message)
        if found is not None:
            package = _package(found[1] or found[2])
            if package.startswith("node:") or packages.installed(brief, "", f"{package}/package.json"):
                return None
            mend = f"Run `npm ci` in the project, or `npm install --save-dev {package}` where it is not asked for."
            asked = any(package in _packages(text) for text in brief.tests.values())
            why = f"The tests need the package {package!r}, which is not installed."
            return Lack(why=why, mend=mend, certain=asked)
        if _READ_ONLY.search(message):
            return Lack(why="The tests write into the project, which is read-only.", mend=WRITABLE)
        if _NETWORK.search(message):
            return Lack(
                why="The tests need a network, and the sandbox has none.", mend="Give tests that need none."
            )
        return None

    def _is_script(self, text: str) -> bool:
        return not self.bin and not javascript.calls_tests(text)


NODE = Node(
    name="node",
    options=("--test", "--test-reporter=REPORTER"),
    kept=("node_modules", "*/node_modules/*"),
)
VITEST = Node(
    name="vitest",
    bin="vitest/vitest.mjs",
    options=(
        *(
            "run",
            "--reporter=json",
            "--outputFile=/dev/fd/3",
            "--pool=forks",
            "--no-color",
            "--bail=0",
            "--retry=0",
        ),
        *("--coverage.enabled=false", "--passWithNoTests=false"),
    ),
    kept=("node_modules", "*/node_modules/*", "__mocks__", "*/__mocks__/*", "*.snap"),
    settings=tuple(
        f"{name}.config.{end}" for name in ("vitest", "vite") for end in ("js", "mjs", "cjs", "ts", "mts")
    ),
)
JEST = Node(
    name="jest",
    bin="jest/bin/jest.js",
    options=(
        *("--ci", "--json", "--outputFile=/dev/fd/3", "--bail=0", "--coverage=false", "--watchman=false"),
        *("--passWithNoTests=false", "--runTestsByPath"),
    ),
    kept=("node_modules", "*/node_modules/*", "__mocks__", "*/__mocks__/*", "*.snap"),
    settings=tuple(f"jest.config.{end}" for end in ("js", "mjs", "cjs", "ts", "mts", "json")),
)


@cache
def _program(name: str) -> str:
    """A file of ours that runs inside the sandbox."""
    return package_files("escalator.validators.stacks").joinpath(name).read_text("utf-8")


def _flags(brief: Brief, root: str) -> list[str]:
    """What the project's own scripts give to node, where modules could not be run without it."""
    text = base_text(brief, f"{root}/package.json".lstrip("/")) or ""
    return [_MODULES_IN_JEST] if _MODULES_IN_JEST in text else []


def _package(name: str) -> str:
    """The package that an import is of, as in "chai/register" and "@scope/name/part"."""
    return "/".join(name.split("/")[: 2 if name.startswith("@") else 1])


def _packages(text: str) -> set[str]:
    return set(map(_package, javascript.imports(text)))


def _inside(file: str, folder: str) -> str:
    """A file's path in the project."""
    return Path(file).relative_to(folder).as_posix() if Path(file).is_relative_to(folder) else file


def _renamed(report: Report, folder: str) -> Report:
    def named(name: str) -> str:
        path, colons, title = name.partition("::")
        return _inside(path, folder) + colons + title

    return Report(
        tests={named(name): result for name, result in report.tests.items()},
        messages={named(name): _FRAMES.sub("", text.removeprefix(name)) for name, text in report.messages.items()},
        problems=report.problems,
    )


def _free(name: str, seen: Mapping[str, object]) -> str:
    number = 1
    while (chosen := name if number == 1 else f"{name} ({number})") in seen:
        number += 1
    return chosen
