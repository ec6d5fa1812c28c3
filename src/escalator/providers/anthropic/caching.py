"""Where Claude is asked to keep the beginning of a prompt: only where that is long enough to be kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from escalator.records import Message, Request

_MODEL = re.compile(r"^claude-([a-z]+)-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")

_LONGEST_TOKEN = 4
"""Bytes of a token, in the long run at most: of code and prose alike there are more tokens than a fourth."""

_MOST = 4_096


def least_kept(model_id: str) -> int:
    """Tokens that a prompt must have up to a mark to be kept; the most that any model asks for where unknown."""
    found = _MODEL.match(model_id)
    if found is None:
        return _MOST
    family, version = found[1], (int(found[2]), int(found[3] or 0))
    if version >= (5, 0):
        return 512
    if version == (4, 6) and family == "sonnet":
        return 2_048
    return 1_024 if family == "sonnet" or (family == "opus" and version < (4, 5)) else _MOST


def marked(request: Request) -> Iterator[Message]:
    """The turns with those of their marks that can be kept. A picture counts for nothing here."""
    least = least_kept(request.model.id) * _LONGEST_TOKEN
    before = _bytes(request.system)
    for message in request.messages:
        kept = tuple(end for end in message.shared if before + _bytes(message.text[:end]) >= least)
        yield message if kept == message.shared else replace(message, shared=kept)
        before += _bytes(message.text)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
