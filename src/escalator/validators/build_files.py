"""What a command reads before the answer's code: build files, settings, scripts and tests, as the base has them.

An answer is judged by the project's own command, so what steers that command is never the answer's unless the task
names it. What is changed there is put back, what is new there is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from escalator.validators import wanted
from escalator.validators.project import base_text

if TYPE_CHECKING:
    from escalator.records import Brief, Candidate

_NAMES = """
    makefile gnumakefile bsdmakefile justfile .justfile taskfile.yml taskfile.yaml taskfile.dist.yml
    taskfile.dist.yaml rakefile rakefile.rb gemfile .rspec sconstruct wscript meson.build meson_options.txt
    cmakelists.txt cmakepresets.json configure earthfile magefile.go build.ninja build.zig tiltfile dune-project
    build.sbt

    pyproject.toml setup.cfg setup.py tox.ini noxfile.py hatch.toml conftest.py pytest.ini .pytest.ini pytest.toml
    .pytest.toml .coveragerc mypy.ini .mypy.ini pyrightconfig.json ruff.toml .ruff.toml .flake8 .pylintrc pylintrc
    sitecustomize.py usercustomize.py pyvenv.cfg .env .envrc .python-version

    package.json .npmrc .yarnrc .yarnrc.yml .pnp.cjs .pnp.js pnpm-workspace.yaml nx.json lerna.json turbo.json
    bunfig.toml deno.json deno.jsonc tsconfig.json jsconfig.json jasmine.json

    cargo.toml build.rs clippy.toml rust-toolchain rust-toolchain.toml go.work go.mod pom.xml mvnw mvnw.cmd gradlew
    gradlew.bat gradle.properties build.xml composer.json mix.exs rebar.config project.clj deps.edn stack.yaml
    cabal.project package.swift pubspec.yaml build build.bazel workspace workspace.bazel module.bazel .bazelrc
    directory.build.props directory.build.targets global.json nuget.config
"""
_PATTERNS = """
    *.mk *.mak *.cmake *.gradle *.gradle.kts *.pth *.csproj *.fsproj *.sln *.cabal jest.config.* vitest.*
    vite.config.* babel.config.* .babelrc* karma.conf.* .mocharc* playwright.config.* cypress.config.*
    webpack.config.* rollup.config.* ava.config.* .nycrc* tsconfig.*.json eslint.config.* .eslintrc* .swcrc*
    phpunit.xml* phpunit.dist.xml .golangci.* web-test-runner.config.* wdio.conf.* nightwatch.conf.* gruntfile.*
    gulpfile.*
"""
_FOLDERS = (
    "node_modules .venv venv .tox .nox .cargo .mvn .yarn __pycache__ .pytest_cache site-packages .bundle .jest"
)
_BY_NAME, _BY_PATTERN, _BY_FOLDER = (
    frozenset(_NAMES.split()),
    tuple(_PATTERNS.split()),
    frozenset(_FOLDERS.split()),
)
"""What tools read by themselves, in lower case: files of these names and patterns, and all in these folders."""

_AT_THE_TOP = (
    *("Makefile", "makefile", "GNUmakefile", "package.json", "tox.ini", "noxfile.py", "justfile", "Justfile"),
    *("Taskfile.yml", "Taskfile.yaml", "pyproject.toml", "setup.cfg", "Rakefile", "CMakeLists.txt"),
    *("build.gradle", "build.gradle.kts"),
)
"""Files of the base that are read for what they name in turn."""

_TEST = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|testing|e2e)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*_test|[^/]*[.-](?:test|spec))\.\w+$|(?:^|/)[^/]*_spec\.rb$"
    r"|(?:^|/)[A-Z][^/]*Tests?\.(?:java|kt|cs|php|scala|swift)$"
)
_OFFERED = frozenset({"main", "module", "browser", "exports", "types", "typings", "bin", "files", "man", "unpkg"})
_WORD = re.compile(r"[\w./+@-]+")
_SCRIPT = re.compile(r"\.(?:sh|bash|mk|mak|cmake|ini|cfg|toml|gradle|kts|bat|ps1)$|/[^./]+$")
_MAKES = frozenset({"make", "gmake", "bmake", "ninja", "just", "task"})
_MOST_TEXTS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Steering:
    """What of an answer would steer the command: paths put back to the base, and new ones left out."""

    put_back: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def undone(self, files: Mapping[str, str | None], brief: Brief) -> dict[str, str | None]:
        """What is laid over the workspace, with these as the base has them."""
        kept = {path: text for path, text in files.items() if path not in {*self.put_back, *self.left_out}}
        old = {path: base_text(brief, path) for path in self.put_back}
        return {**kept, **{path: text for path, text in old.items() if text is not None}}

    @property
    def told(self) -> str:
        """One sentence for whoever reads the verdict; empty where nothing was touched."""
        parts = []
        if self.put_back:
            parts.append(f"{', '.join(self.put_back)} as before the answer")
        if self.left_out:
            parts.append(f"without {', '.join(self.left_out)}, which the answer brings")
        if not parts:
            return ""
        return f"The command was run with the project's own build files: {' and '.join(parts)}."


def steering(candidate: Candidate, command: str) -> Steering:
    """Which of an answer's changes steer the command and are not the task's to make."""
    brief, changes = candidate.brief, candidate.changes.files
    if brief.workspace is None and not brief.files:
        return Steering()  # there is no project yet: all of it is the answer's
    put_back, left_out = [], []
    read = _Reading(brief, command)
    for path, text in changes.items():
        if text == base_text(brief, path) or path in brief.tests or is_the_tasks(brief, path):
            continue
        if not exists(brief, path):
            if _steers(path) or read.would_take(path):
                left_out.append(path)
        elif _steers(path) or _TEST.search(path) or read.reads(path):
            put_back.append(path)
    return Steering(put_back=tuple(put_back), left_out=tuple(left_out))


def changed_by_right(candidate: Candidate) -> tuple[str, ...]:
    """Build files of the task that the answer changes: the command then runs in part by the answer's rules."""
    brief, changes = candidate.brief, candidate.changes.files
    return tuple(
        path
        for path, text in changes.items()
        if _steers(path) and text != base_text(brief, path) and is_the_tasks(brief, path)
    )


