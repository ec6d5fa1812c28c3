"""What our own wires cost over the HTTP clients underneath, from one call to 500 at once, and what a stream costs.

"Ours" is a whole `complete` or `acomplete` of an OpenAI-compatible provider: the request as JSON, the streamed
answer read, every deadline, cancellation and the mapping of errors on. Raw clients post a body and read an answer
that does not stream. H is one raw `httpx.AsyncClient` POST and `.json()`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import aiohttp
import httpcore2
import httpx
import httpx2

from benchmarks.measure import Ratio, interleave, ratio_table, table
from benchmarks.server import BY_WORD, server, word_events
from escalator.providers.chat.openai_compatible import OpenAICompatible
from escalator.providers.chat.reader import ChatReader
from escalator.providers.http.models import open_async_transport, open_transport
from escalator.providers.http.watch import Timing
from escalator.records import Message, Model, Request, Tier

SHORT = "Fix add() in adding.py so that it returns the sum."
LONG = "Here is how the module came about, for context only. " * 1_930
"""A prompt of about 100 kB."""
FLOOR = "raw httpx"
MANY_FLOOR = "raw httpx2"
DELAY = 0.020
"""Seconds the server takes where many calls run at once."""

Call: TypeAlias = Callable[[], Awaitable[None]]


def request(prompt: str, model: str = "good") -> Request:
    """One request as a provider is given it."""
    asked = Model(
        name="m", id=model, provider="server", kind="openai", tier=Tier.LOCAL_FAST, context=200_000, local=True
    )
    return Request(model=asked, messages=(Message(role="user", text=prompt),))


class Clients:
    """Every asynchronous contender, alive at once on one event loop."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url, self._stack = url, stack
        self._chat = f"{url}/v1/chat/completions"

    async def calls(self, prompt: str, model: str = "good") -> dict[str, Call]:
        """One call of each, by name."""
        body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": 1024}
        sent = request(prompt, model)
        own = OpenAICompatible(name="server", base_url=self._url)
        modelled = OpenAICompatible(
            name="server", base_url=self._url, async_transport=open_async_transport(self._url)
        )
        for provider in (own, modelled):
            self._stack.push_async_callback(provider.aclose)
        return {
            FLOOR: _post(
                await self._opened(httpx.AsyncClient(limits=httpx.Limits(), timeout=60)), self._chat, body
            ),
            MANY_FLOOR: _post(
                await self._opened(httpx2.AsyncClient(limits=httpx2.Limits(), timeout=60)), self._chat, body
            ),
            "raw httpcore2": _core(await self._opened(httpcore2.AsyncConnectionPool(1000)), self._chat, body),
            "raw aiohttp": _aio(await self._opened(_session()), self._chat, body),
            "ours on aiohttp": _ours(own, sent),
            "ours on httpx2": _ours(modelled, sent),
        }

    async def _opened(self, client: Any) -> Any:
        return await self._stack.enter_async_context(client)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1000))


def _post(client: Any, url: str, body: dict[str, Any]) -> Call:
    async def call() -> None:
        (await client.post(url, json=body)).json()

    return call


def _core(pool: httpcore2.AsyncConnectionPool, url: str, body: dict[str, Any]) -> Call:
    data = json.dumps(body).encode()
    headers = {"host": url.split("/")[2], "content-type": "application/json", "content-length": str(len(data))}

    async def call() -> None:
        json.loads((await pool.request("POST", url, headers=headers, content=data)).content)

    return call


