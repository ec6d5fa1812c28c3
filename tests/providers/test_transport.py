"""The transport against real sockets that misbehave, in both colours."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Mapping

import httpx2
import pytest

import escalator.providers.http.aio  # noqa: F401  # no test's clock is to count the import
from escalator.errors import ProviderError
from escalator.providers import build
from escalator.providers.chat.openai_compatible import OpenAICompatible
from escalator.providers.http.models import open_async_transport, open_transport
from escalator.providers.http.sockets import LOOK_SECONDS
from escalator.providers.http.transport import Call, Endpoint
from escalator.records import Completion, Timeouts
from processor import FAR, Stopwatch, check_soon
from providers.raw_server import Peer, delta, raw_server
from providers.wires import ask, request

LINES = pytest.mark.parametrize("colour", ["async", "async, httpx2"])
COLOURS = pytest.mark.parametrize("colour", ["sync", "async", "sync, httpx2", "async, httpx2"])
"""Both colours, each over the connections it is given by itself and over those that proxies and SDKs use."""


def _provider(url: str, colour: str) -> OpenAICompatible:
    if "httpx2" not in colour:
        return OpenAICompatible(name="server", base_url=url)
    return OpenAICompatible(
        name="server", base_url=url, transport=open_transport(url), async_transport=open_async_transport(url)
    )


def _endpoint(url: str, colour: str) -> Endpoint:
    if "httpx2" not in colour:
        return Endpoint(url)
    return Endpoint(url, transport=open_transport(url), async_transport=open_async_transport(url))


def _ask(url: str, colour: str, **limits: float) -> tuple[Completion | ProviderError, Stopwatch]:
    provider = _provider(url, colour)
    watch = Stopwatch()
    found = ask(
        provider,
        request(timeouts=Timeouts(**{"connect": FAR, "first_byte": FAR, "idle": FAR, "total": FAR, **limits})),
        colour=colour,
    )
    watch.stop()
    provider.close()
    return found, watch


def _failed(found: Completion | ProviderError, kind: str) -> ProviderError:
    assert isinstance(found, ProviderError), found
    assert found.kind == kind, found
    return found


@pytest.mark.clock
@COLOURS
def test_a_server_that_says_nothing_ends_at_the_first_byte_limit(colour: str) -> None:
    """Silence after the request, with or without a head, costs the first-byte limit and no more."""

    def only_head(peer: Peer) -> None:
        peer.request()
        peer.head()
        peer.wait()

    def nothing(peer: Peer) -> None:
        peer.request()
        peer.wait()

    for script in (only_head, nothing):
        with raw_server(script) as server:
            found, took = _ask(server.url, colour, first_byte=0.15)
            assert "first_byte" in str(_failed(found, "timeout"))
            took.check(0.1, 0.6)
            check_soon(server.left.wait, 2)
            assert len(server.requests) == 1


@pytest.mark.clock
@COLOURS
def test_a_head_that_trickles_ends_at_the_first_byte_limit(colour: str) -> None:
    """A limit per read would never end this."""

    def script(peer: Peer) -> None:
        peer.request()
        for byte in b"HTTP/1.1 200 OK\r\n" + b"x-slow: 1\r\n" * 500:
            peer.send(bytes([byte]))
            time.sleep(0.02)

    with raw_server(script) as server:
        found, took = _ask(server.url, colour, first_byte=0.2)
        assert "first_byte" in str(_failed(found, "timeout"))
        took.check(0.2, 0.7)


@pytest.mark.clock
@COLOURS
def test_a_stream_that_stalls_ends_at_the_total_limit(colour: str) -> None:
    """After the first byte the total holds, and what was written is known as a bound."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        peer.event(delta("Hello"))
        peer.wait()

    with raw_server(script) as server:
        found, took = _ask(server.url, colour, first_byte=1.0, total=1.5)
        error = _failed(found, "timeout")
        assert "total" in str(error)
        assert error.billed
        assert error.output_tokens == 5
        assert error.input_tokens
        took.check(1.4, 2.0)
        check_soon(server.left.wait, 2)


