"""Servers that speak OpenAI's chat completions: llama.cpp, vLLM, mlx_lm, gateways and OpenAI itself.

Every call streams on the wire, whatever the caller sees: closing a stream frees the server's slot at once, while
closing a plain request leaves the server generating.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from escalator.errors import ConfigError, ProviderError
from escalator.kinds import ANY_SERVER, KINDS, Dialect
from escalator.providers.base import Health, ModelInfo
from escalator.providers.bounds import of_body
from escalator.providers.chat.body import chat_body
from escalator.providers.chat.reader import ChatReader, read_body
from escalator.providers.http.transport import Call
from escalator.providers.http.wire import WireProvider, encoded
from escalator.records import Timeouts

if TYPE_CHECKING:
    import httpx2

    from escalator.pricing import Bound
    from escalator.records import Request

__all__ = ["OpenAICompatible", "read_body", "read_models"]

_VERSIONED = re.compile(r"/v\d\w*(/|$)")


class OpenAICompatible(WireProvider):
    """A provider for one server. `base_url` may end in /v1 or not; `kind` names the row of
    `escalator.kinds.KINDS` that tells its dialect; `ConfigError` is raised where there is none.

    `headers` are sent with each request and win over the API key's. `transport` and `async_transport` replace
    the network, for tests.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None = None,
        kind: str = ANY_SERVER.name,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        async_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._kind, self._dialect = kind, _dialect_of(kind, name)
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
        body = encoded(self._body(request))
        return Call(path=f"{self._prefix}/chat/completions", body=body, timeouts=request.timeouts)

    def _body(self, request: Request) -> dict[str, object]:
        return chat_body(request, self._dialect, new_limit_name=self._new_limit_name)

    def bound(self, request: Request) -> Bound:
        """The most tokens it can be billed for."""
        return of_body(request, self._body(request))

    def _reader(self, request: Request) -> ChatReader:
        return ChatReader(request)

    def whereabouts(self, model_id: str, *, seconds: float = 10.0) -> str:
        """Where an Ollama server that is spoken to in OpenAI's words has a model run, as `Ollama.whereabouts`;
        empty for servers of other makers, which do not know the question.
        """
        if self._kind != ANY_SERVER.name:
            return ""
        from escalator.providers.ollama import read_whereabouts

        limits = Timeouts(connect=3.0, first_byte=seconds, total=seconds)
        try:
            return read_whereabouts(self._ask("/api/show", {"model": model_id}, limits))
        except ProviderError:
            return ""

    def count_tokens(self, request: Request) -> int | None:
        """The exact number of prompt tokens where the server counts them (llama.cpp), else None."""
        if not self._dialect.counting:
            return None
        try:
            counted = self._ask(f"{self._prefix}{self._dialect.counting}", chat_body(request, self._dialect))
        except ProviderError:
            return None
        tokens = counted.get("input_tokens") if isinstance(counted, dict) else None
        return tokens if isinstance(tokens, int) else None

    def models(self) -> tuple[ModelInfo, ...]:
        """What the server offers, embedding models left out where it tells them apart. Raises `ProviderError`."""
        for path in self._dialect.listings:
            try:
                return read_models(self._ask(path))
            except ProviderError as error:
                if error.kind not in {"model_not_found", "bad_request", "bad_response"}:
                    raise
        return read_models(self._ask(f"{self._prefix}/models"))

    def health(self) -> Health:
        """Whether the server answers. A llama.cpp that still loads its model is not alive yet."""
        if self._dialect.probe:
            found = self._alive(self._dialect.probe)
            if found.alive or " 404" not in found.detail:
                return found
        return self._alive(f"{self._prefix}/models")


def _dialect_of(kind: str, name: str) -> Dialect:
    dialect = KINDS[kind].dialect if kind in KINDS else None
    if dialect is None:
        known = ", ".join(row.name for row in KINDS.values() if row.dialect is not None)
        raise ConfigError(
            f"no server that speaks chat completions is of the kind {kind!r}",
            key=f"providers.{name}.kind",
            hint=f"known: {known}",
        )
    return dialect


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
