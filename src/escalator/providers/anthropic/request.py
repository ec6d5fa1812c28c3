"""A request in the dialect of Claude's Messages API, and what each model can be told about thinking."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from escalator.providers.anthropic.caching import marked
from escalator.providers.sdk.provider import allowed

if TYPE_CHECKING:
    from escalator.records import Effort, Message, Request

_MODEL = re.compile(r"^claude-([a-z]+)-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_BUDGETS: Mapping[str, int] = {"low": 1_024, "medium": 4_096, "high": 8_192, "xhigh": 16_384, "max": 16_384}
OPTIONS = frozenset({"inference_geo", "metadata", "service_tier", "speed", "stop_sequences"})
"""What a model's options in the matrix may add. Others would be refused, or would cost what nobody reserved."""
_ROOM_TO_ANSWER = 1_024
_LEAST_BUDGET = 1_024


def body(request: Request) -> dict[str, object]:
    """The JSON of a message request. Claude takes no temperature and no seed, and JSON is asked for by schema."""
    sent: dict[str, object] = {
        **allowed(request.model, OPTIONS),
        "model": request.model.id,
        "max_tokens": request.max_tokens,
        "messages": [_turn(message) for message in marked(request)],
    }
    if request.system:
        sent["system"] = request.system
    config: dict[str, object] = {}
    if request.schema is not None:
        config["format"] = {"type": "json_schema", "schema": _schema(request.schema)}
    thinking, effort = thinking_of(request.model.id, request.effort, request.max_tokens)
    if effort:
        config["effort"] = effort
    if thinking:
        sent["thinking"] = thinking
    if config:
        sent["output_config"] = config
    return sent


def counted(request: Request) -> dict[str, object]:
    """The same for counting tokens, which takes what makes the prompt and nothing else."""
    told = {"model", "messages", "system", "thinking", "output_config"}
    return {name: value for name, value in body(request).items() if name in told}


def thinking_of(model_id: str, effort: Effort | None, max_tokens: int) -> tuple[dict[str, object], str]:
    """The `thinking` parameter and the effort to send; empty where the model's default is what is wanted.

    From 4.6 on a model thinks as much as its effort says. Older ones take a budget instead, which has to leave
    room for the answer. Models that cannot stop thinking are asked for little.
    """
    found = _MODEL.match(model_id)
    if effort is None or found is None:
        return {}, ""
    version = (int(found[2]), int(found[3] or 0))
    if version < (4, 6):
        return _budget(effort, max_tokens), ""
    if effort == "none":
        return _least(found[1], version)
    level = "low" if effort == "minimal" else effort
    if version < (4, 7) and level == "xhigh":
        level = "high"
    return ({"type": "adaptive"} if version < (5, 0) else {}), level


def _budget(effort: Effort, max_tokens: int) -> dict[str, object]:
    budget = min(_BUDGETS.get(effort, 0), max_tokens - _ROOM_TO_ANSWER)
    return {"type": "enabled", "budget_tokens": budget} if budget >= _LEAST_BUDGET else {}


def _least(family: str, version: tuple[int, int]) -> tuple[dict[str, object], str]:
    if version < (5, 0):
        return {}, ""
    if family in {"fable", "mythos"} or (family == "opus" and version >= (5, 5)):
        return {}, "low"
    if family == "sonnet" and version >= (5, 5):
        return {"type": "between_tools"}, "low"
    return {"type": "disabled"}, ""


def _turn(message: Message) -> dict[str, object]:
    if not message.images and not message.shared:
        return {"role": message.role, "content": message.text}
    blocks: list[dict[str, object]] = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.media_type,
                "data": base64.b64encode(image.data).decode("ascii"),
            },
        }
        for image in message.images
    ]
    starts = (0, *message.shared)
    ends = (*message.shared, len(message.text))
    for start, end in zip(starts, ends, strict=True):
        if start < end:
            kept = {"cache_control": {"type": "ephemeral"}} if end in message.shared else {}
            blocks.append({"type": "text", "text": message.text[start:end], **kept})
    return {"role": message.role, "content": blocks}


def _schema(schema: Mapping[str, object]) -> dict[str, object]:
    """The schema as Claude takes it: objects closed, constraints it cannot enforce moved into descriptions."""
    from anthropic import transform_schema

    return transform_schema(dict(schema))