@pytest.mark.clock
@COLOURS
def test_an_answer_that_stops_streaming_is_given_up_after_the_idle_limit(colour: str) -> None:
    """Each piece begins the limit anew; then silence ends the call long before the total, and it may be billed."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        for word in ("He", "ll", "o"):
            peer.event(delta(word))
            time.sleep(0.4)
        peer.wait()

    with raw_server(script) as server:
        found, _ = _ask(server.url, colour, idle=1.0)
        error = _failed(found, "timeout")
        assert "timeouts.idle" in str(error)
        assert (error.billed, error.output_tokens) == (True, 5)
        check_soon(server.left.wait, 2)
        assert len(server.requests) == 1


@COLOURS
def test_a_server_that_is_loading_its_model_is_waited_for_beyond_the_idle_limit(colour: str) -> None:
    """Before the answer has begun only the limits of the first byte and of the whole call hold."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        time.sleep(0.6)
        peer.event(delta("Hello", finish="stop"))
        peer.event("[DONE]")

    with raw_server(script) as server:
        found, _ = _ask(server.url, colour, idle=0.2)
        assert isinstance(found, Completion)
        assert found.text == "Hello"


@pytest.mark.clock
@COLOURS
def test_a_stream_that_trickles_for_ever_ends_at_the_total_limit(colour: str) -> None:
    """Keep-alive comments do not extend the deadline."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        while True:
            peer.chunk(b": still here\n\n")
            time.sleep(0.01)

    with raw_server(script) as server:
        found, took = _ask(server.url, colour, total=0.3)
        assert "total" in str(_failed(found, "timeout"))
        took.check(0.3, 0.8)


@COLOURS
def test_a_reset_before_the_answer_is_a_failed_connection(colour: str) -> None:
    """A fresh connection that dies is not tried again: the server may have worked on it."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.reset()

    with raw_server(script) as server:
        found, _ = _ask(server.url, colour)
        assert not _failed(found, "connection").billed
        assert server.connections == 1


@COLOURS
@pytest.mark.parametrize("how", ["reset", "close", "half a chunk"])
def test_a_stream_that_dies_is_cut(colour: str, how: str) -> None:
    """However the connection ends, an answer without its end is no answer."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        peer.event(delta("Hel"))
        if how == "half a chunk":
            peer.send(b"40\r\ndata: {")
        time.sleep(0.05)
        if how == "reset":
            peer.reset()

    with raw_server(script) as server:
        found, _ = _ask(server.url, colour)
        assert _failed(found, "stream_cut").output_tokens == 3
        assert len(server.requests) == 1


@pytest.mark.clock
@COLOURS
def test_what_follows_a_finished_answer_cannot_spoil_it(colour: str) -> None:
    """A connection that dies or hangs after the finish reason leaves a usable answer."""

    def dies(peer: Peer) -> None:
        peer.request()
        peer.head()
        peer.event(delta("Four.", finish="stop"))
        time.sleep(0.05)
        peer.reset()

    def hangs(peer: Peer) -> None:
        peer.request()
        peer.head()
        peer.event(delta("Four.", finish="stop"))
        peer.event("[DONE]")
        peer.wait()

    for script in (dies, hangs):
        with raw_server(script) as server:
            found, took = _ask(server.url, colour)
            assert isinstance(found, Completion), repr(found)
            assert (found.text, found.condition, found.usage.estimated) == ("Four.", "ok", True)
            took.check(0, 1.5)


@pytest.mark.clock
@COLOURS
def test_a_port_where_nobody_listens_is_refused_at_once(colour: str) -> None:
    """The message says what to do."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found, took = _ask(f"http://127.0.0.1:{port}", colour)
    error = _failed(found, "connection")
    assert "Start the server" in str(error)
    assert not error.billed
    took.check(0, 1)


