"""How many tokens a request has, without a tokenizer and without a call."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from escalator.records import Request

_PER_MESSAGE = 16
PER_IMAGE = 50_000
"""More than any model is known to bill for a picture: gpt-4o-mini counts 48,169 for the largest it takes."""
PER_SCHEMA = 500
"""Tokens that the instructions coming with a schema may add."""
_LIKELY_PER_IMAGE = 1_500
_LONGEST_TOKEN = 128
_CLAUDE = re.compile(r"^claude-[a-z]+-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """The most tokens one request can be billed for. `cache_write`: its input may be billed as a cache write;
    `for_an_hour`: perhaps as one that is kept for an hour, which is dearer.
    """

    input_tokens: int
    output_tokens: int
    cache_write: bool = False
    for_an_hour: bool = True


def token_ceiling(request: Request, *, images: int | None = None) -> int:
    """More tokens than the prompt can have: no tokenizer in use makes more than one token of a UTF-8 byte.

    The chat template is stood for by 16 tokens per message and for the system text, the instructions that come
    with a schema by 500. `images` are the tokens of all pictures together, by default 50,000 for each.
    """
    if images is None:
        images = PER_IMAGE * sum(len(message.images) for message in request.messages)
    extras = _PER_MESSAGE * (len(request.messages) + 1) + images
    return _text_bytes(request) + extras + (PER_SCHEMA if request.schema is not None else 0)


def token_floor(request: Request) -> int:
    """Fewer tokens than any tokenizer makes of the prompt's text; pictures and schemas count as nothing.

    Half the words between blanks, and one more for every 256 characters of a longer one. No tokenizer in use
    joins words over a blank, except runs of blanks, and the longest token of the vocabularies read has 128
    characters; over four of them (cl100k, o200k, an older Claude's, DeepSeek's), source code and prose had 2.2 to
    2.4 tokens a word and the most repetitive texts 1.0. The half is for vocabularies that nobody has published.
    """
    texts = (request.system, *(message.text for message in request.messages))
    return sum(1 + len(word) // _LONGEST_TOKEN for text in texts for word in text.split()) // 2


def token_floor_exceeds(request: Request, tokens: int) -> bool:
    """Whether the prompt has more tokens than these for certain; quick where there are clearly enough."""
    characters = len(request.system) + sum(len(message.text) for message in request.messages)
    return tokens * 4 < characters and token_floor(request) > tokens


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
