"""The private folder of one run: a copy of the project, the trusted files, a home, all gone afterwards."""

# Plain strings and descriptors on purpose: pathlib follows links and costs time.
# ruff: noqa: PTH102, PTH111, PTH115, PTH117, PTH118, PTH211

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from escalator.errors import SandboxError, TaskError
from escalator.records import Command
from escalator.sandbox.artefacts import remove_tree
from escalator.sandbox.places import let_go, new_folder
from escalator.workspace import CACHES, HEAD, encoded, is_protected, kind_of, stays_back

_MOST_FILES = 100_000
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFolder:
    """Where one run lives on the host: `workspace`, `trusted` and `home` are folders under `root`."""

    root: Path
    lock: int
    notes: tuple[str, ...] = ()

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


def prepare(command: Command, *, share: Sequence[str] = ()) -> RunFolder:
    """Make the folder of a run. Raises TaskError for a path or size not allowed, and then leaves nothing.

    `share`: paths, folders or patterns that are copied although they would stay back.
    """
    root, lock = new_folder(room=command.limits.workspace)
    folder = RunFolder(root=root, lock=lock)
    try:
        for part in (folder.workspace, folder.trusted, folder.home):
            part.mkdir(mode=0o700)
        copy = _Copy(limit=command.limits.workspace, share=tuple(share))
        if command.workspace is not None:
            copy.tree(_checked_source(command.workspace), folder.workspace)
        lay_over(folder.workspace, command.files, field="files", limit=command.limits.workspace)
        lay_over(folder.trusted, command.trusted, field="trusted", limit=command.limits.workspace)
    except BaseException:
        folder.remove()
        folder.release()
        raise
    return RunFolder(root=root, lock=lock, notes=copy.notes())


def _checked_source(workspace: Path) -> Path:
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


@dataclass(kw_only=True, slots=True)
class _Copy:
    limit: int
    share: tuple[str, ...]
    size: int = 0
    files: int = 0
    left_out: list[str] = field(default_factory=list)

    def notes(self) -> tuple[str, ...]:
        if not self.left_out:
            return ()
        shown = ", ".join(sorted(self.left_out)[:5])
        more = f" and {len(self.left_out) - 5} more" if len(self.left_out) > 5 else ""
        return (f"Left out of the workspace copy: {shown}{more}.",)

    def tree(self, source: Path, target: Path) -> None:
        """Copy folders, regular files and links that stay inside; what may hold a secret is left out and named."""
        pending = [("", f"{target}/", False)]
        while pending:
            inner, here, closed = pending.pop()
            with os.scandir(os.path.join(source, inner)) as entries:
                for entry in entries:
                    name, place = inner + entry.name, here + entry.name
                    if entry.name in CACHES or entry.name.endswith(".pyc"):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        pending += self._folder(name, place, closed=closed)
                    elif closed and not self._shared(name):
                        continue
                    elif entry.is_symlink():
                        self._link(entry, source, place)
                    elif entry.is_file(follow_symlinks=False):
                        self._file(entry, name, place)

    def _folder(self, name: str, place: str, *, closed: bool) -> list[tuple[str, str, bool]]:
        """What is to be copied next; of a folder that stays back, or lies in one, only what is shared in it."""
        stays = kind_of(name.rpartition("/")[2], folder=True, top="/" not in name) is not None
        if stays and not closed and not self._shared(name):
            self.left_out.append(name)
        closed = (closed or stays) and not self._shared(name)
        if closed and not any(rule.startswith(f"{name}/") or "*" in rule for rule in self.share):
            return []
        os.mkdir(place, 0o700)
        return [(f"{name}/", f"{place}/", closed)]

    def _shared(self, name: str) -> bool:
        return bool(self.share) and is_protected(name, self.share)

    def _file(self, entry: os.DirEntry[str], name: str, place: str) -> None:
        reader = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            head = os.read(reader, HEAD)
            if stays_back(entry.name, head) and not self._shared(name):
                self.left_out.append(name)
                return
            facts = os.fstat(reader)
            self._count(facts.st_size)
            _copy(reader, head, place, stat.S_IMODE(facts.st_mode) & 0o777 | 0o600)
        finally:
            os.close(reader)

    def _link(self, entry: os.DirEntry[str], source: Path, target: str) -> None:
        where = os.readlink(entry.path)
        real = Path(os.path.realpath(entry.path))
        if not os.path.isabs(where) and real.is_relative_to(source):
            os.symlink(where, target)
        else:
            self.left_out.append(os.path.relpath(entry.path, source))

    def _count(self, size: int) -> None:
        self.size += size
        self.files += 1
        if self.size > self.limit or self.files > _MOST_FILES:
            raise TaskError(
                f"the project holds more than {self.limit} bytes or {_MOST_FILES} files",
                field="workspace",
                hint="point at a smaller folder, or raise Limits.workspace",
            )


def _copy(reader: int, head: bytes, target: str, mode: int) -> None:
    """Write `head` and what is still to be read to a new file."""
    writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        _write_all(writer, head)
        while len(head) == HEAD and (chunk := os.read(reader, _CHUNK)):  # a shorter head was all there is
            _write_all(writer, chunk)
    finally:
        os.close(writer)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def lay_over(root: Path, files: Mapping[str, str | bytes | None], *, field: str, limit: int) -> None:
    """Write the files under `root`, None deleting one. Raises TaskError for a path not plainly inside."""
    real_root = os.path.realpath(root)
    size = 0
    for name, content in files.items():
        target = Path(real_root, *checked_parts(name, field=field))
        if not Path(os.path.realpath(target.parent)).is_relative_to(real_root):
            raise TaskError(
                f"{name!r} leads through a link out of the workspace", field=field, hint="name a real path"
            )
        if target.is_symlink() or content is None:
            target.unlink(missing_ok=True)
        if content is None:
            continue
        data = encoded(name, content) if isinstance(content, str) else content
        size += len(data)
        if size > limit:
            raise TaskError(f"the files hold more than {limit} bytes", field=field, hint="raise Limits.workspace")
        _place(target, data, name, field)


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
    for here, folders, files in os.walk(folder.root):
        for name in _both(folders, files):
            os.chown(os.path.join(here, name), uid, gid, follow_symlinks=False)


def _both(first: Iterable[str], second: Iterable[str]) -> Iterable[str]:
    yield from first
    yield from second
