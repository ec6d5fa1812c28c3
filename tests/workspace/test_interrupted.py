"""A process that is killed while it writes leaves the old tree or the new one, never a mixture."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from escalator.errors import TaskError
from escalator.execution.briefing import make_brief
from escalator.records import Task
from escalator.workspace import read_files, write_changes
from escalator.workspace.places import BEGUN, DONE, DRAFT, is_interrupted
from workspace.trees import everything, tree

KILLED = Path(__file__).with_name("killed.py")
OLD = {"app.py": "x = 1\n", "pkg/a.py": "A = 1\n", "pkg/gone.py": "G = 1\n", "other.txt": "not of the task\n"}
JOB = {
    "files": {
        "app.py": "x = 2\n",
        "pkg/a.py": "A = 2\n",
        "pkg/gone.py": None,
        "new/deep/c.py": "C = 1\n",
        "pkg/d.py": "D = 1\n",
    },
    "expected": {"app.py": "x = 1\n", "pkg/a.py": "A = 1\n", "pkg/gone.py": "G = 1\n"},
}
NEW = {
    **{name: text.encode() for name, text in OLD.items() if name != "pkg/gone.py"},
    **{name: text.encode() for name, text in JOB["files"].items() if text is not None},
}


def write(root: Path, step: int, job: Mapping[str, object] = JOB) -> subprocess.CompletedProcess[str]:
    """Write in a process of its own that is killed at `step`; 0 lets it live."""
    return subprocess.run(
        [sys.executable, str(KILLED), str(root), str(step), json.dumps(job)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def halfway(root: Path) -> Path:
    """A tree whose writer was killed when two of five files were in place."""
    tree(root, OLD)
    done = subprocess.run([sys.executable, str(KILLED), str(root), "3", json.dumps(JOB), "os.rename"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (root / BEGUN).exists()
    assert (root / "app.py").read_text() == "x = 2\n"
    assert (root / "pkg/a.py").read_text() == "A = 1\n"
    return root


def after_a_kill(folder: Path, step: int) -> tuple[dict[str, bytes], bool]:
    """What the next start finds in a tree whose writer was killed at a step, and whether there was work to do."""
    root = tree(folder / f"at-{step}", OLD)
    done = write(root, step)
    assert done.returncode == -signal.SIGKILL, done.stderr
    interrupted = is_interrupted(root)
    read_files(root, ["app.py"])
    return everything(root), interrupted


def test_a_kill_before_any_touch_of_the_disk_leaves_the_old_or_the_new_tree(tmp_path: Path) -> None:
    """The process dies before its first, second, … and last touch; the next start finds the old tree up to a point
    and the new one from there on, without anything left behind.
    """
    lived = write(tree(tmp_path / "whole", OLD), 0)
    steps = int(lived.stdout)
    assert everything(tmp_path / "whole") == NEW
    assert steps > 40
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda step: after_a_kill(tmp_path, step), range(1, steps + 1)))

    old = {name: text.encode() for name, text in OLD.items()}
    which = ["old" if state == old else "new" if state == NEW else "neither" for state, _ in found]
    assert which == sorted(which, reverse=True)
    assert set(which) == {"old", "new"}
    assert sum(interrupted for _, interrupted in found) > 20


def test_the_next_apply_takes_an_interrupted_one_back_first(tmp_path: Path) -> None:
    """Another task's change is not written over half of the first."""
    root = halfway(tmp_path / "project")
    write_changes(root, {"other.txt": "mine\n"}, expected={"other.txt": OLD["other.txt"]})

    assert everything(root) == {**{name: text.encode() for name, text in OLD.items()}, "other.txt": b"mine\n"}


def test_a_kill_while_it_is_taken_back_changes_nothing(tmp_path: Path) -> None:
    """Taking back can be cut off and taken up again, as often as it happens."""
    job = {"files": {"other.txt": "mine\n"}, "expected": {"other.txt": OLD["other.txt"]}}
    old = {name: text.encode() for name, text in OLD.items()}
    cut_off = []
    for step in range(1, 60, 4):
        root = halfway(tmp_path / f"again-{step}")
        write(root, step, job)
        cut_off.append(is_interrupted(root))
        read_files(root, ["app.py"])
        assert everything(root) in (old, {**old, "other.txt": b"mine\n"})
    assert sum(cut_off) > 3


