"""Ollama's own chat API: the only wire on which it can be told not to drop the start of a long prompt.

Every call sends `truncate: false`, so that a prompt above the window is an error and not silently cut, and
`shift: false`, so that a long answer ends instead of forgetting its prompt. The window is sent as `num_ctx`;
Ollama reloads a model when it changes, so one model should keep one window.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from escalator.errors import ProviderError
from escalator.providers.base import Ending, Health, ModelInfo, condition, output_ceiling
from escalator.providers.bounds import of_body
from escalator.providers.chat.reader import raise_if_overflown
from escalator.providers.failures import failure, fault_in, fault_of_body
from escalator.providers.http.sse import Lines
from escalator.providers.http.transport import Call
from escalator.providers.http.watch import Timing
from escalator.providers.http.wire import WireProvider, encoded, no_json
from escalator.providers.thinking import split_thinking, written_tool_calls
from escalator.providers.usage import read_usage, tokens
from escalator.records import Completion, Effort, Request, Timeouts, ToolCall

if TYPE_CHECKING:
    import httpx2

    from escalator.pricing import Bound

LOADING = Timeouts(connect=3.0, first_byte=600.0, idle=600.0, total=600.0)
"""Limits for loading a model; Ollama itself gives up after five minutes."""
PULLING = Timeouts(connect=3.0, first_byte=60.0, idle=600.0, total=6 * 3600.0)
"""Limits for downloading a model."""

_TOP_LEVEL = frozenset({"keep_alive", "think", "shift", "truncate", "logprobs", "format"})
"""Options of a model that stand beside `options` in Ollama's requests, not inside."""

_ENDINGS: Mapping[str, Ending] = {"": "stop", "stop": "stop", "load": "stop", "unload": "stop", "length": "length"}


class Ollama(WireProvider):
    """A provider for one Ollama server. See `OpenAICompatible` for the arguments."""

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        async_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(
            name=name,
            base_url=base_url.strip().rstrip("/").removesuffix("/v1").removesuffix("/api"),
            api_key=api_key,
            headers={"accept": "application/x-ndjson, application/json", **(headers or {})},
            transport=transport,
            async_transport=async_transport,
        )

    def _call(self, request: Request) -> Call:
        return Call(path="/api/chat", body=encoded(chat_body(request)), timeouts=request.timeouts)

    def bound(self, request: Request) -> Bound:
        """The most tokens it can be billed for."""
        return of_body(request, chat_body(request))

    def _reader(self, request: Request) -> OllamaReader:
        return OllamaReader(request)

    def count_tokens(self, request: Request) -> int | None:
        """None: Ollama does not count without answering."""
        return None

    def models(self) -> tuple[ModelInfo, ...]:
        """Downloaded models, with the window of those in memory. Raises `ProviderError`."""
        windows = {str(entry.get("name")): entry.get("context_length") for entry in _entries(self._ask("/api/ps"))}
        return tuple(_model(entry, windows) for entry in _entries(self._ask("/api/tags")))

    def show(self, model_id: str) -> ModelInfo:
        """What Ollama knows of one model: its trained window, and the one pinned in its file. Raises
        `ProviderError`.
        """
        return read_show(model_id, self._ask("/api/show", {"model": model_id}))

    def whereabouts(self, model_id: str, *, seconds: float = 10.0) -> str:
        """The host of the vendor or of another machine that really answers for a model, an alias of one included;
        empty if it runs where the server is. Raises `ProviderError` where the server does not say.
        """
        body = {"model": model_id}
        return read_whereabouts(
            self._ask("/api/show", body, Timeouts(connect=3.0, first_byte=seconds, total=seconds))
        )

    def health(self) -> Health:
        """Whether the server answers."""
        return self._alive("/api/version")

    def load(self, model_id: str, *, context: int | None = None) -> float:
        """Load a model with a window of `context` tokens; returns the seconds. Raises `ProviderError`."""
        options = {"num_ctx": context} if context is not None else {}
        body = {"model": model_id, "messages": [], "stream": False, "options": options}
        loaded = self._ask("/api/chat", body, LOADING)
        return _seconds(loaded.get("load_duration")) if isinstance(loaded, dict) else 0.0

    def unload(self, model_id: str) -> None:
        """Take a model out of memory. Raises `ProviderError`."""
        self._ask("/api/chat", {"model": model_id, "messages": [], "stream": False, "keep_alive": 0})

    def pull(self, model_id: str) -> None:
        """Download a model; returns when it is there. Raises `ProviderError`."""
        reader = self._read("/api/pull", {"model": model_id, "stream": True}, PULLING)
        for line in reader.body.splitlines():
            fault = fault_in(_json(line))
            if fault is not None:
                raise self._told(failure(fault, status=reader.status, body=line))


