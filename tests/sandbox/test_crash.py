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
from escalator.sandbox.places import PREFIX, new_folder

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


def test_folders_of_the_dead_are_removed_and_those_of_the_living_kept(tmp_path: Path) -> None:
    """The first run in a process clears what a crashed one left, and touches nothing that is locked or young."""
    names = {name: tmp_path / f"{PREFIX}{name}" for name in ("dead", "living", "young")}
    holder = (
        "import fcntl, os, sys, time; fcntl.flock(os.open(sys.argv[1], 0), 2); print(flush=True); time.sleep(60)"
    )
    for path in names.values():
        (path / "workspace").mkdir(parents=True)
        if path != names["young"]:
            os.utime(path, (1, 1))
    argv = [sys.executable, "-c", holder, str(names["living"])]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as living:
        assert living.stdout is not None
        living.stdout.readline()
        environment = {
            "PYTHONPATH": str(Path(new_folder.__code__.co_filename).parents[2]),
            "TMPDIR": str(tmp_path),
        }
        code = "from escalator.sandbox.places import new_folder; new_folder(room=1)"
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        left = {name for name, path in names.items() if path.exists()}
        living.send_signal(signal.SIGKILL)
    assert left == {"living", "young"}


def test_a_temporary_folder_of_the_users_choice_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory-backed storage is only the default; a TMPDIR wins over it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder, lock = new_folder(room=1)
    assert folder.parent == tmp_path
    os.close(lock)
    remove_tree(folder)
