"""The log as a growing file of JSON Lines."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Self

from escalator.events import Event
from escalator.foreign import in_json
from escalator.sinks.facts import facts_of


class JsonLinesSink:
    """Appends every event to a file, one JSON object a line, each written at once and whole.

    Several processes may append to one file. The file is created on the first event, readable by its owner only.
    `content` also writes prompts, answers and findings; `redact` is applied to every text before it is written.
    `clock` gives the field `at`, seconds since the epoch.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        content: bool = False,
        redact: Callable[[str], str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path, self._content, self._redact, self._clock = Path(path), content, redact, clock
        self._lock = Lock()
        self._file: int | None = None

    def __call__(self, event: Event) -> None:
        """Append what happened."""
        from escalator.redaction import redacted

        at = round(self._clock(), 6)
        lines = [{"at": at, **facts} for facts in facts_of(event, content=self._content)]
        if self._redact is not None:
            lines = [redacted(line, self._redact) for line in lines]
        text = "".join(in_json(json.dumps(line, ensure_ascii=False)) + "\n" for line in lines)
        data = text.encode("utf-8", "backslashreplace")
        with self._lock:
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            _write(self._file, data)

    def close(self) -> None:
        """Give the file back; a later event opens it again."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
