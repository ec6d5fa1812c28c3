"""Work that does not depend on the answer, done while the model is being asked."""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from escalator.flow import drive
from escalator.steps import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from escalator.flow import Flow
    from escalator.records import Command
    from escalator.sandbox import Sandbox

_log = logging.getLogger(__name__)


class Beside:
    """A flow of `Run` steps in a thread of its own; whoever made the flow keeps what it finds.

    `ended` is resolved when it is over, whether it came to its end or not: what is missing then is made where it
    is needed, and trouble is told there. `within` cuts a command's time to what the task's deadline leaves.
    """

    def __init__(self, flow: Flow[Any], sandbox: Sandbox, *, within: Callable[[Command], Command]) -> None:
        self.ended: Future[None] = Future()
        self._flow, self._sandbox, self._within = flow, sandbox, within
        self._stop, self._pull = os.pipe()
        self._thread = threading.Thread(target=self._work, name="escalator-beside", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            drive(self._flow, self._perform)
        except Exception as error:  # noqa: BLE001  # it is made again where it is needed, and fails there aloud
            _log.debug("Work beside a model's answer ended early: %r", error)
        finally:
            self.ended.set_result(None)

    def _perform(self, step: object) -> Any:
        if not isinstance(step, Run):
            raise TypeError(f"a validator may prepare by running processes only, not by {type(step).__name__}")
        return self._sandbox.run(self._within(step.command), cancel=self._stop)

    def stop(self) -> None:
        """Kill what still runs and wait until it is gone; a second time nothing."""
        if self._pull < 0:
            return
        if not self.ended.done():
            os.write(self._pull, b"x")
        self._thread.join()
        os.close(self._stop)
        os.close(self._pull)
        self._pull = -1
