"""A chat-completions server that goes wrong in every way that may cost money, and keeps the bill.

Each request is answered, refused, dropped, cut or left hanging at random. The server bills what a real one might:
the prompt and every token that may have been thought of, wherever it read the request and did not refuse it. `GET
/bill` tells requests and nano-dollars, `GET /heal` makes it answer every request from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

INPUT, OUTPUT = 1_000, 4_000
"""Nano-dollars a token: 1 and 4 USD per million."""

RIGHT = "adding.py\n```python\ndef add(a, b):\n    return a + b\n```\n"
BROKEN = "adding.py\n```python\ndef add(a, b:\n    return a + b\n```\n"

FATES = {
    "right": 60,
    "does not parse": 8,
    "without usage": 4,
    "500": 6,
    "503": 4,
    "429": 3,
    "dropped unread": 3,
    "dropped when read": 4,
    "cut in the middle": 4,
    "hangs": 2,
    "slow": 2,
}
"""How often each befalls a request, of a hundred."""

REFUSALS = {"500": "Internal Server Error", "503": "Service Unavailable", "429": "Too Many Requests"}

_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass
class Bill:
    """What was asked and what it costs, nano-dollars."""

    chance: random.Random
    requests: int = 0
    billed: int = 0
    healed: bool = False
    fates: dict[str, int] = field(default_factory=dict)

    def fate(self) -> str:
        self.requests += 1
        kind = "right" if self.healed else self.chance.choices(list(FATES), list(FATES.values()))[0]
        self.fates[kind] = self.fates.get(kind, 0) + 1
        return kind


class Peer(asyncio.Protocol):
    """One connection."""

    def __init__(self, bill: Bill) -> None:
        self._bill, self._data, self._kind = bill, bytearray(), ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._data[:end])
        if head.startswith(b"GET "):
            self._data.clear()
            self._tell(head)
            return
        self._kind = self._kind or self._bill.fate()
        if self._kind == "dropped unread":
            self._transport.abort()
            return
        length = _LENGTH.search(head)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(self._data) >= size:
            body = json.loads(bytes(self._data[end + 4 : size]))
            del self._data[:size]
            kind, self._kind = self._kind, ""
            self._answer(kind, body)

    def _tell(self, head: bytes) -> None:
        self._bill.healed |= b"/heal" in head
        told = {"requests": self._bill.requests, "billed": self._bill.billed, "fates": self._bill.fates}
        self._transport.write(_plain(json.dumps(told).encode()))

    def _answer(self, kind: str, body: dict[str, object]) -> None:
        prompt = len(json.dumps(body.get("messages"))) // 5
        most = int(str(body.get("max_completion_tokens") or body.get("max_tokens") or 0))
        if kind in REFUSALS:
            self._transport.write(_plain(b'{"error": {"message": "out of order"}}', f"{kind} {REFUSALS[kind]}"))
            return
        whole = kind in {"right", "does not parse", "slow"}
        output = 20 if whole else most
        self._bill.billed += prompt * INPUT + output * OUTPUT
        if kind == "dropped when read":
            self._transport.abort()
        elif kind == "cut in the middle":
            self._transport.write(_HEAD + _chunk(b": thinking\n\n"))
            asyncio.get_running_loop().call_later(0.01, self._transport.abort)
        elif kind != "hangs":
            usage = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
            reply = _streamed(BROKEN if kind == "does not parse" else RIGHT, usage if whole else None)
            asyncio.get_running_loop().call_later(0.3 if kind == "slow" else 0.0, self._write, reply)

    def _write(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)


def _plain(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _streamed(content: str, usage: dict[str, int] | None) -> bytes:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "good"}
    choices = [
        {"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ]
    events = [json.dumps({**base, "choices": [choice]}) for choice in choices]
    events += [json.dumps({**base, "choices": [], "usage": usage})] if usage else []
    data = "".join(f"data: {event}\n\n" for event in (*events, "[DONE]")).encode()
    return _HEAD + _chunk(data) + b"0\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def serve(seed: int, ready: Callable[[int], None]) -> None:
    """Answer until the process ends; `ready` is told the port."""
    bill = Bill(random.Random(seed))
    loop = asyncio.get_running_loop()
    served = await loop.create_server(lambda: Peer(bill), "127.0.0.1", 0, backlog=1024)
    ready(served.sockets[0].getsockname()[1])
    await served.serve_forever()


@dataclass(frozen=True)
class Faulty:
    """A running server."""

    url: str

    def ask(self, what: str) -> dict[str, object]:
        """The bill; "heal" makes every request from now on a right answer."""
        with urllib.request.urlopen(f"{self.url}/{what}") as answer:
            told: dict[str, object] = json.load(answer)
            return told


@contextmanager
def faulty_server(seed: int) -> Iterator[Faulty]:
    """A server for the length of a block."""
    from benchmarks.server import started  # not at the top: as a program this file stands alone

    with started(__file__, "--seed", str(seed)) as url:
        yield Faulty(url=url)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    asyncio.run(serve(parser.parse_args().seed, lambda port: print(port, flush=True)))