def is_the_tasks(brief: Brief, path: str) -> bool:
    """Whether the task hands this file over: it is among its files, or the words of the task name one that is new,
    or any where no files are given.
    """
    if path in brief.files:
        return True
    asked_tests = not _steers(path) and _TEST.search(path) is not None and wanted.tests(brief)
    if brief.files and exists(brief, path):
        return asked_tests
    return asked_tests or wanted.named(brief, path)


def _steers(path: str) -> bool:
    """Whether tools read such a file by themselves, wherever it lies."""
    parts = path.casefold().split("/")
    name = parts[-1]
    if (
        any(part in _BY_FOLDER for part in parts[:-1])
        or name in _BY_NAME
        or parts[:2] == ["vendor", "modules.txt"]
    ):
        return True
    return any(fnmatchcase(name, pattern) for pattern in _BY_PATTERN)


def exists(brief: Brief, path: str) -> bool:
    """Whether the base has something at this path."""
    pure = PurePosixPath(path)
    if path in brief.files or path in brief.tests:
        return True
    if brief.workspace is None or pure.is_absolute() or ".." in pure.parts:
        return False
    return (brief.workspace / pure).exists()


def _orders(brief: Brief, path: str) -> str | None:
    """The text of a file of the base, of a package.json only what tells tools what to do: what the package offers
    to others is its product.
    """
    text = base_text(brief, path)
    if text is None or path.rpartition("/")[2] != "package.json":
        return text
    try:
        keys = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(keys, dict):
        return text
    return json.dumps({key: value for key, value in keys.items() if key not in _OFFERED}, indent=1)


class _Reading:
    """What the command's own words name, and what is named in turn by the build files and scripts these are."""

    def __init__(self, brief: Brief, command: str) -> None:
        self._brief, self._command = brief, command

    def reads(self, path: str) -> bool:
        """Whether a file of the project is named, by its path or as a module that is run."""
        module = f"-m {path.removesuffix('.py').replace('/', '.')}"
        return path in self._words or any(module in text for text in self._texts)

    def would_take(self, path: str) -> bool:
        """Whether a new path stands where the command looks for something else: its program, or a target of make,
        which counts as built if something of its name is there.
        """
        top = path.partition("/")[0]
        words = _WORD.findall(self._command)
        if _MAKES.isdisjoint(words):
            return words[:1] == [path]
        return top in words and not exists(self._brief, top)

    @cached_property
    def _texts(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        named = (*_AT_THE_TOP, *_WORD.findall(self._command))
        waiting = [self._command, *(text for name in named if (text := _orders(self._brief, name)))]
        while waiting and len(found) < _MOST_TEXTS:
            text = waiting.pop()
            if text not in found:
                found[text] = None
                waiting += [inner for word in _WORD.findall(text) if (inner := self._script(word))]
        return tuple(found)

    @cached_property
    def _words(self) -> frozenset[str]:
        found = (word for text in self._texts for word in _WORD.findall(text))
        return frozenset(word.removeprefix(".").removeprefix("/") if "/" in word[:2] else word for word in found)

    def _script(self, word: str) -> str | None:
        """The text of a script or settings file that a word names."""
        if not _SCRIPT.search(word) or word.startswith(("-", "/")):
            return None
        return base_text(self._brief, word.removeprefix("./"))
