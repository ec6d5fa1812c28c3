"""LM Studio: OpenAI's chat completions, and an API of its own that loads and unloads models."""

from __future__ import annotations

from typing import Any

from escalator.providers.chat.openai_compatible import OpenAICompatible
from escalator.records import Timeouts

LOADING = Timeouts(connect=3.0, first_byte=600.0, idle=600.0, total=600.0)
"""Limits for loading a model, which may take minutes."""


class LMStudio(OpenAICompatible):
    """A provider for one LM Studio server. See `OpenAICompatible` for the arguments."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "kind": "lmstudio"})

    def load(self, model_id: str, *, context: int | None = None) -> float:
        """Load a model with a window of `context` tokens; returns the seconds. Raises `ProviderError`."""
        wanted: dict[str, Any] = {"model": model_id}
        if context is not None:
            wanted["context_length"] = context
        loaded = self._ask("/api/v1/models/load", wanted, LOADING)
        seconds = loaded.get("load_time_seconds") if isinstance(loaded, dict) else None
        return float(seconds) if isinstance(seconds, (int, float)) else 0.0

    def unload(self, instance_id: str) -> None:
        """Unload a loaded instance, as its id stands in `models`. Raises `ProviderError`."""
        self._ask("/api/v1/models/unload", {"instance_id": instance_id})
