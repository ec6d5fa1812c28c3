"""A server on loopback that speaks the OpenAI wire, can fall silent, and sees when a client hangs up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

from houses import RIGHT
from providers.raw_server import Peer, raw_server


class Server:
    """Answers every request with `answer`; while `silent`, it takes requests and never answers.

    `asked` counts the requests read, `waiting` those that wait for an answer which will not come.
    """

    def __init__(self, answer: str = RIGHT) -> None:
        self.answer, self.silent = answer, False
        self.asked = self.waiting = 0
        self._changed = threading.Condition()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.url = self._stack.enter_context(raw_server(self._serve)).url
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _serve(self, peer: Peer) -> None:
        while peer.request():
            self._count(asked=1)
            if self.silent:
                self._count(waiting=1)
                peer.wait()
                self._count(waiting=-1)
                return
            peer.whole(self.answer)

    def _count(self, *, asked: int = 0, waiting: int = 0) -> None:
        with self._changed:
            self.asked += asked
            self.waiting += waiting
            self._changed.notify_all()

    def until_waiting(self, number: int, *, within: float = 60.0) -> None:
        """Wait until exactly so many requests are open. Raises `AssertionError` if that does not happen."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: self.waiting == number, within)
        assert arrived, f"{self.waiting} requests are open at the server, not {number}"

    def is_left(self, within: float) -> bool:
        """Whether every request is given up within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.waiting == 0, within)

    def provider(self, **more: Any) -> dict[str, Any]:
        """Its section of a matrix."""
        return {"kind": "llamacpp", "base_url": self.url, **more}


def until(happens: Callable[[], Any], *, within: float = 60.0) -> Any:
    """Wait until a function returns something true, and return it. Raises `AssertionError` if it never does."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = happens()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"this did not happen within {within:g} s: {happens}")
