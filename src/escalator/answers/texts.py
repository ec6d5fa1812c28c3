"""Untrusted text made fit for a prompt: no control or bidirectional characters, a fence it cannot close, a cap."""

from __future__ import annotations

import re
from typing import Final

_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_HIDDEN = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\u200b\u2060\ufeff\ud800-\udfff]")
_ANSI = re.compile(r"\x1b\[[0-?]{0,40}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b\n]{0,500}(?:\x07|\x1b\\)")

CHARACTERS_PER_TOKEN: Final = 3.0
"""A cautious figure for code; real tokenizers need between 2.5 and 4.5 characters a token."""


def tokens_in(text: str) -> int:
    """A cautious upper estimate of how many tokens a text is."""
    wide = 0 if text.isascii() else sum(ord(char) > 0x2FF for char in text)
    return int((len(text) - wide) / CHARACTERS_PER_TOKEN) + wide + 1


def safe(text: str) -> str:
    """Without terminal escapes, control, bidirectional and invisible characters; newlines become line feeds."""
    plain = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _HIDDEN.sub("\ufffd", plain.removeprefix("\ufeff"))


def fenced(text: str, info: str = "") -> str:
    """The safe text between fences that are longer than any run of backticks in it."""
    body = safe(text)
    longest = max((len(run) for run in re.findall(r"`{3,}", body)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{info}\n{body}{'' if body.endswith(chr(10)) or not body else chr(10)}{fence}"


def capped(text: str, tokens: int) -> str:
    """At most about `tokens` tokens: the beginning and the end, with a line saying how much is missing."""
    if tokens_in(text) <= tokens:
        return text
    room = max(200, int(tokens * CHARACTERS_PER_TOKEN) - 60)
    if not text.isascii():
        room = max(200, room // 2)
    head, tail = text[: room * 2 // 3], text[-(room // 3) :]
    return f"{head.rstrip()}\n[{len(text) - len(head) - len(tail):,} characters left out]\n{tail.lstrip()}"
