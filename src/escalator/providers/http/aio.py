"""Exchanges of an event loop on aiohttp, whose parser is compiled and whose pool does not slow down with its size.

Deadlines are the caller's. What this adds to aiohttp is knowledge: whether a request was written, whether any byte
came back, whether a connection that served before is still alive. Imports aiohttp, so import this module only to
open a connection.
"""

from __future__ import annotations

import asyncio
import io
import math
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp
import yarl
from aiohttp.http_exceptions import HttpProcessingError

from escalator.forking import belongs_to_this_process
from escalator.providers.http.faults import UndecodableError
from escalator.providers.http.pools import AsyncAnswer, Call, Errors
from escalator.providers.http.sockets import KEEP_SECONDS, MOST_CONNECTIONS, readable, tls
from escalator.providers.http.watch import Watch, watching

if TYPE_CHECKING:
    from escalator.providers.http.address import Address

MOST_OF_A_HEADER = 100 * 1024
"""Bytes of one header; a server whose header is longer is taken for something else than a server of models."""
MOST_HEADERS = 1000
WHOLE_BODY = 1024 * 1024
"""The longest body that is handed over in one piece."""

_JSON = {"content-type": "application/json"}


class SpoiledError(aiohttp.ClientError):
    """An idle connection that the server closed or said something on; the request was not written to it."""


class SentBeforeError(aiohttp.ClientError):
    """aiohttp was about to send a request a second time, which is the caller's to decide."""


class LoopPool:
    """A session of aiohttp for one server that is reached without a proxy."""

    errors: Errors = (aiohttp.ClientError, HttpProcessingError, UndecodableError, TimeoutError)

    def __init__(self, address: Address, headers: Mapping[str, str]) -> None:
        self._address, self._loop = address, asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=MOST_CONNECTIONS,
                keepalive_timeout=KEEP_SECONDS,
                resolver=aiohttp.ThreadedResolver(),
                ssl=tls() if address.secure else True,
                socket_factory=_socket,
            ),
            headers=headers,
            skip_auto_headers=("accept", "content-type"),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=_Request,
            auto_decompress=False,
            max_line_size=MOST_OF_A_HEADER,
            max_field_size=MOST_OF_A_HEADER,
            max_headers=MOST_HEADERS,
        )
        self._url = lru_cache(maxsize=32)(self._url_of)

    def _url_of(self, path: str) -> yarl.URL:
        return yarl.URL(self._address.url(path), encoded=True)

    async def send(self, call: Call, watch: Watch) -> AsyncAnswer:
        """See `AsyncPool`."""
        watch.sent = False
        while True:
            try:
                return _LoopAnswer(await self._requested(call))
            except SpoiledError:
                continue

    async def _requested(self, call: Call) -> aiohttp.ClientResponse:
        limits = _limits(call.timeouts.connect)
        if call.body is None:
            return await self._session.get(self._url(call.path), allow_redirects=False, timeout=limits)
        data = call.body if len(call.body) < WHOLE_BODY else io.BytesIO(call.body)
        return await self._session.post(
            self._url(call.path), data=data, headers=_JSON, allow_redirects=False, timeout=limits
        )

    async def aclose(self) -> None:
        """See `AsyncPool`."""
        await self._session.close()

    def __del__(self) -> None:
        """A loop that was closed without its pools took the connections with it: there is nothing to warn of."""
        if self._loop.is_closed():
            with suppress(StopIteration):
                self._session.close().send(None)


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that no forked child shall share."""
    family, kind, protocol, *_ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    belongs_to_this_process(made)
    return made


@cache
def _limits(connect: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, ceil_threshold=math.inf)


class _Request(aiohttp.ClientRequest):
    """A request that tells its exchange when it is written, and to what kind of connection."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        watch = watching.get()
        if watch.sent:
            raise SentBeforeError("the connection was lost")
        if conn.protocol.should_close:
            raise SpoiledError
        line = _line_of(conn.transport)
        if line.used and readable(conn.transport.get_extra_info("socket")):
            raise SpoiledError
        line.serve(watch)
        return await super().send(conn)


def _line_of(transport: asyncio.Transport) -> _Line:
    found = transport.get_protocol()
    if isinstance(found, _Line):
        return found
    line = _Line(found)  # type: ignore[arg-type]
    transport.set_protocol(line)
    return line


class _Line(asyncio.Protocol):
    """Stands between a connection and aiohttp's reader of it, and tells the exchange under way what came."""

    def __init__(self, reader: asyncio.Protocol) -> None:
        self._reader = reader
        self._watch: Watch | None = None
        self.eof_received = reader.eof_received  # type: ignore[method-assign]
        self.pause_writing = reader.pause_writing  # type: ignore[method-assign]
        self.resume_writing = reader.resume_writing  # type: ignore[method-assign]
        self.connection_lost = reader.connection_lost  # type: ignore[method-assign]

    def serve(self, watch: Watch) -> None:
        """The exchange whose request is about to be written."""
        watch.sent = True
        self._watch = watch

    @property
    def used(self) -> bool:
        """Whether it has served an exchange before."""
        return self._watch is not None

    def data_received(self, data: bytes) -> None:
        if self._watch is not None:
            self._watch.received = True
        self._reader.data_received(data)


class _LoopAnswer:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.chunks: AsyncIterator[bytes] = response.content.iter_any()
        if self.headers.get("content-encoding", "identity") != "identity":
            self.chunks = _decoded(self.headers, self.chunks)

    async def aclose(self) -> None:
        """See `AsyncAnswer`."""
        self._response.close()


async def _decoded(headers: Mapping[str, str], chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    import httpx2

    from escalator.providers.http.models import async_decoded

    try:
        async for chunk in async_decoded(headers, chunks):
            yield chunk
    except httpx2.DecodingError as error:
        raise UndecodableError(str(error)) from error
