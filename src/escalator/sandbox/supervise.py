"""Start one process, feed it, listen to it, and end it and all it started when a bound is passed."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from escalator.records import Limits
from escalator.sandbox import tree
from escalator.sandbox.launch import Descriptors, Launch, tree_memory
from escalator.sandbox.output import HeadTail

Killed: TypeAlias = Literal["", "wall", "output", "memory", "signal", "processes", "workspace"]

_TICK = 0.1
_POLL = 0.01
_DRAIN = 0.5
_CHUNK = 1 << 16
_MOST_ENTRIES = 200_000
_DEEPEST = 256


@dataclass(kw_only=True, slots=True)
class Observed:
    """Everything that came out of a run."""

    stdout: HeadTail
    stderr: HeadTail
    report: bytearray = field(default_factory=bytearray)
    status: bytearray = field(default_factory=bytearray)
    returncode: int = 0
    killed: Killed = ""
    cancelled: bool = False
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """What to watch beside the process: the report pipe, a folder that may grow, a pipe that says stop."""

    report: int | None = None
    growing: Path | None = None
    cancel: int | None = None


def supervise(launch: Launch, *, limits: Limits, stdin: bytes, watch: Watch, descriptors: Descriptors) -> Observed:
    """Run the launch to its end, whichever comes first: its own, a limit, or a byte on the cancel pipe.

    The descriptors given to the process are closed here once it has them.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        launch.argv,
        env=dict(launch.env),
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=launch.pass_fds,
        start_new_session=True,
        cwd="/",
        bufsize=0,
    )
    descriptors.close(*launch.pass_fds)
    session = _Session(process=process, launch=launch, limits=limits, began=began, watch=watch)
    try:
        session.listen(stdin)
    finally:
        session.end()
    session.seen.seconds = time.monotonic() - began
    return session.seen


