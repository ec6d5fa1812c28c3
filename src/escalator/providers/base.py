"""What a provider is, and the readings every wire shares: conditions, waits, secrets, bounds on tokens."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from escalator.errors import ErrorKind, ProviderError

if TYPE_CHECKING:
    from escalator.records import Completion, Condition, Request, ToolCall

Ending: TypeAlias = Literal["stop", "length", "refusal", "incomplete", "bad_output", "unknown"]
"""Why a model stopped, in no provider's dialect. `stop` includes a finished tool call."""


@runtime_checkable
class Provider(Protocol):
    """Who serves models. Safe to use from many threads and event loops at once.

    `complete` sends exactly one request and returns what was answered, or raises `ProviderError` with its
    `kind`; it never retries a request that may have been received.
    """

    name: str

    def complete(self, request: Request) -> Completion:
        """Ask a model and wait for its answer."""
        ...

    async def acomplete(self, request: Request) -> Completion:
        """The same without blocking the event loop."""
        ...

    def close(self) -> None:
        """Give the connections of threads up; the provider can be used again afterwards."""
        ...

    async def aclose(self) -> None:
        """Give all connections up, those of the running event loop included."""
        ...


class ThreadedProvider:
    """Base for a provider that has only `complete`: `acomplete` runs it in a thread.

    A cancelled `acomplete` returns at once; the thread behind it ends with its own timeout.
    """

    name: str

    def complete(self, request: Request) -> Completion:
        """Ask a model and wait for its answer; a subclass says how."""
        raise TypeError(f"{type(self).__name__} must define complete(request).")

    async def acomplete(self, request: Request) -> Completion:
        """Run `complete` in a thread."""
        import asyncio

        return await asyncio.to_thread(self.complete, request)

    def close(self) -> None:
        """Nothing is held unless a subclass says so."""

    async def aclose(self) -> None:
        """Close what `close` closes."""
        self.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """A model a server offers. `context` is the window in use now, `context_max` what it was trained for, both
    in tokens and None where the server does not say. `loaded` None: the server does not say.
    `remote_host`: where a model listed by a local server really runs.
    """

    id: str
    context: int | None = None
    context_max: int | None = None
    loaded: bool | None = None
    vision: bool | None = None
    remote_host: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """Whether a server answers. `seconds` is how long it took, `detail` a sentence for a person."""

    alive: bool
    seconds: float = 0.0
    detail: str = ""


def condition(ending: Ending, *, text: str, tool_calls: tuple[ToolCall, ...] = ()) -> Condition:
    """Whether an answer can be used, from why it ended and what it holds."""
    if ending in {"refusal", "incomplete", "bad_output"}:
        return ending
    if ending == "length":
        return "truncated"
    if not all(is_json_object(call.arguments) for call in tool_calls):
        return "bad_output"
    if not text.strip() and not tool_calls:
        return "empty"
    return "unknown" if ending == "unknown" else "ok"


def is_json_object(text: str) -> bool:
    """Whether the text is JSON for an object, as arguments of a tool call must be; blank text means none."""
    if not text.strip():
        return True
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """The seconds a server asked to wait: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date.

    Header names are matched in any case. `now` is the epoch time a date is counted from. Absent, unreadable
    or negative waits are None.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    milliseconds = _seconds(lowered.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = lowered.get("retry-after", "")
    wait = _seconds(value)
    return wait if wait is not None else _seconds_until(value, now)


def retry_delay(text: str) -> float | None:
    """The seconds of a duration such as "17.5s" (Google's form); None where it is none or negative."""
    return _seconds(text.strip().removesuffix("s"))


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _seconds_until(text: str, now: float | None) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None
    if moment.tzinfo is None:
        from datetime import UTC

        moment = moment.replace(tzinfo=UTC)
    wait = moment.timestamp() - (time.time() if now is None else now)
    return wait if wait >= 0 else None


_KEY_SHAPES = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai)-[A-Za-z0-9_-]{12,}"
    r"|\bAIza[A-Za-z0-9_-]{20,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"
    r"|(?<=[?&]key=)[^&\s\"']+"
    r"|(?<=[Bb]earer )[^\s\"',]{6,}"
)
_SERVER_PATHS = re.compile(r"(?<![\w/:.>])(?:/[\w.@+-]+){3,}/?|\b[A-Za-z]:\\(?:[^\\\s\"']+\\)+[^\\\s\"']*")


def scrub(text: str, *secrets: str | None) -> str:
    """The text without the given secrets, anything shaped like a key, and absolute paths of the server."""
    for secret in secrets:
        if secret and len(secret) >= 4:
            text = text.replace(secret, "[key]")
    return _SERVER_PATHS.sub("[path]", _KEY_SHAPES.sub("[key]", text))


_STATUS_KINDS: Mapping[int, ErrorKind] = {
    401: "auth",
    402: "quota",
    403: "auth",
    404: "model_not_found",
    407: "auth",
    408: "server_timeout",
    413: "too_large",
    425: "unavailable",
    429: "rate_limit",
    499: "cancelled",
    503: "unavailable",
    504: "server_timeout",
    522: "server_timeout",
    524: "server_timeout",
    529: "overloaded",
}


def kind_of_status(status: int) -> ErrorKind:
    """What an HTTP status means where the body says nothing better."""
    if status in _STATUS_KINDS:
        return _STATUS_KINDS[status]
    if status >= 500:
        return "server"
    return "bad_request" if status >= 400 else "bad_response"


def output_ceiling(texts: Iterable[str]) -> int:
    """More tokens than these texts, written by a model, can have been."""
    return sum(len(text.encode("utf-8", "replace")) for text in texts)


def failed(
    error: ProviderError, *, provider: str, request: Request | None, secrets: Iterable[str | None] = ()
) -> ProviderError:
    """The same error with the provider's and the model's names in it and all secrets out of it."""
    known = tuple(secrets)
    return ProviderError(
        scrub(error.message, *known),
        kind=error.kind,
        provider=provider,
        model=request.model.name if request is not None else "",
        status=error.status,
        retry_after=error.retry_after,
        needed=error.needed,
        limit=error.limit,
        body=scrub(error.body, *known),
        sent=error.sent,
        billed=error.billed,
        input_tokens=error.input_tokens,
        output_tokens=error.output_tokens,
    )
