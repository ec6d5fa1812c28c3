"""Two who write to one tree at once never both succeed on one file, be they threads or processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from escalator.errors import TaskError
from escalator.workspace import write_changes
from escalator.workspace.locking import locked
from workspace.trees import as_nobody, everything, tree

PAIRS = 100
BASE = {"a.py": "x = 1\n", "pkg/b.py": "y = 1\n"}
ONE = {"a.py": "x = 'one'\n", "pkg/one.py": "1\n"}
OTHER = {"a.py": "x = 'other'\n", "pkg/b.py": "y = 'other'\n"}


def write(root: Path, files: dict[str, str], expected: dict[str, str]) -> str:
    try:
        write_changes(root, files, expected=expected)
    except TaskError as error:
        return str(error)
    return "done"


def at_once(*jobs: Callable[[], str]) -> list[str]:
    """What each said, all begun at the same moment."""
    gate, said = threading.Barrier(len(jobs)), [""] * len(jobs)

    def go(number: int) -> None:
        gate.wait()
        said[number] = jobs[number]()

    threads = [threading.Thread(target=go, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def holds_one_change(root: Path, said: list[str]) -> bool:
    """Whether one succeeded, the other was told of the conflict, and the tree is what the first wrote."""
    winner = (ONE, OTHER)[said.index("done")]
    wanted = {name: text.encode() for name, text in {**BASE, **winner}.items()}
    return said.count("done") == 1 and any("since" in each for each in said) and everything(root) == wanted


def test_of_a_hundred_pairs_of_threads_none_loses_an_update(tmp_path: Path) -> None:
    """One of two threads writes, the other is told that the file changed."""
    for number in range(PAIRS):
        root = tree(tmp_path / str(number), BASE)
        said = at_once(lambda root=root: write(root, ONE, BASE), lambda root=root: write(root, OTHER, BASE))
        assert holds_one_change(root, said), said


@pytest.fixture
def contenders() -> Iterator[tuple[subprocess.Popen[str], subprocess.Popen[str]]]:
    """Two processes that wait for what to write."""
    program = [sys.executable, str(Path(__file__).with_name("contender.py"))]
    one, other = (
        subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    )
    with one, other:
        yield one, other
        for each in (one, other):
            assert each.stdin is not None
            each.stdin.close()


def test_of_a_hundred_pairs_of_processes_none_loses_an_update(
    tmp_path: Path, contenders: tuple[subprocess.Popen[str], subprocess.Popen[str]]
) -> None:
    """The lock holds between processes as it does between threads."""
    for number in range(PAIRS):
        root = tree(tmp_path / str(number), BASE)
        for child, files in zip(contenders, (ONE, OTHER), strict=True):
            child.stdin.write(json.dumps({"root": str(root), "files": files, "expected": BASE}) + "\n")
        for child in contenders:
            child.stdin.flush()
        said = [child.stdout.readline().strip() for child in contenders]
        assert holds_one_change(root, said), said


def test_a_tree_and_a_folder_of_it_are_one_tree(tmp_path: Path) -> None:
    """A task in a sub-project and one in the whole project that write one file are told apart all the same."""
    for number in range(20):
        root = tree(tmp_path / str(number), BASE)
        (tmp_path / f"link-{number}").symlink_to(root)
        said = at_once(
            lambda root=root: write(root, {"pkg/b.py": "y = 'one'\n"}, BASE),
            lambda root=root: write(root / "pkg", {"b.py": "y = 'two'\n"}, {"b.py": BASE["pkg/b.py"]}),
            lambda number=number: write(tmp_path / f"link-{number}", {"pkg/b.py": "y = 'three'\n"}, BASE),
        )
        assert said.count("done") == 1, said


def test_changes_to_different_files_both_succeed_if_neither_was_given_the_other(tmp_path: Path) -> None:
    """Writers wait for each other; only what one was judged with and the other changed is a conflict."""
    for number in range(20):
        root = tree(tmp_path / str(number), BASE)
        said = at_once(
            lambda root=root: write(root, {"a.py": "x = 2\n"}, {"a.py": BASE["a.py"]}),
            lambda root=root: write(root, {"pkg/b.py": "y = 2\n"}, {"pkg/b.py": BASE["pkg/b.py"]}),
        )
        assert said == ["done", "done"]


def test_whoever_waits_too_long_is_told_so(tmp_path: Path) -> None:
    """Waiting is bounded, and what cannot be had by then is one clear error."""
    root = tree(tmp_path / "project", BASE)
    with locked([root]), pytest.raises(TaskError, match="somebody else is writing to") as raised:
        write_changes(root, {"a.py": "x = 2\n"}, expected=BASE, wait=0.05)

    assert "apply again" in str(raised.value)
    assert write(root, {"a.py": "x = 2\n"}, BASE) == "done"


def test_a_holder_that_dies_holds_nothing(tmp_path: Path) -> None:
    """The system lets go of a dead process's lock, so nobody has to clear anything away."""
    root = tree(tmp_path / "project", BASE)
    code = (
        "import sys, os, signal; from pathlib import Path; from escalator.workspace.locking import locked\n"
        "with locked([Path(sys.argv[1])]):\n    print('held', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(root)], check=False, capture_output=True)

    assert write(root, {"a.py": "x = 2\n"}, BASE) == "done"


def test_a_lock_needs_no_right_to_write_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """A folder that may only be read, as a root above the folders one may write to, is locked like any other."""
    root = tree(tmp_path / "project", BASE)
    root.chmod(0o555)
    assert as_nobody(root, "with locked([Path('.')]):\n    print('held')") == "held"
    root.chmod(0o755)
    assert everything(root) == {name: text.encode() for name, text in BASE.items()}


def test_a_file_that_somebody_makes_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """An editor knows no lock: what it writes between the check and the rename stays, and nothing else is written."""
    code = (
        "import sys; from pathlib import Path; from escalator.workspace import write_changes\n"
        "root, name, event = Path(sys.argv[1]), sys.argv[2], sys.argv[3]; seen = []\n"
        "def meddle(kind, args):\n"
        "    if kind == event and not seen and '.escalator' in str(args):\n"
        "        seen.append(1); (root / name).write_text('theirs')\n"
        "sys.addaudithook(meddle)\n"
        "try: write_changes(root, {'a.py': 'x = 2', 'new.py': '1', 'pkg/b.py': 'y = 2'},"
        " expected={'a.py': 'x = 1\\n', 'pkg/b.py': 'y = 1\\n'})\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    for name, event in (("pkg/b.py", "os.link"), ("new.py", "os.link"), ("a.py", "os.chmod")):
        root = tree(tmp_path / f"{name}-{event}".replace("/", "-"), BASE)
        said = subprocess.run(
            [sys.executable, "-c", code, str(root), name, event], check=False, capture_output=True, text=True
        )
        assert said.stdout.startswith("TaskError"), said.stderr
        assert everything(root) == {**{each: text.encode() for each, text in BASE.items()}, name: b"theirs"}
