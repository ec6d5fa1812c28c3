"""How many tokens a call used, read under every name that servers give the figures, in one table.

Sources: the documentation and SDK types of OpenAI, Anthropic, Google, xAI, DeepSeek, Moonshot and OpenRouter, and
LiteLLM 1.109.1, which passes several of them on at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from escalator.pricing import token_ceiling
from escalator.providers.base import output_ceiling
from escalator.records import Request, Usage

Figure: TypeAlias = Literal["input", "output", "total", "thought", "read", "missed", "write", "write_1h", "tools"]

MOST = 10**8
"""A figure above this is no number of tokens: a hundred times the largest window there is."""

NAMES: Mapping[Figure, tuple[str, ...]] = {
    "input": ("prompt_tokens", "input_tokens", "prompt_token_count", "prompt_eval_count"),
    "output": ("completion_tokens", "output_tokens", "candidates_token_count", "eval_count"),
    "total": ("total_tokens", "total_token_count"),
    "thought": (
        "completion_tokens_details.reasoning_tokens",
        "completion_tokens_details.thinking_tokens",
        "output_tokens_details.reasoning_tokens",
        "output_tokens_details.thinking_tokens",
        "reasoning_tokens",
        "thoughts_token_count",
    ),
    "read": (
        "prompt_tokens_details.cached_tokens",
        "prompt_tokens_details.cache_read_tokens",
        "input_tokens_details.cached_tokens",
        "cached_tokens",
        "cache_read_input_tokens",
        "cache_read_tokens",
        "prompt_cache_hit_tokens",
        "cached_content_token_count",
    ),
    "missed": ("prompt_cache_miss_tokens",),
    "write": (
        "cache_creation_input_tokens",
        "cache_creation_tokens",
        "cache_write_tokens",
        "cache_write_input_tokens",
        "prompt_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_creation_tokens",
        "input_tokens_details.cache_write_tokens",
    ),
    "write_1h": (
        "cache_creation.ephemeral_1h_input_tokens",
        "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
    ),
    "tools": ("tool_use_prompt_token_count",),
}
"""Where each figure may stand; a dot leads into a mapping.

`input` is the prompt, with or without what was cached; `output` what was written, with or without the thinking;
`missed` the part of a prompt that a cache did not have; `tools` what tools added to a prompt.
"""

_BESIDE_CACHES = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Counted beside `input_tokens` by the Messages API, within `prompt_tokens` by those who pass them on."""


def read_usage(reported: Mapping[str, object] | None, request: Request, written: Iterable[str]) -> Usage:
    """The tokens in our counting: all input with the cached, all output with the thinking.

    `estimated` where the prompt or the output is missing, or any figure is none: then input is an upper bound and
    output one of the `written` texts alone, which may not be all that is billed. Never raises.
    """
    reported = reported or {}
    figures = {name: _figures(reported, places) for name, places in NAMES.items()}
    known = {name: max(usable) for name, given in figures.items() if (usable := _usable(given))}
    read = min((figure for figure in figures["read"] if figure), default=0)
    hour, thought = known.get("write_1h", 0), known.get("thought", 0)
    write = max(known.get("write", 0), hour)
    sent, answered = _sent(reported, known, read + write), _answered(reported, known, thought)
    sent, answered = _by_total(known, sent, answered, cached=read + write, thought=thought)
    return Usage(
        input_tokens=max(token_ceiling(request) if sent is None else sent, read + write),
        output_tokens=output_ceiling(written) if answered is None else answered,
        cache_read_tokens=read,
        cache_write_tokens=write - hour,
        cache_write_1h_tokens=hour,
        reasoning_tokens=thought,
        estimated=sent is None or answered is None or any(None in given for given in figures.values()),
    )


def _sent(reported: Mapping[str, object], known: Mapping[Figure, int], cached: int) -> int | None:
    """All tokens of the prompt; None where nothing tells."""
    parts = known.get("missed")
    whole = None if parts is None else parts + known.get("read", 0)
    sent = known.get("input", whole)
    if sent is None:
        return None
    beside = "prompt_tokens" not in reported and any(_whole(reported.get(name)) for name in _BESIDE_CACHES)
    return max(sent + (cached if beside else 0), whole or 0) + known.get("tools", 0)


def _answered(reported: Mapping[str, object], known: Mapping[Figure, int], thought: int) -> int | None:
    """All tokens of the answer, as far as they are told without a total: thinking may stand beside them."""
    if "candidates_token_count" in reported or "thoughts_token_count" in reported:
        return known.get("output", 0) + thought
    answered = known.get("output")
    return answered + thought if answered is not None and thought > answered else answered


def _by_total(
    known: Mapping[Figure, int], sent: int | None, answered: int | None, *, cached: int, thought: int
) -> tuple[int | None, int | None]:
    """Prompt and answer so that nothing of the total is lost: what neither names is thinking, or was cached."""
    total = known.get("total")
    if total is None:
        return sent, answered
    if sent is None or answered is None:
        rest = total - (sent or answered or 0)
        if rest <= 0 or sent is answered:
            return sent, answered
        return (rest, answered) if sent is None else (sent, rest)
    gap = total - sent - answered
    if gap > 0 and gap == cached and gap != thought:
        return sent + gap, answered
    return sent, answered + max(gap, 0)


def tokens(value: object) -> int | None:
    """The value where it can be a number of tokens, a whole float included; else None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MOST else None


def _figures(reported: Mapping[str, object], places: Iterable[str]) -> list[int | None]:
    """The figures that stand in these places, None for each that is no number of tokens."""
    values = (_at(reported, place) for place in places)
    return [tokens(value) for value in values if value is not None]


def _usable(figures: Iterable[int | None]) -> list[int]:
    return [figure for figure in figures if figure is not None]


def _whole(value: object) -> int:
    return tokens(value) or 0


def _at(reported: object, place: str) -> object:
    for name in place.split("."):
        if not isinstance(reported, Mapping):
            return None
        reported = reported.get(name)
    return reported
