"""One exchange with a server over HTTP, in both colours, with deadlines that hold and errors that say how.

An `Endpoint` owns the connections to one base URL: one pool for threads, one per event loop, each opened when
first used and kept. A `Reader` takes the answer in pieces. Nothing here knows a provider's dialect.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from escalator.errors import ConfigError, ErrorKind, ProviderError
from escalator.providers.http.watch import Timing, Watch, watching
from escalator.records import Timeouts

if TYPE_CHECKING:
    import asyncio

    import httpx2

MOST_BYTES = 64 * 1024 * 1024
"""The longest body read before the answer is given up as nonsense."""
DONE_GRACE = 0.25
"""Seconds a server may take to end an answer that is done, so that its connection can be kept."""
FIGURES_GRACE = 2.0
"""Seconds a server may take to send the figures that follow a complete answer."""


class Reader(Protocol):
    """Takes one answer in pieces.

    `done`: nothing that matters can follow. `complete`: usable as it is, though figures may follow; a
    connection that dies then spoils nothing.
    """

    done: bool
    complete: bool

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of the answer; header names are lower-case."""
        ...

    def feed(self, chunk: bytes) -> None:
        """The next piece of the body. Raises `ProviderError` where the server reports a failure in it."""
        ...


class Answer(Protocol):
    """An answer that has begun, whatever library brings it."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, found whatever their case."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come."""
        ...


class Pool(Protocol):
    """The connections of one event loop to one server."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What a request or its answer may raise."""
        ...

    def answer(self, call: Call, watch: Watch) -> AbstractAsyncContextManager[Answer]:
        """Send a request; the connection is closed at the end of the block unless it can be kept."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One HTTP request: GET without a body, POST of JSON with one."""

    path: str
    body: bytes | None = None
    timeouts: Timeouts = Timeouts()


