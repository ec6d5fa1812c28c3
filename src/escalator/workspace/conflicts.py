"""What of a change set may be written to a tree as it is now, and what has changed there since it was judged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from escalator.errors import TaskError
from escalator.workspace.encodings import decoded, encoded
from escalator.workspace.moving import Change
from escalator.workspace.patches import as_written, renames
from escalator.workspace.paths import is_guarded, is_protected, path_problem, starts_on_install
from escalator.workspace.places import no_links

_AGAIN: Final = (
    "run the task again on the new state, or pass force=True to write all the same; nothing was changed"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What a task knew of the tree: the contents of its files and tests, and what nobody may touch.

    `in_place`: the tree is the one the files were read from. `absent`: those of the files and tests that were not
    in it then; None where nobody noted it. `force`: what changed there is no conflict.
    """

    files: Mapping[str, str]
    tests: Mapping[str, str]
    protected: tuple[str, ...] = ()
    in_place: bool = False
    absent: Collection[str] | None = None
    force: bool = False

    def was_there(self, path: str) -> bool:
        """Whether the tree had this file or test of the task; if nobody noted it, an empty file was to be made."""
        if self.absent is not None:
            return path not in self.absent
        return bool(self.files.get(path)) or path in self.tests

    def must_allow(self, files: Mapping[str, str | None]) -> None:
        """Raise `TaskError` for a path that no answer may write, whatever the tree holds."""
        for path, text in sorted(files.items()):
            problem = path_problem(path)
            if problem:
                raise TaskError(f"{path!r} cannot be written: {problem}", field="path", hint="nothing was changed")
            if is_protected(path, self.protected):
                raise TaskError(
                    f"{path!r} is protected and was not written", field="path", hint="nothing was changed"
                )
            if path not in self.files and (is_guarded(path) or starts_on_install(path, "", text)):
                raise TaskError(
                    f"{path!r} is protected and was not written: programs start what it names by themselves",
                    field="path",
                    hint="name it in files= if the task is about it; nothing was changed",
                )
            if text is not None and any(other.startswith(f"{path}/") for other in files):
                raise TaskError(
                    f"could not write {path!r}: it is to be a file and a folder",
                    field="path",
                    hint="nothing was changed",
                )


def changes_to(base: Path, files: Mapping[str, str | None], known: Known) -> list[Change]:
    """What is to be done to the tree, without what is there already. Raises `TaskError` for a conflict."""
    now = {path: _current(base, path) for path in sorted({*files, *known.files, *known.tests})}
    origins = {new: old for new, old in renames(known.files, files).items() if now[old] is not None}
    changes = []
    for path in sorted(files):
        new = _encoded(path, now[path], files[path])
        if new != now[path]:
            changes.append(Change(path=path, old=now[path], new=new, origin=origins.get(path, "")))
    if changes and not known.force:
        _must_be_as_judged(now, changes, known, untouched=now.keys() - files.keys())
        for change in changes:
            _must_have_one_name(base, change)
    return changes


def _must_be_as_judged(
    now: Mapping[str, bytes | None], changes: list[Change], known: Known, *, untouched: Iterable[str]
) -> None:
    fresh = not known.in_place and all(now[path] is None for path in known.files)
    for change in changes:
        if change.old is None:
            if change.path in known.files and known.was_there(change.path) and not fresh:
                raise _conflict(change.path, "was removed since it was read")
        elif change.path not in known.files:
            raise TaskError(
                f"{change.path!r} exists but was not among the task's files, so the answer was written without "
                "seeing it",
                field="path",
                hint="add it to files= or apply somewhere else; nothing was changed",
            )
        elif not _holds(change.path, change.old, known.files[change.path]):
            raise _conflict(change.path, "changed on disk since it was read")
    for path in () if fresh else sorted(untouched):
        held, data = known.files.get(path), now[path]
        if data is None and known.in_place and known.was_there(path):
            raise _conflict(path, "was removed since the answer was judged with it")
        if data is not None and not _holds(path, data, known.tests[path] if held is None else held):
            raise _conflict(path, "changed on disk since the answer was judged with it")


def _must_have_one_name(base: Path, change: Change) -> None:
    if change.old is not None and (base / change.path).stat().st_nlink > 1:
        raise TaskError(
            f"{change.path!r} is a hard link: the file has another name, which would keep its old content",
            field="path",
            hint="pass force=True to give it a content of its own; nothing was changed",
        )


def _conflict(path: str, what: str) -> TaskError:
    return TaskError(f"{path!r} {what}", field="path", hint=_AGAIN)


def _current(base: Path, path: str) -> bytes | None:
    no_links(base, path, "path")
    place = base / path
    if not place.exists():
        return None
    if not place.is_file():
        raise TaskError(f"{path!r} is not a regular file", field="path", hint="nothing was changed")
    return place.read_bytes()


def _holds(path: str, data: bytes, text: str) -> bool:
    return data == encoded(path, text)


def _encoded(path: str, old: bytes | None, new: str | None) -> bytes | None:
    if new is None:
        return None
    try:
        before = None if old is None else decoded(path, old) or old.decode("utf-8", "replace")
        return encoded(path, as_written(before, new))
    except UnicodeEncodeError:
        raise TaskError(
            f"the new content of {path!r} is not valid Unicode", field="path", hint="nothing was changed"
        ) from None
