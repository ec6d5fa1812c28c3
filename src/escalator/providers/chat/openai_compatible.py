"""Servers that speak OpenAI's chat completions: LM Studio, llama.cpp, vLLM, mlx_lm, gateways and OpenAI itself.

Every call streams on the wire, whatever the caller sees: closing a stream frees the server's slot at once, while
closing a plain request leaves the server generating.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from escalator.errors import ProviderError
from escalator.providers.base import Health, ModelInfo
from escalator.providers.chat.body import Dialect, chat_body
from escalator.providers.chat.reader import ChatReader, read_body
from escalator.providers.http.transport import Call
from escalator.providers.http.wire import WireProvider, encoded
from escalator.records import Timeouts

if TYPE_CHECKING:
    import httpx2

    from escalator.records import Request

__all__ = ["LMStudio", "OpenAICompatible", "read_body", "read_models"]

LOADING = Timeouts(connect=3.0, first_byte=600.0, idle=600.0, total=600.0)
"""Limits for loading a model, which may take minutes."""

_VERSIONED = re.compile(r"/v\d\w*(/|$)")
_PROBES: Mapping[str, str] = {"llamacpp": "/health", "vllm": "/health", "mlx": "/health", "ollama": "/api/version"}


class OpenAICompatible(WireProvider):
    """A provider for one server. `base_url` may end in /v1 or not; `kind` names the server's dialect.

    `headers` are sent with each request and win over the API key's. `transport` and `async_transport` replace
    the network, for tests.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None = None,
        kind: Dialect = "openai",
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        async_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.kind = kind
        trimmed = base_url.strip().rstrip("/")
        root = trimmed.removesuffix("/v1")
        self._prefix = "" if root == trimmed and _VERSIONED.search(urlsplit(trimmed).path) else "/v1"
        self._new_limit_name = urlsplit(root).hostname == "api.openai.com"
        super().__init__(
            name=name,
            base_url=root,
            api_key=api_key,
            headers={"accept": "text/event-stream, application/json", **(headers or {})},
            transport=transport,
            async_transport=async_transport,
        )

    def _call(self, request: Request) -> Call:
        body = chat_body(request, self.kind, new_limit_name=self._new_limit_name)
        return Call(path=f"{self._prefix}/chat/completions", body=encoded(body), timeouts=request.timeouts)

    def _reader(self, request: Request) -> ChatReader:
        return ChatReader(request)

    def count_tokens(self, request: Request) -> int | None:
        """The exact number of prompt tokens where the server counts them (llama.cpp), else None."""
        if self.kind != "llamacpp":
            return None
        try:
            counted = self._ask(f"{self._prefix}/chat/completions/input_tokens", chat_body(request, self.kind))
        except ProviderError:
            return None
        tokens = counted.get("input_tokens") if isinstance(counted, dict) else None
        return tokens if isinstance(tokens, int) else None

    def models(self) -> tuple[ModelInfo, ...]:
        """What the server offers, embedding models left out where it tells them apart. Raises `ProviderError`."""
        listings = [f"{self._prefix}/models"]
        if self.kind == "lmstudio":
            listings = ["/api/v1/models", "/api/v0/models", *listings]
        for path in listings[:-1]:
            try:
                return read_models(self._ask(path))
            except ProviderError as error:
                if error.kind not in {"model_not_found", "bad_request", "bad_response"}:
                    raise
        return read_models(self._ask(listings[-1]))

    def health(self) -> Health:
        """Whether the server answers. A llama.cpp that still loads its model is not alive yet."""
        probe = _PROBES.get(self.kind)
        if probe is not None:
            found = self._alive(probe)
            if found.alive or " 404" not in found.detail:
                return found
        return self._alive(f"{self._prefix}/models")


class LMStudio(OpenAICompatible):
    """LM Studio, whose own API loads and unloads models."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "kind": "lmstudio"})

    def load(self, model_id: str, *, context: int | None = None) -> float:
        """Load a model with a window of `context` tokens; returns the seconds. Raises `ProviderError`."""
        wanted: dict[str, object] = {"model": model_id}
        if context is not None:
            wanted["context_length"] = context
        loaded = self._ask("/api/v1/models/load", wanted, LOADING)
        seconds = loaded.get("load_time_seconds") if isinstance(loaded, dict) else None
        return float(seconds) if isinstance(seconds, (int, float)) else 0.0

    def unload(self, instance_id: str) -> None:
        """Unload a loaded instance, as its id stands in `models`. Raises `ProviderError`."""
        self._ask("/api/v1/models/unload", {"instance_id": instance_id})


def read_models(payload: object) -> tuple[ModelInfo, ...]:
    """The models in a listing of any of these servers; see `ModelInfo` for what is known of each."""
    entries = payload.get("data") or payload.get("models") if isinstance(payload, dict) else None
    found = [_model(entry) for entry in entries or () if isinstance(entry, dict)]
    return tuple(model for model in found if model is not None)


def _model(entry: Mapping[str, object]) -> ModelInfo | None:
    name = entry.get("id") or entry.get("key") or entry.get("name")
    if not isinstance(name, str) or str(entry.get("type", "")).startswith("embedding"):
        return None
    meta = _mapping(entry.get("meta"))
    instances = entry.get("loaded_instances")
    config = _mapping(_mapping(instances[0]).get("config")) if isinstance(instances, list) and instances else {}
    window = (config.get("context_length"), entry.get("loaded_context_length"), meta.get("n_ctx"))
    return ModelInfo(
        id=name,
        context=_first_number(*window, entry.get("max_model_len")),
        context_max=_first_number(
            entry.get("max_context_length"), meta.get("n_ctx_train"), entry.get("max_model_len")
        ),
        loaded=_loaded(entry, instances),
        vision=_vision(entry),
    )


def _loaded(entry: Mapping[str, object], instances: object) -> bool | None:
    if isinstance(instances, list):
        return bool(instances)
    if isinstance(entry.get("state"), str):
        return bool(entry["state"] == "loaded")
    return True if "meta" in entry or "max_model_len" in entry else None


def _vision(entry: Mapping[str, object]) -> bool | None:
    abilities = entry.get("capabilities")
    if isinstance(abilities, dict) and isinstance(abilities.get("vision"), bool):
        return bool(abilities["vision"])
    if entry.get("type") == "vlm":
        return True
    inputs = _mapping(entry.get("architecture")).get("input_modalities")
    return "image" in inputs if isinstance(inputs, list) else None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _first_number(*values: object) -> int | None:
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool) and v > 0), None)
