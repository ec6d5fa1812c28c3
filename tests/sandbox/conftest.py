"""Sandboxes that work on this machine, strongest first."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from escalator.records import Command, RunResult
from escalator.sandbox import Sandbox
from open_python import open_python

MODES = (pytest.param("bwrap", marks=pytest.mark.needs_bwrap), "landlock", "none")


@pytest.fixture(scope="session")
def python_for_all() -> Iterator[str]:
    """An interpreter that others than root may start too."""
    folder = Path(tempfile.mkdtemp(prefix="python-for-all-"))
    try:
        yield open_python(folder) if os.getuid() == 0 else sys.executable
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=MODES)
def sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox of each mode that works here for the user who runs the tests.

    Root hands what runs under Landlock to `nobody`, so there the interpreter is one that `nobody` may start.
    """
    if request.param == "landlock" and os.getuid() == 0:
        monkeypatch.setattr(sys, "executable", request.getfixturevalue("python_for_all"))
    found = Sandbox(isolation=request.param, allow_unsandboxed=request.param == "none")
    reason = found.unavailable()
    if reason:
        pytest.skip(reason)
    return found


@pytest.fixture
def python(sandbox: Sandbox) -> Callable[..., RunResult]:
    """Run a few lines of Python in the sandbox: python(code, *arguments, **fields of the command)."""

    def run(code: str, *arguments: str, **fields: object) -> RunResult:
        return sandbox.run(Command(argv=(sys.executable, "-I", "-c", code, *arguments), **fields))

    return run


@pytest.fixture
def bwrap() -> Sandbox:
    found = Sandbox(isolation="bwrap")
    reason = found.unavailable()
    if reason:
        pytest.skip(reason)
    return found
