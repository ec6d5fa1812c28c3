"""What every kind of connection must do alike: heads, bodies, redirects, repeats, certificates, idle lines."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import time

import pytest

from escalator.errors import ProviderError
from escalator.providers.http.models import open_async_transport, open_transport
from escalator.providers.http.transport import Call, Endpoint, Whole
from escalator.records import Timeouts
from processor import check_soon
from providers.raw_server import CERTIFICATE, Peer, raw_server

COLOURS = pytest.mark.parametrize("colour", ["sync", "async", "sync, httpx2", "async, httpx2"])


def _endpoint(url: str, colour: str, **options: object) -> Endpoint:
    if "httpx2" in colour:
        options |= {"transport": open_transport(url), "async_transport": open_async_transport(url)}
    return Endpoint(url, **options)


def _read(url: str, colour: str, *calls: Call, pause: float = 0.0) -> list[Whole | ProviderError]:
    """What came of some calls in a row over one endpoint."""
    endpoint = _endpoint(url, colour)
    if colour.startswith("sync"):
        found = [_one(endpoint, call) for call in calls]
        endpoint.close()
        return found

    async def all_of_them() -> list[Whole | ProviderError]:
        answers: list[Whole | ProviderError] = []
        for call in calls:
            reader = Whole()
            try:
                await endpoint.aexchange(call, reader)
                answers.append(reader)
            except ProviderError as error:
                answers.append(error)
            await asyncio.sleep(pause)
        await endpoint.aclose()
        return answers

    return asyncio.run(all_of_them())


def _one(endpoint: Endpoint, call: Call) -> Whole | ProviderError:
    reader = Whole()
    try:
        endpoint.exchange(call, reader)
    except ProviderError as error:
        return error
    return reader


def _call(body: bytes | None = b"{}", **limits: float) -> Call:
    return Call(
        path="/ask me?x=1", body=body, timeouts=Timeouts(**{"first_byte": 200.0, "total": 200.0, **limits})
    )


def _plain(peer: Peer, body: bytes = b"yes", *more: str) -> None:
    head = "".join(f"{line}\r\n" for line in ("HTTP/1.1 200 OK", f"content-length: {len(body)}", *more))
    peer.send(f"{head}\r\n".encode() + body)


@COLOURS
def test_a_request_says_what_it_is_and_no_more(colour: str) -> None:
    """Host, length, type and our own headers; the path is quoted, and no cookie comes back with the next request."""

    def script(peer: Peer) -> None:
        while peer.request():
            _plain(peer, b"yes", "set-cookie: a=b; path=/")

    with raw_server(script) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        for found in _read(url, colour, _call(), _call()):
            assert isinstance(found, Whole)
            assert (found.status, found.body) == (200, b"yes")
        first, second = server.requests
        assert first == second
        line, *headers = first.lower().split(b"\r\n")
        assert line == b"post /ask%20me?x=1 http/1.1"
        assert {header.partition(b":")[0] for header in headers} == {
            b"host",
            b"accept-encoding",
            b"user-agent",
            b"content-type",
            b"content-length",
        }
        assert b"host: " + url.removeprefix("http://").encode() in headers


@COLOURS
def test_a_user_in_the_base_url_is_not_sent(colour: str) -> None:
    """Keys are given as keys; what stands before the @ of an address is no header."""

    def script(peer: Peer) -> None:
        peer.request()
        _plain(peer)

    with raw_server(script) as server:
        url = server.url.replace("//", "//me:secret@")
        found = _read(url, colour.removesuffix(", httpx2"), _call())[0]
        assert isinstance(found, Whole)
        assert b"authorization" not in server.requests[0].lower()


@COLOURS
def test_long_heads_are_read_and_endless_ones_are_not(colour: str) -> None:
    """A gateway's policy header may have 50 kB; a head of a megabyte is no answer, and read no further."""

    def script(peer: Peer) -> None:
        request = peer.request()
        size = 1_000_000 if b"content-length: 3" in request.lower() else 50_000
        _plain(peer, b"yes", f"x-policy: {'a' * size}")
        peer.wait()

    with raw_server(script) as server:
        found = _read(server.url, colour, _call())[0]
        assert isinstance(found, Whole)
        assert len(found.headers["x-policy"]) == 50_000
        failed = _read(server.url, colour, _call(b"[ ]"))[0]
        assert isinstance(failed, ProviderError)
        assert failed.kind == "bad_response"


