"""One run from its command to its result, the same for every way of keeping processes apart."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from escalator.errors import SandboxError
from escalator.records import Command, Isolation, RunResult
from escalator.sandbox.artefacts import collect
from escalator.sandbox.copying import RunFolder, prepare
from escalator.sandbox.launch import Descriptors, Ending, Launch, Request
from escalator.sandbox.supervise import Observed, Watch, supervise
from escalator.sandbox.toolchain import executable, needed

WHAT_NEXT = ". Run `escalator doctor` to see which isolation works here."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """One way of keeping processes apart.

    `name`: what a caller asks for. `unavailable`: why it cannot even be tried, empty if it can.
    `isolation`: what it keeps apart. `launch`: the process to start for a request.
    """

    name: str
    unavailable: Callable[[], str]
    isolation: Callable[[], Isolation]
    launch: Callable[[Request], Launch]


class CancelledRunError(Exception):
    """The run was cancelled from outside; everything it started is gone."""


def execute(
    mode: Mode, isolation: Isolation, command: Command, *, cancel: int | None = None, share: Sequence[str] = ()
) -> RunResult:
    """Run the command and bring back what it left. Raises SandboxError if it could not be started at all."""
    program = executable(command.argv[0])
    folder = prepare(command, share=share)
    descriptors = Descriptors()
    try:
        report = descriptors.pipe() if command.report else None
        request = Request(
            command=command,
            folder=folder,
            program=program,
            needed=needed(program),
            report=report[1] if report else None,
            descriptors=descriptors,
        )
        launch = mode.launch(request)
        watch = Watch(
            report=report[0] if report else None,
            growing=folder.root if command.writable or mode.name != "bwrap" else None,
            cancel=cancel,
        )
        seen = supervise(launch, limits=command.limits, stdin=command.stdin, watch=watch, descriptors=descriptors)
        if seen.cancelled:
            raise CancelledRunError
        return _result(seen, launch, command, folder, isolation=isolation)
    finally:
        descriptors.close_all()
        _clean_up(folder)
        folder.release()


def _result(
    seen: Observed, launch: Launch, command: Command, folder: RunFolder, *, isolation: Isolation
) -> RunResult:
    stdout, stderr = seen.stdout.text(), seen.stderr.text()
    ending = Ending() if seen.killed else launch.ending(bytes(seen.status), seen.returncode, stderr)
    if ending.trouble:
        raise SandboxError(ending.trouble + WHAT_NEXT)
    found, notes = collect(folder.workspace, command.artefacts, limit=command.limits.artefact)
    result = RunResult(
        exit_status=ending.status,
        isolation=isolation,
        stdout=stdout,
        stderr=stderr,
        report=bytes(seen.report),
        artefacts=found,
        killed=seen.killed,
        seconds=seen.seconds,
        notes=(*folder.notes, *seen.notes, *notes),
    )
    if ending.signal is None:
        return result
    note = f"The process ended by signal {ending.signal}, or with the status that stands for it."
    return replace(result, killed="signal", notes=(*result.notes, note))


def _clean_up(folder: RunFolder) -> None:
    """Remove the folder; a process that is just dying may still write, so a second and third try follow."""
    for wait in (0.01, 0.1):
        with suppress(OSError):
            folder.remove()
            return
        time.sleep(wait)
    try:
        folder.remove()
    except OSError as error:
        _log.warning(
            "The folder %s of a finished run cannot be removed: %s. Remove it by hand.", folder.root, error
        )
