"""A process of its own that executes a task, so that it can be interrupted and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from end_to_end.servers import until
from escalator.sandbox.tree import descendants

WORKER = Path(__file__).with_name("worker.py")
TESTS = WORKER.parent.parent


class Child:
    """Runs `worker.py` with these options; `result` is what it printed once it has ended by itself."""

    def __init__(self, **options: Any) -> None:
        paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), json.dumps(options)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self) -> dict[str, Any]:
        """The outcome, as the worker tells it."""
        said, told = self.process.communicate(timeout=200)
        assert self.process.returncode == 0, told
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found

    def below(self) -> list[int]:
        """The processes it has started, and theirs."""
        return descendants(self.process.pid)

    def until_asleep(self) -> list[int]:
        """Wait until a test sleeps in its sandbox; returns all processes below."""
        until(lambda: any(map(asleep, self.below())))
        return self.below()

    def end(self, how: signal.Signals) -> str:
        """Send a signal, wait for the end, which nothing else brings about, and return what it said on stderr."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=200)[1]

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def asleep(pid: int) -> bool:
    """Whether this is the `sleep` of a test."""
    return Path(f"/proc/{pid}/comm").read_text().strip() == "sleep" if alive(pid) else False


def alive(pid: int) -> bool:
    """Whether a process lives; one that is dead and not yet buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def until_gone(pids: list[int]) -> None:
    """Wait until none of these processes lives."""
    until(lambda: not any(map(alive, pids)))
