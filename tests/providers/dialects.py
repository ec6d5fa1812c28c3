"""Answers of the four wires as a scripted server sends them, whole and in part."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from houses import RIGHT
from providers.raw_server import Peer

PROMPT, OUTPUT = 100, 50
"""What each whole answer here reports: tokens of the prompt and of the answer."""

_STREAM = {"ollama": "application/x-ndjson"}


@dataclass(frozen=True)
class Dialect:
    """How one kind of server says things; `kind` as in a matrix."""

    kind: str

    def head(self, peer: Peer) -> None:
        """Begin a streamed answer."""
        peer.head(content_type=_STREAM.get(self.kind, "text/event-stream"))

    def begin(self, peer: Peer) -> None:
        """The first words of an answer, with the running counts of the wires that have them."""
        for name, event in _BEGIN[self.kind]:
            self._say(peer, name, event)

    def fail(self, peer: Peer) -> None:
        """Report a failure inside the stream."""
        self._say(peer, "error", _ERROR[self.kind])

    def end(self, peer: Peer, *, usage: bool = True) -> None:
        """Say that the answer is finished, with or without its figures, and end the body."""
        for name, event in _END[self.kind]:
            self._say(peer, name, event if usage else _without_figures(event))
        peer.chunk(b"")

    def whole(self, peer: Peer, *, usage: bool = True) -> None:
        """A complete answer."""
        self.head(peer)
        self.begin(peer)
        self.end(peer, usage=usage)

    def _say(self, peer: Peer, name: str, event: dict[str, Any]) -> None:
        if self.kind == "ollama":
            peer.chunk(json.dumps(event).encode() + b"\n")
        elif self.kind == "anthropic":
            peer.chunk(f"event: {name}\ndata: {json.dumps({'type': name, **event})}\n\n".encode())
        else:
            peer.event(event)


def _piece(text: str, finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "c",
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}],
    }


_CHAT_USAGE = {"prompt_tokens": PROMPT, "completion_tokens": OUTPUT}
_RUNNING = {"input_tokens": PROMPT, "output_tokens": 1}
_MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": _RUNNING}
_PARTS = {"content": {"role": "model", "parts": [{"text": RIGHT}]}, "index": 0}

_BEGIN: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "openai": [("", _piece(RIGHT) | {"usage": {"prompt_tokens": PROMPT, "completion_tokens": 1}})],
    "ollama": [("", {"model": "m", "message": {"role": "assistant", "content": RIGHT}, "done": False})],
    "anthropic": [
        ("message_start", {"message": _MESSAGE}),
        ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": RIGHT}}),
    ],
    "google": [
        ("", {"candidates": [_PARTS], "usageMetadata": {"promptTokenCount": PROMPT, "candidatesTokenCount": 1}})
    ],
}
_END: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "openai": [("", _piece("", "stop")), ("", {"id": "c", "model": "m", "choices": [], "usage": _CHAT_USAGE})],
    "ollama": [
        (
            "",
            {
                "model": "m",
                "message": {"role": "assistant", "content": ""},
                "done": True,
                "done_reason": "stop",
                "prompt_eval_count": PROMPT,
                "eval_count": OUTPUT,
            },
        )
    ],
    "anthropic": [
        ("content_block_stop", {"index": 0}),
        ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": OUTPUT}}),
        ("message_stop", {}),
    ],
    "google": [
        (
            "",
            {
                "candidates": [{"content": {"parts": []}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": PROMPT, "candidatesTokenCount": OUTPUT},
            },
        )
    ],
}
_ERROR: dict[str, dict[str, Any]] = {
    "openai": {"error": {"message": "overloaded", "type": "server_error", "code": 503}},
    "ollama": {"error": "the server is overloaded"},
    "anthropic": {"error": {"type": "overloaded_error", "message": "Overloaded"}},
    "google": {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}},
}
_FIGURES = {"usage", "usageMetadata", "prompt_eval_count", "eval_count"}


def _without_figures(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in _FIGURES}


WIRES = {kind: Dialect(kind) for kind in ("openai", "ollama", "anthropic", "google")}
