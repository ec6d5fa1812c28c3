"""Read what a task may change, and the tests it is judged by."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Final

from escalator.errors import TaskError
from escalator.workspace.encodings import decoded
from escalator.workspace.paths import composed, path_problem
from escalator.workspace.places import no_links, on_disk, root_of
from escalator.workspace.withheld import CACHES, HEAD, kind_of, stays_back

MAX_FILE: Final = 1_000_000
"""Bytes one file may have to be read into a task."""

MAX_TOTAL: Final = 8_000_000
"""Bytes all files of one argument may have together."""

MAX_FILES: Final = 2_000
"""Files one argument may name."""

_SKIPPED_DIRS = CACHES | {"target", "dist", "build", ".eggs"}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files that patterns or folders stand for and that were not taken, since nobody named them."""

    ignored: set[str] = field(default_factory=set)
    secret: set[str] = field(default_factory=set)

    def sentence(self, argument: str) -> str:
        """How many, and what to do about them; empty if there are none."""
        told = [(self.ignored, "that git ignores"), (self.secret, "that may hold secrets")]
        counted = [f"{len(names):,} {why}" for names, why in told if names]
        if not counted:
            return ""
        return f"{argument} leaves out what its patterns match: {', '.join(counted)}; name those that are wanted"


def read_files(workspace: str | Path, patterns: Sequence[str], *, left: LeftOut | None = None) -> dict[str, str]:
    """Read what a task may change: {relative path: text}, sorted, from plain paths and glob patterns.

    A plain path that does not exist yet, in a directory that does, is read as empty: it is to be created.
    Patterns leave out links, binary files, caches, version control, keys and the like, what git ignores, and
    names with a dot in front where the pattern does not name the dot; `left` is told of what might be missed.
    Raises `TaskError` for anything named plainly that cannot be read, for a pattern that matches nothing and for
    more than the limits.
    """
    root, left = root_of(workspace, "workspace"), left or LeftOut()
    found: dict[str, str] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        name = _relative(pattern, "files")
        if _is_pattern(root, name):
            found.update(_read_pattern(root, name, "files", left))
        else:
            name = on_disk(root, name)
            found[name] = _read_named(root, name, "files", may_be_new=True)
    return _within_limits(found, "files")


def read_tests(workspace: str | Path, paths: Sequence[str], *, left: LeftOut | None = None) -> dict[str, str]:
    """Read the trusted tests: {relative path: text}, sorted, from files, directories and glob patterns.

    A directory stands for every text file under it (tests, conftest.py, helpers, data), but not for keys and the
    like nor for what git ignores, which have to be named; `left` is told of them. For each file the conftest.py of
    its directory and of those above it come along.
    Raises `TaskError` for a path that is missing, outside the workspace or a link, and for a directory or pattern
    without any file.
    """
    root, left = root_of(workspace, "workspace"), left or LeftOut()
    found: dict[str, str] = {}
    for path in [paths] if isinstance(paths, str) else paths:
        name = _relative(path, "tests")
        name = on_disk(root, name)
        if _is_pattern(root, name):
            found.update(_read_pattern(root, name, "tests", left))
        elif (root / name).is_dir():
            no_links(root, name, "tests")
            found.update(_read_under(root, name, "tests", left))
        else:
            found[name] = _read_named(root, name, "tests")
    return _within_limits(_with_conftests(root, found), "tests")


def read_beside(workspace: str | Path, texts: Mapping[str, str], argument: str) -> dict[str, str]:
    """Texts that stand for files of a workspace, in their order, under the names that it has them by; with tests
    comes what comes along with them in `read_tests`.

    Raises `TaskError` (on the field `argument`) for a path through a link and for that of a directory.
    """
    root = root_of(workspace, "workspace")
    found: dict[str, str] = {}
    for path, text in texts.items():
        name = on_disk(root, path)
        no_links(root, name, argument)
        if (root / name).is_dir():
            raise TaskError(f"{path!r} is a directory", field=argument, hint="pass the text of a file")
        found[name] = text
    return _with_conftests(root, found) if argument == "tests" else found


