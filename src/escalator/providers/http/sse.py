"""Splitters for streamed bodies: server-sent events and lines of JSON.

Bytes are split at CR, LF and CRLF only. Text-line splitters also split at U+2028, U+2029 and U+0085, which may
stand unescaped inside the JSON of an event.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One server-sent event; `name` is "message" unless the server named it, `data` its lines joined by LF."""

    data: str
    name: str = "message"


class Lines:
    """Splits bytes into lines without their ends, whatever the boundaries of the pieces fed."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this piece completes."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        if b"\r" not in chunk:
            lines = chunk.split(b"\n")
        else:
            self._after_cr = chunk.endswith(b"\r")
            lines = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        last = lines.pop()
        if lines and self._rest:
            lines[0] = bytes(self._rest) + lines[0]
            self._rest.clear()
        self._rest += last
        return lines

    @property
    def rest(self) -> bytes:
        """What came after the last line end."""
        return bytes(self._rest)


class Events:
    """Splits bytes into server-sent events. Comments, ids and retry hints are skipped."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._name = ""
        self._data: list[str] = []
        self._first = True

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this piece completes."""
        events: list[Event] = []
        for raw in self._lines.feed(chunk):
            line = raw
            if self._first:
                line, self._first = raw.removeprefix(codecs.BOM_UTF8), False
            if line:
                self._field(line)
            elif (event := self._event()) is not None:
                events.append(event)
        return events

    def end(self) -> Event | None:
        """The event that the end of the body completes: many servers leave the last blank line out."""
        if self._lines.rest:
            self._field(self._lines.rest)
        return self._event()

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(text)
        elif name == b"event":
            self._name = text

    def _event(self) -> Event | None:
        data, name = self._data, self._name
        self._data, self._name = [], ""
        return Event(data="\n".join(data), name=name or "message") if data else None
