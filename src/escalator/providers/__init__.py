"""Providers: one wire a file. `build` makes the one a matrix names, importing only what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from escalator import plugins
from escalator.providers.base import Health, ModelInfo, Provider, ThreadedProvider

BASE_URLS: Mapping[str, str] = MappingProxyType(
    {
        "openai": "https://api.openai.com",
        "lmstudio": "http://localhost:1234",
        "ollama": "http://localhost:11434",
        "llamacpp": "http://localhost:8080",
        "vllm": "http://localhost:8000",
        "mlx": "http://localhost:8080",
    }
)
"""Where each kind listens unless told otherwise; the SDKs of `anthropic` and `google` know their own."""


CHAT_COMPLETIONS = "escalator.providers.chat.openai_compatible:OpenAICompatible"
BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "openai": CHAT_COMPLETIONS,
        "llamacpp": CHAT_COMPLETIONS,
        "vllm": CHAT_COMPLETIONS,
        "mlx": CHAT_COMPLETIONS,
        "lmstudio": "escalator.providers.chat.openai_compatible:LMStudio",
        "ollama": "escalator.providers.ollama:Ollama",
        "anthropic": "escalator.providers.anthropic.provider:Anthropic",
        "google": "escalator.providers.google.provider:Google",
    }
)
"""Kinds that need no plug-in, as "module:attribute"; a module is imported when its kind is first used."""


def build(
    kind: str,
    *,
    name: str,
    base_url: str | None = None,
    api_key: str | None = None,
    options: Mapping[str, object] | None = None,
) -> Provider:
    """The provider of a kind: built-in, entry point of `escalator.providers`, or "module:attribute".

    The class or factory is called with `name`, `base_url`, `api_key` and the `options`, such as `headers`.
    Raises `ConfigError` for a kind that does not exist and for options the class does not take.
    """
    key = f"providers.{name}"
    factory = plugins.find(kind, "provider", BUILT_IN, key=f"{key}.kind")
    keywords: dict[str, object] = {"name": name, "base_url": base_url or BASE_URLS.get(kind), "api_key": api_key}
    if BUILT_IN.get(kind) == CHAT_COMPLETIONS:
        keywords["kind"] = kind
    provider: Provider = plugins.make(
        factory, {**keywords, **(options or {})}, name=kind, kind="provider", key=key
    )
    return provider


__all__ = ["BASE_URLS", "BUILT_IN", "Health", "ModelInfo", "Provider", "ThreadedProvider", "build"]
