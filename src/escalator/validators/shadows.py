"""Names are frozen: a new file may not be loaded in the place of one that is there, or of a module of Python."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import PurePosixPath

from escalator.records import Candidate

_RUNNERS = frozenset({"pytest", "_pytest", "pluggy"})
_UNUSED = frozenset({"test"})
"""Modules of Python that only its own tests import."""

_LOADED = (".py", ".pyc", ".so", ".pyd")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shadow:
    """A new file, and what it would be loaded instead of: a file of the project, or a module from elsewhere."""

    path: str
    hides: str
    own: bool

    def __str__(self) -> str:
        if self.own:
            return (
                f"{self.path} is new and would be imported in the place of {self.hides}. "
                f"Make the change in {self.hides} itself, and leave {self.path} out."
            )
        return f"{self.path} is new and has the name of the module {self.hides}. Give it another name."


def shadows(candidate: Candidate, folders: Iterable[str], imported: Iterable[str] = ()) -> Iterator[Shadow]:
    """The new files of an answer that take a name away. `folders` are those imported from, the first first,
    `imported` the names that the judge imports.

    A file that the task names is not new; one whose namesake the answer deletes takes its place. A folder that is
    itself imported as a package does not give its modules names of their own.
    """
    tree, names = _Tree(candidate), frozenset(imported)
    places = tuple(dict.fromkeys(str(PurePosixPath(folder)) for folder in folders))
    for path, text in candidate.changes.files.items():
        if text is None or not path.endswith(_LOADED) or tree.known(path):
            continue
        for at, name in _names(path, places):
            hidden = next((old for old in tree.files_of(name, places[at:]) if old != path), None)
            if hidden is not None:
                yield Shadow(path=path, hides=hidden, own=True)
                break
            alone = len(name) == 1 and places[at].partition("/")[0] not in names
            if alone and not tree.asked_for(name[0]) and _elsewhere(name[0], names):
                yield Shadow(path=path, hides=name[0], own=False)
                break


def _names(path: str, folders: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The names under which a file is imported, each with the number of the folder it is found in."""
    pure = PurePosixPath(path)
    for at, folder in enumerate(folders):
        if pure.is_relative_to(folder):
            parts = pure.relative_to(folder).parts
            stem = parts[-1].partition(".")[0]
            name = parts[:-1] if stem == "__init__" else (*parts[:-1], stem)
            if name and all(part.isidentifier() for part in name):
                yield at, name


def _elsewhere(name: str, imported: frozenset[str]) -> bool:
    if (name in sys.stdlib_module_names and name not in _UNUSED) or name in _RUNNERS:
        return True
    paths = sysconfig.get_paths()
    return name in imported and PathFinder.find_spec(name, [paths["purelib"], paths["platlib"]]) is not None


class _Tree:
    """The project as it was before the answer, less what the answer deletes."""

    def __init__(self, candidate: Candidate) -> None:
        self.brief = candidate.brief
        self.deleted = {path for path, text in candidate.changes.files.items() if text is None}

    def known(self, path: str) -> bool:
        """Whether a file is there, or the task names it."""
        root = self.brief.workspace
        return (
            path in self.brief.files or path in self.brief.tests or (root is not None and (root / path).is_file())
        )

    def files_of(self, name: tuple[str, ...], folders: tuple[str, ...]) -> Iterator[str]:
        """The files that are imported under a name."""
        for folder in folders:
            inner = PurePosixPath(folder, *name)
            for path in (f"{inner}.py", f"{inner}/__init__.py"):
                if path not in self.deleted and self.known(path):
                    yield path

    def asked_for(self, name: str) -> bool:
        """Whether the task speaks of a module of this name, or has one among its files."""
        if any(PurePosixPath(path).stem == name for path in self.brief.files):
            return True
        return f"{name}.py" in self.brief.prompt or f"`{name}`" in self.brief.prompt
