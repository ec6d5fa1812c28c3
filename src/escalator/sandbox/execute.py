"""One run from its command to its result, the same for every way of keeping processes apart."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from escalator.errors import SandboxError
from escalator.records import Command, Isolation, RunResult
from escalator.sandbox.artefacts import collect
from escalator.sandbox.copying import RunFolder
from escalator.sandbox.kept import SHELF
from escalator.sandbox.launch import Descriptors, Ending, Launch, Request
from escalator.sandbox.supervise import Observed, Watch, supervise
from escalator.sandbox.toolchain import executable, needed

WHAT_NEXT = ". Run `escalator doctor` to see which isolation works here."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """One way of keeping processes apart.

    `name`: what a caller asks for. `unavailable`: why it cannot even be tried, empty if it can.
    `isolation`: what it keeps apart. `launch`: the process to start for a request. `holds`: whether what runs can
    in no way change a workspace that it may not write.
    """

    name: str
    unavailable: Callable[[], str]
    isolation: Callable[[], Isolation]
    launch: Callable[[Request], Launch]
    holds: Callable[[], bool] = lambda: False


class CancelledRunError(Exception):
    """The run was cancelled from outside; everything it started is gone."""


def execute(
    mode: Mode, isolation: Isolation, command: Command, *, cancel: int | None = None, share: Sequence[str] = ()
) -> RunResult:
    """Run the command and bring back what it left. Raises SandboxError if it could not be started at all."""
    program = executable(command.argv[0])
    folder = SHELF.prepare(command, mode=mode.name, share=share)
    descriptors = Descriptors()
    untouched = False
    held = not command.writable and mode.holds()
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
            growing=_growing(mode, folder, held=held),
            cancel=cancel,
        )
        seen = supervise(launch, limits=command.limits, stdin=command.stdin, watch=watch, descriptors=descriptors)
        if seen.cancelled:
            raise CancelledRunError
        result = _result(seen, launch, command, folder, isolation=isolation)
        untouched = held and not seen.killed
        return result
    finally:
        descriptors.close_all()
        if not (untouched and _kept(folder, mode)):
            _clean_up(folder)
            folder.release()


def _growing(mode: Mode, folder: RunFolder, *, held: bool) -> Path | None:
    """The part of the folder that the run may write, as far as the kernel does not bound it."""
    if not held:
        return folder.root
    return None if mode.name == "bwrap" else folder.home


def _kept(folder: RunFolder, mode: Mode) -> bool:
    """Whether the folder is kept for the next run of the same project."""
    try:
        return SHELF.put(folder, mode=mode.name)
    except OSError:
        return False


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
