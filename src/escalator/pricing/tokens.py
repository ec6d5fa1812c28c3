"""How many tokens a request has, without a tokenizer and without a call."""

from __future__ import annotations

import json
import re

from escalator.records import Request

_PER_MESSAGE = 16
_PER_IMAGE = 5_000
PER_SCHEMA = 500
"""Tokens that the instructions coming with a schema may add."""
_LIKELY_PER_IMAGE = 1_500
_CLAUDE = re.compile(r"^claude-[a-z]+-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")


def token_ceiling(request: Request) -> int:
    """More tokens than the prompt can have: no tokenizer in use makes more than one token of a UTF-8 byte.

    The chat template is stood for by 16 tokens per message and for the system text, the instructions that come
    with a schema by 500, an image by 5,000.
    """
    images = sum(len(message.images) for message in request.messages)
    extras = _PER_MESSAGE * (len(request.messages) + 1) + _PER_IMAGE * images
    return _text_bytes(request) + extras + (PER_SCHEMA if request.schema is not None else 0)


def token_estimate(request: Request) -> int:
    """The likely number of tokens, for display and for choosing; never for a reservation.

    Three bytes a token; Claude 4.7 and later make about 30 % more of the same text.
    """
    images = sum(len(message.images) for message in request.messages)
    tenths = 13 if _has_newer_tokenizer(request.model.id) else 10
    return -(-_text_bytes(request) * tenths // 30) + _LIKELY_PER_IMAGE * images


def _text_bytes(request: Request) -> int:
    texts = [request.system, *(message.text for message in request.messages)]
    if request.schema is not None:
        texts.append(json.dumps(dict(request.schema), ensure_ascii=False))
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def _has_newer_tokenizer(model_id: str) -> bool:
    found = _CLAUDE.match(model_id)
    return found is not None and (int(found[1]), int(found[2] or 0)) >= (4, 7)
