"""Connection pools on httpx2's core whose reads obey the deadline of the exchange they serve.

A per-read timeout, which is all HTTP libraries offer, never ends an answer that trickles. Here each read is
given what is left of the exchange's `Watch`. Imports httpx2, so import this module only to open a connection.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from escalator.errors import ConfigError
from escalator.providers.http.watch import watching

if TYPE_CHECKING:
    from escalator.providers.http.transport import Call
    from escalator.providers.http.watch import Watch

KEEP_SECONDS = 4.0
"""How long an idle connection is kept: local servers close theirs after five seconds."""
MOST_CONNECTIONS = 1000
LOOK_SECONDS = 0.05
"""How long it is believed that a server did not hang up on an idle connection."""

TRANSPORT_ERRORS = (
    httpx2.TransportError,
    httpx2.DecodingError,
    httpx2.StreamError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
)
"""What may come out of a transport: ours raises the core's errors, a test's mock those of httpx2."""


def tls_of(url: str) -> ssl.SSLContext | None:
    """How the server of this URL is trusted; None without TLS."""
    return _tls() if url.startswith("https:") else None


@cache
def _tls() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def open_transport(url: str) -> httpx2.BaseTransport:
    """A pool for the server of this URL, for use from threads."""
    return _Transport(_pool(url, httpcore2.ConnectionPool, httpcore2.HTTPProxy, _ClockedBackend()))


def open_async_transport(url: str) -> httpx2.AsyncBaseTransport:
    """A pool for the server of this URL, for one event loop."""
    backend = _WatchedBackend()
    return _AsyncTransport(_pool(url, httpcore2.AsyncConnectionPool, httpcore2.AsyncHTTPProxy, backend))


def _pool(url: str, direct: Any, proxied: Any, backend: object) -> Any:
    options = {
        "ssl_context": tls_of(url),
        "max_connections": MOST_CONNECTIONS,
        "max_keepalive_connections": MOST_CONNECTIONS,
        "keepalive_expiry": KEEP_SECONDS,
        "network_backend": backend,
    }
    proxy = proxy_of(url)
    if not proxy:
        return direct(**options)
    parts = urlsplit(proxy)
    if parts.scheme not in {"http", "https"}:
        raise ConfigError(
            f"The proxy for {url} is of kind {parts.scheme!r}, which is not supported.",
            hint="Use an HTTP proxy, or name the server in NO_PROXY.",
        )
    if parts.username:
        options["proxy_auth"] = (unquote(parts.username), unquote(parts.password or ""))
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return proxied(proxy_url=f"{parts.scheme}://{host}:{parts.port or 80}", **options)


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine itself."""
    from ipaddress import ip_address

    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_of(url: str) -> str:
    """The proxy the environment names for this URL, or ""; never one for this machine itself."""
    if is_loopback(url):
        return ""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all") or ""
    return "" if not proxy or proxy_bypass(parts.hostname or "") else proxy


