"""Which isolation is taken, when it is refused, and how runs are cancelled."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from escalator.errors import SandboxError
from escalator.records import Command, Limits
from escalator.sandbox import Sandbox, probe


@pytest.mark.needs_bwrap
def test_a_probed_sandbox_says_what_it_keeps_apart(bwrap: Sandbox) -> None:
    """The isolation was tried for real and names what it leaves open."""
    isolation = bwrap.isolation
    assert (isolation.kind, isolation.network, isolation.probed) == ("bwrap", "none", True)
    assert isolation.gaps
    assert bwrap.unavailable() is None


def test_automatic_choice_takes_the_strongest_that_works() -> None:
    """Among the probed modes the first that works is taken."""
    working = [result.isolation for result in probe() if result.works]
    if not working:
        pytest.skip("no isolation works on this machine")
    assert Sandbox().isolation == working[0]


def test_every_mode_that_does_not_work_says_why() -> None:
    """The doctor's table has a sentence for each mode that is not usable here."""
    for result in probe():
        assert result.works is (result.reason == "")
        assert result.works is (result.isolation is not None)
    assert [result.mode for result in probe()] == ["bwrap", "landlock", "seatbelt", "docker", "podman"]


def test_no_isolation_must_be_allowed_by_name() -> None:
    """Running without isolation takes two words from the caller."""
    assert "allow_unsandboxed" in (Sandbox(isolation="none").unavailable() or "")
    with pytest.raises(SandboxError, match="allow_unsandboxed"):
        Sandbox(isolation="none").run(Command(argv=("true",)))


def test_results_without_isolation_say_so() -> None:
    """Every unsandboxed result is marked as such, and is not called probed."""
    result = Sandbox(isolation="none", allow_unsandboxed=True).run(Command(argv=("true",)))
    assert (result.isolation.kind, result.isolation.network, result.isolation.probed) == ("none", "open", False)


def test_an_external_machine_is_taken_at_its_word() -> None:
    """Inside a throw-away machine the caller vouches for the isolation, and the result says whose word it is."""
    result = Sandbox(isolation="external").run(Command(argv=("true",)))
    assert (result.exit_status, result.isolation.kind) == (0, "external")
    assert "machine around it" in result.isolation.files


def test_a_floor_refuses_what_is_weaker() -> None:
    """With a minimum, permission to run unsandboxed does not help."""
    weak = Sandbox(isolation="external", allow_unsandboxed=True, min_isolation="landlock")
    with pytest.raises(SandboxError, match="weaker than the isolation asked for"):
        weak.run(Command(argv=("true",)))


def test_a_mode_of_another_system_is_refused_with_a_reason() -> None:
    """Naming a mode that cannot work here explains itself and what to do."""
    other = "seatbelt" if sys.platform == "linux" else "landlock"
    reason = Sandbox(isolation=other).unavailable()
    assert reason
    assert other in reason
    assert "leave `isolation` at auto" in reason or "Run: " in reason or "Start the container" in reason


def test_unknown_names_are_refused() -> None:
    """A misspelt isolation is an error at once."""
    with pytest.raises(SandboxError, match="jail"):
        Sandbox(isolation="jail")  # type: ignore[arg-type]
    with pytest.raises(SandboxError, match="strong"):
        Sandbox(min_isolation="strong")  # type: ignore[arg-type]


@pytest.mark.parametrize("folder", [Path("/"), Path.home(), Path.home().parent])
def test_a_home_is_never_a_workspace_nor_readable(folder: Path) -> None:
    """Neither the root, nor the home, nor a folder that contains it may be copied or shown."""
    sandbox = Sandbox(isolation="external")
    with pytest.raises(SandboxError, match="home directory"):
        sandbox.run(Command(argv=("true",), workspace=folder))
    strong = Sandbox()
    if strong.unavailable() is None:
        with pytest.raises(SandboxError, match="home directory"):
            strong.run(Command(argv=("true",), readable=(folder,)))


def test_the_loop_goes_on_during_a_run(sandbox: Sandbox, tmp_path: Path) -> None:
    """While processes run, the event loop is free to see that three of them live at the same time."""
    words = [f"marker-{number}-{tmp_path.name}-{os.getpid()}" for number in range(3)]
    command = Command(argv=(sys.executable, "-c", "import time; time.sleep(600)"), limits=Limits(wall=600))

    async def scene() -> None:
        runs = [asyncio.create_task(sandbox.arun(replace(command, argv=(*command.argv, word)))) for word in words]
        while not all(map(_alive, words)):
            assert not any(run.done() for run in runs)
            await asyncio.sleep(0.02)
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    asyncio.run(scene())
    assert not any(map(_alive, words))


def test_cancelling_kills_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """When the awaiting task is cancelled, the whole tree is dead before the cancellation goes on."""
    word = f"marker-{tmp_path.name}-{os.getpid()}"
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]]); time.sleep(600)"
    command = Command(argv=(sys.executable, "-c", code, word), limits=Limits(wall=600))

    async def scene() -> None:
        run = asyncio.create_task(sandbox.arun(command))
        while not _alive(word):  # noqa: ASYNC110  # another process is waited for
            await asyncio.sleep(0.02)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(scene())
    assert not _alive(word)


def _alive(word: str) -> bool:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if word.encode() in (entry / "cmdline").read_bytes():
                    return True
            except OSError:
                continue
    return False


@pytest.mark.needs_bwrap
def test_errors_of_a_run_reach_the_one_who_awaits(bwrap: Sandbox) -> None:
    """A command that cannot be started raises from `arun` as it does from `run`."""
    with pytest.raises(SandboxError, match="no-such-tool"):
        asyncio.run(bwrap.arun(Command(argv=("no-such-tool",), limits=Limits(wall=5))))
