"""What is left when the process that runs the sandbox dies without warning."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from escalator.sandbox.artefacts import remove_tree
from escalator.sandbox.places import let_go, new_folder, sweep

RUN = """
import sys
from escalator.records import Command
from escalator.sandbox import Sandbox
code = "import os, sys, time\\nif os.fork() == 0: os.setsid()\\ntime.sleep(60)"
Sandbox(isolation=sys.argv[1], allow_unsandboxed=True).run(Command(argv=(sys.executable, "-c", code, sys.argv[2])))
"""


@pytest.mark.parametrize("mode", [pytest.param("bwrap", marks=pytest.mark.needs_bwrap), "none"])
def test_nothing_runs_on_when_the_parent_is_killed(mode: str, tmp_path: Path) -> None:
    """After SIGKILL to the parent, the command and its daemons are dead within moments."""
    word = f"marker-{tmp_path.name}-{os.getpid()}"
    source = Path(new_folder.__code__.co_filename).parents[2]
    environment = {"PYTHONPATH": str(source), "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", RUN, mode, word], env=environment) as parent:
        assert _wait(lambda: len(_running(word)) >= 2), "the run did not start"
        parent.kill()
    assert _wait(lambda: not _running(word))


def _running(word: str) -> set[int]:
    """The command and its daemon: a Python whose last argument is the word, after the code it runs."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            except OSError:
                continue
            if (
                words[0] == os.fsencode(sys.executable)
                and words[-1] == word.encode()
                and b"time.sleep(60)" in words[-2]
            ):
                found.add(int(entry.name))
    return found


def _wait(condition: object) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


HOLD = """
import os, sys, time
from pathlib import Path
from escalator.records import Command
from escalator.sandbox.copying import prepare
folder = prepare(Command(argv=("true",), workspace=Path(sys.argv[1])))
if len(sys.argv) > 2 and os.fork() == 0:
    os.close(1)
    time.sleep(60)
print(folder.root, os.getpid(), flush=True)
time.sleep(60)
"""
NEXT = """
from escalator.sandbox import Sandbox
Sandbox(isolation="external")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "plan.py").write_text("secret = 1\n")
    return tmp_path / "project"


def _environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "tmp").mkdir(exist_ok=True)
    source = Path(new_folder.__code__.co_filename).parents[2]
    return {"PYTHONPATH": str(source), "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path / "tmp")}


def _holder(project: Path, *more: str) -> tuple[subprocess.Popen[str], Path]:
    """A process that has a copy of the project open, and where the copy is."""
    held = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(project), *more],
        env=_environment(project.parent),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout is not None
    return held, Path(held.stdout.readline().split()[0])


def _next_process(project: Path) -> None:
    subprocess.run([sys.executable, "-c", NEXT], env=_environment(project.parent), check=True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_copy_outlives_its_process_no_longer_than_until_the_next_one(
    number: signal.Signals, project: Path
) -> None:
    """However fresh the copy of a killed process is, the next process removes it as it starts."""
    held, copy = _holder(project)
    with held:
        held.send_signal(number)
    assert (copy / "workspace" / "plan.py").exists()
    _next_process(project)
    assert list((project.parent / "tmp").iterdir()) == []


def test_a_copy_in_use_is_kept(project: Path) -> None:
    """Another process that starts meanwhile touches nothing of a living one, however old its folder is."""
    held, copy = _holder(project)
    with held:
        os.utime(copy, (1, 1))
        _next_process(project)
        kept = (copy / "workspace" / "plan.py").exists()
        held.kill()
    assert kept


def test_a_forked_child_keeps_no_copy_of_its_dead_parent(project: Path) -> None:
    """A child that lives on after its parent was killed does not hold the parent's folder."""
    held, copy = _holder(project, "fork")
    with held:
        child = next(int(pid) for pid in _children(held.pid))
        held.kill()
    try:
        _next_process(project)
        assert not copy.exists()
    finally:
        os.kill(child, signal.SIGKILL)


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_process_that_goes_on_removes_what_others_left(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The places are looked through before each run, not only before a process's first."""
    monkeypatch.setattr(tempfile, "tempdir", _environment(project.parent)["TMPDIR"])
    first, lock = new_folder(room=1)
    held, copy = _holder(project)
    with held:
        held.kill()
    second, other = new_folder(room=1)
    assert (first.exists(), second.exists(), copy.exists()) == (True, True, False)
    for folder, descriptor in ((first, lock), (second, other)):
        remove_tree(folder)
        let_go(descriptor)


def test_a_folder_without_its_name_yet_is_left_to_its_maker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making and locking a folder is empty and has another name; only an old one is a dead process's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    young, old = tmp_path / "escalator-new-young", tmp_path / "escalator-new-old"
    young.mkdir()
    old.mkdir()
    os.utime(old, (1, 1))
    sweep()
    assert (young.exists(), old.exists()) == (True, False)


def test_a_temporary_folder_of_the_users_choice_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory-backed storage is only the default; a TMPDIR wins over it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder, lock = new_folder(room=1)
    assert folder.parent == tmp_path
    let_go(lock)
    remove_tree(folder)
