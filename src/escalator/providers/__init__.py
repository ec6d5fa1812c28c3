"""Providers: one wire a file. `build` makes the one a matrix names, importing only what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from escalator.errors import ConfigError
from escalator.providers.base import Health, ModelInfo, Provider, ThreadedProvider

if TYPE_CHECKING:
    from escalator.providers.chat_body import Dialect

Kind: TypeAlias = Literal["openai", "lmstudio", "ollama", "llamacpp", "vllm", "mlx", "anthropic", "google"]

LOCAL_KINDS = frozenset({"lmstudio", "ollama", "llamacpp", "vllm", "mlx"})
"""Kinds that run on the user's own machines unless their base URL says otherwise."""

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


def build(
    kind: str,
    *,
    name: str,
    base_url: str | None = None,
    api_key: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Provider:
    """The provider of a kind. `options` are further keywords of its class, such as `headers`.

    Raises `ConfigError` for a kind that does not exist and for options the class does not take.
    """
    keywords: dict[str, Any] = {"name": name, "base_url": base_url or BASE_URLS.get(kind), "api_key": api_key}
    keywords.update(options or {})
    try:
        return _make(kind, keywords)
    except TypeError as error:
        raise ConfigError(
            f"The provider does not take these options: {', '.join(sorted(options or {})) or 'none given'}.",
            key=f"providers.{name}",
            hint=str(error),
        ) from error


def _make(kind: str, keywords: dict[str, Any]) -> Provider:
    if kind == "ollama":
        from escalator.providers.ollama import Ollama

        return Ollama(**keywords)
    if kind == "anthropic":
        from escalator.providers.anthropic import Anthropic

        return Anthropic(**keywords)
    if kind == "google":
        from escalator.providers.google import Google

        return Google(**keywords)
    if kind == "lmstudio":
        from escalator.providers.openai_compatible import LMStudio

        return LMStudio(**keywords)
    if kind in BASE_URLS:
        from escalator.providers.openai_compatible import OpenAICompatible

        return OpenAICompatible(**keywords, kind=cast("Dialect", kind))
    raise ConfigError(
        f"There is no provider kind {kind!r}.",
        key=f"providers.{keywords['name']}.kind",
        hint="Use one of " + ", ".join(get_args(Kind)) + ".",
    )


__all__ = ["BASE_URLS", "LOCAL_KINDS", "Health", "Kind", "ModelInfo", "Provider", "ThreadedProvider", "build"]
