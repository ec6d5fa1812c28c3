"""The sandbox as the rest of the library sees it: choose a mode once, run commands in it."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from escalator.errors import SandboxError
from escalator.records import Command, Isolation, IsolationKind, RunResult
from escalator.sandbox import bwrap, container, direct, landlock, seatbelt
from escalator.sandbox.execute import Mode, execute
from escalator.sandbox.places import sweep
from escalator.sandbox.probe import ProbeResult, probed

if TYPE_CHECKING:
    from asyncio import Future

_log = logging.getLogger(__name__)

IsolationName: TypeAlias = Literal["auto", "bwrap", "landlock", "seatbelt", "docker", "podman", "external", "none"]

_STRENGTH: dict[IsolationKind, int] = {
    "none": 0,
    "external": 1,
    "landlock": 2,
    "seatbelt": 2,
    "container": 3,
    "bwrap": 3,
}
_AUTOMATIC = (
    Mode(
        name="bwrap",
        unavailable=bwrap.unavailable,
        isolation=bwrap.isolation,
        launch=bwrap.launch,
        holds=lambda: True,
    ),
    Mode(
        name="landlock",
        unavailable=landlock.unavailable,
        isolation=landlock.isolation,
        launch=landlock.launch,
        holds=landlock.holds,
    ),
    Mode(
        name="seatbelt",
        unavailable=seatbelt.unavailable,
        isolation=seatbelt.isolation,
        launch=seatbelt.launch,
    ),
)
_NONE = Mode(name="none", unavailable=str, isolation=lambda: direct.plain_isolation("none"), launch=direct.plain)
_EXTERNAL = Mode(
    name="external", unavailable=str, isolation=lambda: direct.plain_isolation("external"), launch=direct.plain
)
_CONTAINERS = tuple(container.mode(engine) for engine in ("docker", "podman"))


class Sandbox:
    """Runs commands apart from the user's files, network and processes.

    `isolation`: "auto" takes the strongest that a real trial shows to work: bubblewrap, then Landlock, then
    macOS's sandbox-exec. "docker" and "podman" are used only when named. "external" says that this whole
    process already runs in a throw-away machine. `min_isolation`: refuse anything weaker than this kind.
    `allow_unsandboxed`: where nothing works, run with limits and a clean environment only; every result
    then says kind "none". This must come from the user, never from a project or a model.
    `share`: paths, folders or patterns of a project that are copied for a run although they would stay back.
    """

    def __init__(
        self,
        *,
        isolation: IsolationName = "auto",
        allow_unsandboxed: bool = False,
        min_isolation: IsolationKind | None = None,
        share: Sequence[str] = (),
    ) -> None:
        if isolation not in get_args(IsolationName):
            names = ", ".join(get_args(IsolationName))
            raise SandboxError(f"There is no isolation named {isolation!r}. Use one of {names}.")
        if min_isolation is not None and min_isolation not in _STRENGTH:
            raise SandboxError(
                f"There is no isolation named {min_isolation!r}. Use one of {', '.join(_STRENGTH)}."
            )
        self._wanted = isolation
        self._allow_unsandboxed = allow_unsandboxed
        self._share = tuple(share)
        sweep()
        self._floor = _STRENGTH[min_isolation] if min_isolation else 0
        self._found: tuple[Mode, Isolation] | None = None

    @property
    def isolation(self) -> Isolation:
        """What keeps a run apart here. Raises SandboxError where nothing strong enough works."""
        return self._mode()[1]

    def unavailable(self) -> str | None:
        """One or two sentences on why nothing can be run here and what to do; None if all is well."""
        try:
            self._mode()
        except SandboxError as error:
            return str(error)
        return None

    def run(self, command: Command, *, cancel: int | None = None) -> RunResult:
        """Run a command and wait for it. Safe to call from many threads at once.

        `cancel`: a file descriptor; once it can be read, everything the command started is killed and
        `CancelledRunError` raised. Raises SandboxError if it could not be started, TaskError if a path or the size
        of its files is wrong.
        """
        mode, isolation = self._mode()
        return execute(mode, isolation, command, cancel=cancel, share=self._share)

    async def arun(self, command: Command) -> RunResult:
        """`run` in a thread of its own. Cancelling kills the process and all below it before it returns."""
        import asyncio

        loop = asyncio.get_running_loop()
        done: asyncio.Future[RunResult] = loop.create_future()
        done.add_done_callback(_looked_at)
        stop, pull = os.pipe()

        def work() -> None:
            try:
                mode, isolation = self._mode()
                result = execute(mode, isolation, command, cancel=stop, share=self._share)
                settle = partial(done.set_result, result)
            except BaseException as error:  # noqa: BLE001  # handed to the one who waits
                settle = partial(done.set_exception, error)
            loop.call_soon_threadsafe(settle)

        thread = threading.Thread(target=work, name="escalator-sandbox", daemon=True)
        thread.start()
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            os.write(pull, b"x")
            await asyncio.wait({done})
            raise
        finally:
            thread.join()
            os.close(stop)
            os.close(pull)

    def _mode(self) -> tuple[Mode, Isolation]:
        if self._found is None:
            self._found = self._choose()
        return self._found

    def _choose(self) -> tuple[Mode, Isolation]:
        reasons: list[str] = []
        for mode in self._candidates():
            result = _trusted(mode) if mode in {_NONE, _EXTERNAL} else probed(mode)
            if result.isolation is None:
                reasons.append(f"{mode.name}: {result.reason}")
            elif _STRENGTH[result.isolation.kind] < self._floor:
                reasons.append(f"{mode.name}: weaker than the isolation asked for.")
            else:
                _announce(result.isolation)
                return mode, result.isolation
        raise SandboxError(f"Nothing here can run untrusted code safely. {' '.join(reasons)} {self._cure()}")

    def _cure(self) -> str:
        """What to do where no isolation that was asked for works: take one that does, else make one work."""
        asked = self._candidates()
        others = (mode for mode in _AUTOMATIC if mode not in asked)
        works = next((mode.name for mode in others if probed(mode).isolation is not None), None)
        return remedy() if works is None else f"{works} works here: leave `isolation` at auto."

    def _candidates(self) -> tuple[Mode, ...]:
        fallback = (_NONE,) if self._allow_unsandboxed else ()
        if self._wanted == "auto":
            return (*_AUTOMATIC, *fallback)
        if self._wanted == "none":
            if not self._allow_unsandboxed:
                raise SandboxError(
                    'isolation="none" runs untrusted code with all rights of this user. '
                    "Pass allow_unsandboxed=True as well if that is meant."
                )
            return fallback
        named = (*_AUTOMATIC, *_CONTAINERS, _EXTERNAL)
        return (*(mode for mode in named if mode.name == self._wanted), *fallback)


def remedy() -> str:
    """The line that makes the strongest isolation work here."""
    from escalator import remedies

    return remedies.isolation(installed=bwrap.installed())


def probe() -> tuple[ProbeResult, ...]:
    """Try every mode and say which works and why the others do not; for `escalator doctor`."""
    return tuple(probed(mode) for mode in (*_AUTOMATIC, *_CONTAINERS))


def _announce(isolation: Isolation) -> None:
    level = logging.INFO if _STRENGTH[isolation.kind] >= _STRENGTH["bwrap"] else logging.WARNING
    gaps = "; ".join(isolation.gaps)
    _log.log(level, "Untrusted code runs with isolation %r. What it leaves open: %s.", isolation.kind, gaps)


def _trusted(mode: Mode) -> ProbeResult:
    return ProbeResult(mode=mode.name, works=True, isolation=mode.isolation())


def _looked_at(done: Future[RunResult]) -> None:
    """A cancelled run ends in an error nobody waits for; looking at it keeps the loop from complaining."""
    if not done.cancelled():
        done.exception()
