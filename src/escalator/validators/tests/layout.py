"""What of a project is trusted when its tests judge an answer, and under which names it is imported."""

from __future__ import annotations

import ast
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from escalator.records import Brief
from escalator.validators.tests.config import Settings, read_naming, read_settings
from escalator.validators.tests.nodes import takes

_NAMED_LIKE_TESTS = re.compile(r"(test_.*|.*_tests?|tests?)\.py")
_HAS_TESTS = re.compile(r"^\s*(?:async\s+)?def\s+test|TestCase\)", re.MULTILINE)
_NO_TESTS = frozenset({"conftest.py", "__init__.py", "setup.py"})
_TEST_FOLDER = re.compile(r"(tests?|testing|specs?)|test_.*|.*_tests?", re.IGNORECASE)
_DATA_FOLDER = re.compile(
    r"(test_?)?(data|fixtures?|resources|golden|snapshots?|samples?|cases|inputs?)", re.IGNORECASE
)
_SKIPPED = frozenset({"__pycache__", "node_modules", "venv"})
_MOST_FILES = 2000
_BYTE_ORDER_MARK = "\ufeff"
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """Trusted tests, ready to be laid out; all paths are POSIX and relative to the project's root.

    `trusted`: every file the answer cannot touch. `files`: the test modules to run. `modules`: name of each
    trusted module to its file. `given`: the tests as the caller gave them. `paths`: folders to import from.
    `project`: top-level names that were the project's own before the answer. `hashes`: SHA-256 of the
    tests as given. `selected`: ids of the tests that count, in files of which not all do.
    """

    trusted: Mapping[str, str | bytes]
    files: tuple[str, ...]
    modules: Mapping[str, str]
    paths: tuple[str, ...]
    given: Mapping[str, str]
    project: tuple[str, ...]
    settings: Settings
    hashes: Mapping[str, str]
    selected: tuple[str, ...] = ()

    @property
    def runs(self) -> tuple[str, ...]:
        """What is run where that is not everything: the selected tests, and the files of which all tests are."""
        parted = {test.partition("::")[0] for test in self.selected}
        return (*self.selected, *(path for path in self.files if path not in parted)) if self.selected else ()

    def takes(self, test: str) -> bool:
        """Whether a test is among those that count."""
        chosen = frozenset(self.selected)
        return not chosen or takes(chosen, test) or test.partition("::")[0] in self.runs

    @property
    def hideable(self) -> dict[str, str]:
        """The test modules whose expected values may be taken out: not where a test is named with its parameters,
        of which its id is made.
        """
        rows = {test.partition("::")[0] for test in self.selected if "[" in test}
        return {path: text for path, text in self.texts.items() if path not in rows}

    @property
    def texts(self) -> dict[str, str]:
        """The test modules to run, by path."""
        return {path: str(self.trusted[path]) for path in self.files}

    @property
    def documented(self) -> bool:
        """Whether anything among the tests reads what is written in docstrings."""
        return any(word in str(text) for text in self.trusted.values() for word in ("__doc__", "getdoc"))


def is_test_module(path: str, text: str) -> bool:
    """Whether pytest should collect tests from this file."""
    name = PurePosixPath(path).name
    if not name.endswith(".py") or name in _NO_TESTS:
        return False
    return bool(_NAMED_LIKE_TESTS.fullmatch(name) or _HAS_TESTS.search(text))


def python_tests(brief: Brief) -> tuple[str, ...]:
    """The paths of the task's tests that pytest can run."""
    return tuple(
        path
        for path, text in brief.tests.items()
        if path not in brief.helpers and (is_test_module(path, text) or _is_called_so(brief, path, text))
    )


def _is_called_so(brief: Brief, path: str, text: str) -> bool:
    """Whether a module defines what the project's own settings call a test."""
    if brief.workspace is None or not path.endswith(".py") or PurePosixPath(path).name in _NO_TESTS:
        return False
    return read_naming(brief.workspace, [path]).defines_tests(text)


