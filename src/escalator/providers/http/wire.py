"""What our own HTTP wires share: one request out, one streamed answer in, in both colours."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from escalator.errors import ConfigError, ProviderError
from escalator.foreign import address
from escalator.pricing import token_ceiling
from escalator.providers.base import Health, failed
from escalator.providers.failures import failure, fault_of_body
from escalator.providers.http.transport import Call, Endpoint, Reader, Whole
from escalator.providers.http.watch import Timing
from escalator.records import Timeouts

if TYPE_CHECKING:
    import httpx2

    from escalator.records import Completion, Request

ASKING = Timeouts(connect=3.0, first_byte=10.0, total=20.0)
"""Limits for questions about a server, as opposed to work for a model."""


class CompletionReader(Reader, Protocol):
    """A reader that makes a completion of what it read."""

    def completion(self, timing: Timing) -> Completion:
        """The answer. Raises `ProviderError` where it cannot be one."""
        ...

    def output_bound(self) -> int:
        """More tokens than the model has written so far."""
        ...


class WireProvider:
    """Base of a provider that speaks HTTP itself; a subclass says what is sent and how the answer reads."""

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        async_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self._api_key = _usable(api_key, name)
        known = {key.lower(): value for key, value in (headers or {}).items()}
        if self._api_key and "authorization" not in known:
            known["authorization"] = f"Bearer {self._api_key}"
        self._secrets = (self._api_key, *(value for key, value in known.items() if _is_secret(key)))
        self._endpoint = Endpoint(base_url, headers=known, transport=transport, async_transport=async_transport)

    def reach(self, *, directly: bool) -> None:
        """Pass the environment's proxies by, or not, whatever the address says; before the first request."""
        self._endpoint.direct = directly

    def _call(self, request: Request) -> Call:
        raise TypeError(f"{type(self).__name__} must say what it sends.")

    def _reader(self, request: Request) -> CompletionReader:
        raise TypeError(f"{type(self).__name__} must say how its answers read.")

    def complete(self, request: Request) -> Completion:
        """Send one request and wait for the answer. Raises `ProviderError`."""
        reader = self._reader(request)
        try:
            timing = self._endpoint.exchange(self._call(request), reader)
            return reader.completion(timing)
        except ProviderError as error:
            raise self._failed(error, request, reader) from error.__cause__

    async def acomplete(self, request: Request) -> Completion:
        """The same without blocking the event loop; cancelling it closes the connection."""
        reader = self._reader(request)
        try:
            timing = await self._endpoint.aexchange(self._call(request), reader)
            return reader.completion(timing)
        except ProviderError as error:
            raise self._failed(error, request, reader) from error.__cause__

    def _failed(self, error: ProviderError, request: Request, reader: CompletionReader) -> ProviderError:
        if error.billed and error.output_tokens is None:
            error.input_tokens = error.input_tokens or token_ceiling(request)
            error.output_tokens = reader.output_bound()
        return failed(error, provider=self.name, request=request, secrets=self._secrets)

    def _ask(self, path: str, body: Mapping[str, object] | None = None, timeouts: Timeouts = ASKING) -> object:
        """The JSON a server answers to a question about itself. Raises `ProviderError`."""
        reader = self._read(path, body, timeouts)
        try:
            return json.loads(reader.body)
        except (ValueError, RecursionError) as error:
            raise self._told(no_json(reader.status, reader.headers, reader.body)) from error

    def _read(self, path: str, body: Mapping[str, object] | None = None, timeouts: Timeouts = ASKING) -> Whole:
        """A successful answer as it came. Raises `ProviderError`."""
        reader = Whole()
        sent = None if body is None else encoded(body)
        try:
            self._endpoint.exchange(Call(path=path, body=sent, timeouts=timeouts), reader)
        except ProviderError as error:
            raise self._told(error) from error.__cause__
        if reader.status >= 400:
            fault = fault_of_body(reader.body)
            raise self._told(failure(fault, status=reader.status, headers=reader.headers, body=reader.body))
        return reader

    def _told(self, error: ProviderError) -> ProviderError:
        return failed(error, provider=self.name, request=None, secrets=self._secrets)

    def _alive(self, path: str) -> Health:
        """Whether a path answers with success, and how fast."""
        started = time.monotonic()
        try:
            self._read(path)
        except ProviderError as error:
            return Health(alive=False, seconds=time.monotonic() - started, detail=error.message)
        seconds = time.monotonic() - started
        return Health(alive=True, seconds=seconds, detail=f"{address(self._endpoint.base_url)} answers.")

    def close(self) -> None:
        """Close the connections of threads; the next call opens new ones."""
        self._endpoint.close()

    async def aclose(self) -> None:
        """Close the connections of threads and those of the running event loop."""
        await self._endpoint.aclose()


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encoded(body: Mapping[str, object]) -> bytes:
    """A request body as JSON in UTF-8. Lone surrogates, which no server accepts, become question marks."""
    return _ENCODER.encode(body).encode("utf-8", "replace")


def no_json(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error for a successful answer that is not JSON; a page of another type is no model's, and not billed."""
    what = headers.get("content-type", "").partition(";")[0] or "something without a content type"
    return ProviderError(
        f"The server answered {status} with {what} instead of a completion in JSON. Check base_url.",
        kind="bad_response",
        status=status,
        body=body[:4000].decode("utf-8", "replace"),
        billed="json" in what or "event-stream" in what,
    )


def _usable(api_key: str | None, name: str) -> str | None:
    key = (api_key or "").strip()
    if not key.isascii() or not key.isprintable():
        raise ConfigError(
            "The API key contains characters that no key has.", key=f"providers.{name}", hint="Copy it again."
        )
    return key or None


def _is_secret(header: str) -> bool:
    return any(word in header for word in ("authorization", "key", "token", "secret", "cookie"))
