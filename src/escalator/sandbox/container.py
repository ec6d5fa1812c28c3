"""Docker or Podman, for those who name it: slower to start, but there on many machines."""

# Plain strings and descriptors on purpose: pathlib follows links and costs time; /tmp is the one inside.
# ruff: noqa: S108

from __future__ import annotations

import functools
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator

from escalator.records import Isolation
from escalator.sandbox.execute import Mode
from escalator.sandbox.launch import Ending, Launch, Places, Request, kernel_limits, tree_memory
from escalator.sandbox.toolchain import checked_readable

PLACES = Places(workspace="/workspace", trusted="/trusted", home="/tmp", temporary="/tmp")
IMAGE_VARIABLE = "ESCALATOR_SANDBOX_IMAGE"
_DEFAULT_IMAGE = "docker.io/library/python:3.12-slim"
_REPORT = "/report"
_REPORT_DESCRIPTOR = 9


def mode(engine: str) -> Mode:
    """The mode of one engine, "docker" or "podman"."""
    return Mode(
        name=engine,
        unavailable=functools.partial(_unavailable, engine),
        isolation=_isolation,
        launch=functools.partial(launch, engine=engine),
    )


def _unavailable(engine: str) -> str:
    if shutil.which(engine) is None:
        return f"the program `{engine}` is not installed."
    try:
        answer = subprocess.run([engine, "info"], capture_output=True, text=True, check=False, timeout=15)
    except subprocess.TimeoutExpired:
        return f"`{engine} info` did not answer within 15 seconds. Start the engine."
    if answer.returncode != 0:
        last = (answer.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return f"`{engine} info` failed: {last}"
    return ""


def _isolation() -> Isolation:
    return Isolation(
        kind="container",
        network="none",
        files="workspace and image only",
        processes="own namespace",
        memory="whole tree by the kernel",
        gaps=("a writable workspace is polled every 0.1 s, not held by the kernel",),
    )


def launch(request: Request, *, engine: str) -> Launch:
    """The engine's command line of one run."""
    name = f"escalator-{secrets.token_hex(8)}"
    return Launch(
        argv=tuple(arguments(request, engine=engine, name=name)),
        env=_client_environment(),
        pass_fds=(),
        ending=_ending,
        abandon=functools.partial(_kill, engine, name),
    )


def arguments(request: Request, *, engine: str, name: str) -> Iterator[str]:
    """Everything dropped, nothing writable but /tmp, and the command last."""
    command, folder = request.command, request.folder
    limits = command.limits
    yield from (engine, "run", "--rm", "--interactive", "--init", "--name", name, "--network", "none")
    yield from ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--ipc", "private")
    yield from ("--pids-limit", str(limits.processes), "--user", f"{os.getuid() or 65534}:{os.getgid() or 65534}")
    yield from ("--memory", str(tree_memory(limits)), "--memory-swap", str(tree_memory(limits)))
    for kind, value in kernel_limits(limits).items():
        if kind not in {"nproc", "as"}:
            yield from ("--ulimit", f"{kind}={value}:{value}")
    yield from ("--tmpfs", f"/tmp:rw,exec,nosuid,nodev,mode=1777,size={limits.workspace}")
    mode = "rw" if command.writable else "ro"
    yield from ("--volume", f"{folder.workspace}:{PLACES.workspace}:{mode}")
    yield from ("--volume", f"{folder.trusted}:{PLACES.trusted}:ro")
    for path in map(checked_readable, command.readable):
        yield from ("--volume", f"{path}:{path}:ro")
    for name_of, text in request.env(PLACES).items():
        if name_of != "PATH":
            yield from ("--env", f"{name_of}={text}")
    yield from ("--workdir", PLACES.fill(command.cwd, report=None))
    yield from (os.environ.get(IMAGE_VARIABLE, _DEFAULT_IMAGE), *_inside(request))


def _inside(request: Request) -> Iterator[str]:
    """The command; the host's Python is the image's there."""
    program, *rest = request.argv(PLACES)
    yield "python3" if program == sys.executable else program
    yield from rest


def _client_environment() -> dict[str, str]:
    """What the engine's client needs to find its engine; none of it reaches the container."""
    wanted = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST", "XDG_RUNTIME_DIR")
    return {key: os.environ[key] for key in wanted if key in os.environ}


def _kill(engine: str, name: str) -> None:
    subprocess.run([engine, "kill", name], capture_output=True, check=False, timeout=15, env=_client_environment())


def _ending(status: bytes, returncode: int, stderr: str) -> Ending:
    if returncode in {125, 127} or returncode < 0:
        last = (stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Ending(trouble=f"The container could not start the command: {last}")
    return Ending(signal=returncode - 128) if 128 < returncode <= 128 + 64 else Ending(status=returncode)
