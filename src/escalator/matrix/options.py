"""Options of a model that would be billed beyond what is held for a call, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping

from escalator.kinds import kind_of

_LIMIT = "write max_output for the model"
_SEVERAL = "ask again by `attempts` of a rung or `max_attempts` of a task type"
_TIER = "state the price of that tier in `price` of the model"
_OTHER = "name each model under `models` and put it into a chain"
_EXTRA = "remove it: what it does is billed by the call, and no price list has it"
_OURS = "remove it: the request has one already"

_INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict"), _LIMIT),
    **dict.fromkeys(("n", "best_of", "num_completions", "candidate_count"), _SEVERAL),
    **dict.fromkeys(("service_tier", "speed", "inference_geo"), _TIER),
    **dict.fromkeys(("model", "models", "fallbacks", "route"), _OTHER),
    **dict.fromkeys(("tools", "functions", "web_search_options", "search_parameters", "plugins", "mcp"), _EXTRA),
    **dict.fromkeys(("modalities", "audio", "prediction", "extra_body", "num_retries"), _EXTRA),
    **dict.fromkeys(("messages", "stream", "stream_options"), _OURS),
}
_LISTED_TIERS = frozenset({"default", "flex", "standard"})
"""Service tiers that cost no more than the price lists say."""


def unbounded(kind: str, options: Mapping[str, object], *, price_stated: bool) -> tuple[str, str] | None:
    """The first option of a paid model that raises its bill, and the hint; None where there is none.

    Only wires that send options as they are have any; the others send what they know.
    """
    if kind_of(kind).wire not in {"chat completions", "ollama"}:
        return None
    for name, value in options.items():
        hint = _INSTEAD.get(name)
        if hint is _TIER and (price_stated or value in _LISTED_TIERS):
            continue
        if hint is not None:
            return name, hint
    return None
