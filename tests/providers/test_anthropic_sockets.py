"""The SDK providers against real sockets that misbehave, in both colours."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from escalator.errors import ProviderError
from escalator.providers.anthropic.provider import Anthropic
from escalator.providers.google.provider import Google
from escalator.records import Completion, Timeouts
from providers.raw_server import Peer, raw_server
from providers.wires import ask, request

COLOURS = pytest.mark.parametrize("colour", ["sync", "async"])
KINDS = pytest.mark.parametrize("kind", ["anthropic", "google"])

CLAUDE_BEGIN = [
    (
        "message_start",
        {
            "message": {
                "id": "m1",
                "type": "message",
                "model": "claude-x",
                "content": [],
                "usage": {"input_tokens": 7, "output_tokens": 1},
            }
        },
    ),
    ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
    ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "Hello"}}),
]
CLAUDE_END = [
    ("content_block_stop", {"index": 0}),
    ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}),
    ("message_stop", {}),
]


def begin(peer: Peer, kind: str) -> None:
    """Send the first half of an answer that says Hello."""
    if kind == "anthropic":
        _events(peer, CLAUDE_BEGIN)
    else:
        peer.event(
            {"candidates": [{"content": {"parts": [{"text": "Hello"}]}}], "usageMetadata": {"promptTokenCount": 7}}
        )


def end(peer: Peer, kind: str) -> None:
    """Send the second half, but leave the body open."""
    if kind == "anthropic":
        _events(peer, CLAUDE_END)
    else:
        usage = {"promptTokenCount": 7, "candidatesTokenCount": 3}
        peer.event({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}], "usageMetadata": usage})


def _events(peer: Peer, events: list[tuple[str, dict[str, object]]]) -> None:
    for name, data in events:
        peer.chunk(f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode())


def made(kind: str, url: str, **options) -> Anthropic | Google:
    return (Anthropic if kind == "anthropic" else Google)("server", base_url=url, api_key="key-12345", **options)


def limited(**limits: float):
    return request(id="tiny", timeouts=Timeouts(**{"connect": 30.0, "first_byte": 60.0, "total": 120.0, **limits}))


@pytest.fixture(autouse=True)
def _warm():
    """Where wall time is measured, the import of an SDK is no part of it."""
    import anthropic  # noqa: F401
    from google import genai  # noqa: F401


def timed(provider, colour: str, **limits: float):
    ask_of = limited(**limits)
    started = time.monotonic()
    found = ask(provider, ask_of, colour=colour)
    seconds = time.monotonic() - started
    provider.close()
    return found, seconds


def failed(found, kind: str) -> ProviderError:
    assert isinstance(found, ProviderError), found
    assert found.kind == kind, found
    return found


@KINDS
@COLOURS
@pytest.mark.parametrize("stream", [True, False])
def test_a_whole_answer_comes_over_a_real_socket(kind: str, colour: str, stream: bool) -> None:
    """The plain case, before the others: one request, one answer, one connection."""
    usage = {"input_tokens": 7, "output_tokens": 3}
    block = {"type": "text", "text": "Hello"}
    whole = {
        "anthropic": {
            "id": "m1",
            "type": "message",
            "model": "claude-x",
            "content": [block],
            "stop_reason": "end_turn",
            "usage": usage,
        },
        "google": {
            "candidates": [{"content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3},
        },
    }

    def script(peer: Peer) -> None:
        peer.request()
        peer.head(content_type="text/event-stream" if stream else "application/json")
        if stream:
            begin(peer, kind)
            end(peer, kind)
        else:
            peer.chunk(json.dumps(whole[kind]).encode())
        peer.chunk(b"")
        peer.wait()

    with raw_server(script) as server:
        found, _ = timed(made(kind, server.url, stream=stream), colour)

    assert isinstance(found, Completion), repr(found)
    assert (found.text, found.condition) == ("Hello", "ok")
    assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.estimated) == (7, 3, False)
    assert 0 < found.first_byte_seconds <= found.seconds
    assert len(server.requests) == 1


@pytest.mark.clock
@KINDS
@COLOURS
@pytest.mark.parametrize("head", [True, False])
def test_silence_ends_at_the_first_byte_limit(kind: str, colour: str, head: bool) -> None:
    """A server that says nothing, with or without a head, costs the first-byte limit and no more."""

    def script(peer: Peer) -> None:
        peer.request()
        if head:
            peer.head()
        peer.wait()

    with raw_server(script) as server:
        found, seconds = timed(made(kind, server.url), colour, first_byte=0.5, total=60.0)
        assert "first_byte" in str(failed(found, "timeout"))
        assert found.billed
        assert 0.4 < seconds < 20
        assert server.left.wait(200)

    assert len(server.requests) == 1


@pytest.mark.clock
@KINDS
@COLOURS
@pytest.mark.parametrize("trickle", [True, False])
def test_a_stream_that_stalls_or_trickles_ends_at_the_total_limit(kind: str, colour: str, trickle: bool) -> None:
    """Neither silence nor empty lines and comments extend the deadline; figures of an answer that was not finished are none."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        begin(peer, kind)
        while trickle:
            peer.chunk(b": still here\n\n" if kind == "anthropic" else b"\n")
            time.sleep(0.01)
        peer.wait()

    with raw_server(script) as server:
        found, seconds = timed(made(kind, server.url), colour, first_byte=1.5, total=2.0)
        error = failed(found, "timeout")
        assert server.left.wait(200)

    assert "total" in str(error)
    assert (error.billed, error.input_tokens, error.output_tokens) == (True, None, None)
    assert 1.9 < seconds < 20


