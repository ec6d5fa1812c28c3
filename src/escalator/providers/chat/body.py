"""A request in the dialect of OpenAI's chat completions, with what each server understands of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from escalator.kinds import Dialect
from escalator.records import Effort, Message, Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """How a model is asked: whether answers may stream, system texts stand apart, the limit bears its newer name
    `max_completion_tokens`; and the names of what is left out.
    """

    stream: bool = True
    system: bool = True
    new_limit_name: bool = False
    without: frozenset[str] = frozenset()


USUAL = Terms()
"""What is expected of a server until it says otherwise."""


def chat_body(request: Request, dialect: Dialect, terms: Terms) -> dict[str, object]:
    """The JSON object to send. `model.options` are sent as they are and win over what stands here."""
    body: dict[str, object] = {
        "model": request.model.id,
        "messages": _messages(request, dialect, apart=terms.system),
        "max_completion_tokens" if terms.new_limit_name else "max_tokens": request.max_tokens,
        "stream": terms.stream,
    }
    if terms.stream:
        body["stream_options"] = {"include_usage": True}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.seed is not None:
        body["seed"] = request.seed
    if request.schema is not None and dialect.holds_schema:
        body["response_format"] = _response_format(request.schema)
    if request.effort is not None:
        body |= _effort(request.effort, dialect)
    for name in terms.without:
        body.pop(name, None)
    return body | dict(request.model.options)


def _messages(request: Request, dialect: Dialect, *, apart: bool) -> list[dict[str, Any]]:
    system = request.system
    if request.schema is not None and not dialect.holds_schema:
        system = f"{system}\n\n{schema_in_words(request.schema)}".lstrip()
    messages = request.messages
    if system and not apart:
        messages, system = _led_by(system, messages), ""
    said = [{"role": message.role, "content": _content(message)} for message in messages]
    return [{"role": "system", "content": system}, *said] if system else said


def _led_by(system: str, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages with the system text at the head of the first, for templates that know no other place."""
    if messages and messages[0].role == "user":
        return (replace(messages[0], text=f"{system}\n\n{messages[0].text}"), *messages[1:])
    return (Message(role="user", text=system), *messages)


def schema_in_words(schema: Mapping[str, object]) -> str:
    """An instruction for servers that cannot hold a model to a schema."""
    return f"Answer with nothing but one JSON value that matches this JSON Schema:\n{json.dumps(schema)}"


def _content(message: Message) -> str | list[dict[str, object]]:
    if not message.images:
        return message.text
    parts: list[dict[str, object]] = [{"type": "text", "text": message.text}] if message.text else []
    for image in message.images:
        data = base64.b64encode(image.data).decode("ascii")
        parts.append({"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{data}"}})
    return parts


def _response_format(schema: Mapping[str, object]) -> dict[str, object]:
    wanted = {"name": "answer", "schema": dict(schema), "strict": _is_closed(schema)}
    return {"type": "json_schema", "json_schema": wanted}


def _is_closed(schema: object) -> bool:
    """Whether every object in the schema names all its keys as required and allows no others.

    Only such schemas may be asked for strictly; OpenAI refuses the others.
    """
    if isinstance(schema, list):
        return all(_is_closed(part) for part in schema)
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, Mapping):
        keys = set(properties) if isinstance(properties, Mapping) else set()
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != keys:
            return False
    return all(_is_closed(part) for part in schema.values())


def _effort(effort: Effort, dialect: Dialect) -> dict[str, object]:
    word = dialect.effort_words.get(effort, effort)
    if not dialect.effort_in_template:
        return {"reasoning_effort": word}
    thinks = {"enable_thinking": effort != "none"}
    if dialect.none_in_request and effort == "none":
        return {"reasoning_effort": effort, "chat_template_kwargs": thinks}
    return {"chat_template_kwargs": {**thinks, "reasoning_effort": word}}
