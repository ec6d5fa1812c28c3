"""Splitters for streamed bodies: server-sent events and lines of JSON.

Bytes are split at CR, LF and CRLF only. Text-line splitters also split at U+2028, U+2029 and U+0085, which may
stand unescaped inside the JSON of an event.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple


class Event(NamedTuple):
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
    """Splits bytes into server-sent events. Comments, ids and retry hints are skipped.

    Nearly every server ends its lines with LF alone and its events with a blank line, so the bytes are cut at
    blank lines and looked at no further. The first CR sends this and all that follows through `Lines`, and so does
    what may be the mark of byte order at the start.
    """

    def __init__(self) -> None:
        self._begun = bytearray()
        self._lines: Lines | None = None
        self._fields = _Fields()
        self._first = True

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this piece completes."""
        if self._lines is None and (b"\r" in chunk or (self._first and chunk[:1] == codecs.BOM_UTF8[:1])):
            self._lines = Lines()
            chunk = bytes(self._begun) + chunk
        if self._lines is not None:
            return self._by_line(self._lines.feed(chunk))
        return self._by_blank_line(chunk)

    def _by_blank_line(self, chunk: bytes) -> list[Event]:
        self._first = self._first and not chunk
        searched = len(self._begun) - 1
        self._begun += chunk
        end = self._begun.rfind(b"\n\n", max(0, searched))
        if end < 0:
            return []
        whole = self._begun[:end].decode("utf-8", "replace")
        del self._begun[: end + 2]
        events = []
        for block in whole.split("\n\n"):
            if block.startswith("data: ") and "\n" not in block:
                events.append(Event(block[6:]))
            elif (event := self._block(block)) is not None:
                events.append(event)
        return events

    def _block(self, block: str) -> Event | None:
        for line in block.split("\n"):
            self._fields.take(line)
        return self._fields.event()

    def _by_line(self, lines: list[bytes]) -> list[Event]:
        events = []
        for raw in lines:
            line = raw
            if self._first:
                line, self._first = raw.removeprefix(codecs.BOM_UTF8), False
            if line:
                self._fields.take(line.decode("utf-8", "replace"))
            elif (event := self._fields.event()) is not None:
                events.append(event)
        return events

    def end(self) -> Event | None:
        """The event that the end of the body completes: many servers leave the last blank line out."""
        if self._lines is None:
            return self._block(self._begun.decode("utf-8", "replace"))
        rest = self._lines.rest.removeprefix(codecs.BOM_UTF8) if self._first else self._lines.rest
        self._fields.take(rest.decode("utf-8", "replace"))
        return self._fields.event()


class _Fields:
    """Collects the lines of one event."""

    def __init__(self) -> None:
        self._name = ""
        self._data: list[str] = []

    def take(self, line: str) -> None:
        name, _, value = line.partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
        elif name == "event":
            self._name = value.removeprefix(" ")

    def event(self) -> Event | None:
        data, name = self._data, self._name
        self._data, self._name = [], ""
        return Event("\n".join(data), name or "message") if data else None
