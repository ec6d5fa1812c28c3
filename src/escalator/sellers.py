"""Models that can only be bought, known by their ids in every spelling of gateways.

A gateway on one's own machine answers at a loopback address and bills all the same. Its address says nothing, so
the id decides: one that a vendor sells and whose weights nobody can have (Claude, GPT, Gemini, Grok), or one with
the name of a hosting service before it (`openrouter/…`, `bedrock/…`). Ids of open weights (Qwen, Llama, gpt-oss,
DeepSeek, Mistral's and Cohere's published ones) stand in price tables too, for those who host them, and decide
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from escalator.kinds import PriceFamily


class Listing(NamedTuple):
    """Where a price may stand: a provider of genai-prices, the id there, and whose rows of our own table hold."""

    price_id: str
    name: str
    family: PriceFamily = ""


class Sold(NamedTuple):
    """A model that is sold: by whom, and the lists its price may stand in.

    `listings` is empty where what is sold has an extra that no list prices, such as a web search.
    """

    seller: str
    listings: tuple[Listing, ...]


class _Vendor(NamedTuple):
    title: str
    ids: str
    price_id: str
    family: PriceFamily = ""


_VENDORS = (
    _Vendor("Anthropic", r"claude-.+", "anthropic", "claude"),
    _Vendor("OpenAI", r"gpt-(?:3|[4-9]|[1-9]\d|chat|audio|image|realtime).*|chatgpt-.+|o[134](?:-.+)?", "openai"),
    _Vendor("OpenAI", r"ft:(?:gpt|o\d).+|codex-mini.*|computer-use.*", "openai"),
    _Vendor("Google", r"gemini-.+", "google", "gemini"),
    _Vendor("xAI", r"grok-(?!1$|2$|oss).+", "x-ai"),
    _Vendor("Mistral", r"mistral-medium(?:-(?:latest|\d{4}))?|(?:\w+stral|open-mi\w+)-[\w-]*latest", "mistral"),
    _Vendor("DeepSeek", r"deepseek-(?:chat|reasoner)", "deepseek"),
    _Vendor("Moonshot", r"moonshot-v1-.+", "moonshotai"),
    _Vendor("Perplexity", r"sonar(?:-.+)?", "perplexity"),
    _Vendor("Amazon", r"nova-(?:\d-)?(?:micro|lite|pro|premier|sonic).*", "aws"),
)
"""Vendors with a list of their own in genai-prices 0.2.3, and those of their ids that no open weights have."""

_HOSTS: Mapping[str, str] = {
    "azure": "azure",
    "azure_ai": "azure",
    "bedrock": "aws",
    "deepinfra": "",
    "fireworks_ai": "fireworks",
    "github_copilot": "github-copilot",
    "groq": "groq",
    "openrouter": "openrouter",
    "replicate": "",
    "sambanova": "",
    "together_ai": "together",
    "vertex_ai": "google",
}
"""First parts of ids by which gateways name a hosting service, and its list in genai-prices, if it has one."""

_REGION = re.compile(r"^(?:[a-z]{2}(?:-gov)?|apac|global|regional)\.(?=[a-z]+\.)")
_OWNER = re.compile(r"^(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|mistral|openai|qwen|xai)\.")
_RELEASE = re.compile(r"-v\d+(?::\d+)?$")
_VARIANT = re.compile(r":(?:beta|exacto|extended|floor|free|nitro|thinking)$")
"""What gateways write behind an id that costs no more than the id alone."""
_POINT = re.compile(r"(?<=\d)\.(?=\d)")


@lru_cache(maxsize=512)
def plain_id(model_id: str) -> str:
    """An id as its vendor writes it, without what gateways put before and behind it."""
    name = model_id.strip().lower().rpartition("/")[2]
    bare = _OWNER.sub("", _REGION.sub("", name))
    found = _VARIANT.sub("", _RELEASE.sub("", bare) if bare != name else bare)
    return _POINT.sub("-", found) if found.startswith("claude-") else found


@lru_cache(maxsize=512)
def sold_as(model_id: str) -> Sold | None:
    """Who sells the model of this id; None for one that may run anywhere."""
    given = model_id.strip()
    host, _, rest = given.partition("/")
    name = plain_id(given)
    vendor = next((row for row in _VENDORS if re.fullmatch(row.ids, name)), None)
    hosted = host in _HOSTS and bool(rest)
    if vendor is None and not hosted:
        return None
    if name.endswith(":online"):
        return Sold(vendor.title if vendor else host, ())
    lists = [Listing(vendor.price_id, _listed_name(vendor, name), vendor.family)] if vendor else []
    if hosted and _HOSTS[host]:
        lists.append(Listing(_HOSTS[host], rest.lower()))
    elif given.lower().rpartition("/")[2] != name and _OWNER.search(_REGION.sub("", given.lower())):
        lists.append(Listing("aws", given.lower()))
    return Sold(vendor.title if vendor else host, tuple(lists))


def _listed_name(vendor: _Vendor, name: str) -> str:
    return f"amazon.{name}-v1:0" if vendor.price_id == "aws" else name
