"""The most a request can be billed for, as each wire states it of the body that it sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from escalator.pricing.tokens import PER_SCHEMA, Bound, token_ceiling
from escalator.providers.anthropic.caching import marked
from escalator.providers.pictures import claude_tokens, gemini_tokens, tokens_for, tokens_of_images

if TYPE_CHECKING:
    from escalator.records import Request

_LIMITS = ("max_tokens", "max_completion_tokens", "num_predict")
_ANSWERS = ("n", "best_of")
_NO_PROMPT = frozenset(
    {
        *(*_LIMITS, *_ANSWERS, "model", "messages", "stream", "stream_options", "temperature", "seed"),
        *("truncate", "shift", "keep_alive", "options", "think", "reasoning_effort"),
    }
)
"""Fields of a body that add nothing to the prompt beyond what is counted of the request."""
_SCHEMAS = frozenset({"response_format", "format"})


def of_body(request: Request, body: Mapping[str, object]) -> Bound:
    """Of a request in the dialect of chat completions or of Ollama.

    The prompt is at most the text of the request and every further field that a template could show to the model.
    The answer is at most the largest limit in the body, times the answers it asks for. Input counts as written to
    a cache, which some servers do unasked.
    """
    pictures = tokens_of_images(request, tokens_for(request.model.id))
    counted = _NO_PROMPT if request.schema is None else _NO_PROMPT | (_SCHEMAS - request.model.options.keys())
    shown = {name: value for name, value in body.items() if name not in counted}
    inner = body.get("options")
    limits = [body, inner] if isinstance(inner, Mapping) else [body]
    return Bound(
        input_tokens=token_ceiling(request, images=pictures) + len(_json(shown).encode()) * bool(shown),
        output_tokens=max(_numbers(limits, _LIMITS), default=request.max_tokens) * _answers(limits),
        cache_write=True,
    )


def of_claude(request: Request) -> Bound:
    """Of a request to Claude: thinking is within `max_tokens`, and marks ask for a cache of five minutes.

    A schema is sent with the constraints that Claude cannot hold repeated in words, so it counts twice.
    """
    pictures = tokens_of_images(request, claude_tokens)
    return Bound(
        input_tokens=token_ceiling(request, images=pictures) + _schema_bytes(request),
        output_tokens=request.max_tokens,
        cache_write=any(message.shared for message in marked(request)),
        for_an_hour=False,
    )


def of_gemini(request: Request) -> Bound:
    """Of a request to Gemini: `max_output_tokens` holds thinking and answer together."""
    pictures = tokens_of_images(request, gemini_tokens)
    return Bound(input_tokens=token_ceiling(request, images=pictures), output_tokens=request.max_tokens)


def _answers(bodies: list[Mapping[str, object]]) -> int:
    return max([1, *_numbers(bodies, _ANSWERS)])


def _numbers(bodies: list[Mapping[str, object]], names: tuple[str, ...]) -> list[int]:
    found = (body.get(name) for body in bodies for name in names)
    return [value for value in found if isinstance(value, int) and not isinstance(value, bool)]


def _schema_bytes(request: Request) -> int:
    return 0 if request.schema is None else len(_json(request.schema).encode()) + PER_SCHEMA


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