class Whole:
    """A reader that keeps the body as it is."""

    def __init__(self) -> None:
        self.done = self.complete = False
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self._chunks: list[bytes] = []

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep the head."""
        self.status, self.headers = status, headers

    def feed(self, chunk: bytes) -> None:
        """Keep a piece."""
        self._chunks.append(chunk)

    @property
    def body(self) -> bytes:
        """What came."""
        return b"".join(self._chunks)


class Endpoint:
    """The connections to one server. Safe to share between threads and event loops.

    `transport` and `async_transport` replace the network, for tests.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        async_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        if not base_url.startswith(("http://", "https://")) or not urlsplit(base_url).hostname:
            raise ConfigError(
                f"The base URL {base_url!r} is no web address.", hint="Write it like http://localhost:1234."
            )
        self.base_url = base_url.rstrip("/")
        self._headers = {"accept-encoding": "identity", "user-agent": "escalator", **(headers or {})}
        self._given, self._given_async = transport, async_transport
        self._transport: httpx2.BaseTransport | None = None
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def exchange(self, call: Call, reader: Reader) -> Timing:
        """Send a request and feed the answer to the reader. Raises `ProviderError`."""
        watch = Watch(call.timeouts)
        token = watching.set(watch)
        try:
            with self._translated(watch, reader, _sync_errors()), self._response(call, watch) as response:
                watch.status = response.status_code
                reader.start(response.status_code, response.headers)
                for chunk in response.iter_bytes():
                    _take(watch, reader, chunk)
        finally:
            watching.reset(token)
        return watch.timing()

    async def aexchange(self, call: Call, reader: Reader) -> Timing:
        """The same without blocking the event loop; a cancelled exchange closes its connection."""
        import asyncio

        loop = asyncio.get_running_loop()
        pool = await self._loop_pool(loop)
        watch = Watch(call.timeouts)
        token = watching.set(watch)
        try:
            with self._translated(watch, reader, pool.errors):
                async with asyncio.timeout(watch.left()) as timeout, pool.answer(call, watch) as answer:
                    watch.status = answer.status
                    reader.start(answer.status, answer.headers)
                    async for chunk in answer.chunks():
                        _take(watch, reader, chunk)
                        timeout.reschedule(loop.time() + watch.left())
        finally:
            watching.reset(token)
        return watch.timing()

    @contextmanager
    def _response(self, call: Call, watch: Watch) -> Iterator[httpx2.Response]:
        from escalator.providers.http.sockets import TRANSPORT_ERRORS

        transport = self._sync_transport()
        try:
            response = transport.handle_request(self._request(call, watch))
        except TRANSPORT_ERRORS:
            if not watch.stale:
                raise
            response = transport.handle_request(self._request(call, watch))
        try:
            yield response
        finally:
            response.close()

    def _request(self, call: Call, watch: Watch) -> httpx2.Request:
        import httpx2

        headers = dict(self._headers)
        if call.body is not None:
            headers["content-type"] = "application/json"
        left = max(watch.left(), 0.001)
        return httpx2.Request(
            "GET" if call.body is None else "POST",
            self.base_url + call.path,
            headers=headers,
            content=call.body,
            extensions={"timeout": {"connect": min(call.timeouts.connect, left), "pool": left}},
        )

    @contextmanager
    def _translated(self, watch: Watch, reader: Reader, errors: tuple[type[Exception], ...]) -> Iterator[None]:
        caught: tuple[type[Exception], ...] = (TimeoutError, *errors)
        try:
            yield
        except caught as error:
            if not reader.complete:
                raise translate(error, watch, self.base_url) from error

    def _sync_transport(self) -> httpx2.BaseTransport:
        if self._given is not None:
            return self._given
        if self._transport is None:
            from escalator.providers.http.sockets import open_transport

            with self._lock:
                if self._transport is None:
                    self._transport = open_transport(self.base_url)
        return self._transport

    async def _loop_pool(self, loop: asyncio.AbstractEventLoop) -> Pool:
        """The connections of this loop, opened when they are first needed."""
        kept = self._by_loop.get(loop)
        if kept is None:
            kept = _Kept(self._open_pool())
            with self._lock:
                for other in [other for other in self._by_loop if other.is_closed()]:
                    del self._by_loop[other]
                self._by_loop[loop] = kept
            await kept.watch_over()
        return kept.pool

    def _open_pool(self) -> Pool:
        from escalator.providers.http import aio, sockets

        if self._given_async is not None or sockets.proxy_of(self.base_url):
            transport = self._given_async or sockets.open_async_transport(self.base_url)
            return sockets.AsyncPool(transport, self._request)
        return aio.Pool(self.base_url, self._headers, sockets.tls_of(self.base_url))

    def close(self) -> None:
        """Close the connections of threads; the next exchange opens new ones."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    async def aclose(self) -> None:
        """Close the connections of threads and those of the running event loop."""
        import asyncio

        self.close()
        with self._lock:
            kept = self._by_loop.pop(asyncio.get_running_loop(), None)
        if kept is not None:
            await kept.aclose()


class _Kept:
    """The pool of one event loop, closed with the loop.

    A suspended async generator is what `asyncio.run` closes before its loop: its `finally` is our last chance.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._guard = self._guarding()

    async def _guarding(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self.pool.aclose()

    async def watch_over(self) -> None:
        await anext(self._guard)

    async def aclose(self) -> None:
        await self._guard.aclose()


def _sync_errors() -> tuple[type[Exception], ...]:
    from escalator.providers.http.sockets import TRANSPORT_ERRORS

    return TRANSPORT_ERRORS


def _take(watch: Watch, reader: Reader, chunk: bytes) -> None:
    watch.take(chunk)
    if watch.size > MOST_BYTES:
        raise ProviderError(
            f"The answer passed {MOST_BYTES // 1024 // 1024} MiB and was given up.",
            kind="bad_response",
            billed=True,
        )
    reader.feed(chunk)
    if reader.complete:
        watch.hurry(DONE_GRACE if reader.done else FIGURES_GRACE)
    elif watch.left() <= 0:
        raise TimeoutError


def translate(error: Exception, watch: Watch, url: str) -> ProviderError:
    """The `ProviderError` that a failure of transport stands for."""
    names = {base.__name__ for base in type(error).__mro__} | {type(error.__cause__).__name__}
    kind, message = _told(names, error, watch)
    return ProviderError(
        f"{url} {message}",
        kind=kind,
        status=watch.status,
        billed=kind in {"timeout", "stream_cut", "bad_response"} and (watch.status or 200) < 400,
    )


def _too_late(watch: Watch) -> str:
    limits = watch.timeouts
    if watch.first_byte is None:
        waited = min(limits.first_byte, limits.total)
        return f"sent nothing within {waited:g} s. Allow more with timeouts.first_byte."
    if watch.stalled:
        return f"sent nothing more for {limits.idle:g} s. Allow more with timeouts.idle."
    return f"did not finish within {limits.total:g} s. Allow more with timeouts.total."


def _told(names: set[str], error: Exception, watch: Watch) -> tuple[ErrorKind, str]:
    limits = watch.timeouts
    if names & {"ConnectTimeout", "ConnectionTimeoutError"}:
        return "connection", f"did not accept a connection within {limits.connect:g} s. Is the server reachable?"
    if names & {"ConnectError", "ClientConnectorError", "ProxyError", "UnsupportedProtocol", "InvalidURL"}:
        return "connection", f"cannot be reached ({error}). Start the server, or correct base_url."
    if names & {"TimeoutException", "TimeoutError"}:
        return "timeout", _too_late(watch)
    if names & {"DecodingError", "ContentEncodingError"}:
        return "bad_response", f"sent a body that cannot be decoded ({error})."
    if watch.status is not None:
        return "stream_cut", f"closed the connection in the middle of its answer ({error})."
    if watch.received:
        return "bad_response", f"does not answer in HTTP ({error}). Check base_url."
    return "connection", f"closed the connection without an answer ({error}). Its log may say why."
