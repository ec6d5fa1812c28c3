"""One model call: what is sent, what comes back, what it used and what it cost, and how money is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeAlias, TypeVar

from escalator.errors import ErrorKind

if TYPE_CHECKING:
    from escalator.records.plan import Model

P = ParamSpec("P")
R = TypeVar("R")

CONTEXT = Context(
    prec=60,
    rounding=ROUND_HALF_EVEN,
    Emin=-999999,
    Emax=999999,
    traps=[DivisionByZero, InvalidOperation, Overflow],
)
"""More digits than any product of a price and a token count needs, so that no sum is ever rounded."""

MOST = 1_000_000_000
"""USD; no budget is larger, so that every amount fits the ledger's integers."""


def exactly(function: Callable[P, R]) -> Callable[P, R]:
    """The function, computing in the context of money: a caller's precision, rounding and traps change no sum."""

    @wraps(function)
    def computed(*given: P.args, **named: P.kwargs) -> R:
        with localcontext(CONTEXT):
            return function(*given, **named)

    return computed


Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How hard a model should think; each provider maps it to its nearest level or to nothing."""

Purpose: TypeAlias = Literal["worker", "checker", "classifier"]
"""Why a model is called."""

Condition: TypeAlias = Literal["ok", "truncated", "refusal", "empty", "incomplete", "bad_output", "unknown"]
"""Whether a completion can be used: everything but `ok` and `unknown` cannot. `unknown` is a finish reason
that did not exist when this was written; its text is judged like any other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A picture sent with a prompt: `media_type` such as "image/png", `data` its bytes."""

    media_type: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One turn of a conversation.

    `shared`: how many characters of the text, from its beginning, another request to the same model begins with as
    well, everything before this turn included; ascending. A provider that can is asked to keep the prompt up to
    there. Empty where nothing of it is sent again.
    """

    role: Literal["user", "assistant"]
    text: str
    images: tuple[Image, ...] = ()
    shared: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds: to connect, until the first byte of the answer, between two bytes of it, and for the whole call."""

    connect: float = 5.0
    first_byte: float = 60.0
    idle: float = 30.0
    total: float = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is sent to a model, in no provider's dialect.

    `max_tokens` bounds everything the model writes, thinking included. `schema` asks for JSON that matches
    it. `effort` None leaves the provider's default. `temperature` and `seed` are sent where the wire has them.
    """

    model: Model
    messages: tuple[Message, ...]
    system: str = ""
    max_tokens: int = 4096
    effort: Effort | None = None
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    seed: int | None = None
    timeouts: Timeouts = Timeouts()


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Tokens of one call. `input_tokens` counts all input, cached included; `output_tokens` counts all output,
    thinking included. `estimated`: the provider reported none (or was cut off). Then these are bounds on what was
    sent and seen, of a failed call on what was asked for; the books have all that was held for the call.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """A call to a tool that the model asked for; `arguments` is the JSON text as written by the model."""

    name: str
    arguments: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """What a model answered.

    `model` is the id that really answered (as the provider names it), `finish` why it stopped (`stop`,
    `length`, `tool_calls`, else the provider's own word), `condition` our reading of it, `detail` what the
    provider adds, such as the category of a refusal. `reasoning` is kept out of `text`. `seconds` and
    `first_byte_seconds` are wall time. `host` is where a "local" model really ran, when the server says it
    was elsewhere.
    """

    text: str
    model: str
    finish: str = "stop"
    condition: Condition = "ok"
    detail: str = ""
    usage: Usage = Usage()
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    response_id: str = ""
    host: str = ""
    seconds: float = 0.0
    first_byte_seconds: float | None = None
    load_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One dispatched request as the books have it. `model` is the matrix's name, `answered_by` the id that
    answered (empty if none did). `cost` is USD. `estimated`: usage was not reported, so cost is an upper bound.
    `error`: how it failed, None if an answer came. `running_cost` is USD for the time of a machine of one's own
    (`hourly` of the model): no bill comes for it, so it is kept apart from `cost`. `cache_saved` is USD: what the
    same tokens would have cost without the provider's cache, less `cost`; negative where it was only written.
    `warnings` say what a person should know of it: a bill above what was held, a prompt that was not read in full.
    """

    purpose: Purpose
    model: str
    provider: str
    cost: Decimal = Decimal(0)
    usage: Usage = Usage()
    answered_by: str = ""
    finish: str = ""
    condition: Condition = "ok"
    error: ErrorKind | None = None
    seconds: float = 0.0
    rung: int = -1
    simulated: bool = False
    running_cost: Decimal = Decimal(0)
    cache_saved: Decimal = Decimal(0)
    warnings: tuple[str, ...] = ()

    @property
    def estimated(self) -> bool:
        """Whether the figures are upper bounds because the provider reported none."""
        return self.usage.estimated