@pytest.mark.clock
@COLOURS
def test_a_server_that_does_not_accept_ends_at_the_connect_limit(colour: str) -> None:
    """A full backlog drops the handshake, as a firewall would."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        crowd = [socket.socket() for _ in range(8)]
        for sock in crowd:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        time.sleep(0.1)
        found, took = _ask(f"http://127.0.0.1:{full.getsockname()[1]}", colour, connect=0.2)
        for sock in crowd:
            sock.close()
    _failed(found, "connection")
    took.check(0, 1)


@COLOURS
def test_a_server_of_another_protocol_is_a_bad_response(colour: str) -> None:
    """base_url may point at a database."""

    def script(peer: Peer) -> None:
        peer.send(b"-ERR unknown command\r\n\r\n")
        peer.wait()

    with raw_server(script) as server:
        found, _ = _ask(server.url, colour)
        _failed(found, "bad_response")


def _twice(url: str, colour: str) -> list[Completion | ProviderError]:
    provider = _provider(url, colour)
    if colour.startswith("sync"):
        found = [ask(provider, request(), colour="sync") for _ in range(2)]
        provider.close()
        return found

    async def both() -> list[Completion | ProviderError]:
        answers: list[Completion | ProviderError] = []
        for _ in range(2):
            try:
                answers.append(await provider.acomplete(request()))
            except ProviderError as error:
                answers.append(error)
        await provider.aclose()
        return answers

    return asyncio.run(both())


@COLOURS
def test_connections_are_kept(colour: str) -> None:
    """Two calls in a row need one connection."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.whole()

    with raw_server(script) as server:
        assert all(isinstance(found, Completion) for found in _twice(server.url, colour))
        assert server.connections == 1


@COLOURS
def test_a_kept_connection_that_dies_unanswered_is_replaced_once(colour: str) -> None:
    """Local servers close idle connections at any moment; the caller must not notice."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.whole()
        if server.connections == 1:
            peer.request()
            peer.reset()

    with raw_server(script) as server:
        assert all(isinstance(found, Completion) for found in _twice(server.url, colour))
        assert server.connections == 2
        assert len(server.requests) == 3


@COLOURS
def test_a_kept_connection_that_dies_in_the_head_is_not_replaced(colour: str) -> None:
    """Once a byte came the server has worked on the request, and may charge for it."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.whole()
        peer.request()
        peer.send(b"HTTP/1.1 200 ")
        time.sleep(0.05)

    with raw_server(script) as server:
        first, second = _twice(server.url, colour)
        assert isinstance(first, Completion)
        assert isinstance(second, ProviderError)
        assert len(server.requests) == 2


