"""The tests as a caller names them: files, folders, patterns and pytest's ids of single tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from escalator.errors import TaskError

_SIGNS = "*?["


@dataclass(frozen=True, kw_only=True, slots=True)
class Trusted:
    """The files of the tests with their contents. `selected`: ids of the tests that count, for files of which not
    all do; `helpers`: files that came with a folder and are no test files by the project's own settings.
    """

    files: Mapping[str, str]
    selected: tuple[str, ...] = field(default=())
    helpers: tuple[str, ...] = field(default=())


def from_disk(root: Path, names: Sequence[str]) -> tuple[Trusted, str]:
    """Read the tests of a project, with a sentence about what patterns and folders left out, empty for nothing.

    Raises `TaskError` for what is not there, a misspelt test included.
    """
    from escalator import workspace as project

    whole, left = [name for name in names if "::" not in name], project.LeftOut()
    files = project.read_tests(root, whole, left=left) if whole else {}
    selected, given = dict[str, None](), frozenset(files)
    for name in (name for name in names if "::" in name):
        path, inner = _parts(name)
        if (root / path).is_dir() or (any(sign in path for sign in _SIGNS) and not (root / path).exists()):
            raise _error(f"{name!r} names a test in more than one file", "name the file it stands in")
        read = project.read_tests(root, [path])
        place = next(each for each in read if project.composed(each) == project.composed(_plain(path)))
        if place not in given:
            selected[_checked(f"{place}::{inner}", read[place])] = None
        files |= read
    trusted = Trusted(
        files=dict(sorted(files.items())), selected=tuple(selected), helpers=_helpers(root, whole, files)
    )
    return trusted, left.sentence("tests")


def from_texts(given: Mapping[str, str]) -> Trusted:
    """Tests as {path: content}; a path may be an id, of which the content is that of its file."""
    files, selected = dict[str, str](), dict[str, None]()
    whole = {name for name in given if "::" not in name}
    for name, text in given.items():
        path, inner = _parts(name) if "::" in name else (name, "")
        if files.setdefault(path, text) != text:
            raise _error(f"{path!r} is given with two contents", "give each file one content")
        if inner and path not in whole:
            selected[_checked(name, text)] = None
    return Trusted(files=files, selected=tuple(selected))


def _parts(name: str) -> tuple[str, str]:
    path, _, inner = name.partition("::")
    if not path.endswith(".py"):
        raise _error(
            f"{name!r}: ids of single tests are pytest's, and {path!r} is no Python file", "name the file alone"
        )
    if not all(inner.partition("[")[0].split("::")):
        raise _error(f"{name!r} names no test", f"write {path}::test_name")
    return path, inner


def _checked(test: str, text: str) -> str:
    """The id, if its file may define it."""
    from escalator.validators.tests.nodes import unknown_in

    unknown = unknown_in(test, text)
    if unknown is not None:
        name, close = unknown
        hint = f"did you mean {close!r}?" if close else "see the names with `pytest --collect-only -q`"
        raise _error(f"{test.partition('::')[0]} defines no {name!r}", hint)
    return test


def _helpers(root: Path, names: Sequence[str], files: Mapping[str, str]) -> tuple[str, ...]:
    """The Python files that came with a folder alone and are no test files, where the project says which are."""
    folders = [_plain(name) for name in names if (root / _plain(name)).is_dir()]
    if not folders:
        return ()
    from escalator import workspace as project
    from escalator.validators.tests.config import read_naming

    named = {_plain(name) for name in names} - set(folders)
    matched = [name for name in named if any(sign in name for sign in _SIGNS) and not (root / name).exists()]
    named |= set(project.read_tests(root, matched)) if matched else set()
    inside = [path for path in files if path.endswith(".py") and path not in named]
    inside = [path for path in inside if any(PurePosixPath(path).is_relative_to(folder) for folder in folders)]
    naming = read_naming(root, inside)
    return tuple(path for path in inside if naming.files is not None and not naming.takes_file(path))


def _plain(name: str) -> str:
    return PurePosixPath(name).as_posix()


def _error(text: str, hint: str) -> TaskError:
    return TaskError(text, field="tests", hint=hint)
