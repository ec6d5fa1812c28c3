"""What an SDK is given in place of its own HTTP: connections that keep our deadlines, and a tap on each answer.

Imports httpx2, so import this module only when a call is made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import cast

import httpx2

from escalator.errors import ProviderError
from escalator.providers.http.models import TRANSPORT_ERRORS, open_async_transport, open_transport
from escalator.providers.http.transport import MOST_BYTES
from escalator.providers.http.watch import Watch, watching
from escalator.providers.sdk.provider import Exchange


def open_client(url: str, transport: httpx2.BaseTransport | None, *, direct: bool | None = None) -> httpx2.Client:
    """A client for threads. It follows no redirect, which could carry a key to another host."""
    opened = transport or open_transport(url, direct=direct)
    return httpx2.Client(transport=_Tap(opened), trust_env=False)


def open_async_client(
    url: str, transport: httpx2.AsyncBaseTransport | None, *, direct: bool | None = None
) -> httpx2.AsyncClient:
    """The same for one event loop."""
    opened = transport or open_async_transport(url, direct=direct)
    return httpx2.AsyncClient(transport=_AsyncTap(opened), trust_env=False)


class _Tap(httpx2.BaseTransport):
    """Gives each request the deadline of its exchange and notes what comes back."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        watch = watching.get()
        _limit(request, watch)
        try:
            response = self._inner.handle_request(request)
        except TRANSPORT_ERRORS:
            if not watch.stale:
                raise
            response = self._inner.handle_request(request)
        watch.status = response.status_code
        body = _Body(cast("httpx2.SyncByteStream", response.stream), watch)
        if isinstance(watch, Exchange):
            watch.give_up = body.close
        response.stream = body
        return response

    def close(self) -> None:
        self._inner.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, watch: Watch) -> None:
        self._stream, self._watch = stream, watch

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            _note(self._watch, chunk)
            yield chunk

    def close(self) -> None:
        self._stream.close()


class _AsyncTap(httpx2.AsyncBaseTransport):
    """The same on an event loop, which keeps the deadline itself."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        import asyncio

        watch = watching.get()
        _limit(request, watch)
        async with asyncio.timeout(watch.left()):
            try:
                response = await self._inner.handle_async_request(request)
            except TRANSPORT_ERRORS:
                if not watch.stale:
                    raise
                response = await self._inner.handle_async_request(request)
        watch.status = response.status_code
        response.stream = _AsyncBody(cast("httpx2.AsyncByteStream", response.stream), watch)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _AsyncBody(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, watch: Watch) -> None:
        self._stream, self._watch = stream, watch

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import asyncio

        chunks = aiter(self._stream)
        while True:
            async with asyncio.timeout(self._watch.left()):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            _note(self._watch, chunk)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _limit(request: httpx2.Request, watch: Watch) -> None:
    left = max(watch.left(), 0.001)
    connect = min(watch.timeouts.connect, left)
    request.extensions["timeout"] = {"connect": connect, "pool": left, "read": left, "write": left}


def _note(watch: Watch, chunk: bytes) -> None:
    watch.take(chunk)
    if watch.left() <= 0:
        raise httpx2.ReadTimeout("the deadline has passed")
    if watch.size > MOST_BYTES:
        raise ProviderError(
            f"The answer passed {MOST_BYTES // 1024 // 1024} MiB and was given up.",
            kind="bad_response",
            billed=True,
        )