def read_suite(brief: Brief, *, conftest: bool, pythonpath: tuple[str, ...] = ()) -> Suite:
    """Read from the project, as it was before the answer, everything the tests may rely on."""
    tests = {str(PurePosixPath(path)): text.removeprefix(_BYTE_ORDER_MARK) for path, text in brief.tests.items()}
    files = tuple(str(PurePosixPath(path)) for path in python_tests(brief))
    trusted: dict[str, str | bytes] = {**_support(brief, files, conftest=conftest), **tests}
    sources = {path: text if isinstance(text, str) else "" for path, text in trusted.items()}
    settings = read_settings(brief.workspace, sources, files)
    project = _Project(brief, frozenset(trusted))
    bases = tuple(dict.fromkeys(project.base_of(path) for path in files))
    targets = _real_targets(brief, files)
    shared = [base for base in bases if not _test_folder(PurePosixPath(base)) or _any_below(targets, base)]
    packages = {name for path in files for name in imported_names(tests[path])}
    others = (*pythonpath, *settings.pythonpath, *((".", "src") if "src" in packages else ("src", ".")))
    return Suite(
        trusted=trusted,
        files=files,
        modules=project.names(trusted, files),
        paths=tuple(dict.fromkeys((*bases, *others))),
        given=tests,
        project=project.own_names((*shared, *others), tests, files),
        settings=settings,
        hashes={str(PurePosixPath(path)): _hash(text) for path, text in brief.tests.items()},
        selected=brief.selected,
    )


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Project:
    """The project as it was before the answer: what is a package, which names are its own."""

    def __init__(self, brief: Brief, trusted: frozenset[str]) -> None:
        self.root, self.targets = brief.workspace, brief.files
        self.known = trusted | frozenset(brief.files)

    def exists(self, path: str) -> bool:
        return path in self.known or (self.root is not None and (self.root / path).is_file())

    def base_of(self, path: str) -> str:
        """The folder a module is imported from: the nearest one above it that is not a package."""
        folder = PurePosixPath(path).parent
        while folder != PurePosixPath() and self.exists(str(folder / "__init__.py")):
            folder = folder.parent
        return str(folder)

    def names(self, trusted: Mapping[str, object], files: tuple[str, ...]) -> dict[str, str]:
        """Import names of trusted modules: dotted inside packages, the bare file name for tests elsewhere."""
        table: dict[str, str] = {}
        for path in (*files, *(path for path in trusted if path not in files)):
            pure = PurePosixPath(path)
            base = self.base_of(path)
            inner = pure.relative_to(base).with_suffix("")
            parts = inner.parts[:-1] if inner.name == "__init__" else inner.parts
            if pure.suffix != ".py" or not parts or parts == ("conftest",):
                continue
            name = ".".join(part.replace(".", "_") for part in parts)
            if name in table and path in files:
                name = "_".join(part.replace(".", "_") for part in pure.with_suffix("").parts)
            table.setdefault(name, path)
        return table

    def own_names(
        self, paths: tuple[str, ...], tests: Mapping[str, str], files: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Top-level names the project had; a standard module's name only where a target of the task has it."""
        stems = {PurePosixPath(path).stem for path in self.targets if PurePosixPath(path).suffix == ".py"}
        wanted = stems & {name for path in files for name in imported_names(tests[path])}
        found = {name for folder in paths for name in self._top_level(folder)}
        return tuple(sorted(((found - sys.stdlib_module_names) | (found & wanted)) - {"conftest"}))

    def _top_level(self, folder: str) -> Iterator[str]:
        base = PurePosixPath(folder)
        for path in self.targets:
            pure = PurePosixPath(path)
            if pure.suffix == ".py" and pure.is_relative_to(base):
                inner = pure.relative_to(base)
                if len(inner.parts) == 1:
                    yield inner.stem
                elif self.exists(str(base / inner.parts[0] / "__init__.py")):
                    yield inner.parts[0]
        if self.root is None or not (self.root / folder).is_dir():
            return
        for entry in os.scandir(self.root / folder):
            if entry.name.endswith(".py"):
                yield entry.name[:-3]
            elif entry.is_dir() and (self.root / folder / entry.name / "__init__.py").is_file():
                yield entry.name


def imported_names(text: str) -> set[str]:
    """The top-level names a source imports; none if it does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def _support(brief: Brief, files: tuple[str, ...], *, conftest: bool) -> dict[str, str | bytes]:
    """Helpers, data and conftest files around the tests, from the project before the answer."""
    if brief.workspace is None:
        return {}
    wanted: dict[str, None] = {}
    for path in files:
        folder = PurePosixPath(path).parent
        wanted |= dict.fromkeys(str(parent / "conftest.py") for parent in (folder, *folder.parents))
        top = _test_folder(folder)
        wanted |= dict.fromkeys(_tree(brief.workspace, top) if top else _neighbours(brief.workspace, folder))
    targets = _real_targets(brief, files)
    found: dict[str, str | bytes] = {}
    room = _MOST_BYTES
    for path in list(wanted)[:_MOST_FILES]:
        name = PurePosixPath(path).name
        if path in targets or (name == "conftest.py" and not conftest):
            continue
        data = _regular(brief.workspace / path, room)
        if data is not None:
            found[path] = data.decode("utf-8") if path.endswith(".py") and _decodes(data) else data
            room -= len(data)
    return found


def _real_targets(brief: Brief, files: tuple[str, ...]) -> frozenset[str]:
    """What the task is to change. Files among the tests count only if nothing outside the tests may be changed."""
    inside = {path for path in brief.files if _test_folder(PurePosixPath(path).parent)}
    outside = set(brief.files) - inside
    chosen = outside or inside
    return frozenset(path for path in chosen if PurePosixPath(path).name != "conftest.py" and path not in files)


def _any_below(paths: frozenset[str], folder: str) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for path in paths)


def _test_folder(folder: PurePosixPath) -> PurePosixPath | None:
    """The outermost folder on the way that is named like a folder of tests."""
    for depth, part in enumerate(folder.parts, start=1):
        if _TEST_FOLDER.fullmatch(part):
            return PurePosixPath(*folder.parts[:depth])
    return None


def _tree(root: Path, folder: PurePosixPath) -> Iterator[str]:
    for where, folders, names in os.walk(root / folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        inner = PurePosixPath(Path(where).relative_to(root).as_posix())
        yield from (str(inner / name) for name in sorted(names) if not name.startswith("."))


def _neighbours(root: Path, folder: PurePosixPath) -> Iterator[str]:
    """Beside tests that lie among product code: data files, folders of data, and modules named like tests."""
    if not (root / folder).is_dir():
        return
    for entry in sorted(os.scandir(root / folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if _DATA_FOLDER.fullmatch(entry.name):
                yield from (path for path in _tree(root, folder / entry.name) if not path.endswith(".py"))
        elif not entry.name.endswith(".py") or "test" in entry.name:
            yield str(folder / entry.name)


def _regular(path: Path, room: int) -> bytes | None:
    """The content of a regular file that fits, read without following a link."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        return file.read() if stat.S_ISREG(facts.st_mode) and facts.st_size <= room else None


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
