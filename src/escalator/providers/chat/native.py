"""LM Studio's own chat API read as a chat completion, for servers and proxies that answer with it."""

from __future__ import annotations

from collections.abc import Mapping


def as_chat(payload: Mapping[str, object]) -> Mapping[str, object]:
    """The payload as a chat completion: a native answer, or the last event of its stream, is rewritten.

    Native answers name no reason for their end; having ended they count as finished. Anything else is
    returned as it is.
    """
    answer = payload.get("result") if payload.get("type") == "chat.end" else payload
    output = answer.get("output") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(output, list) or "model_instance_id" not in answer:
        return payload
    stats = answer.get("stats")
    figures: Mapping[str, object] = stats if isinstance(stats, dict) else {}
    return {
        "id": answer.get("response_id"),
        "model": answer["model_instance_id"],
        "choices": [{"index": 0, "message": _message(output), "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": figures.get("input_tokens"),
            "completion_tokens": figures.get("total_output_tokens"),
            "completion_tokens_details": {"reasoning_tokens": figures.get("reasoning_output_tokens")},
        },
        "load_time_seconds": figures.get("model_load_time_seconds"),
    }


def _message(output: list[object]) -> dict[str, str]:
    parts = [part for part in output if isinstance(part, dict) and isinstance(part.get("content"), str)]
    return {
        "content": "".join(part["content"] for part in parts if part.get("type") == "message"),
        "reasoning_content": "".join(part["content"] for part in parts if part.get("type") == "reasoning"),
    }
