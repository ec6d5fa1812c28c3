"""Exchanges of threads straight on httpx2's core, without the models of requests and responses above it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import httpcore2

from escalator.providers.http.faults import UndecodableError
from escalator.providers.http.pools import Answer, Call, Errors
from escalator.providers.http.sockets import CORE_ERRORS, open_pool

if TYPE_CHECKING:
    from escalator.providers.http.address import Address
    from escalator.providers.http.watch import Watch


class DirectPool:
    """A pool of httpx2's core for one server, through the proxy of the environment where there is one."""

    errors: Errors = (*CORE_ERRORS, UndecodableError)

    def __init__(self, address: Address, headers: Mapping[str, str], *, direct: bool | None = None) -> None:
        self._pool = open_pool(address.url(""), direct=direct)
        self._address = address
        self._headers = [
            (b"host", address.netloc.encode()),
            *((name.encode(), value.encode()) for name, value in headers.items()),
        ]
        self._url = lru_cache(maxsize=32)(self._url_of)

    def _url_of(self, path: str) -> httpcore2.URL:
        return httpcore2.URL(
            scheme=self._address.scheme,
            host=self._address.host,
            port=self._address.port,
            target=self._address.target(path),
        )

    def send(self, call: Call, watch: Watch) -> Answer:
        """See `Pool`."""
        headers = self._headers
        if call.body is not None:
            length = str(len(call.body)).encode()
            headers = [*headers, (b"content-type", b"application/json"), (b"content-length", length)]
        left = max(watch.left(), 0.001)
        request = httpcore2.Request(
            "GET" if call.body is None else "POST",
            self._url(call.path),
            headers=headers,
            content=call.body,
            extensions={"timeout": {"connect": min(call.timeouts.connect, left), "pool": left}},
        )
        return _DirectAnswer(self._pool.handle_request(request))

    def close(self) -> None:
        """See `Pool`."""
        self._pool.close()


class _DirectAnswer:
    def __init__(self, response: httpcore2.Response) -> None:
        self.status = response.status
        self.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
        }
        self.chunks = cast("Iterable[bytes]", response.stream)
        if self.headers.get("content-encoding", "identity") != "identity":
            self.chunks = _decoded(self.headers, self.chunks)
        self.close = response.close


def _decoded(headers: Mapping[str, str], chunks: Iterable[bytes]) -> Iterator[bytes]:
    import httpx2

    from escalator.providers.http.models import decoded

    try:
        yield from decoded(headers, chunks)
    except httpx2.DecodingError as error:
        raise UndecodableError(str(error)) from error