@pytest.mark.parametrize("given", [{"files": {"app.py": "x = 5\n"}}, {"tests": {"test_x.py": ""}}, {}])
def test_a_task_on_a_tree_half_written_begins_with_the_whole_one(tmp_path: Path, given: dict[str, object]) -> None:
    """Whatever is given as paths, as text or not at all: what tests will see is the tree as it was."""
    root = halfway(tmp_path / "project")
    make_brief(Task(prompt="Set x.", workspace=root, **given))

    assert everything(root) == {name: text.encode() for name, text in OLD.items()}


def test_what_somebody_wrote_after_the_kill_is_kept(tmp_path: Path) -> None:
    """Taking back restores only what still holds what the interrupted change put there."""
    root = halfway(tmp_path / "project")
    (root / "app.py").write_text("x = 'mine'\n")

    assert read_files(root, ["app.py"]) == {"app.py": "x = 'mine'\n"}
    assert everything(root) == {**{name: text.encode() for name, text in OLD.items()}, "app.py": b"x = 'mine'\n"}


@pytest.mark.parametrize(
    "told",
    [
        "not json",
        "[]",
        '{"token": "../../../x", "moves": [], "made": []}',
        '{"token": "0123456789ab", "moves": [{"path": "../victim", "old": null, "new": "%s"}], "made": []}',
        '{"token": "0123456789ab", "moves": [{"path": ".git/config", "old": null, "new": "%s"}], "made": []}',
        '{"token": "0123456789ab", "moves": [{"path": "link/victim", "old": null, "new": "%s"}], "made": []}',
        '{"token": "0123456789ab", "moves": [{"path": 5, "old": null, "new": null}], "made": []}',
        '{"token": "0123456789ab", "moves": [], "made": ["../elsewhere"]}',
    ],
)
def test_a_journal_that_came_with_the_tree_reaches_nothing_outside_of_it(tmp_path: Path, told: str) -> None:
    """A journal is a file like any other: one that names places outside of the tree is refused, not followed."""
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    root = tree(
        tmp_path / "project", {"app.py": "x = 1\n", ".git/config": "test", BEGUN: told.replace("%s", digest)}
    )
    (tmp_path / "victim").write_text("test")
    (tmp_path / "elsewhere").mkdir()
    (root / "link").symlink_to(tmp_path)

    with pytest.raises(TaskError, match=r"is in the way|symbolic link"):
        write_changes(root, {"app.py": "x = 2\n"}, expected={"app.py": "x = 1\n"})
    assert (tmp_path / "victim").read_text() == (root / ".git/config").read_text() == "test"
    assert (tmp_path / "elsewhere").exists()


def test_a_journal_of_another_user_is_not_followed(tmp_path: Path) -> None:
    """Whoever may make files in a shared folder cannot have a change of theirs taken back in somebody else's name."""
    if os.geteuid():
        pytest.skip("only root can give files away")
    root = halfway(tmp_path / "project")
    os.chown(root / BEGUN, 12345, 12345)

    with pytest.raises(TaskError, match="by somebody else or damaged"):
        read_files(root, ["app.py"])


def test_answers_cannot_name_the_files_of_the_journal(tmp_path: Path) -> None:
    """No answer writes a journal for the next start to follow."""
    for name in (BEGUN, DONE, DRAFT, f"pkg/{BEGUN}", ".ESCALATOR-apply.begun"):
        with pytest.raises(TaskError, match="escalator itself uses"):
            write_changes(tmp_path, {name: "{}"})


def test_an_interrupted_change_that_cannot_be_taken_back_is_said(tmp_path: Path) -> None:
    """Where the folder cannot be written any more, the task does not start on half of a change."""
    root = halfway(tmp_path / "project")
    stuck, *_ = root.glob("pkg/.escalator-apply-*.new")
    stuck.unlink()
    stuck.mkdir()

    with pytest.raises(TaskError, match="could not be taken back"):
        read_files(root, ["app.py"])
