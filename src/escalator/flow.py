"""How pure code asks for work, and the two small drivers that do it.

A *flow* is a generator that yields steps, is sent replies and returns a value. Code written as a flow does no
I/O itself, so it runs unchanged under threads, under asyncio, in a replay of recorded replies and in tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")

Flow: TypeAlias = Generator[object, Any, T]
"""A generator of steps that is sent one reply a step and returns a `T`."""


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The flow has ended and this is what it returned."""

    value: T


@dataclass(frozen=True, slots=True)
class Next:
    """The flow waits for the reply to this step."""

    step: object


def advance(flow: Flow[T], reply: Any = None) -> Next | Done[T]:
    """Send one reply into the flow and take its next step, or its value if it has ended.

    The only place that catches `StopIteration`: one leaking out of a provider can never look like an end.
    """
    try:
        return Next(flow.send(reply))
    except StopIteration as stop:
        return Done(stop.value)


def drive(flow: Flow[T], perform: Callable[[Any], object]) -> T:
    """Run a flow to its end, performing each step with a plain function."""
    with closing(flow):
        state = advance(flow)
        while isinstance(state, Next):
            state = advance(flow, perform(state.step))
        return state.value


async def adrive(flow: Flow[T], perform: Callable[[Any], Awaitable[object]]) -> T:
    """Run a flow to its end, performing each step with a coroutine function."""
    with closing(flow):
        state = advance(flow)
        while isinstance(state, Next):
            state = advance(flow, await perform(state.step))
        return state.value
