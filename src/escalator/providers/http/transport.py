"""One exchange with a server over HTTP, in both colours, with deadlines that hold and errors that say how.

An `Endpoint` owns the connections to one base URL: one pool for threads, one per event loop, each opened when
first used and kept. A `Reader` takes the answer in pieces. Nothing here knows a provider's dialect.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from escalator.errors import ProviderError
from escalator.providers.http.address import Address, proxy_of
from escalator.providers.http.faults import translate
from escalator.providers.http.pools import Answer, AsyncAnswer, AsyncPool, Call, Pool
from escalator.providers.http.watch import Alarm, Timing, Watch, watching

if TYPE_CHECKING:
    import asyncio

    import httpx2

__all__ = ["DONE_GRACE", "FIGURES_GRACE", "MOST_BYTES", "Call", "Endpoint", "Reader", "Whole"]

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

    `transport` and `async_transport` replace the network, for tests. `direct` says whether a proxy of the
    environment is passed by; None leaves that to the address (`proxy_of`). Raises `ConfigError` where `base_url`
    is no web address.
    """

    direct: bool | None = None

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        async_transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._address = Address(self.base_url)
        self._headers = {"accept-encoding": "identity", "user-agent": "escalator", **(headers or {})}
        self._given, self._given_async = transport, async_transport
        self._pool: Pool | None = None
        self._loaded = False
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def exchange(self, call: Call, reader: Reader) -> Timing:
        """Send a request and feed the answer to the reader. Raises `ProviderError`."""
        pool = self._pool_of_threads()
        watch = Watch(call.timeouts)
        token = watching.set(watch)
        try:
            answer = _sent(pool, call, watch)
            try:
                watch.status = answer.status
                reader.start(answer.status, answer.headers)
                for chunk in answer.chunks:
                    _take(watch, reader, chunk)
            finally:
                answer.close()
        except pool.errors as error:
            if not reader.complete:
                raise translate(error, watch, self.base_url) from error
        finally:
            watching.reset(token)
        return watch.timing()

    async def aexchange(self, call: Call, reader: Reader) -> Timing:
        """The same without blocking the event loop; a cancelled exchange closes its connection."""
        import asyncio

        loop = asyncio.get_running_loop()
        pool = await self._pool_of_loop(loop)
        watch = Watch(call.timeouts)
        token = watching.set(watch)
        try:
            async with asyncio.timeout(None) as timeout:
                alarm = Alarm(watch, timeout, loop)
                try:
                    await _exchanged(pool, call, reader, watch, alarm)
                finally:
                    alarm.stop()
        except pool.errors as error:
            if not reader.complete:
                raise translate(error, watch, self.base_url) from error
        finally:
            watching.reset(token)
        return watch.timing()

    def _pool_of_threads(self) -> Pool:
        if self._pool is None:
            opened = self._open()
            with self._lock:
                if self._pool is None:
                    self._pool = opened
        return self._pool

    def _open(self) -> Pool:
        if self._given is not None:
            from escalator.providers.http.models import ModelPool

            return ModelPool(self._given, self._address, self._headers)
        from escalator.providers.http.direct import DirectPool

        return DirectPool(self._address, self._headers, direct=self.direct)

    async def _pool_of_loop(self, loop: asyncio.AbstractEventLoop) -> AsyncPool:
        kept = self._by_loop.get(loop)
        if kept is None:
            if not self._loaded:
                await loop.run_in_executor(None, self._load)
            kept = self._by_loop.get(loop) or await self._keep(loop, self._open_async())
        return kept.pool

    def _load(self) -> None:
        """What takes too long for an event loop."""
        if self._given_async is None:
            import_module("escalator.providers.http.aio")
        if self._address.secure:
            from escalator.providers.http.sockets import tls

            tls()
        self._loaded = True

    def _open_async(self) -> AsyncPool:
        if self._given_async is None and proxy_of(self.base_url, direct=self.direct) is None:
            from escalator.providers.http.aio import LoopPool

            return LoopPool(self._address, self._headers)
        from escalator.providers.http.models import AsyncModelPool, open_async_transport

        transport = self._given_async or open_async_transport(self.base_url, direct=self.direct)
        return AsyncModelPool(transport, self._address, self._headers)

    async def _keep(self, loop: asyncio.AbstractEventLoop, pool: AsyncPool) -> _Kept:
        kept = _Kept(pool)
        with self._lock:
            gone = [self._by_loop.pop(other) for other in list(self._by_loop) if other.is_closed()]
            self._by_loop[loop] = kept
        await kept.watch_over()
        for other in gone:
            await other.pool.aclose()
        return kept

    def close(self) -> None:
        """Close the connections of threads; the next exchange opens new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

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

    def __init__(self, pool: AsyncPool) -> None:
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


def _sent(pool: Pool, call: Call, watch: Watch) -> Answer:
    try:
        return pool.send(call, watch)
    except pool.errors:
        if not watch.stale:
            raise
    return pool.send(call, watch.again())


async def _asent(pool: AsyncPool, call: Call, watch: Watch) -> AsyncAnswer:
    try:
        return await pool.send(call, watch)
    except pool.errors:
        if not watch.stale:
            raise
    return await pool.send(call, watch.again())


async def _exchanged(pool: AsyncPool, call: Call, reader: Reader, watch: Watch, alarm: Alarm) -> None:
    answer = await _asent(pool, call, watch)
    try:
        watch.status = answer.status
        reader.start(answer.status, answer.headers)
        async for chunk in answer.chunks:
            _take(watch, reader, chunk)
            alarm.check()
    finally:
        await answer.aclose()


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