class _Session:
    """One running process and its pipes."""

    def __init__(
        self, *, process: subprocess.Popen[bytes], launch: Launch, limits: Limits, began: float, watch: Watch
    ) -> None:
        self.process, self.launch, self.limits, self.watch = process, launch, limits, watch
        self.deadline = began + limits.wall
        self.next_look = began + _TICK
        self.seen = Observed(stdout=HeadTail(limits.kept), stderr=HeadTail(limits.kept))
        self.selector = selectors.DefaultSelector()
        self.open_streams = 0
        self.ended = False
        self.to_write = memoryview(b"")
        self.exit_fd: int | None = None

    def listen(self, stdin: bytes) -> None:
        for stream, kept in ((self.process.stdout, self.seen.stdout), (self.process.stderr, self.seen.stderr)):
            if stream is not None:
                self._read_from(stream.fileno(), self._printed(kept))
        if self.watch.report is not None:
            self._read_from(self.watch.report, self._reported)
        if self.launch.status is not None:
            self._read_from(self.launch.status, self._stated)
        self._feed(stdin)
        self._wait_for_exit()
        if self.watch.cancel is not None:
            self.selector.register(self.watch.cancel, selectors.EVENT_READ, self._cancel)
        while not self._finished():
            self._step()

    def _finished(self) -> bool:
        if self.seen.killed or self.seen.cancelled:
            return True
        return self.ended and (self.open_streams == 0 or time.monotonic() >= self.deadline)

    def _step(self) -> None:
        now = time.monotonic()
        timeout = max(0.0, min(self.deadline, self.next_look) - now)
        if self.exit_fd is None:
            timeout = min(timeout, _POLL)
        for key, _ in self.selector.select(timeout):
            key.data()
        now = time.monotonic()
        if not self.ended and self.exit_fd is None and self.process.poll() is not None:
            self._exited()
        if not self.ended and now >= self.deadline:
            self.seen.killed = "wall"
        elif now >= self.next_look:
            self.next_look = now + _TICK
            self._look()

    def _read_from(self, descriptor: int, receive: Callable[[bytes], None]) -> None:
        os.set_blocking(descriptor, False)

        def ready() -> None:
            try:
                chunk = os.read(descriptor, _CHUNK)
            except BlockingIOError:
                return
            if chunk:
                receive(chunk)
                return
            self.selector.unregister(descriptor)
            self.open_streams -= 1

        self.selector.register(descriptor, selectors.EVENT_READ, ready)
        self.open_streams += 1

    def _printed(self, stream: HeadTail) -> Callable[[bytes], None]:
        def receive(chunk: bytes) -> None:
            stream.add(chunk)
            if self.seen.stdout.total + self.seen.stderr.total > self.limits.output:
                self.seen.killed = "output"

        return receive

    def _reported(self, chunk: bytes) -> None:
        self.seen.report += chunk
        if len(self.seen.report) > self.limits.artefact:
            del self.seen.report[self.limits.artefact :]
            self.seen.killed = "output"
            self.seen.notes.append(f"The report passed {self.limits.artefact} bytes and was cut.")

    def _stated(self, chunk: bytes) -> None:
        if len(self.seen.status) < _CHUNK:
            self.seen.status += chunk

    def _feed(self, stdin: bytes) -> None:
        stream = self.process.stdin
        if stream is None:
            return
        self.to_write = memoryview(stdin)
        descriptor = stream.fileno()
        os.set_blocking(descriptor, False)

        def ready() -> None:
            try:
                self.to_write = self.to_write[os.write(descriptor, self.to_write[:_CHUNK]) :]
            except BlockingIOError:
                return
            except BrokenPipeError:
                self.to_write = memoryview(b"")
            if not self.to_write:
                self.selector.unregister(descriptor)
                stream.close()

        self.selector.register(descriptor, selectors.EVENT_WRITE, ready)
        ready()

    def _wait_for_exit(self) -> None:
        if not hasattr(os, "pidfd_open"):
            return
        with suppress(OSError):
            self.exit_fd = os.pidfd_open(self.process.pid)
            self.selector.register(self.exit_fd, selectors.EVENT_READ, self._exited)

    def _exited(self) -> None:
        """The process is over; whoever still holds its pipes gets a moment, and then nobody listens."""
        if self.ended:
            return
        if self.exit_fd is not None:
            self.selector.unregister(self.exit_fd)
        self.ended = True
        self.deadline = time.monotonic() + _DRAIN

    def _cancel(self) -> None:
        self.seen.cancelled = True

    def _look(self) -> None:
        """Weigh and count the tree, and measure the folder it may write."""
        if self.ended:
            return
        below = tree.descendants(self.process.pid)
        most = tree_memory(self.limits)
        if len(below) > self.limits.processes + 2:
            self.seen.killed = "processes"
        elif tree.resident(below, enough=most) > most:
            self.seen.killed = "memory"
        elif self.watch.growing is not None and _outgrown(self.watch.growing, self.limits.workspace):
            self.seen.killed = "workspace"

    def end(self) -> None:
        """Leave nothing running and nothing open, whatever happened before."""
        if not self.ended:
            tree.kill_below(self.process.pid)
            with suppress(ProcessLookupError):
                self.process.kill()
            self.launch.abandon()
        with suppress(subprocess.TimeoutExpired):
            self.seen.returncode = self.process.wait(timeout=5)
        self.selector.close()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        if self.exit_fd is not None:
            os.close(self.exit_fd)


def _outgrown(root: Path, limit: int) -> bool:
    """Whether the folder holds more than `limit` bytes, or is made too deep or too full to be measured."""
    total = entries = 0
    pending = [(os.fspath(root), 0)]
    while pending:
        here, depth = pending.pop()
        with suppress(OSError), os.scandir(here) as listing:
            for entry in listing:
                entries += 1
                with suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, depth + 1))
                if total > limit or entries > _MOST_ENTRIES or depth > _DEEPEST:
                    return True
    return False
