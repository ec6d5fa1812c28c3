"""A request in the terms of google-genai, and what each Gemini can be told about thinking."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from escalator.providers.sdk.provider import allowed

if TYPE_CHECKING:
    from google.genai import types

    from escalator.records import Effort, Message, Request

_MODEL = re.compile(r"^(?:models/)?gemini-(\d+)(?:\.(\d+))?-([a-z]+(?:-lite)?)")
OPTIONS = frozenset({"media_resolution", "safety_settings", "service_tier", "stop_sequences"})
"""What a model's options in the matrix may add. Others would be refused, or would cost what nobody reserved."""
_BUDGETS: Mapping[str, int] = {"minimal": 512, "low": 1_024, "medium": 8_192, "high": 24_576}
_LEVELS: Mapping[str, str] = {"low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH"}


def config(request: Request) -> types.GenerateContentConfig:
    """One request, answered once: no automatic continuation and no tools that the SDK would call by itself."""
    from google.genai import types

    return types.GenerateContentConfig(
        max_output_tokens=request.max_tokens,
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        http_options=types.HttpOptions(timeout=max(int(request.timeouts.total * 1000), 1)),
        seed=request.seed,
        **_optional(request),
    )


def contents(request: Request, *, with_system: bool = False) -> list[types.ContentUnion]:
    """The turns. `with_system` puts the system text before them, for counting, which takes no system text."""
    from google.genai import types

    turns: list[types.ContentUnion] = []
    if with_system and request.system:
        turns.append(types.Content(role="user", parts=[types.Part(text=request.system)]))
    turns.extend(_turn(message) for message in request.messages)
    return turns


def thinking_of(model_id: str, effort: Effort | None, max_tokens: int) -> dict[str, Any]:
    """The `thinking_config` fields for an effort; empty where the model's default is what is wanted.

    Gemini 3 and later take a level, 2.5 a budget of tokens, which is kept to half of what the answer may have.
    """
    found = _MODEL.match(model_id)
    if effort is None or found is None:
        return {}
    version, line = (int(found[1]), int(found[2] or 0)), found[3]
    if version < (2, 5):
        return {}
    if version < (3, 0):
        return {"thinking_budget": _budget(effort, line, max_tokens)}
    if effort in {"none", "minimal"}:
        return {"thinking_level": "MINIMAL" if line.startswith("flash") else "LOW"}
    return {"thinking_level": _LEVELS[effort]}


def takes_temperature(model_id: str) -> bool:
    """Whether the model still has sampling parameters: the newer ones refuse them."""
    found = _MODEL.match(model_id)
    if found is None:
        return True
    version = (int(found[1]), int(found[2] or 0))
    return version < (3, 6) and (version, found[3]) != ((3, 5), "flash-lite")


def _optional(request: Request) -> dict[str, Any]:
    fields = allowed(request.model, OPTIONS)
    if request.system:
        fields["system_instruction"] = request.system
    if request.temperature is not None and takes_temperature(request.model.id):
        fields["temperature"] = request.temperature
    if request.schema is not None:
        fields["response_mime_type"] = "application/json"
        fields["response_json_schema"] = dict(request.schema)
    thinking = thinking_of(request.model.id, request.effort, request.max_tokens)
    if thinking:
        fields["thinking_config"] = thinking
    return fields


def _budget(effort: Effort, line: str, max_tokens: int) -> int:
    least = 128 if line == "pro" else 0
    if effort == "none":
        return least
    return max(min(_BUDGETS.get(effort, _BUDGETS["high"]), max_tokens // 2), least)


def _turn(message: Message) -> types.Content:
    from google.genai import types

    parts = [types.Part.from_bytes(data=image.data, mime_type=image.media_type) for image in message.images]
    if message.text or not parts:
        parts.append(types.Part(text=message.text))
    return types.Content(role="model" if message.role == "assistant" else "user", parts=parts)