class _ClockedStream(httpcore2.NetworkStream):
    """A socket whose reads and writes end at the deadline of the exchange under way."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream, self._used = stream, False
        self._looked, self._readable = 0.0, False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        watch = watching.get()
        left = watch.left()
        if left <= 0:
            raise httpcore2.ReadTimeout("the deadline has passed")
        data = self._stream.read(max_bytes, left)
        if data:
            self._used = watch.received = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        watch = watching.get()
        watch.reused = self._used
        self._stream.write(buffer, max(watch.left(), 0.001))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _ClockedStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> object:
        return self._is_readable() if info == "is_readable" else self._stream.get_extra_info(info)

    def _is_readable(self) -> bool:
        """Whether the server hung up. The pool asks this of every idle connection before every request, so the
        answer is kept for a moment; a connection that dies within it is replaced by the exchange.
        """
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            self._readable = bool(self._stream.get_extra_info("is_readable"))
        return self._readable


class _ClockedBackend(httpcore2.NetworkBackend):
    """Opens clocked sockets."""

    def __init__(self) -> None:
        self._backend = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        return _ClockedStream(self._backend.connect_tcp(host, port, timeout, local_address, socket_options))


class _Counting(asyncio.StreamReader):
    """Knows how many bytes wait: on an idle connection any are a farewell, such as 408, and no answer."""

    def __init__(self) -> None:
        super().__init__()
        self.unread = 0

    def feed_data(self, data: Any) -> None:
        self.unread += len(data)
        super().feed_data(data)

    async def read(self, n: int = -1) -> bytes:
        data = await super().read(n)
        self.unread -= len(data)
        return data


class _WatchedStream(httpcore2.AsyncNetworkStream):
    """A connection of asyncio that tells the exchange whether it was used before; the loop keeps the deadline.

    The pool asks each idle connection whether its server hung up, before each request; asyncio knows without a
    system call.
    """

    def __init__(self, reader: _Counting, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._used = reader, writer, False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the base's name
        try:
            data = await self._reader.read(max_bytes)
        except OSError as error:
            raise httpcore2.ReadError(str(error)) from error
        if data:
            self._used = watching.get().received = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the base's name
        watching.get().reused = self._used
        try:
            self._writer.write(buffer)
            await self._writer.drain()
        except OSError as error:
            raise httpcore2.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._writer.transport.abort()
        await asyncio.sleep(0)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the base's name
    ) -> httpcore2.AsyncNetworkStream:
        async with _connecting(timeout):
            await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        return self

    def get_extra_info(self, info: str) -> object:
        if info == "is_readable":
            return bool(self._reader.unread) or self._reader.at_eof() or self._reader.exception() is not None
        return self._writer.get_extra_info(info)


class _WatchedBackend(httpcore2.AsyncNetworkBackend):
    """Opens watched connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base's name
        local_address: str | None = None,
        socket_options: Iterable[object] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        async with _connecting(timeout):
            loop = asyncio.get_running_loop()
            reader = _Counting()
            protocol = asyncio.StreamReaderProtocol(reader)
            transport, _ = await loop.create_connection(lambda: protocol, host, port, happy_eyeballs_delay=0.25)
            return _WatchedStream(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


@asynccontextmanager
async def _connecting(seconds: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise httpcore2.ConnectTimeout(str(error)) from error
    except (OSError, EOFError) as error:
        raise httpcore2.ConnectError(str(error)) from error


def _core_request(request: httpx2.Request) -> httpcore2.Request:
    url = httpcore2.URL(
        scheme=request.url.raw_scheme,
        host=request.url.raw_host,
        port=request.url.port,
        target=request.url.raw_path,
    )
    return httpcore2.Request(
        method=request.method,
        url=url,
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


class _Body(httpx2.SyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return iter(cast("Iterable[bytes]", self._response.stream))

    def close(self) -> None:
        self._response.close()


class _Transport(httpx2.BaseTransport):
    def __init__(self, pool: httpcore2.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self._pool.handle_request(_core_request(request))
        return httpx2.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


class _AsyncBody(httpx2.AsyncByteStream):
    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in cast("AsyncIterator[bytes]", self._response.stream):
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class _AsyncTransport(httpx2.AsyncBaseTransport):
    def __init__(self, pool: httpcore2.AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._pool.handle_async_request(_core_request(request))
        return httpx2.Response(response.status, headers=response.headers, stream=_AsyncBody(response))

    async def aclose(self) -> None:
        await self._pool.aclose()


class AsyncAnswer:
    """An answer that httpx2 brings."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status, self.headers, self._response = response.status_code, response.headers, response

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, decoded if the server encoded it."""
        return self._response.aiter_bytes()


class AsyncPool:
    """One event loop's connections on httpx2: through a proxy, or as a test replaces the network."""

    errors = TRANSPORT_ERRORS

    def __init__(
        self, transport: httpx2.AsyncBaseTransport, request: Callable[[Call, Watch], httpx2.Request]
    ) -> None:
        self._transport, self._request = transport, request

    @asynccontextmanager
    async def answer(self, call: Call, watch: Watch) -> AsyncIterator[AsyncAnswer]:
        """Send a request; a kept connection that turns out to be dead is replaced once."""
        try:
            response = await self._transport.handle_async_request(self._request(call, watch))
        except TRANSPORT_ERRORS:
            if not watch.stale:
                raise
            response = await self._transport.handle_async_request(self._request(call, watch))
        try:
            yield AsyncAnswer(response)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()
