"""Reading a chat completion: a stream or a plain body, in all the shapes that servers really send."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from escalator.errors import ProviderError
from escalator.pricing import token_estimate
from escalator.providers.base import Ending, condition, output_ceiling
from escalator.providers.chat.native import as_chat
from escalator.providers.failures import Fault, failure, fault_in, fault_of_body
from escalator.providers.http.sse import Event, Events
from escalator.providers.http.watch import Timing
from escalator.providers.http.wire import no_json
from escalator.providers.thinking import split_thinking, written_tool_calls
from escalator.providers.usage import read_usage
from escalator.records import Completion, Request, ToolCall, Usage

_ENDINGS: Mapping[str, Ending] = {
    "": "stop",
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_calls": "stop",
    "function_call": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "refusal",
    "refusal": "refusal",
    "abort": "incomplete",
    "cancelled": "incomplete",
    "error": "incomplete",
}

_MORE_THAN_WORDS = frozenset(
    {
        *("error", "detail", "output", "load_time_seconds", "message", "text"),
        *("reasoning_content", "reasoning", "refusal", "tool_calls", "function_call"),
    }
)
"""Keys of an event, its choice or its delta that make it more than some words."""

_decode = json.JSONDecoder().raw_decode

_FIELDS = (b"data", b"event", b"id", b"retry", b":")


def read_body(status: int, headers: Mapping[str, str], body: bytes, *, request: Request) -> Completion:
    """The completion in one whole response, streamed or plain. Raises `ProviderError`."""
    reader = ChatReader(request)
    reader.start(status, headers)
    reader.feed(body)
    return reader.completion(Timing(seconds=0.0, first_byte=None))


class ChatReader:
    """Collects one completion from server-sent events or from a plain JSON body."""

    def __init__(self, request: Request) -> None:
        self.done = self.complete = False
        self._request = request
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._streams: bool | None = None
        self._whole = bytearray()
        self._events = Events()
        self._id = self._model = ""
        self._finish: str | None = None
        self._refused = False
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, list[str]] = {}
        self._usage: Mapping[str, Any] | None = None
        self._load_seconds = 0.0

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep the head; whether it streams is told by the first bytes, for servers mislabel both."""
        self._status, self._headers = status, headers
        self._streams = False if status >= 400 else None

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        if self._streams:
            self._take(self._events.feed(chunk))
            return
        self._whole += chunk
        if self._streams is None:
            self._streams = self._is_stream()
            if self._streams:
                self._take(self._events.feed(bytes(self._whole)))

    def _is_stream(self) -> bool | None:
        begun = bytes(self._whole[:64]).removeprefix(b"\xef\xbb\xbf").lstrip()
        if not begun:
            return None
        if begun[:1] in b"{[<":
            return False
        says_so = "event-stream" in self._headers.get("content-type", "")
        return says_so or begun.startswith(_FIELDS)

    def _take(self, events: Iterable[Event]) -> None:
        for data, name in events:
            try:
                payload, end = _decode(data)
            except (ValueError, RecursionError):
                payload, end = None, -1
            if end != len(data):
                self._odd(data, name)
            elif name == "error" or not self._only_words(payload):
                self._payload(payload, is_error=name == "error")
        if self._finish is not None:
            self.complete = True
            self.done = self.done or self._usage is not None

    def _odd(self, data: str, name: str) -> None:
        """An event that is not JSON from end to end: the mark of the end, blanks, or a fault of the server."""
        stripped = data.strip()
        if stripped == "[DONE]":
            self.done = self.complete = True
        if stripped in {"", "[DONE]"}:
            return
        try:
            payload = json.loads(stripped)
        except (ValueError, RecursionError) as error:
            if name not in {"message", "error"}:
                return
            raise self._bad("sent a piece of its stream that is not JSON", data) from error
        self._payload(payload, is_error=name == "error")

    def _only_words(self, payload: Any) -> bool:
        """Take the event that streams consist of, some more words of the same model; False: it is another one."""
        try:
            (choice,) = payload["choices"]
            delta = choice["delta"]
            words = delta["content"]
            plain = (
                type(words) is str
                and payload["model"] == self._model
                and (self._id or "id" not in payload)
                and payload.get("object") != "error"
                and choice["index"] == 0
                and choice.get("finish_reason") is None
                and not payload.get("usage")
                and payload.keys().isdisjoint(_MORE_THAN_WORDS)
                and choice.keys().isdisjoint(_MORE_THAN_WORDS)
                and delta.keys().isdisjoint(_MORE_THAN_WORDS)
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return False
        if plain:
            self._text.append(words)
        return plain

    def _payload(self, payload: Any, *, is_error: bool = False) -> None:
        fault = fault_in(payload)
        if fault is not None or is_error:
            self._fault(fault or Fault(message=_words(payload)), json.dumps(payload))
            return
        if not isinstance(payload, dict):
            raise self._bad("sent JSON that is no completion", json.dumps(payload))
        payload = as_chat(payload)
        self._id = self._id or _text(payload.get("id"))
        self._load_seconds = payload.get("load_time_seconds") or self._load_seconds
        self._model = _text(payload.get("model")) or self._model
        if isinstance(payload.get("usage"), dict) and payload["usage"]:
            self._usage = payload["usage"]
        choices = payload.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        if isinstance(first, dict) and first.get("index") in {0, None}:
            self._choice(first)

    def _fault(self, fault: Fault, body: str) -> None:
        if not fault.refused:
            raise failure(fault, status=self._status, headers=self._headers, body=body.encode())
        self._refuse(fault.message)

    def _refuse(self, message: str) -> None:
        self._refused = self.complete = True
        self._finish = self._finish or "content_filter"
        self._text.append(message)

    def _choice(self, choice: Mapping[str, Any]) -> None:
        fault = fault_in(choice)
        if fault is not None:
            self._fault(fault, json.dumps(choice))
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, dict):
            raise self._bad("sent a message that is no object", json.dumps(choice))
        text, thought = _parts(delta.get("content"))
        self._text.append(text or _text(choice.get("text")))
        self._reasoning.append(_text(delta.get("reasoning_content")) or _text(delta.get("reasoning")) or thought)
        if refusal := _text(delta.get("refusal")):
            self._refused = True
            self._text.append(refusal)
        calls = delta.get("tool_calls")
        if not calls and isinstance(delta.get("function_call"), dict):
            calls = [{"function": delta["function_call"]}]
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            self._tool_call(place, call)
        if choice.get("finish_reason") is not None:
            self._finish = str(choice["finish_reason"])

    def _tool_call(self, place: int, call: Any) -> None:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            return
        index = call.get("index")
        name_and_arguments = self._calls.setdefault(index if isinstance(index, int) else place, ["", ""])
        name_and_arguments[0] = name_and_arguments[0] or _text(function.get("name"))
        arguments = function.get("arguments")
        name_and_arguments[1] += json.dumps(arguments) if isinstance(arguments, dict) else _text(arguments)

    def completion(self, timing: Timing) -> Completion:
        """The answer. Raises `ProviderError` where what came cannot be one."""
        if self._streams:
            self._end_stream()
        else:
            self._end_whole()
        text, reasoning = "".join(self._text), "".join(self._reasoning)
        if not reasoning.strip():
            reasoning, text = split_thinking(text)
        calls = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in self._calls.values())
        finish = self._finish or ""
        ending = "refusal" if self._refused else _ENDINGS.get(finish.lower(), "unknown")
        usage = read_usage(self._usage, self._request, (text, reasoning, *(call.arguments for call in calls)))
        found = condition(ending, text=text, tool_calls=calls)
        if found == "empty":
            raise_if_overflown(usage, self._request, status=self._status)
        return Completion(
            text=text,
            model=self._model or self._request.model.id,
            finish=finish,
            condition=found,
            usage=usage,
            reasoning=reasoning,
            tool_calls=calls or written_tool_calls(text),
            response_id=self._id,
            seconds=timing.seconds,
            first_byte_seconds=timing.first_byte,
            load_seconds=self._load_seconds,
        )

    def _end_stream(self) -> None:
        last = self._events.end()
        if last is not None and (last.name == "error" or _is_json(last.data)):
            self._take([last])
        if self._finish is None and not self._refused:
            raise self._cut()

    def _cut(self) -> ProviderError:
        if not self.output_bound():
            raise_if_overflown(None, self._request, status=self._status)
        return ProviderError(
            "The stream ended before the model said that it was finished. Ask again.",
            kind="stream_cut",
            status=self._status,
            billed=True,
        )

    def _end_whole(self) -> None:
        body = bytes(self._whole)
        if self._status >= 400:
            self._end_failed(body)
            return
        if not body.strip() and "event-stream" in self._headers.get("content-type", ""):
            raise self._cut()
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise no_json(self._status, self._headers, body) from error
        self._payload(payload)
        if not self._refused and not {"choices", "usage", "output"} & set(payload):
            raise self._bad("sent JSON that is no completion", body.decode("utf-8", "replace"))

    def _end_failed(self, body: bytes) -> None:
        fault = fault_of_body(body)
        if fault is None or not fault.refused:
            raise failure(fault, status=self._status, headers=self._headers, body=body)
        self._refuse(fault.message)

    def _bad(self, what: str, body: str) -> ProviderError:
        return ProviderError(
            f"The server {what}. Check base_url and the server's version.",
            kind="bad_response",
            status=self._status,
            body=body[:4000],
            billed=True,
        )

    def output_bound(self) -> int:
        """More tokens than the model has written so far."""
        return output_ceiling((*self._text, *self._reasoning, *(call[1] for call in self._calls.values())))


