"""A chat-completions server on loopback in a process of its own: instant, late, or broken in a chosen way.

The model id of a request decides what comes back: `good`, `word by word`, or the name of a fault in `FAULTS`. `GET
/counts` tells how many requests each model id got. It speaks just enough HTTP for the clients measured here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PATH = "adding.py"
BASE = "def add(a, b):\n    return None\n"
RIGHT = f"{PATH}\n```python\ndef add(a, b):\n    return a + b\n```\n"
UNPARSABLE = f"{PATH}\n```python\ndef add(a, b:\n    return a + b\n```\n"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}

_MODEL = re.compile(rb'"model":\s*"([^"]*)"')
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_STREAM = re.compile(rb'"stream":\s*true')


def _response(body: bytes, *, status: str = "200 OK", kind: str = "application/json", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def _completion(content: str | None) -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "good", "choices": [choice]}
    return json.dumps({**body, "usage": USAGE}).encode()


_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _streamed(content: str) -> bytes:
    """The whole answer as server-sent events in one chunk."""

    def event(choices: list[object], **more: object) -> str:
        base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "good"}
        return f"data: {json.dumps({**base, 'choices': choices, **more})}\n\n"

    said = event([{"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": None}])
    said += event([{"index": 0, "delta": {}, "finish_reason": "stop"}]) + event([], usage=USAGE)
    data = (said + "data: [DONE]\n\n").encode()
    return _HEAD + _chunk(data) + b"0\r\n\r\n"


def word_events(words: int) -> list[bytes]:
    """The server-sent events of an answer of so many words, each event one of them, as local servers send it."""
    same = {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "good",
        "system_fingerprint": "b1",
    }
    deltas = [*({"content": f"word{number} "} for number in range(words)), {}]
    choices = [
        {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None if delta else "stop"}
        for delta in deltas
    ]
    events = [{**same, "choices": [choice]} for choice in choices] + [{**same, "choices": [], "usage": USAGE}]
    return [f"data: {json.dumps(event)}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


_CUT = _HEAD + b"9\r\ndata: {}\n\r\n"

FAULTS: dict[str, bytes | None] = {
    "500 always": _response(b'{"error": {"message": "out of order"}}', status="500 Internal Server Error"),
    "503 always": _response(b'{"error": {"message": "overloaded"}}', status="503 Service Unavailable"),
    "429, Retry-After 60": _response(
        b'{"error": {"message": "slow down"}}', status="429 Too Many Requests", more="retry-after: 60\r\n"
    ),
    "401": _response(b'{"error": {"message": "no such key"}}', status="401 Unauthorized"),
    "hang": None,
    "stall in the body": _CUT,
    "truncated JSON": _response(_completion("")[:60]),
    "200 with HTML": _response(b"<html><body>Sign in</body></html>", kind="text/html"),
    "no choices": _response(b'{"id": "c", "model": "good", "choices": []}'),
    "content null": _response(_completion(None)),
    "Python that does not parse": _response(_completion(UNPARSABLE)),
    "I don't know": _response(_completion("I don't know.")),
}
"""What each fault sends; None is nothing at all."""

BY_WORD = "word by word"
"""The model id that is answered with 300 words, each an event and a chunk of its own."""

WORDS = _HEAD + b"".join(_chunk(event) for event in word_events(300)) + b"0\r\n\r\n"
GOOD, GOOD_STREAMED = _response(_completion(RIGHT)), _streamed(RIGHT)


class Chat(asyncio.Protocol):
    """One connection."""

    def __init__(self, counts: Counter[str], delay: float) -> None:
        self._counts, self._delay, self._data = counts, delay, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._data[:end])
        length = _LENGTH.search(head)
        size = end + 4 + (int(length[1]) if length else 0)
        if len(self._data) < size:
            return
        body = bytes(self._data[end + 4 : size])
        del self._data[:size]
        self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /counts"):
            self._transport.write(_response(json.dumps(self._counts).encode()))
            return
        named = _MODEL.search(body)
        model = json.loads(b'"' + named[1] + b'"') if named else ""
        self._counts[model] += 1
        good = GOOD_STREAMED if _STREAM.search(body, max(0, len(body) - 400)) else GOOD
        reply = WORDS if model == BY_WORD else FAULTS.get(model, good)
        if reply is not None and self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._write, reply)
        elif reply is not None:
            self._write(reply)

    def _write(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)


async def serve(delay: float, ready: Callable[[int], None]) -> None:
    """Answer until the process ends; `ready` is told the port."""
    counts: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Chat(counts, delay), "127.0.0.1", 0, backlog=1024)
    ready(server.sockets[0].getsockname()[1])
    await server.serve_forever()


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str

    def counts(self) -> dict[str, int]:
        """Requests so far, by model id."""
        with urllib.request.urlopen(f"{self.url}/counts") as answer:
            counts: dict[str, int] = json.load(answer)
            return counts


@contextmanager
def server(*, delay: float = 0.0) -> Iterator[Server]:
    """A server for the length of a block. `delay`: seconds before each answer."""
    with started(__file__, "--delay", str(delay)) as url:
        yield Server(url=url)


@contextmanager
def started(program: str, *options: str) -> Iterator[str]:
    """The address of a server in a process of its own, which prints its port, for the length of a block."""
    process = subprocess.Popen([sys.executable, program, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delay", type=float, default=0.0)
    asyncio.run(serve(parser.parse_args().delay, lambda port: print(port, flush=True)))
