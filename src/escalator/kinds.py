"""The kinds of provider: one row of data each, and all that is known of a kind by its name.

One more server that speaks OpenAI's chat completions is one more row of `KINDS` and nothing else: the matrix, the
linter, `doctor`, prices, traces, the simulated fleet and the reference read this table. The rows are named tuples,
read at the start of every command, which take a fifth of the time of a dataclass to define.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from escalator.records import Effort

__all__ = ["ANY_SERVER", "KINDS", "Dialect", "ProviderKind", "at_home", "kind_of", "numeric"]

Wire: TypeAlias = Literal["chat completions", "ollama", "messages", "gemini", "a plug-in's"]
PriceFamily: TypeAlias = Literal["", "claude", "gemini"]

_OPENAI_WORDS: Mapping[Effort, str] = MappingProxyType({"max": "xhigh"})
_THREE_LEVELS: Mapping[Effort, str] = MappingProxyType(
    {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}
)
_OLLAMA_WORDS: Mapping[Effort, str] = MappingProxyType({"minimal": "low", "xhigh": "high"})


class Dialect(NamedTuple):
    """What a server understands of OpenAI's chat completions; the defaults are OpenAI's own.

    `effort_words` are its words for efforts that it does not know by ours. `effort_in_template`: they go to the
    chat template, with a switch for thinking; `none_in_request`: no effort at all is said in the request, too.
    `holds_schema` False: a schema is asked for in words. `probe` answers whether the server is alive, where
    `/models` does not tell. `listings` are better lists of models, tried before `/models`. `counting` is where
    it counts the tokens of a prompt, behind the version's prefix; empty where it does not.
    """

    effort_words: Mapping[Effort, str] = _OPENAI_WORDS
    effort_in_template: bool = False
    none_in_request: bool = False
    holds_schema: bool = True
    probe: str = ""
    listings: tuple[str, ...] = ()
    counting: str = ""


class ProviderKind(NamedTuple):
    """A kind of provider, as `providers.<name>.kind` of a matrix names it.

    Where it is: `provider` is its class as "module:attribute", imported when the kind is first used; `base_url`
    where it listens unless told otherwise, empty where only the matrix can tell.
    What it speaks: `wire`, and `dialect` where that is, or it has besides, OpenAI's chat completions.
    Where it runs: `can_be_local` at a loopback or private address; `remote_tags` end the ids of models that it
    serves from elsewhere all the same; `swaps_models`: it holds one model at a time.
    Its key: `sdk`, it is reached through its vendor's package, whose class names the missing key by `key_hint`;
    `key_env`, the usual environment variable of the key, empty where none is usual.
    Money: `price_id` is its provider in genai-prices, empty where prices stand in the matrix alone;
    `price_family` whose rows of our own table and whose options with a price of their own hold.
    Traces: `otel_name` and `otel_operation`, by the conventions of OpenTelemetry.
    Doctor: `free_to_ask` whether it is alive; `remedy`, what to do if it is not, or has no key.
    `gateway`: what stands at its address may pass requests on to those who sell models.
    `simulated`: the simulated fleet has a server of this kind.
    """

    name: str
    title: str
    otel_name: str
    remedy: str
    wire: Wire = "chat completions"
    provider: str = "escalator.providers.chat.openai_compatible:OpenAICompatible"
    dialect: Dialect | None = Dialect()
    base_url: str = ""
    can_be_local: bool = False
    remote_tags: tuple[str, ...] = ()
    swaps_models: bool = False
    sdk: bool = False
    key_env: str = ""
    price_id: str = ""
    price_family: PriceFamily = ""
    otel_operation: str = "chat"
    free_to_ask: bool = True
    gateway: bool = False
    simulated: bool = False


ANY_SERVER = ProviderKind(
    name="openai",
    title="OpenAI, and any other server or gateway that speaks chat completions",
    base_url="https://api.openai.com",
    can_be_local=True,
    gateway=True,
    otel_name="openai",
    remedy="start the server, or correct its base_url",
)
"""The kind of a server that has no row of its own."""

_ROWS = (
    ANY_SERVER,
    ProviderKind(
        name="lmstudio",
        title="LM Studio",
        provider="escalator.providers.lmstudio:LMStudio",
        dialect=Dialect(effort_words=_THREE_LEVELS, listings=("/api/v1/models", "/api/v0/models")),
        base_url="http://localhost:1234",
        can_be_local=True,
        swaps_models=True,
        otel_name="lm_studio",
        remedy="start LM Studio's server (`lms server start`)",
        simulated=True,
    ),
    ProviderKind(
        name="ollama",
        title="Ollama",
        wire="ollama",
        provider="escalator.providers.ollama:Ollama",
        dialect=Dialect(effort_words=_OLLAMA_WORDS, probe="/api/version"),
        base_url="http://localhost:11434",
        can_be_local=True,
        remote_tags=("cloud",),
        otel_name="ollama",
        remedy="start Ollama (`ollama serve`)",
        simulated=True,
    ),
    ProviderKind(
        name="llamacpp",
        title="llama.cpp",
        dialect=Dialect(
            effort_words=_THREE_LEVELS,
            effort_in_template=True,
            none_in_request=True,
            probe="/health",
            counting="/chat/completions/input_tokens",
        ),
        base_url="http://localhost:8080",
        can_be_local=True,
        otel_name="llamacpp",
        remedy="start llama.cpp's server (`llama-server`)",
    ),
    ProviderKind(
        name="vllm",
        title="vLLM",
        dialect=Dialect(effort_words=_THREE_LEVELS, effort_in_template=True, probe="/health"),
        base_url="http://localhost:8000",
        can_be_local=True,
        otel_name="vllm",
        remedy="start vLLM's server",
    ),
    ProviderKind(
        name="mlx",
        title="MLX (`mlx_lm.server`)",
        dialect=Dialect(effort_words=_THREE_LEVELS, effort_in_template=True, holds_schema=False, probe="/health"),
        base_url="http://localhost:8080",
        can_be_local=True,
        otel_name="mlx",
        remedy="start the server (`mlx_lm.server`)",
    ),
    ProviderKind(
        name="anthropic",
        title="Claude",
        wire="messages",
        provider="escalator.providers.anthropic.provider:Anthropic",
        dialect=None,
        base_url="https://api.anthropic.com",
        sdk=True,
        key_env="ANTHROPIC_API_KEY",
        price_id="anthropic",
        price_family="claude",
        otel_name="anthropic",
        free_to_ask=False,
        remedy="write `api_key_env: ANTHROPIC_API_KEY` in the matrix and export that variable",
        simulated=True,
    ),
    ProviderKind(
        name="google",
        title="Gemini",
        wire="gemini",
        provider="escalator.providers.google.provider:Google",
        dialect=None,
        base_url="https://generativelanguage.googleapis.com",
        sdk=True,
        key_env="GEMINI_API_KEY",
        price_id="google",
        price_family="gemini",
        otel_name="gcp.gemini",
        otel_operation="generate_content",
        free_to_ask=False,
        remedy="write `api_key_env: GEMINI_API_KEY` in the matrix and export that variable",
        simulated=True,
    ),
)

KINDS: Mapping[str, ProviderKind] = MappingProxyType({row.name: row for row in _ROWS})
"""Every built-in kind by name. A plug-in's kind is named in the matrix and has no row."""


def kind_of(name: str) -> ProviderKind:
    """The row of a kind. For a plug-in, of which nothing else is known, one with its name and no assumptions."""
    row = KINDS.get(name)
    if row is not None:
        return row
    return ProviderKind(
        name=name,
        title=name,
        wire="a plug-in's",
        provider=name,
        dialect=None,
        otel_name=name,
        remedy="start the server",
    )


def at_home(url: str) -> bool:
    """Whether an address is one of the user's own machines, as far as it tells by itself: a loopback or private
    address, or a name that only a network of one's own has. What the name resolves to is another question.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith((".local", ".localhost", ".lan", ".internal")):
        return True
    address = numeric(host)
    if address is None:
        return "." not in host and bool(host)
    return address.is_loopback or address.is_private


def numeric(host: str) -> IPv4Address | IPv6Address | None:
    """The address a host is written as, an IPv4 one also where it stands inside an IPv6 one; None for a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