def chat_body(request: Request) -> dict[str, object]:
    """The JSON object for /api/chat. `model.options` go where Ollama has them and win over what stands here."""
    given = request.model.options
    inner: dict[str, object] = {"num_predict": request.max_tokens}
    if request.model.context is not None:
        inner["num_ctx"] = request.model.context
    if request.temperature is not None:
        inner["temperature"] = request.temperature
    if request.seed is not None:
        inner["seed"] = request.seed
    inner |= {key: value for key, value in given.items() if key not in _TOP_LEVEL}
    body: dict[str, object] = {
        "model": request.model.id,
        "messages": _messages(request),
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": inner,
    }
    if request.schema is not None:
        body["format"] = dict(request.schema)
    if request.effort is not None:
        body["think"] = _think(request.effort, request.model.id)
    return body | {key: value for key, value in given.items() if key in _TOP_LEVEL}


def _messages(request: Request) -> list[dict[str, object]]:
    messages: list[dict[str, object]] = []
    if request.system:
        messages.append({"role": "system", "content": request.system})
    for message in request.messages:
        sent: dict[str, object] = {"role": message.role, "content": message.text}
        if message.images:
            sent["images"] = [base64.b64encode(image.data).decode("ascii") for image in message.images]
        messages.append(sent)
    return messages


def _think(effort: Effort, model_id: str) -> bool | str:
    """gpt-oss takes levels and cannot be kept from thinking; the others are told whether to think."""
    if "gpt-oss" not in model_id:
        return effort != "none"
    return {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}.get(effort, effort)