@COLOURS
def test_a_farewell_on_an_idle_connection_is_no_answer(colour: str) -> None:
    """Proxies say 408 before they close an idle connection; the next call must not take it for its answer."""
    idle, said = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.whole()
        if server.connections == 1:
            idle.wait(FAR)
            peer.send(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            said.set()
        peer.wait()

    async def both(provider: OpenAICompatible) -> list[Completion]:
        answers = []
        for _ in range(2):
            answers.append(await provider.acomplete(request()))
            idle.set()
            await asyncio.to_thread(said.wait, FAR)
        await provider.aclose()
        return answers

    with raw_server(script) as server:
        provider = _provider(server.url, colour)
        if colour.startswith("sync"):
            assert provider.complete(request()).text == "Four."
            idle.set()
            assert said.wait(FAR)
            time.sleep(2 * LOOK_SECONDS)
            assert provider.complete(request()).text == "Four."
            provider.close()
        else:
            assert [found.text for found in asyncio.run(both(provider))] == ["Four.", "Four."]
        assert server.connections == 2


@pytest.mark.clock
@LINES
def test_cancelling_closes_the_connection_at_once(colour: str) -> None:
    """A cancelled call leaves nothing running on the server."""
    begun = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        peer.event(delta("Hel"))
        begun.set()
        peer.wait()

    async def cancel(url: str) -> None:
        provider = _provider(url, colour)
        task = asyncio.create_task(provider.acomplete(request()))
        await asyncio.to_thread(begun.wait, FAR)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(check_soon, server.left.wait, 2)

    with raw_server(script) as server:
        asyncio.run(cancel(server.url))


class Interrupted:
    """A reader whose user presses Ctrl-C."""

    done = complete = False

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Nothing to keep."""

    def feed(self, chunk: bytes) -> None:
        """Interrupt."""
        raise KeyboardInterrupt


@pytest.mark.clock
@COLOURS
def test_an_interrupt_closes_the_connection(colour: str) -> None:
    """Ctrl-C in the middle of an answer does not leave the stream open."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.head()
        peer.event(delta("Hel"))
        peer.wait()

    with raw_server(script) as server:
        endpoint = _endpoint(server.url, colour)
        call = Call(path="/", timeouts=Timeouts())
        run = (
            endpoint.exchange
            if colour.startswith("sync")
            else lambda *given: asyncio.run(endpoint.aexchange(*given))
        )
        with pytest.raises(KeyboardInterrupt):
            run(call, Interrupted())
        check_soon(server.left.wait, 2)
        endpoint.close()


@pytest.mark.clock
@LINES
def test_one_provider_serves_event_loops_that_come_and_go(colour: str) -> None:
    """Each `asyncio.run` gets its own connections, closed with the loop."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.whole()
        server.left.set()

    with raw_server(script) as server:
        provider = _provider(server.url, colour)
        for number in (1, 2, 3):
            server.left.clear()
            assert asyncio.run(provider.acomplete(request())).text == "Four."
            assert server.connections == number
            check_soon(server.left.wait, 2)


@LINES
def test_many_calls_at_once_share_a_provider(colour: str) -> None:
    """Threads and tasks run side by side without waiting for each other."""

    def script(peer: Peer) -> None:
        while peer.request():
            time.sleep(0.05)
            peer.whole()

    async def together(provider: OpenAICompatible) -> list[Completion]:
        return await asyncio.gather(*(provider.acomplete(request()) for _ in range(60)))

    with raw_server(script) as server:
        provider = _provider(server.url, colour)
        texts: list[str] = []
        threads = [
            threading.Thread(target=lambda: texts.append(provider.complete(request()).text)) for _ in range(10)
        ]
        for thread in threads:
            thread.start()
        answers = asyncio.run(together(provider))
        for thread in threads:
            thread.join()
        provider.close()
        assert {answer.text for answer in answers} == {"Four."}
        assert texts == ["Four."] * 10


def test_a_body_without_end_is_given_up() -> None:
    """64 MiB is more than any answer has."""

    def pieces() -> list[bytes]:
        return [b"data: 1" + b" " * 1024 * 1024] * 66

    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=iter(pieces()))
    )
    provider = OpenAICompatible(name="server", base_url="http://test", transport=transport)
    error = _failed(ask(provider, request(), colour="sync"), "bad_response")
    assert "64 MiB" in str(error)


@COLOURS
def test_the_environments_proxy_serves_remote_servers_only(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's proxy is used for the cloud and never for this machine."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.whole()

    with raw_server(script) as proxy, raw_server(script) as local:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//me:secret@"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert isinstance(_ask("http://models.example", colour)[0], Completion)
        assert isinstance(_ask(local.url, colour)[0], Completion)
        assert proxy.requests[0].startswith(b"POST http://models.example/v1/chat/completions ")
        assert b"proxy-authorization: basic" in proxy.requests[0].lower()
        assert len(local.requests) == 1


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("kind", ["openai", "ollama", "anthropic", "google"])
def test_no_proxy_stands_before_a_machine_of_ones_own(
    kind: str, colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private address, or one the matrix calls local, is reached directly or not at all, on every wire."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.whole()

    with raw_server(script) as proxy, raw_server(script) as here:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        private = build(kind, name="own", base_url=here.url.replace("127.0.0.1", "0.0.0.0"), api_key="k")
        stated = build(kind, name="own", base_url="http://models.invalid", api_key="k", local=True)
        for provider in (private, stated):
            ask(provider, request(), colour=colour)
            provider.close()
        assert (len(here.requests), proxy.requests) == (1, [])


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_private_address_that_is_not_local_keeps_its_proxy(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway of the company that the matrix calls remote is reached as the environment says."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.whole()

    with raw_server(script) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        gateway = build("openai", name="gateway", base_url="http://10.1.2.3", local=False)
        assert isinstance(ask(gateway, request(), colour=colour), Completion)
        gateway.close()
        assert len(proxy.requests) == 1
