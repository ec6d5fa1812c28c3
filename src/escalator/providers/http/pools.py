"""The one seam below an exchange: what connections to a server must be able to do, whoever makes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from escalator.records import Timeouts

if TYPE_CHECKING:
    from escalator.providers.http.watch import Watch

Errors: TypeAlias = tuple[type[Exception], ...]
"""What a pool may raise for a connection that failed or took too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One HTTP request: GET without a body, POST of JSON with one."""

    path: str
    body: bytes | None = None
    timeouts: Timeouts = Timeouts()


class Answer(Protocol):
    """A response whose head is in."""

    @property
    def status(self) -> int:
        """Its status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, by lower-case name."""
        ...

    @property
    def chunks(self) -> Iterable[bytes]:
        """Its body as it comes, content encodings undone."""
        ...

    def close(self) -> None:
        """Give the connection back, or up where the body is not through."""
        ...


class Pool(Protocol):
    """Connections of threads to one server. `errors` is what `send` and the chunks of an answer may raise."""

    errors: Errors

    def send(self, call: Call, watch: Watch) -> Answer:
        """Write the request, at most once, and wait for the head of the answer."""
        ...

    def close(self) -> None:
        """Close them all."""
        ...


class AsyncAnswer(Protocol):
    """The same on an event loop."""

    @property
    def status(self) -> int:
        """Its status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, by lower-case name."""
        ...

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        """Its body as it comes, content encodings undone."""
        ...

    async def aclose(self) -> None:
        """Give the connection back, or up where the body is not through."""
        ...


class AsyncPool(Protocol):
    """Connections of one event loop to one server; see `Pool`."""

    errors: Errors

    async def send(self, call: Call, watch: Watch) -> AsyncAnswer:
        """Write the request, at most once, and wait for the head of the answer."""
        ...

    async def aclose(self) -> None:
        """Close them all."""
        ...
