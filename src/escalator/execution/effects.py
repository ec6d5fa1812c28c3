"""The few things that really touch the world, and how threads and event loops each do them.

Everything above this file is written once, as flows that yield these effects. A sync and an async function
perform them; no other code in the engine has a colour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread, get_ident
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from escalator.errors import LedgerBusyError, LedgerError, ProviderError, SandboxError
from escalator.flow import Flow
from escalator.forking import ForkLock

if TYPE_CHECKING:
    import asyncio

    from escalator.providers import Provider
    from escalator.records import Command, Completion, Request
    from escalator.sandbox import Sandbox

T = TypeVar("T")

BIG = 10_000
"""Characters from which on pure work leaves the event loop for a thread."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for a write of the ledger, or for other work: for `within` seconds of the real clock, and never longer
    than its own patience lasts.

    Answered by its result, by `Late`, or if `told` by the `LedgerError` it came to.
    """

    future: Future[Any]
    within: float | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """What was waited for is not there; `error` says why."""

    error: LedgerBusyError | TimeoutError


@dataclass(frozen=True, slots=True)
class Send:
    """Send one request. Answered by a `Completion`, or by the `ProviderError` as a value."""

    provider: Provider
    request: Request


@dataclass(frozen=True, slots=True)
class Locate:
    """Find out where a model really runs, within `seconds`. Answered by the host that is not the user's own, empty
    if there is none, or by the `ProviderError` as a value. `url` is the address to look up, empty if it is known.
    """

    provider: Provider
    model_id: str
    url: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Execute:
    """Run a process in the sandbox. Answered by a `RunResult`, or by the `SandboxError` as a value."""

    sandbox: Sandbox
    command: Command


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait this many seconds. Answered by None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Compute:
    """Call a function that does no I/O of its own. `size` says how much it chews on, in characters."""

    function: Callable[[], Any]
    size: int = 0


@dataclass(frozen=True, slots=True)
class Consult:
    """Call something of the caller's that may block or be a coroutine function. Answered by what it returns."""

    function: Callable[[], Any]


def computed(function: Callable[[], T], size: int = 0) -> Flow[T]:
    """The value of pure work: at once where there is little of it, else as an effect, to free the loop."""
    return function() if size < BIG else (yield Compute(function, size))


def awaited(future: Future[Any], most: float) -> Flow[bool]:
    """Whether some work has ended, after waiting for it so many seconds of the real clock at most."""
    if not future.done():
        yield Wait(future, most)
    return future.done()


def written(future: Future[T], within: float | None = None) -> Flow[T]:
    """The result of a write of the ledger, waited for where it is not there yet.

    Raises `LedgerBusyError` where it is not there within so many seconds, or the ledger's patience.
    """
    return future.result() if future.done() else (yield from _waited(Wait(future, within)))


def _waited(wait: Wait) -> Flow[Any]:
    reply = yield wait
    if isinstance(reply, Late):
        raise reply.error
    return reply


def kept(future: Future[Any], within: float | None = None) -> Flow[str]:
    """Wait for what the ledger must not lose: where that takes too long it waits in memory, and the work goes on.

    What kept it, as a sentence; empty if it was written.
    """
    try:
        yield from written(future, within)
    except LedgerBusyError as error:
        return str(error)
    return ""


def asked(question: Callable[[], T], within: float | None = None) -> Flow[T]:
    """The answer to a question that may hang, asked in a thread of its own. Raises `TimeoutError`."""
    answer: Future[T] = Future()

    def ask() -> None:
        try:
            answer.set_result(question())
        except BaseException as error:  # noqa: BLE001  # handed to the one who waits
            answer.set_exception(error)

    Thread(target=ask, name="escalator-question", daemon=True).start()
    found: T = yield from _waited(Wait(answer, within))
    return found


def attempted(future: Future[T], within: float | None = None) -> Flow[T | LedgerError]:
    """The result of a write, or the `LedgerError` it came to, or will have come to by then."""
    wait = Wait(future, within, told=True)
    found: Any = _result(wait) if future.done() else (yield wait)
    if not isinstance(found, Late):
        reply: T | LedgerError = found
        return reply
    if isinstance(found.error, LedgerError):
        return found.error
    raise found.error


Effect: TypeAlias = Wait | Send | Locate | Execute | Sleep | Compute | Consult


_blocks = 0
_blocks_lock = ForkLock()


