"""Connections of httpx2's core whose reads obey the deadline of the exchange they serve, and pools of them.

A per-read timeout, which is all HTTP libraries offer, never ends an answer that trickles. Here each read is
given what is left of the exchange's `Watch`. Imports httpcore2, so import this module only to open a connection.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any

import httpcore2

from escalator.providers.http.address import Proxy, proxy_of
from escalator.providers.http.pools import Errors
from escalator.providers.http.watch import Watch, watching

KEEP_SECONDS = 4.0
"""How long an idle connection is kept: local servers close theirs after five seconds."""
MOST_CONNECTIONS = 1000
LOOK_SECONDS = 0.05
"""How long it is believed that a server did not hang up on an idle connection."""

CORE_ERRORS: Errors = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    TimeoutError,
)
"""What may come out of these pools; the loop's own timer included."""


def tls() -> ssl.SSLContext:
    """What certificates are checked against: the system's own, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name."""
    return _tls(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _tls(file: str | None, folder: str | None) -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


def open_pool(url: str, *, direct: bool | None = None) -> httpcore2.ConnectionPool:
    """A pool for the server of this URL, for use from threads. `direct`: see `proxy_of`."""
    kinds = (httpcore2.ConnectionPool, httpcore2.HTTPProxy)
    pool: httpcore2.ConnectionPool = _pool(url, kinds, _ClockedBackend(), proxy_of(url, direct=direct))
    return pool


def open_async_pool(url: str, *, direct: bool | None = None) -> httpcore2.AsyncConnectionPool:
    """A pool for the server of this URL, for one event loop."""
    kinds = (httpcore2.AsyncConnectionPool, httpcore2.AsyncHTTPProxy)
    pool: httpcore2.AsyncConnectionPool = _pool(url, kinds, _WatchedBackend(), proxy_of(url, direct=direct))
    return pool


def _pool(url: str, kinds: tuple[Any, Any], backend: object, proxy: Proxy | None) -> Any:
    options = {
        "ssl_context": tls() if url.startswith("https:") else None,
        "max_connections": MOST_CONNECTIONS,
        "max_keepalive_connections": MOST_CONNECTIONS,
        "keepalive_expiry": KEEP_SECONDS,
        "network_backend": backend,
    }
    pool, proxied = kinds
    if proxy is None:
        return pool(**options)
    if proxy.auth is not None:
        options["proxy_auth"] = proxy.auth
    return proxied(proxy_url=proxy.url, **options)


class _ClockedStream(httpcore2.NetworkStream):
    """A socket whose reads and writes end at the deadline of the exchange under way.

    What is written leaves with the next read: the head of a request and its body in one piece.
    """

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream, self._used = stream, False
        self._unsent: list[bytes] = []
        self._looked, self._readable = 0.0, False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        watch = watching.get()
        if self._unsent:
            self._send(watch)
        left = watch.left()
        if left <= 0:
            raise httpcore2.ReadTimeout("the deadline has passed")
        data = self._stream.read(max_bytes, left)
        if data:
            self._used = watch.received = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unsent.append(buffer)

    def _send(self, watch: Watch) -> None:
        data = b"".join(self._unsent)
        self._unsent.clear()
        watch.reused, watch.sent = self._used, True
        with suppress(httpcore2.WriteError):  # a server may answer before it has read everything, and close
            self._stream.write(data, max(watch.left(), 0.001))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _ClockedStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
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
        watching.get().sent = False
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
        watch = watching.get()
        watch.reused, watch.sent = self._used, True
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

    def get_extra_info(self, info: str) -> Any:
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
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        watching.get().sent = False
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