@COLOURS
def test_a_redirect_is_not_followed(colour: str) -> None:
    """It could carry a key and a prompt to another host."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(f"HTTP/1.1 307 Off\r\nlocation: {server.url}/other\r\ncontent-length: 0\r\n\r\n".encode())
        peer.wait()

    with raw_server(script) as server:
        found = _read(server.url, colour, _call())[0]
        assert isinstance(found, Whole)
        assert found.status == 307
        assert len(server.requests) == 1


@COLOURS
def test_a_compressed_body_is_read_and_a_broken_one_is_a_bad_response(colour: str) -> None:
    """Some gateways compress although nobody asked for it."""

    def script(peer: Peer) -> None:
        request = peer.request()
        body = gzip.compress(b"yes" * 1000)
        _plain(peer, b"no gzip" if b"content-length: 3" in request.lower() else body, "Content-Encoding: gzip")
        peer.wait()

    with raw_server(script) as server:
        found = _read(server.url, colour, _call())[0]
        assert isinstance(found, Whole)
        assert found.body == b"yes" * 1000
        failed = _read(server.url, colour, _call(b"[ ]"))[0]
        assert isinstance(failed, ProviderError)
        assert failed.kind == "bad_response"
        assert failed.billed


@COLOURS
def test_a_large_body_arrives_whole(colour: str) -> None:
    """Pictures make prompts of several megabytes."""

    def script(peer: Peer) -> None:
        peer.request()
        _plain(peer)

    with raw_server(script) as server:
        found = _read(server.url, colour, _call(b'"' + b"x" * 3_000_000 + b'"'))[0]
        assert isinstance(found, Whole)
        assert b"content-length: 3000002" in server.requests[0].lower()


@COLOURS
@pytest.mark.parametrize("body", [None, b"{}"], ids=["GET", "POST"])
def test_nothing_below_the_caller_sends_twice(colour: str, body: bytes | None) -> None:
    """A client library may think a GET safe to repeat; here only the caller decides."""

    def script(peer: Peer) -> None:
        peer.request()

    with raw_server(script) as server:
        failed = _read(server.url, colour, _call(body))[0]
        assert isinstance(failed, ProviderError)
        assert (failed.kind, failed.billed) == ("connection", True)
        assert len(server.requests) == 1


@COLOURS
def test_a_kept_connection_that_is_reset_in_the_head_is_not_replaced(colour: str) -> None:
    """However it ends: once a byte came the server has worked on the request."""

    def script(peer: Peer) -> None:
        peer.request()
        _plain(peer)
        peer.request()
        peer.send(b"HTTP/1.1 200 ")
        time.sleep(0.05)
        peer.reset()

    with raw_server(script) as server:
        first, second = _read(server.url, colour, _call(), _call())
        assert isinstance(first, Whole)
        assert isinstance(second, ProviderError)
        assert len(server.requests) == 2


@pytest.mark.clock
@COLOURS
def test_a_kept_connection_on_which_nothing_is_said_is_waited_for_and_not_asked_again(colour: str) -> None:
    """Silence is no death: the server may be working, and a second request would make it work twice."""

    def script(peer: Peer) -> None:
        peer.request()
        if len(server.requests) == 1:
            _plain(peer)
            peer.request()
        peer.wait()

    with raw_server(script) as server:
        first, second = _read(server.url, colour, _call(), _call(first_byte=0.3))
        assert isinstance(first, Whole)
        assert isinstance(second, ProviderError)
        assert (second.kind, second.billed) == ("timeout", True)
        check_soon(server.left.wait, 2)
        assert len(server.requests) == 2


@COLOURS
def test_a_restarted_server_is_asked_once_over_a_new_connection(colour: str) -> None:
    """Connections that a server closed while they were idle are noticed before anything is written to them."""

    def script(peer: Peer) -> None:
        peer.request()
        _plain(peer)

    with raw_server(script) as server:
        found = _read(server.url, colour, *[_call()] * 3, pause=0.05)
        assert all(isinstance(answer, Whole) for answer in found)
        assert (len(server.requests), server.connections) == (3, 3)


@COLOURS
def test_a_certificate_is_believed_only_if_somebody_vouches_for_it(
    colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SSL_CERT_FILE` names the authority of a company; without it the server cannot be reached, and nothing is sent."""

    def script(peer: Peer) -> None:
        peer.request()
        _plain(peer)

    with raw_server(script, secure=True) as server:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        failed = _read(server.url, colour, _call())[0]
        assert isinstance(failed, ProviderError)
        assert (failed.kind, failed.billed) == ("connection", False)
        assert "certificate" in str(failed)
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        found = _read(server.url, colour, _call())[0]
        assert isinstance(found, Whole)
        assert found.body == b"yes"
        assert len(server.requests) == 1


def test_a_loop_closed_without_its_generators_makes_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    """Callers that manage a loop by hand see no complaint about connections they never opened themselves."""

    def script(peer: Peer) -> None:
        peer.request()
        _plain(peer)

    with raw_server(script) as server, caplog.at_level(logging.WARNING):
        endpoint = Endpoint(server.url)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(endpoint.aexchange(_call(), Whole()))
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()
        del endpoint, loop
        gc.collect()
        assert [record.message for record in caplog.records] == []
