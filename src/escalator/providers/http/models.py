"""Our connections behind the requests and responses of httpx2: for the SDKs, for proxies, and for tests.

Building those models costs as much as the exchange itself, so what need not have them goes without. Imports
httpx2, so import this module only to open a connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

import httpcore2
import httpx2

from escalator.providers.http.pools import Answer, AsyncAnswer, Call, Errors
from escalator.providers.http.sockets import CORE_ERRORS, open_async_pool, open_pool

if TYPE_CHECKING:
    from escalator.providers.http.address import Address
    from escalator.providers.http.watch import Watch

TRANSPORT_ERRORS: Errors = (httpx2.TransportError, httpx2.DecodingError, httpx2.StreamError, *CORE_ERRORS)
"""What may come out of a transport: ours raises the core's errors, a test's mock those of httpx2."""


def open_transport(url: str, *, direct: bool | None = None) -> httpx2.BaseTransport:
    """A pool for the server of this URL, for use from threads. `direct`: see `proxy_of`."""
    return _Transport(open_pool(url, direct=direct))


def open_async_transport(url: str, *, direct: bool | None = None) -> httpx2.AsyncBaseTransport:
    """A pool for the server of this URL, for one event loop."""
    return _AsyncTransport(open_async_pool(url, direct=direct))


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


class ModelPool:
    """Exchanges of threads over a transport of httpx2."""

    errors: Errors = TRANSPORT_ERRORS

    def __init__(self, transport: httpx2.BaseTransport, address: Address, headers: Mapping[str, str]) -> None:
        self._transport, self._address, self._headers = transport, address, headers

    def send(self, call: Call, watch: Watch) -> Answer:
        """See `Pool`."""
        request = _request(self._address, self._headers, call, watch)
        return _ModelAnswer(self._transport.handle_request(request))

    def close(self) -> None:
        """See `Pool`."""
        self._transport.close()


class AsyncModelPool:
    """Exchanges of an event loop over a transport of httpx2."""

    errors: Errors = TRANSPORT_ERRORS

    def __init__(self, transport: httpx2.AsyncBaseTransport, address: Address, headers: Mapping[str, str]) -> None:
        self._transport, self._address, self._headers = transport, address, headers

    async def send(self, call: Call, watch: Watch) -> AsyncAnswer:
        """See `Pool`."""
        request = _request(self._address, self._headers, call, watch)
        return _AsyncModelAnswer(await self._transport.handle_async_request(request))

    async def aclose(self) -> None:
        """See `Pool`."""
        await self._transport.aclose()


def _request(address: Address, headers: Mapping[str, str], call: Call, watch: Watch) -> httpx2.Request:
    left = max(watch.left(), 0.001)
    return httpx2.Request(
        "GET" if call.body is None else "POST",
        address.url(call.path),
        headers=headers if call.body is None else {**headers, "content-type": "application/json"},
        content=call.body,
        extensions={"timeout": {"connect": min(call.timeouts.connect, left), "pool": left}},
    )


class _ModelAnswer:
    def __init__(self, response: httpx2.Response) -> None:
        self.status, self.headers = response.status_code, response.headers
        self.chunks = response.iter_bytes()
        self.close = response.close


class _AsyncModelAnswer:
    def __init__(self, response: httpx2.Response) -> None:
        self.status, self.headers = response.status_code, response.headers
        self.chunks = response.aiter_bytes()
        self.aclose = response.aclose


def decoded(headers: Mapping[str, str], chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A body without its content encoding. Raises `httpx2.DecodingError`."""
    return httpx2.Response(200, headers=headers, stream=_Stream(chunks)).iter_bytes()


def async_decoded(headers: Mapping[str, str], chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same on an event loop."""
    return httpx2.Response(200, headers=headers, stream=_AsyncStream(chunks)).aiter_bytes()


class _Stream(httpx2.SyncByteStream):
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)


class _AsyncStream(httpx2.AsyncByteStream):
    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._chunks)
