"""Sandboxes that work on this machine, strongest first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from escalator.records import Command, RunResult
from escalator.sandbox import Sandbox

MODES = (
    pytest.param("bwrap", marks=pytest.mark.needs_bwrap),
    # Not in every kernel, and for root only where others may start the interpreter.
    pytest.param("landlock", marks=pytest.mark.may_skip),
    "none",
)


@pytest.fixture(params=MODES)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """A sandbox of each mode that works here for the user who runs the tests."""
    found = Sandbox(isolation=request.param, allow_unsandboxed=request.param == "none")
    reason = found.unavailable()
    if reason:
        pytest.skip(reason)
    return found


@pytest.fixture
def python(sandbox: Sandbox) -> Callable[..., RunResult]:
    """Run a few lines of Python in the sandbox: python(code, *arguments, **fields of the command)."""
    import sys

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
