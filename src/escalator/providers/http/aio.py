"""Connections of an event loop, on aiohttp. Imports aiohttp, so import this module only to open a connection.

The deadline is kept by the exchange, which cancels; what is told here is whether a connection had served others
before, and whether a byte of the answer came, since that decides whether a request may have been worked on.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from escalator.providers.http.watch import Watch, watching

if TYPE_CHECKING:
    from escalator.providers.http.transport import Call

KEEP_SECONDS = 4.0
"""How long an idle connection is kept: local servers close theirs after five seconds."""
LONGEST_HEADER = 64 * 1024
PIECE = 256 * 1024
"""A longer body is written in pieces of this size, so that the loop runs in between."""

ERRORS: tuple[type[Exception], ...] = (aiohttp.ClientError, OSError)
"""What may come out of a request or of its answer."""


class _Watched(ResponseHandler):
    """One connection; tells the exchange it serves that bytes came."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.watch: Watch | None = None

    def data_received(self, data: bytes) -> None:
        if self.watch is not None:
            self.watch.received = True
        super().data_received(data)


class _Connector(aiohttp.TCPConnector):
    """A pool without a limit of its own, whose connections know the exchange they serve."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(limit=0, keepalive_timeout=KEEP_SECONDS, ssl=tls or True)
        self._factory: Any = functools.partial(_Watched, loop=self._loop)

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 - the base's name
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol: Any = connection.protocol
            if not protocol.should_close:
                break
            connection.close()  # a farewell, such as 408, came while it was idle: it is no answer
        watch = watching.get()
        watch.reused, protocol.watch = protocol.watch is not None, watch
        return connection


class Answer:
    """The head of an answer, and its body in pieces as they come."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, decoded if the server encoded it."""
        return self._response.content.iter_any()


class Pool:
    """The connections of one event loop to one server."""

    errors = ERRORS

    def __init__(self, base_url: str, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> None:
        self._base = base_url
        self._urls: dict[str, URL] = {}
        self._session = aiohttp.ClientSession(
            connector=_Connector(tls),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
        )

    @asynccontextmanager
    async def answer(self, call: Call, watch: Watch) -> AsyncIterator[Answer]:
        """Send a request; a kept connection that turns out to be dead is replaced once."""
        try:
            response = await self._send(call, watch)
        except ERRORS:
            if not watch.stale:
                raise
            response = await self._send(call, watch)
        try:
            yield Answer(response)
        finally:
            response.close()

    async def _send(self, call: Call, watch: Watch) -> aiohttp.ClientResponse:
        connect = min(call.timeouts.connect, max(watch.left(), 0.001))
        url = self._urls.get(call.path)
        if url is None:
            url = self._urls[call.path] = URL(self._base + call.path, encoded=True)
        timeout = aiohttp.ClientTimeout(total=None, connect=connect, sock_connect=connect, ceil_threshold=1e9)
        if call.body is None:
            return await self._session.get(url, timeout=timeout, allow_redirects=False)
        headers = {"content-type": "application/json"}
        body: Any = call.body
        if len(call.body) > PIECE:
            headers["content-length"] = str(len(call.body))
            body = _pieces(call.body)
        return await self._session.post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._session.close()


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]
