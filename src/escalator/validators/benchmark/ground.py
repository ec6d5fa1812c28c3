"""What a measured process may leave behind for the next, and taking it away. Python 3.8."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Mark = tuple[int, int, int]


class Ground:
    """The folders that measured processes may write: `trees` map a folder to what lays it out anew, `shared` are
    others. `tidy` puts all of them back, so that no process finds what one before it has kept on the disk.
    """

    def __init__(self, trees: Mapping[Path, Callable[[], None]], shared: list[Path]) -> None:
        self.trees, self.shared = trees, [each for each in shared if os.access(each, os.W_OK)]
        self.marks = {place: dict(self.marked(place)) for place in (*trees, *self.shared)}

    def tidy(self) -> None:
        """Take away what is new; lay out anew what is changed."""
        for place in self.shared:
            self.clear(place)
        for place, lay_out in self.trees.items():
            if not self.clear(place):
                shutil.rmtree(place, ignore_errors=True)
                lay_out()
                self.marks[place] = dict(self.marked(place))

    def clear(self, place: Path) -> bool:
        """Take away what is new in a folder; whether the rest is as it was."""
        marks, found = self.marks[place], dict(self.marked(place))
        for path in sorted(set(found) - set(marks), reverse=True):
            remove(path)
        return all(found.get(path) == mark for path, mark in marks.items())

    def marked(self, place: Path) -> Iterator[tuple[str, Mark | None]]:
        """Each entry below a folder and what changes with its content; a folder itself only by its name."""
        for folder, folders, files in os.walk(place):
            if Path(folder) != place and Path(folder) in self.trees:
                folders.clear()
                continue
            for name in folders:
                yield str(Path(folder, name)), None
            for name in files:
                path = Path(folder, name)
                with contextlib.suppress(OSError):
                    seen = path.lstat()
                    yield str(path), (seen.st_ino, seen.st_size, seen.st_ctime_ns)


def remove(path: str) -> None:
    """Take one entry away, whatever it is."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114  names, not places
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)  # noqa: PTH108
