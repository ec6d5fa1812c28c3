"""Landlock as root starts it, and why it cannot be taken where it cannot."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from escalator.records import Command, RunResult
from escalator.sandbox import Sandbox, landlock
from open_python import as_nobody

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root gives up its rights for a run")


@pytest.mark.parametrize("sandbox", ["landlock"], indirect=True)
def test_root_gives_up_its_rights_for_good(python: Callable[..., RunResult]) -> None:
    """What root starts runs as `nobody`, who can neither come back nor read what root left lying about."""
    code = """
import os
print(os.getresuid(), os.getgroups())
try:
    os.setuid(0)
except PermissionError:
    print("stays")
print(open("a.txt").read())
"""
    ids = (landlock._nobody() or (0, 0))[0]
    assert python(code, files={"a.txt": "given"}).stdout == f"({ids}, {ids}, {ids}) []\nstays\ngiven\n"


@pytest.mark.parametrize("sandbox", ["landlock"], indirect=True)
def test_the_folder_of_a_run_stays_roots(sandbox: Sandbox) -> None:
    """What is in it belongs to `nobody` and is closed to others; the folder itself is still known as ours."""
    code = "import os, sys; w = os.stat(sys.argv[1]); r = os.stat(sys.argv[1] + '/..'); print(w.st_uid > 0, oct(w.st_mode & 0o777), r.st_uid)"
    result = sandbox.run(Command(argv=(sys.executable, "-I", "-c", code, "{workspace}")))
    assert result.stdout == "True 0o700 0\n", result


@pytest.fixture
def closed() -> Iterator[Path]:
    """A link to an interpreter for all, in a folder that only its owner may pass."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "python")
        link.symlink_to("/usr/bin/env")
        yield link


def test_an_interpreter_behind_a_closed_folder_is_said_to_be_so(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `nobody` cannot reach the interpreter by its name, the reason names the folder in the way."""
    if landlock.version() == 0:
        pytest.skip("this kernel has no Landlock")
    monkeypatch.setattr(sys, "executable", str(closed))
    assert f"may not pass {closed.parent} to {closed}" in landlock.unavailable()


def test_the_interpreter_for_all_is_ours_in_another_place(python_for_all: str) -> None:
    """It starts for `nobody`, reads the same byte code, and needs nothing of the folder that ours lies in."""
    code = "import importlib.util, sys; print(sys.version_info[:2], importlib.util.MAGIC_NUMBER)"
    from importlib.util import MAGIC_NUMBER

    ran = as_nobody([python_for_all, "-I", "-c", code], cwd="/")
    assert ran.stdout == f"{sys.version_info[:2]} {MAGIC_NUMBER!r}\n", ran.stderr