def missing(workspace: str | Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Those of the paths that a workspace does not have."""
    return tuple(path for path in paths if not os.path.lexists(Path(workspace) / path))


def _with_conftests(root: Path, tests: dict[str, str]) -> dict[str, str]:
    """Tests, and the conftest.py of the directory of each and of those above it."""
    found = dict(tests)
    for name in tests:
        for folder in PurePosixPath(name).parents:
            conftest = (folder / "conftest.py").as_posix()
            if conftest not in found and (root / conftest).is_file():
                found[conftest] = _read_named(root, conftest, "tests")
    return found


def _is_pattern(root: Path, name: str) -> bool:
    """Whether a name is a pattern: it has the signs of one, and nothing is called exactly that."""
    return any(char in name for char in "*?[") and not os.path.lexists(root / on_disk(root, name))


def _read_named(root: Path, name: str, argument: str, *, may_be_new: bool = False) -> str:
    no_links(root, name, argument)
    place = root / name
    if place.is_dir():
        raise TaskError(
            f"{name!r} is a directory", field=argument, hint=f"pass a pattern such as '{name}/**/*.py'"
        )
    if not place.exists():
        close = get_close_matches(name, _walk(root), n=1, cutoff=0.6)
        if may_be_new and place.parent.is_dir() and not path_problem(name) and not _mistyped(name, close):
            return ""
        hint = f"did you mean {close[0]!r}?" if close else f"paths are relative to {root}"
        raise TaskError(f"{name!r} does not exist", field=argument, hint=hint)
    if not place.is_file():
        raise TaskError(f"{name!r} is not a regular file", field=argument, hint="name a text file")
    text = _text(place, argument, name)
    if text is None:
        hint = "leave it out, convert it to UTF-8, or let it declare its encoding"
        raise TaskError(
            f"{name!r} is not a UTF-8 text file, nor one in an encoding it declares", field=argument, hint=hint
        )
    return text


def _mistyped(name: str, close: Sequence[str]) -> bool:
    """Whether the name has the very letters of an existing one, in another order or case."""
    return any(sorted(name.casefold()) == sorted(other.casefold()) for other in close)


def _read_pattern(root: Path, pattern: str, argument: str, left: LeftOut) -> Iterator[tuple[str, str]]:
    loose = re.compile(_translate(composed(pattern))).fullmatch
    strict = re.compile(_translate(composed(pattern), dots=False)).fullmatch
    matching = [name for name in _plain_files(root, pattern) if loose(composed(name))]
    wanted = [name for name in matching if strict(composed(name))]
    hidden = set(matching) - set(wanted)
    left.secret.update(name for name in hidden if kind_of(name.rpartition("/")[2]) == "secret")
    return _some(root, dict(_taken(root, wanted, argument, left)), pattern, argument, left)


def _read_under(root: Path, folder: str, argument: str, left: LeftOut) -> Iterator[tuple[str, str]]:
    pattern = f"{folder}/**/*"
    matching = [name for name in _plain_files(root, pattern) if name.startswith(f"{folder}/")]
    return _some(root, dict(_taken(root, matching, argument, left)), pattern, argument, left)


def _plain_files(root: Path, pattern: str) -> Iterator[str]:
    for name in _walk(root, keep=frozenset(pattern.split("/"))):
        if not (root / name).is_symlink() and (root / name).is_file():
            yield name


def _taken(root: Path, names: Sequence[str], argument: str, left: LeftOut) -> Iterator[tuple[str, str]]:
    """Those of the files that may be shown though nobody named them."""
    from escalator.workspace.ignored import ignored

    gone = ignored(root, names)
    left.ignored.update(gone)
    for name in names:
        text = None if name in gone else _text(root / name, argument, name)
        if text is None:
            continue
        if stays_back(name.rpartition("/")[2], text[:HEAD].encode()):
            left.secret.add(name)
        else:
            yield name, text


def _some(
    root: Path, found: dict[str, str], pattern: str, argument: str, left: LeftOut
) -> Iterator[tuple[str, str]]:
    if not found:
        hint = left.sentence(argument) or f"patterns are relative to {root}"
        raise TaskError(f"no text file matches {pattern!r}", field=argument, hint=hint)
    return iter(found.items())


def _text(place: Path, argument: str, name: str) -> str | None:
    if place.stat().st_size > MAX_FILE:
        raise TaskError(
            f"{name!r} is larger than {MAX_FILE:,} bytes", field=argument, hint="leave it out or name a part of it"
        )
    data = place.read_bytes()
    return None if b"\0" in data else decoded(name, data)


def _within_limits(found: dict[str, str], argument: str) -> dict[str, str]:
    size = sum(len(text.encode("utf-8")) for text in found.values())
    if len(found) > MAX_FILES or size > MAX_TOTAL:
        raise TaskError(
            f"{len(found):,} files with {size:,} bytes are more than {MAX_FILES:,} files or {MAX_TOTAL:,} bytes",
            field=argument,
            hint="name only what the task is about",
        )
    return dict(sorted(found.items()))


def _walk(root: Path, *, keep: frozenset[str] = frozenset()) -> Iterator[str]:
    for folder, folders, names in os.walk(root, followlinks=False):
        prefix = Path(folder).relative_to(root).as_posix()
        folders[:] = sorted(f for f in folders if _is_walked(f, top=prefix == ".") or (f in keep and f != ".git"))
        for name in sorted(names):
            yield name if prefix == "." else f"{prefix}/{name}"


def _is_walked(folder: str, *, top: bool) -> bool:
    return folder not in _SKIPPED_DIRS and kind_of(folder, folder=True, top=top) is None


def _translate(pattern: str, *, dots: bool = True) -> str:
    """A pattern as a regular expression. Without `dots` no sign stands for the dot that a name begins with."""
    shy = "" if dots else r"(?!\.)"
    out, rest, begins = list[str](), pattern, True
    while rest:
        before, guard = rest, shy if begins else ""
        if rest.startswith("**/"):
            out.append(f"(?:{shy}[^/]+/)*")
            rest = rest[3:]
        elif rest == "**":
            out.append(f"{shy}[^/]+(?:/{shy}[^/]+)*")
            rest = ""
        elif rest[0] == "[" and "]" in rest[2:]:
            end = rest.index("]", 2)
            inside = rest[1:end].replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[")
            out.append(guard + (f"[^/{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"))
            rest = rest[end + 1 :]
        else:
            sign = {"*": "[^/]*", "?": "[^/]"}.get(rest[0])
            out.append(guard + sign if sign else re.escape(rest[0]))
            rest = rest[1:]
        begins = before[: len(before) - len(rest)].endswith("/")
    return "".join(out)


def _relative(path: str, argument: str) -> str:
    name = str(path).replace(os.sep, "/").removeprefix("./").rstrip("/")
    if not name or name.startswith(("/", "~")) or ".." in name.split("/") or "\0" in name or ":" in name:
        raise TaskError(
            f"{str(path)!r} is not a path inside the workspace",
            field=argument,
            hint="pass paths relative to workspace=, without '..' and without '::' selectors",
        )
    return name
