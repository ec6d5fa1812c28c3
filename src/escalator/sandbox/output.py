"""What a process printed: kept within bounds, and made harmless to show."""

from __future__ import annotations

import re
from collections import deque

_SEQUENCES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # operating system commands: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"  # device control and other strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor movement, erasing
    r"|\x1b[ -/]*[0-~]?"  # two-character escapes
)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ufeff]"
)


def clean(raw: bytes) -> str:
    """Decode with replacement and drop what could steer a terminal or hide text: escapes, controls, bidi marks."""
    text = _SEQUENCES.sub("", raw.decode("utf-8", "replace"))
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


class HeadTail:
    """The first and the last `kept` bytes of a stream of any length, in bounded memory."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._in_tail = 0
        self.total = 0

    def add(self, chunk: bytes) -> None:
        """Take in the next piece of the stream."""
        self.total += len(chunk)
        room = self._kept - len(self._head)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            self._tail.append(chunk)
            self._in_tail += len(chunk)
            while self._tail and self._in_tail - len(self._tail[0]) >= self._kept:
                self._in_tail -= len(self._tail.popleft())

    def text(self) -> str:
        """The kept text, cleaned, with a line in the middle that says how much was left out."""
        tail = b"".join(self._tail)[-self._kept :] if self._kept else b""
        left_out = self.total - len(self._head) - len(tail)
        if left_out <= 0:
            return clean(bytes(self._head) + tail)
        return f"{clean(bytes(self._head))}\n... {left_out} bytes left out ...\n{clean(tail)}"
