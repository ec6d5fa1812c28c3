"""The private folder of one run: a copy of the project, the trusted files, a home, all gone afterwards."""

# Plain strings and descriptors on purpose: pathlib follows links and costs time.
# ruff: noqa: PTH111, PTH117, PTH118

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from escalator.errors import SandboxError, TaskError
from escalator.records import Command
from escalator.sandbox.artefacts import remove_tree
from escalator.sandbox.mirror import Mirror
from escalator.sandbox.places import let_go, new_folder
from escalator.workspace import encoded


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFolder:
    """Where one run lives on the host: `workspace`, `trusted` and `home` are folders under `root`.

    `mirror` keeps the workspace like the project, if there is one; `laid` are paths in it that are not from there.
    """

    root: Path
    lock: int
    notes: tuple[str, ...] = ()
    mirror: Mirror | None = None
    laid: set[str] = field(default_factory=set)

    @property
    def workspace(self) -> Path:
        """The copy of the project."""
        return self.root / "workspace"

    @property
    def trusted(self) -> Path:
        """Files the process may read and never change."""
        return self.root / "trusted"

    @property
    def home(self) -> Path:
        """Home and temporary folder, where the mode has no private ones."""
        return self.root / "home"

    def remove(self) -> None:
        """Remove everything. What cannot be removed raises OSError, and the call may be repeated."""
        remove_tree(self.root)

    def release(self) -> None:
        """Give up the lock that says the folder is in use; to be called once."""
        let_go(self.lock)


def prepare(command: Command, *, share: Sequence[str] = (), kept: RunFolder | None = None) -> RunFolder:
    """Make the folder of a run. Raises TaskError for a path or size not allowed, and then leaves nothing.

    `share`: paths, folders or patterns that are copied although they would stay back. `kept`: the emptied folder
    of another run of this project, to be gone on with; it may turn out to be spoilt, which raises OSError.
    """
    folder = kept or _new_folder(command, tuple(share))
    try:
        for part in (folder.workspace, folder.trusted, folder.home):
            part.mkdir(mode=0o700, exist_ok=part == folder.workspace)
        notes = folder.mirror.update() if folder.mirror is not None else ()
        limit = command.limits.workspace
        folder.laid.update(lay_over(folder.workspace, command.files, field="files", limit=limit))
        lay_over(folder.trusted, command.trusted, field="trusted", limit=limit)
    except BaseException:
        folder.remove()
        folder.release()
        raise
    return replace(folder, notes=notes)


def _new_folder(command: Command, share: tuple[str, ...]) -> RunFolder:
    source = checked_source(command.workspace) if command.workspace is not None else None
    limit = command.limits.workspace
    root, lock = new_folder(room=limit)
    folder = RunFolder(root=root, lock=lock)
    if source is None:
        return folder
    return replace(folder, mirror=Mirror(source=source, target=folder.workspace, limit=limit, share=share))


def checked_source(workspace: Path) -> Path:
    """The real folder of a project. Raises TaskError if there is none, SandboxError for a home directory."""
    source = workspace.resolve()
    if not source.is_dir():
        raise TaskError(f"{workspace} is not a folder", field="workspace", hint="pass the folder of the project")
    if is_home_or_above(source):
        raise SandboxError(
            f"The workspace {source} is a home directory or contains one, so it is not copied into a sandbox. "
            "Pass the folder of one project instead."
        )
    return source


def is_home_or_above(path: Path) -> bool:
    """Whether `path` is the root of the file system, a home of this user, or a folder that one lies in."""
    return path == Path(path.anchor) or any(path == home or path in home.parents for home in homes())


def homes() -> list[Path]:
    """The home named by the environment and the one in the user database, which may differ."""
    named = [os.path.expanduser("~")]
    with suppress(KeyError):
        named.append(pwd.getpwuid(os.getuid()).pw_dir)
    real = dict.fromkeys(Path(os.path.realpath(name)) for name in named if os.path.isabs(name))
    return [home for home in real if home != Path(home.anchor)]


def lay_over(root: Path, files: Mapping[str, str | bytes | None], *, field: str, limit: int) -> list[str]:
    """Write the files under `root`, None deleting one, and return the paths that are no longer what they were.
    Raises TaskError for a path not plainly inside.
    """
    real_root = os.path.realpath(root)
    size, touched = 0, []
    for name, content in files.items():
        target = Path(real_root, *checked_parts(name, field=field))
        real = Path(os.path.realpath(target.parent), target.name)
        if not real.parent.is_relative_to(real_root):
            raise TaskError(
                f"{name!r} leads through a link out of the workspace", field=field, hint="name a real path"
            )
        touched.append(first_missing(real).relative_to(real_root).as_posix())
        if target.is_symlink() or content is None:
            target.unlink(missing_ok=True)
        if content is None:
            continue
        data = encoded(name, content) if isinstance(content, str) else content
        size += len(data)
        if size > limit:
            raise TaskError(f"the files hold more than {limit} bytes", field=field, hint="raise Limits.workspace")
        _place(target, data, name, field)
    return touched


def first_missing(path: Path) -> Path:
    """The path itself, or the outermost folder on the way to it that has still to be made."""
    while not path.parent.exists():
        path = path.parent
    return path


def _place(target: Path, data: bytes, name: str, field: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except OSError as error:
        raise TaskError(
            f"{name!r} cannot be written: {error.strerror}", field=field, hint="a file and a folder may clash"
        ) from error


def checked_parts(name: str, *, field: str) -> tuple[str, ...]:
    """The parts of a plain relative path. Raises TaskError for an absolute one, "..", a NUL or an empty name."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name:
        raise TaskError(
            f"{name!r} is not a relative path inside the workspace", field=field, hint="use src/name.py"
        )
    return path.parts


def hand_over(folder: RunFolder, uid: int, gid: int) -> None:
    """Make `uid` the owner of all in the folder, for runs that give up the rights of root. The folder itself stays
    ours, so that we still know it for ours if this process dies.
    """
    folder.root.chmod(0o711)  # to be passed through; what is in it is closed
    for place in _new_in(folder):
        os.chown(place, uid, gid, follow_symlinks=False)


def _new_in(folder: RunFolder) -> Iterator[str]:
    """What the preparation of a run has made; the rest of a folder that is gone on with is the owner's already."""
    copied = folder.mirror.fresh if folder.mirror is not None else []
    yield str(folder.workspace)
    yield from filter(os.path.lexists, (os.path.join(folder.workspace, name) for name in copied))
    for top in (folder.trusted, folder.home, *(folder.workspace / name for name in folder.laid)):
        yield from filter(os.path.lexists, [str(top)])
        for here, folders, files in os.walk(top):
            yield from (os.path.join(here, name) for name in _both(folders, files))


def _both(first: Iterable[str], second: Iterable[str]) -> Iterable[str]:
    yield from first
    yield from second
