"""The few things that really touch the world, and how threads and event loops each do them.

Everything above this file is written once, as flows that yield these effects. A sync and an async function
perform them; no other code in the engine has a colour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from escalator.errors import ProviderError, SandboxError
from escalator.flow import Flow

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

    from escalator.providers import Provider
    from escalator.records import Command, Completion, Request
    from escalator.sandbox import Sandbox

T = TypeVar("T")

BIG = 10_000
"""Characters from which on pure work leaves the event loop for a thread."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for a write of the ledger, or for other work, `most` seconds of the real clock where that is given.
    Answered by its result, or by None where it is not there by then.
    """

    future: Future[Any]
    most: float | None = None


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


def written(future: Future[T]) -> Flow[T]:
    """The result of a write of the ledger, waited for where it is not there yet."""
    return future.result() if future.done() else (yield Wait(future))


Effect: TypeAlias = Wait | Send | Locate | Execute | Sleep | Compute | Consult


_blocks = 0
_blocks_lock = Lock()


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
    return ProviderError(text, kind="network_blocked", provider=effect.provider.name)


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
            return effect.future.result() if effect.most is None else _in_time(effect.future, effect.most)
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
            return await _committed(effect.future, effect.most)
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


def _in_time(future: Future[Any], most: float) -> Any:
    """The result of some work, or None where it takes longer."""
    from concurrent.futures import wait

    wait([future], timeout=most)
    return future.result() if future.done() else None


async def _committed(future: Future[Any], most: float | None) -> Any:
    """The result of a write, None where it takes longer than `most`; cancelling the caller does not cancel it."""
    import asyncio

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
        if most is not None:
            await asyncio.wait([waiter], timeout=most)
            return future.result() if future.done() else None
        await waiter
    return future.result()


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
