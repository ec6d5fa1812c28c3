"""The four wires as a server speaks them: a request's JSON in, a question out; an answer in, bytes out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

CHUNK = 400
"""Characters of an answer in one event of a stream."""


def text_of(content: Any) -> str:
    """The text of a message's content, whichever of the wires' forms it has."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))


def prompt_of(body: dict[str, Any]) -> str:
    """Everything a request says to the model, system text first, whichever wire it came by."""
    said = [text_of(body.get("system", ""))]
    instruction = body.get("systemInstruction") or body.get("system_instruction") or {}
    said.append(text_of(instruction.get("parts", [])))
    said += [text_of(message.get("content", "")) for message in body.get("messages", [])]
    said += [text_of(turn.get("parts", [])) for turn in body.get("contents", [])]
    return "\n".join(part for part in said if part)


def tokens(text: str) -> int:
    """A plausible token count."""
    return len(text.encode()) // 4 + 1


def pieces(text: str) -> Iterator[str]:
    """The text as a stream would deliver it."""
    for start in range(0, len(text), CHUNK):
        yield text[start : start + CHUNK]


def _sse(data: object, event: str = "") -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(data)}\n\n".encode()


def openai_stream(model: str, prompt: str, answer: str) -> bytes:
    """Server-sent events of /v1/chat/completions with `include_usage`."""
    base = {"id": "chatcmpl-simulated", "object": "chat.completion.chunk", "created": 0, "model": model}

    def choice(delta: dict[str, object], finish: str | None = None) -> list[dict[str, object]]:
        return [{"index": 0, "delta": delta, "finish_reason": finish}]

    out = [_sse({**base, "choices": choice({"role": "assistant", "content": None})})]
    out += [_sse({**base, "choices": choice({"content": piece})}) for piece in pieces(answer)]
    out.append(_sse({**base, "choices": choice({}, "stop")}))
    sent, written = tokens(prompt), tokens(answer)
    usage = {"prompt_tokens": sent, "completion_tokens": written, "total_tokens": sent + written}
    out.append(_sse({**base, "choices": [], "usage": usage}))
    return b"".join([*out, b"data: [DONE]\n\n"])


def ollama_stream(model: str, prompt: str, answer: str) -> bytes:
    """Newline-delimited JSON of /api/chat."""
    base = {"model": model, "created_at": "2026-01-01T00:00:00Z"}
    lines = [
        {**base, "message": {"role": "assistant", "content": piece}, "done": False} for piece in pieces(answer)
    ]
    last: dict[str, object] = {
        **base,
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
    }
    last |= {
        "prompt_eval_count": tokens(prompt),
        "eval_count": tokens(answer),
        "total_duration": 1,
        "eval_duration": 1,
    }
    return "".join(json.dumps(line) + "\n" for line in [*lines, last]).encode()


def anthropic_stream(model: str, prompt: str, answer: str) -> bytes:
    """Server-sent events of /v1/messages."""
    usage = {"input_tokens": tokens(prompt), "output_tokens": 1}
    message: dict[str, object] = {
        "id": "msg_simulated",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    out = [_sse({"type": "message_start", "message": message}, "message_start")]
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    out.append(_sse(block, "content_block_start"))
    for piece in pieces(answer):
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
        out.append(_sse(delta, "content_block_delta"))
    out.append(_sse({"type": "content_block_stop", "index": 0}, "content_block_stop"))
    end = {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": tokens(answer)},
    }
    out.append(_sse(end, "message_delta"))
    return b"".join([*out, _sse({"type": "message_stop"}, "message_stop")])


def gemini_stream(model: str, prompt: str, answer: str) -> bytes:
    """Server-sent events of :streamGenerateContent."""
    out = []
    parts = list(pieces(answer)) or [""]
    for number, piece in enumerate(parts, 1):
        candidate: dict[str, object] = {"content": {"role": "model", "parts": [{"text": piece}]}, "index": 0}
        event: dict[str, object] = {"candidates": [candidate], "modelVersion": model, "responseId": "simulated"}
        if number == len(parts):
            candidate["finishReason"] = "STOP"
            sent, written = tokens(prompt), tokens(answer)
            usage = {"promptTokenCount": sent, "candidatesTokenCount": written, "totalTokenCount": sent + written}
            event["usageMetadata"] = usage
        out.append(_sse(event))
    return b"".join(out)