@KINDS
@COLOURS
@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_stream_that_dies_is_cut(kind: str, colour: str, how: str) -> None:
    """However the connection ends, an answer without its end is no answer."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        begin(peer, kind)
        time.sleep(0.05)
        if how == "reset":
            peer.reset()

    with raw_server(script) as server:
        error = failed(timed(made(kind, server.url), colour)[0], "stream_cut")

    assert (error.billed, error.input_tokens, error.output_tokens) == (True, None, None)
    assert len(server.requests) == 1


@KINDS
@COLOURS
def test_a_stream_that_hangs_after_its_end_is_a_whole_answer(kind: str, colour: str) -> None:
    """Once everything has come, a server that does not hang up costs a short grace only."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        begin(peer, kind)
        end(peer, kind)
        peer.wait()

    with raw_server(script) as server:
        found, _ = timed(made(kind, server.url), colour, total=250.0)
        assert server.left.wait(200)

    assert isinstance(found, Completion), repr(found)
    assert found.text == "Hello"


@KINDS
@COLOURS
def test_a_refused_port_is_a_connection_that_failed(kind: str, colour: str) -> None:
    """Nothing was sent, nothing is billed, and the address is named."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    error = failed(timed(made(kind, f"http://127.0.0.1:{port}"), colour)[0], "connection")

    assert not error.billed
    assert str(port) in str(error)


@KINDS
def test_a_cancelled_call_closes_its_connection(kind: str) -> None:
    """Whoever gives up on an answer stops paying for it: the server sees the connection close."""
    begun = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        begin(peer, kind)
        begun.set()
        peer.wait()

    async def cancel(url: str) -> None:
        provider = made(kind, url)
        call = asyncio.create_task(provider.acomplete(limited()))
        await asyncio.to_thread(begun.wait, 200)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await asyncio.to_thread(server.left.wait, 200)
        await provider.aclose()

    with raw_server(script) as server:
        asyncio.run(cancel(server.url))


@KINDS
def test_a_failure_in_a_stream_gives_the_connection_up(kind: str) -> None:
    """An error inside a stream ends the exchange; the connection is not left open behind it."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        begin(peer, kind)
        if kind == "anthropic":
            _events(peer, [("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})])
        else:
            peer.event({"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}})
        peer.wait()

    with raw_server(script) as server:
        provider = made(kind, server.url)
        error = failed(ask(provider, limited(), colour="sync"), "overloaded")
        assert server.left.wait(200)
        provider.close()

    assert error.billed


@KINDS
def test_calls_share_connections_and_survive_a_close(kind: str) -> None:
    """Connections are kept between calls, and a closed provider opens new ones."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.head()
            begin(peer, kind)
            end(peer, kind)
            peer.chunk(b"")

    with raw_server(script) as server:
        provider = made(kind, server.url)
        for _ in range(3):
            assert provider.complete(limited()).text == "Hello"
        assert server.connections == 1
        provider.close()
        assert provider.complete(limited()).text == "Hello"
        provider.close()
        assert server.connections == 2


@KINDS
def test_one_provider_serves_several_event_loops(kind: str) -> None:
    """Connections belong to the loop that opened them, so each loop gets its own and they end with it."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.head()
            begin(peer, kind)
            end(peer, kind)
            peer.chunk(b"")

    async def twice(provider) -> list[str]:
        found = await asyncio.gather(provider.acomplete(limited()), provider.acomplete(limited()))
        return [completion.text for completion in found]

    with raw_server(script) as server:
        provider = made(kind, server.url)
        for _ in range(3):
            assert asyncio.run(twice(provider)) == ["Hello", "Hello"]


@COLOURS
def test_redirects_are_not_followed(colour: str) -> None:
    """A key never travels to another host because a server said so."""

    def elsewhere(peer: Peer) -> None:
        peer.request()
        pytest.fail("the redirect was followed")

    with raw_server(elsewhere) as other:

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(
                f"HTTP/1.1 307 Go\r\nlocation: {other.url}/v1/messages\r\ncontent-length: 0\r\n\r\n".encode()
            )
            peer.wait()

        with raw_server(script) as server:
            found, _ = timed(made("anthropic", server.url), colour)

    assert isinstance(found, ProviderError)
    assert other.connections == 0


SLOW_IMPORT = """
import sys, time

class Leaping:
    seconds, clock = 0.0, staticmethod(time.monotonic)

    def find_spec(self, name, path=None, target=None):
        if name in {"anthropic", "google.genai"} and name.endswith(kind.replace("google", "genai")):
            self.seconds = 3600.0

kind, url, colour = sys.argv[1:]
leaping = Leaping()
time.monotonic = lambda: leaping.clock() + leaping.seconds
sys.meta_path.insert(0, leaping)

from providers.test_anthropic_sockets import limited, made
from providers.wires import ask

print(leaping.seconds)
found = ask(made(kind, url), limited(), colour=colour)
print(repr(getattr(found, "text", found)))
print(leaping.seconds)
"""


@KINDS
@COLOURS
def test_loading_the_sdk_is_no_part_of_any_limit(kind: str, colour: str) -> None:
    """The first call of a process imports its SDK for as long as it takes; a server that answers is never late.

    The clock of the child leaps when the SDK is looked for, which stands for an import that takes an hour.
    """

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        begin(peer, kind)
        end(peer, kind)
        peer.chunk(b"")

    with raw_server(script) as server:
        done = subprocess.run(
            [sys.executable, "-c", SLOW_IMPORT, kind, server.url, colour],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parent.parent,
        )

    assert done.stdout.splitlines() == ["0.0", "'Hello'", "3600.0"], done.stderr