def _aio(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> Call:
    async def call() -> None:
        async with session.post(url, json=body) as response:
            await response.json()

    return call


def _ours(provider: OpenAICompatible, sent: Request) -> Call:
    async def call() -> None:
        assert (await provider.acomplete(sent)).condition == "ok"

    return call


def one_at_a_time(*, rounds: int, calls: int) -> dict[str, list[Ratio]]:
    """Short prompt, 100 kB, and an answer word by word, each contender's ratio to H with that prompt."""
    with server() as served, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        clients = Clients(served.url, stack)
        cases = {
            "One call, short prompt": (SHORT, "good"),
            "One call, prompt of 100 kB": (LONG, "good"),
            "One call, 300 words streamed one by one (raw clients read the same stream as bytes)": (
                SHORT,
                BY_WORD,
            ),
        }
        found = {}
        for title, (prompt, model) in cases.items():
            blocks = runner.run(clients.calls(prompt, model))
            if model == BY_WORD:
                blocks = {name: call for name, call in blocks.items() if name == FLOOR or "ours" in name}
                blocks[FLOOR] = runner.run(_bytes_of(served.url, stack))
            found[title] = interleave(
                {name: _block(call, calls) for name, call in blocks.items()},
                floor=FLOOR,
                rounds=rounds,
                calls=calls,
                runner=runner,
            )
        runner.run(stack.aclose())
    return found


async def _bytes_of(url: str, stack: AsyncExitStack) -> Call:
    client = await stack.enter_async_context(httpx.AsyncClient())
    body = {"model": BY_WORD, "stream": True}

    async def call() -> None:
        await client.post(f"{url}/v1/chat/completions", json=body)

    return call


def _block(call: Call, calls: int) -> Callable[[], Any]:
    async def block() -> None:
        for _ in range(calls):
            await call()

    return block


def from_threads(*, rounds: int, calls: int) -> list[Ratio]:
    """Synchronous contenders, one call at a time, to raw synchronous httpx."""
    with server() as served, asyncio.Runner() as runner, httpx.Client() as one, httpx2.Client() as two:
        chat = f"{served.url}/v1/chat/completions"
        body = {"model": "good", "messages": [{"role": "user", "content": SHORT}], "max_tokens": 1024}
        sent = request(SHORT)
        own = OpenAICompatible(name="server", base_url=served.url)
        modelled = OpenAICompatible(name="server", base_url=served.url, transport=open_transport(served.url))
        single: Mapping[str, Callable[[], object]] = {
            FLOOR: lambda: one.post(chat, json=body).json(),
            "raw httpx2": lambda: two.post(chat, json=body).json(),
            "ours on httpcore2": lambda: own.complete(sent),
            "ours on httpx2": lambda: modelled.complete(sent),
        }
        found = interleave(
            {name: _plain(call, calls) for name, call in single.items()},
            floor=FLOOR,
            rounds=rounds,
            calls=calls,
            runner=runner,
        )
        own.close()
        modelled.close()
    return found


def _plain(call: Callable[[], object], calls: int) -> Callable[[], None]:
    def block() -> None:
        for _ in range(calls):
            call()

    return block


def many_at_once(concurrent: int, *, rounds: int, calls: int) -> list[tuple[str, float, float]]:
    """(contender, calls a second, median ratio of its rate to raw httpx2's) with so many calls in flight."""
    rates: dict[str, list[float]] = {}
    with server(delay=DELAY) as served, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        contenders = runner.run(Clients(served.url, stack).calls(SHORT))
        del contenders[FLOOR]  # raw httpx 0.28 loses its rate to its own pool once dozens of connections are open
        for number in range(rounds + 1):
            for name, call in contenders.items():
                rate = runner.run(_rate(call, concurrent, calls))
                if number:
                    rates.setdefault(name, []).append(rate)
        runner.run(stack.aclose())
    floor = rates[MANY_FLOOR]
    return [
        (name, statistics.median(own), statistics.median(a / b for a, b in zip(own, floor, strict=True)))
        for name, own in rates.items()
    ]


async def _rate(call: Call, concurrent: int, calls: int) -> float:
    left = calls

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrent)))
    return calls / (time.perf_counter() - begun)


def reading(*, repeats: int, words: int = 300) -> list[tuple[str, float, float]]:
    """(how the answer arrives, us an answer at best, ratio to `json.loads` of its events alone)."""
    events = word_events(words)
    payloads = [event[6:] for event in events[:-1]]
    floor = _best(lambda: [json.loads(payload) for payload in payloads], repeats)
    arrivals = {
        "an event at a time": events,
        "ten events at a time": [b"".join(events[place : place + 10]) for place in range(0, len(events), 10)],
        "all at once": [b"".join(events)],
    }
    sent = request(SHORT)
    found = [(f"`json.loads` of {len(payloads)} events", floor * 1e6, 1.0)]
    for name, chunks in arrivals.items():
        seconds = _best(lambda chunks=chunks: _read(sent, chunks), repeats)  # type: ignore[misc]
        found.append((name, seconds * 1e6, seconds / floor))
    return found


def _read(sent: Request, chunks: list[bytes]) -> None:
    reader = ChatReader(sent)
    reader.start(200, {"content-type": "text/event-stream"})
    for chunk in chunks:
        reader.feed(chunk)
    assert reader.completion(Timing(seconds=1.0, first_byte=1.0)).condition == "ok"


def _best(work: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks transports", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=40, help="calls in one block")
    parser.add_argument("--concurrent", type=int, nargs="*", default=[50, 500])
    parser.add_argument("--many", type=int, default=1500, help="calls of one run with many at once")
    chosen = parser.parse_args(argv)
    for title, ratios in one_at_a_time(rounds=chosen.rounds, calls=chosen.calls).items():
        print(f"\n{title}\n\n{ratio_table(ratios)}", flush=True)
    sync = from_threads(rounds=chosen.rounds, calls=chosen.calls)
    print(
        f"\nOne call from a thread, to raw synchronous httpx\n\n{ratio_table(sync, unit='to httpx')}", flush=True
    )
    for concurrent in chosen.concurrent:
        rows = many_at_once(concurrent, rounds=max(1, chosen.rounds // 3), calls=chosen.many)
        cells = ((name, round(rate), ratio) for name, rate, ratio in rows)
        heads = ("", "calls/s", f"to {MANY_FLOOR}")
        print(
            f"\n{concurrent} at a time, server answers after {DELAY * 1000:.0f} ms\n\n{table(heads, cells)}",
            flush=True,
        )
    cells = ((name, round(us), ratio) for name, us, ratio in reading(repeats=chosen.rounds * 10))
    print(f"\nReading an answer of 300 words\n\n{table(('', 'us', 'to json.loads'), cells)}")


if __name__ == "__main__":
    main()