@contextmanager
def block_requests() -> Iterator[None]:
    """Within this block no request leaves the process; see `escalator.testing.no_model_requests`."""
    global _blocks  # noqa: PLW0603  one switch for the whole process is the point
    with _blocks_lock:
        _blocks += 1
    try:
        yield
    finally:
        with _blocks_lock:
            _blocks -= 1


def _blocked(effect: Send | Locate) -> ProviderError | None:
    if not _blocks or getattr(effect.provider, "scripted", False):
        return None
    text = "no_model_requests() is in force and this provider is real; use escalator.testing.ScriptedProvider"
    return ProviderError(text, kind="network_blocked", provider=effect.provider.name, sent=False)


def _asked(effect: Send | Locate) -> Completion | str:
    return effect.provider.complete(effect.request) if isinstance(effect, Send) else _located(effect)


async def _aasked(effect: Send | Locate) -> Completion | str:
    if isinstance(effect, Send):
        return await effect.provider.acomplete(effect.request)
    found: str = await _in_thread(partial(_located, effect))
    return found


def _located(effect: Locate) -> str:
    """Look the address up, then ask the server itself."""
    from escalator.providers.http.address import strayed

    away = strayed(effect.url) if effect.url else ""
    ask = getattr(effect.provider, "whereabouts", None)
    return away if away or ask is None else str(ask(effect.model_id, seconds=effect.seconds))


def perform_effect(effect: Effect, *, sleep: Callable[[float], None] = time.sleep) -> Any:
    """Perform one effect in the calling thread."""
    match effect:
        case Compute():
            return effect.function()
        case Wait():
            return _result(effect)
        case Send() | Locate():
            try:
                return _blocked(effect) or _asked(effect)
            except ProviderError as error:
                return error
        case Execute():
            try:
                return effect.sandbox.run(effect.command)
            except SandboxError as error:
                return error
        case Sleep():
            return sleep(effect.seconds)
        case Consult():
            return _run_if_coroutine(effect.function())


async def aperform_effect(effect: Effect, *, sleep: Callable[[float], Any] | None = None) -> Any:
    """Perform one effect without blocking the running event loop."""
    import asyncio

    match effect:
        case Compute():
            return effect.function() if effect.size < BIG else await _in_thread(effect.function)
        case Wait():
            return await _committed(effect)
        case Send() | Locate():
            try:
                return _blocked(effect) or await _aasked(effect)
            except ProviderError as error:
                return error
        case Execute():
            try:
                return await effect.sandbox.arun(effect.command)
            except SandboxError as error:
                return error
        case Sleep():
            return await (sleep or asyncio.sleep)(effect.seconds)
        case Consult():
            answer = await asyncio.to_thread(effect.function)
            return await answer if hasattr(answer, "__await__") else answer


def _patience(wait: Wait) -> float | None:
    """Seconds to wait, None for as long as it takes: what is no write of a ledger ends by itself."""
    limits = [limit for limit in (wait.within, getattr(wait.future, "patience", None)) if limit is not None]
    return min(limits) if limits else None


def _result(wait: Wait) -> Any:
    """The result of what the calling thread waits for."""
    try:
        return wait.future.result(_patience(wait))
    except (LedgerBusyError, TimeoutError) as error:
        return Late(error)
    except LedgerError as error:
        if not wait.told:
            raise
        return error


async def _committed(wait: Wait) -> Any:
    """The result of a write; cancelling the caller does not cancel the write."""
    import asyncio

    future, seconds = wait.future, _patience(wait)
    if not future.done():
        loop, here = asyncio.get_running_loop(), get_ident()
        waiter = loop.create_future()

        def written(_: Future[Any]) -> None:
            if get_ident() == here:
                _wake(waiter)
            else:
                with suppress(RuntimeError):  # the loop is gone, and so is who waited in it
                    loop.call_soon_threadsafe(_wake, waiter)

        future.add_done_callback(written)
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except TimeoutError:
            give_up = getattr(future, "give_up", TimeoutError)
            return Late(give_up(seconds))
    return _result(wait)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def _in_thread(function: Callable[[], Any]) -> Any:
    """Run pure work in a thread; a cancelled caller waits for its end, since a running flow cannot be closed."""
    import asyncio

    work = asyncio.ensure_future(asyncio.to_thread(function))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


def _run_if_coroutine(answer: Any) -> Any:
    """The answer of a callback; a coroutine is run to its end on a loop of its own, in a thread of its own."""
    if not hasattr(answer, "__await__"):
        return answer
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    async def finish() -> Any:
        return await answer

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, finish()).result()