def raise_if_overflown(usage: Usage | None, request: Request, *, status: int) -> None:
    """Raise `context_overflow` where an empty answer is explained by a prompt above the model's window."""
    window = request.model.context
    sent = token_estimate(request) if usage is None or usage.estimated else usage.input_tokens
    if window is None or sent <= window:
        return
    raise ProviderError(
        f"The server answered nothing to a prompt of about {sent} tokens; the window of {request.model.name} has "
        f"{window}. Use a model with a larger window, or load this one with a larger context.",
        kind="context_overflow",
        status=status,
        needed=sent,
        limit=window,
        billed=True,
        input_tokens=sent,
        output_tokens=0,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _parts(content: object) -> tuple[str, str]:
    """(text, thinking) of a message's content, which may be text, null or a list of parts."""
    if not isinstance(content, list):
        return _text(content), ""
    texts, thoughts = [], []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and part.get("type") in {"thinking", "reasoning"}:
            inner = part.get("thinking", part.get("text", ""))
            thoughts.append(_parts(inner)[0])
        elif isinstance(part, dict):
            texts.append(_text(part.get("text")) or _text(part.get("refusal")))
    return "".join(texts), "".join(thoughts)


def _words(payload: object) -> str:
    if isinstance(payload, dict) and isinstance(payload.get("message"), str):
        return str(payload["message"])
    return payload if isinstance(payload, str) else json.dumps(payload)


def _is_json(text: str) -> bool:
    if text.strip() == "[DONE]":
        return True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
