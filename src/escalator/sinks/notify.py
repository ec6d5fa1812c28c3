"""Telling people that something waits for them: a callable, or a webhook that never delays a task."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from queue import Full, Queue
from threading import Lock, Thread
from typing import Literal, TypeAlias

from escalator.events import Event, Sink, TaskEnded
from escalator.foreign import address, said, shown
from escalator.records.facts import task_facts
from escalator.records.flat import by_name

_log = logging.getLogger("escalator")

WAITING = 1000
"""Notices a webhook keeps while its server is slow; further ones are dropped and reported."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A task waits for a person. `kind`: an answer to judge, or a paid model to approve."""

    task_id: str
    kind: Literal["answer", "approval"]
    task_type: str
    complexity: float
    description: str
    why: str
    cost: str


Notify: TypeAlias = Callable[[Notice], object]


def review_notices(notify: Notify) -> Sink:
    """A sink that calls `notify` whenever a task ends and waits for a person."""

    def sink(event: Event) -> None:
        if isinstance(event, TaskEnded) and event.outcome.status == "needs_review":
            task = task_facts(event.outcome)
            kind = "approval" if task.cause == "pending" else "answer"
            own = {"task_id": shown(task.task_id), "why": shown(task.reason), "cost": f"{task.cost:f}"}
            notify(by_name(Notice, task, kind=kind, **own))

    return sink


class Webhook:
    """Posts each notice as JSON to an address, from a thread of its own.

    `headers` are sent along, for instance an authorization read from the environment. A server that fails is
    reported in the log of this process and not asked again for that notice. `close` waits for what is queued.
    """

    def __init__(self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 5.0) -> None:
        self._url, self._headers, self._timeout = url, dict(headers or {}), timeout
        self._queue: Queue[Notice | None] = Queue(maxsize=WAITING)
        self._lock = Lock()
        self._thread: Thread | None = None

    def __call__(self, notice: Notice) -> None:
        """Queue one notice; returns at once."""
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._post_all, name="escalator-webhook", daemon=True)
                self._thread.start()
        try:
            self._queue.put_nowait(notice)
        except Full:
            _log.error("The review webhook is too slow; the notice of task %s is dropped.", notice.task_id)

    def close(self) -> None:
        """Send what is queued and end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _post_all(self) -> None:
        import httpx2

        with httpx2.Client(timeout=self._timeout, headers=self._headers) as client:
            while (notice := self._queue.get()) is not None:
                try:
                    client.post(self._url, json=asdict(notice)).raise_for_status()
                except httpx2.HTTPError as error:
                    why = said(str(error).replace(self._url, address(self._url)))
                    _log.error("The review webhook did not take the notice of %s: %s", notice.task_id, why)
