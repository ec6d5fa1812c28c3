"""The copy of a large project is kept between runs that cannot change it, and nobody can tell but by the clock."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from escalator.records import Command, RunResult
from escalator.sandbox.copying import RunFolder
from escalator.sandbox.kept import SHELF, Shelf

Python = Callable[..., RunResult]
LARGE = 600
PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----\n"
LISTED = (
    "import os\n"
    "for here, folders, names in os.walk('.'):\n"
    "    for name in [*folders, *names]:\n"
    "        path = os.path.join(here, name)\n"
    "        if 'many' not in path: print(path[2:], open(path).read() if os.path.isfile(path) else '/')\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project of more files than are copied anew each time, old enough for its times to be relied on."""
    (tmp_path / "many").mkdir()
    for number in range(LARGE):
        (tmp_path / "many" / f"{number}.txt").write_text("x")
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(f"text of {name}")
    time.sleep(1.1)
    yield tmp_path
    SHELF.clear()


def _listed(python: Python, project: Path, **fields: object) -> set[str]:
    return set(python(LISTED, workspace=project, **fields).stdout.splitlines())


PLAIN = {"many /", "a.py text of a.py", "b.py text of b.py"} - {"many /"}


def test_the_next_run_finds_the_project_as_it_is_then(python: Python, project: Path) -> None:
    """Changed, new and deleted files and folders, whatever the runs before had laid over them."""
    laid = {"a.py": "laid", "new/deep/c.py": "laid", "b.py": None}
    first = _listed(python, project, files=laid)
    second = _listed(python, project)
    (project / "a.py").write_text("changed")
    (project / "b.py").unlink()
    (project / "other").mkdir()
    (project / "other" / "d.py").write_text("d")
    third = _listed(python, project)
    (project / "other" / "d.py").unlink()
    (project / "other").rmdir()
    (project / "other").write_text("a file now")
    fourth = _listed(python, project)

    assert first == {"a.py laid", "new /", "new/deep /", "new/deep/c.py laid"}
    assert second == PLAIN
    assert third == {"a.py changed", "other /", "other/d.py d"}
    assert fourth == {"a.py changed", "other a file now"}


def test_a_file_written_to_at_once_and_of_the_same_size_is_seen(python: Python, project: Path) -> None:
    """Times may be the same then, and are not relied on."""
    shown = []
    for text in ("one", "two", "six"):
        (project / "a.py").write_text(text)
        shown.append("a.py " + text in _listed(python, project))

    assert shown == [True, True, True]


def test_a_file_that_becomes_a_secret_is_gone_from_the_next_run(python: Python, project: Path) -> None:
    """And one that is none any more is there."""
    (project / "notes.txt").write_text("harmless")
    time.sleep(1.1)
    before = _listed(python, project)
    (project / "notes.txt").write_text(PRIVATE)
    (project / ".env").write_text("KEY=1")
    during = _listed(python, project)
    (project / "notes.txt").write_text("harmless")
    after = _listed(python, project)

    assert before == after == PLAIN | {"notes.txt harmless"}
    assert during == PLAIN


def test_files_of_the_run_before_are_out_of_reach(python: Python, project: Path) -> None:
    """Its tests, and what it left in its home."""
    python(
        "import os; open(os.path.join(os.environ['HOME'], 'left'), 'w').write('x')",
        workspace=project,
        trusted={"test_a.py": "secret tests"},
    )
    code = "import os, sys; print(os.listdir(sys.argv[1]), os.listdir(os.environ['HOME']))"
    shown = python(code, "{trusted}", workspace=project, trusted={"other.py": ""}).stdout

    assert shown == "['other.py'] []\n"


def test_nothing_is_kept_of_a_run_that_may_write(python: Python, project: Path) -> None:
    """Whoever comes next gets what is in the project."""
    python("open('a.py', 'w').write('evil')", workspace=project, writable=True)

    assert _listed(python, project) == PLAIN
    assert (project / "a.py").read_text() == "text of a.py"


def _in_shelf(shelf: Shelf, project: Path, *, mode: str = "bwrap") -> RunFolder:
    return shelf.prepare(Command(argv=("true",), workspace=project), mode=mode)


def test_a_copy_is_kept_for_the_same_project_and_the_same_way_alone(project: Path, tmp_path_factory) -> None:
    """Another way of keeping apart may have another owner, and two runs at once never share a folder."""
    shelf = Shelf()
    other = tmp_path_factory.mktemp("other")
    first = _in_shelf(shelf, project)
    assert shelf.put(first, mode="bwrap")
    again = [_in_shelf(shelf, place, mode=mode) for place, mode in ((other, "bwrap"), (project, "landlock"))]
    same, second = _in_shelf(shelf, project), _in_shelf(shelf, project)
    roots = [folder.root for folder in (*again, same, second)]
    for folder in (*again, same, second):
        folder.remove()
        folder.release()

    assert same.root == first.root
    assert len(set(roots)) == 4


def test_at_most_two_copies_are_kept_and_none_for_long(project: Path) -> None:
    """What is too much goes at once, the rest after a while without a run."""
    shelf = Shelf(seconds=0.5)
    folders = [_in_shelf(shelf, project) for _ in range(3)]
    for folder in folders:
        assert shelf.put(folder, mode="bwrap")
    there = [folder.root.exists() for folder in folders]
    end = time.monotonic() + 60
    while any(folder.root.exists() for folder in folders) and time.monotonic() < end:
        time.sleep(0.1)

    assert not there[0]
    assert not any(folder.root.exists() for folder in folders)


def test_a_small_project_is_not_kept(tmp_path: Path) -> None:
    """It is copied in no time."""
    (tmp_path / "a.py").write_text("x")
    folder = _in_shelf(shelf := Shelf(), tmp_path)
    kept = shelf.put(folder, mode="bwrap")
    folder.remove()
    folder.release()

    assert not kept


def test_a_kept_copy_that_somebody_spoilt_is_made_anew(project: Path) -> None:
    """A cleaner of temporary files, for one."""
    shelf = Shelf()
    first = _in_shelf(shelf, project)
    shelf.put(first, mode="bwrap")
    for name in ("many/1.txt", "a.py"):
        (first.workspace / name).unlink()
        (project / name).unlink()
    second = _in_shelf(shelf, project)
    names = {path.name for path in second.workspace.iterdir()}
    second.remove()
    second.release()

    assert names == {"many", "b.py"}
    assert second.root != first.root
    assert not first.root.exists()


ENDS = """
import os, sys
from pathlib import Path
from escalator.records import Command
from escalator.sandbox.kept import SHELF
folder = SHELF.prepare(Command(argv=("true",), workspace=Path(sys.argv[1])), mode="bwrap")
print(folder.root, SHELF.put(folder, mode="bwrap"), flush=True)
if os.fork() == 0:
    sys.exit()
os.wait()
print(folder.root.exists(), flush=True)
"""


def test_nothing_is_left_when_the_process_ends(project: Path) -> None:
    """And a child that it forked takes nothing away."""
    done = subprocess.run(
        [sys.executable, "-c", ENDS, str(project)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TMPDIR": tempfile.gettempdir()},
    )
    root, *said = done.stdout.split()

    assert said == ["True", "True"]
    assert not Path(root).exists()
