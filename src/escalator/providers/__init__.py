"""Providers: one wire a file. `build` makes the one a matrix names, importing only what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from escalator import plugins
from escalator.kinds import KINDS, kind_of
from escalator.providers.base import Health, ModelInfo, Provider, ThreadedProvider

BUILT_IN: Mapping[str, str] = MappingProxyType({name: row.provider for name, row in KINDS.items()})
"""Kinds that need no plug-in, as "module:attribute"; a module is imported when its kind is first used."""


def build(
    kind: str,
    *,
    name: str,
    base_url: str | None = None,
    api_key: str | None = None,
    key_env: str | None = None,
    options: Mapping[str, object] | None = None,
    local: bool | None = None,
) -> Provider:
    """The provider of a kind: built-in, entry point of `escalator.providers`, or "module:attribute".

    The class or factory is called with `name`, `base_url`, `api_key` and the `options`, such as `headers`.
    `key_env` is the environment variable the key stands in, for messages. `local`: whether the matrix takes it for
    one of the user's own machines, to which no proxy leads. Raises `ConfigError` for a kind that does not exist
    and for options the class does not take.
    """
    key, row = f"providers.{name}", kind_of(kind)
    factory = plugins.find(kind, "provider", BUILT_IN, key=f"{key}.kind")
    keywords: dict[str, object] = {"name": name, "base_url": base_url or row.base_url or None, "api_key": api_key}
    if row.wire == "chat completions":
        keywords["kind"] = kind
    if row.sdk and key_env:
        keywords["key_hint"] = key_env
    provider: Provider = plugins.make(
        factory, {**keywords, **(options or {})}, name=kind, kind="provider", key=key
    )
    reach = getattr(provider, "reach", None) if local is not None else None
    if reach is not None:
        reach(directly=local)
    return provider


__all__ = ["BUILT_IN", "Health", "ModelInfo", "Provider", "ThreadedProvider", "build"]
