"""A process that forks between two calls: each of them talks over connections of its own."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from escalator.providers.http.transport import Call, Endpoint, Whole


class Echo(ThreadingHTTPServer):
    """Says after a while what it was told, and counts its connections."""

    daemon_threads = True
    connections = 0

    def get_request(self) -> tuple[object, object]:  # type: ignore[override]
        self.connections += 1
        return super().get_request()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        threading.Event().wait(0.02)
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def said(endpoint: Endpoint, word: str) -> str:
    whole = Whole()
    endpoint.exchange(Call(path="/", body=json.dumps(word).encode()), whole)
    return str(json.loads(whole.body))


async def said_on_a_loop(endpoint: Endpoint, word: str) -> str:
    whole = Whole()
    await endpoint.aexchange(Call(path="/", body=json.dumps(word).encode()), whole)
    return str(json.loads(whole.body))


def children(number: int, wrong: object) -> list[int]:
    """Exit codes of that many children, at work at the same time; each returns how many answers were wrong."""
    pids = []
    for child in range(number):
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(wrong(child))  # type: ignore[operator]
            finally:
                os._exit(99)
        pids.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def test_forked_children_get_the_answers_to_their_own_requests(echo: Echo) -> None:
    """Each over a connection of its own, and the parent goes on over its own."""
    endpoint = Endpoint(f"http://127.0.0.1:{echo.server_address[1]}")
    assert said(endpoint, "parent") == "parent"

    def wrong(child: int) -> int:
        return sum(said(endpoint, f"{child}.{turn}") != f"{child}.{turn}" for turn in range(5))

    assert children(4, wrong) == [0, 0, 0, 0]
    assert said(endpoint, "parent again") == "parent again"
    assert echo.connections >= 5
    endpoint.close()


def test_a_child_of_a_process_with_an_event_loop_has_its_own(echo: Echo) -> None:
    """A loop that waits in the parent keeps its connection while children run loops of their own."""
    endpoint = Endpoint(f"http://127.0.0.1:{echo.server_address[1]}")

    def wrong(child: int) -> int:
        async def ask() -> int:
            found = [await said_on_a_loop(endpoint, f"{child}.{turn}") for turn in range(3)]
            return sum(word != f"{child}.{turn}" for turn, word in enumerate(found))

        return asyncio.run(ask())

    async def parent() -> None:
        assert await said_on_a_loop(endpoint, "parent") == "parent"
        assert children(3, wrong) == [0, 0, 0]
        assert await said_on_a_loop(endpoint, "parent again") == "parent again"

    asyncio.run(parent())
    assert echo.connections >= 4