class OllamaReader:
    """Collects one answer from lines of JSON or from a plain JSON body."""

    def __init__(self, request: Request) -> None:
        self.done = self.complete = False
        self._request = request
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._lines = Lines()
        self._whole: bytearray | None = None
        self._last: Mapping[str, object] = {}
        self._model = self._host = ""
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[ToolCall] = []

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep the head."""
        self._status, self._headers = status, headers
        kind = headers.get("content-type", "").partition(";")[0].strip()
        if status >= 400 or kind not in {"application/x-ndjson", "application/jsonlines", "application/ndjson"}:
            self._whole = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        if self._whole is not None:
            self._whole += chunk
            return
        for line in self._lines.feed(chunk):
            if line.strip():
                self._piece(_json(line), line)

    def _piece(self, piece: object, raw: bytes) -> None:
        fault = fault_in(piece)
        if fault is not None:
            raise failure(fault, status=self._status, headers=self._headers, body=raw)
        if not isinstance(piece, dict) or not {"message", "response", "done"} & set(piece):
            raise no_json(self._status, self._headers, raw)
        message = piece.get("message")
        if not isinstance(message, dict):
            message = {"content": piece.get("response"), "thinking": piece.get("thinking")}
        self._text.append(_text(message.get("content")))
        self._reasoning.append(_text(message.get("thinking")))
        calls = message.get("tool_calls")
        self._calls += [call for call in map(_tool_call, calls if isinstance(calls, list) else ()) if call]
        self._model = _text(piece.get("model")) or self._model
        self._host = _text(piece.get("remote_host")) or self._host
        if piece.get("done") is True:
            self._last = piece
            self.done = self.complete = True

    def completion(self, timing: Timing) -> Completion:
        """The answer. Raises `ProviderError` where what came cannot be one."""
        self._end()
        text, reasoning = "".join(self._text), "".join(self._reasoning)
        if not reasoning.strip():
            reasoning, text = split_thinking(text)
        reason = _text(self._last.get("done_reason"))
        calls = tuple(self._calls)
        written = (text, reasoning, *(call.arguments for call in calls))
        usage = read_usage(self._last, self._request, written)
        found = condition(_ENDINGS.get(reason, "unknown"), text=text, tool_calls=calls)
        if found == "empty":
            raise_if_overflown(usage, self._request, status=self._status)
        return Completion(
            text=text,
            model=self._model or self._request.model.id,
            finish="tool_calls" if calls and reason in {"", "stop"} else reason,
            condition=found,
            usage=usage,
            reasoning=reasoning,
            tool_calls=calls or written_tool_calls(text),
            host=self._host,
            seconds=timing.seconds,
            first_byte_seconds=timing.first_byte,
            load_seconds=_seconds(self._last.get("load_duration")),
        )

    def _end(self) -> None:
        if self._whole is not None:
            self._end_whole(bytes(self._whole))
        elif not self.done and _json(self._lines.rest) is not None:
            self._piece(_json(self._lines.rest), self._lines.rest)
        if not self.done:
            raise ProviderError(
                "The answer ended before Ollama said that it was finished. Ask again.",
                kind="stream_cut",
                status=self._status,
                billed=True,
            )

    def _end_whole(self, body: bytes) -> None:
        if self._status >= 400:
            raise failure(fault_of_body(body), status=self._status, headers=self._headers, body=body)
        pieces = [_json(body)]
        if pieces[0] is None:
            pieces = [_json(line) for line in body.splitlines() if line.strip()]
        if not pieces or pieces[0] is None:
            raise no_json(self._status, self._headers, body)
        for piece in pieces:
            if piece is not None:
                self._piece(piece, body)

    def output_bound(self) -> int:
        """More tokens than the model has written so far."""
        return output_ceiling((*self._text, *self._reasoning, *(call.arguments for call in self._calls)))


def read_show(model_id: str, payload: object) -> ModelInfo:
    """One model from the answer of /api/show: `context` is the window its file pins, if any."""
    shown = payload if isinstance(payload, dict) else {}
    details = shown.get("model_info")
    trained = [v for k, v in details.items() if k.endswith(".context_length")] if isinstance(details, dict) else []
    pinned = re.search(r"^num_ctx\s+(\d+)", _text(shown.get("parameters")), re.MULTILINE)
    abilities = shown.get("capabilities")
    return ModelInfo(
        id=model_id,
        context=int(pinned[1]) if pinned else None,
        context_max=tokens(trained[0]) if trained else None,
        vision="vision" in abilities if isinstance(abilities, list) else None,
        remote_host=_text(shown.get("remote_host")),
    )


def read_whereabouts(payload: object) -> str:
    """Where a model runs by the answer of /api/show: the host, empty for the server's own machine."""
    shown = payload if isinstance(payload, dict) else {}
    return _text(shown.get("remote_host")) or _text(shown.get("remote_model"))


def _entries(payload: object) -> list[Mapping[str, object]]:
    models = payload.get("models") if isinstance(payload, dict) else None
    return [entry for entry in models if isinstance(entry, dict)] if isinstance(models, list) else []


def _model(entry: Mapping[str, object], windows: Mapping[str, object]) -> ModelInfo:
    name = _text(entry.get("name")) or _text(entry.get("model"))
    abilities = entry.get("capabilities")
    return ModelInfo(
        id=name,
        context=tokens(windows.get(name)),
        loaded=name in windows,
        vision="vision" in abilities if isinstance(abilities, list) else None,
        remote_host=_text(entry.get("remote_host")),
    )


def _tool_call(call: object) -> ToolCall | None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return None
    arguments = function.get("arguments", {})
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(name=_text(function.get("name")), arguments=written)


def _json(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _seconds(nanoseconds: object) -> float:
    return nanoseconds / 1e9 if isinstance(nanoseconds, (int, float)) else 0.0
