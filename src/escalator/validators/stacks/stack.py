"""What a test runner of some language has to say of itself, so that its tests can be judged like any others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from escalator.records import Brief, Command, RunResult
from escalator.validators.reports import Report


@dataclass(frozen=True, kw_only=True, slots=True)
class Lack:
    """Why tests cannot be run here, and the line that mends it. `certain`: the tests themselves ask for it,
    whatever the answer does.
    """

    why: str
    mend: str
    certain: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """The tests that one runner takes in one package: `root` is the package's folder, "" for the project's own."""

    root: str
    tests: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What a run may use: seconds, MiB or None, and whether it may write its copy of the project."""

    timeout: float
    memory: int | None
    writable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """Tests as they are laid out for one run: `files` over the project, `sentinels` the ids of those that must
    fail.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    sentinels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Defined:
    """What the text of the tests defines: ids of tests, and those of them that it says are not to be run."""

    ids: tuple[str, ...] = ()
    excused: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Twin:
    """Tests with other expected values: their texts by path, and the ids of those that must fail so."""

    texts: Mapping[str, str] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a run reported, ids as the project knows them. `broken`: why the report cannot be believed, if it
    cannot; `lack`: what the runner itself says it needs; `changed`: files about the tests that the run has
    changed.
    """

    report: Report = field(default_factory=Report)
    broken: str = ""
    lack: Lack | None = None
    version: str = ""
    changed: tuple[str, ...] = ()


class Stack(Protocol):
    """One runner. Pure: it says what is to be run, and reads what came of it."""

    @property
    def name(self) -> str:
        """What the runner is called, in options and in evidence."""
        ...

    @property
    def kept(self) -> tuple[str, ...]:
        """Patterns of files that are always the base's, whoever asks for them."""
        ...

    @property
    def settings(self) -> tuple[str, ...]:
        """Settings files whose words name others that are the base's too."""
        ...

    def lack(self, brief: Brief, share: Share) -> Lack | None:
        """What is missing on this machine; nothing is started to find out."""
        ...

    def defined(self, brief: Brief, share: Share) -> Defined:
        """What the text of the tests says there is to be run."""
        ...

    def wholes(self, share: Share) -> frozenset[str]:
        """The ids under which a file or package is told that could not be run as a whole."""
        ...

    def marked(self, brief: Brief, share: Share, texts: Mapping[str, str], word: str) -> Marked:
        """These texts of the tests with others among them that must fail, all of which bear the word."""
        ...

    def twin(self, share: Share) -> Twin:
        """The tests with other expected values, where values could be bent."""
        ...

    def command(self, brief: Brief, share: Share, files: Mapping[str, str | None], turn: Turn) -> Command:
        """The run of the tests of a share over the project with files laid over it."""
        ...

    def read(self, share: Share, result: RunResult, turn: Turn) -> Reading:
        """What the run reported."""
        ...

    def environment(self, brief: Brief, message: str) -> Lack | None:
        """What a message of a failing test or run says is missing on this machine, if it says so."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One run: its bounds, a key for its records and a word that nobody could know before."""

    bounds: Bounds
    key: str
    word: str


def nearest(brief: Brief, path: str, name: str) -> str | None:
    """The folder at or above a file that has, before the answer, a file of this name; None if none has."""
    for folder in PurePosixPath(path).parents:
        place = "" if folder == PurePosixPath() else folder.as_posix()
        if there(brief, f"{place}/{name}".lstrip("/")):
            return place
    return None


def there(brief: Brief, path: str) -> bool:
    """Whether the base has a file at this path, or is to get one."""
    if path in brief.files or path in brief.tests:
        return True
    return brief.workspace is not None and (brief.workspace / path).is_file()


def under(root: str, path: str) -> str:
    """A path of the project as the package in `root` knows it."""
    return path.removeprefix(f"{root}/") if root else path
