"""Whatever becomes of a request that was sent: one hold, one row, and as much in the books as may be billed."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from escalator import Escalator, Outcome
from escalator.ledger.log import CallRecord
from escalator.testing import MemoryLedger
from houses import BASE, adds, chain_of
from providers.dialects import OUTPUT, PROMPT, WIRES, Dialect
from providers.raw_server import Peer, raw_server

INPUT_PRICE, OUTPUT_PRICE, MOST_OUTPUT = Decimal(1), Decimal(10), 1000
MAY_BE = (PROMPT * INPUT_PRICE + MOST_OUTPUT * OUTPUT_PRICE) / 1_000_000
"""USD of a call whose model thought, unseen, as long as it was allowed to."""
USED = (PROMPT * INPUT_PRICE + OUTPUT * OUTPUT_PRICE) / 1_000_000

COLOURS = pytest.mark.parametrize("colour", ["sync", "async"])
KINDS = pytest.mark.parametrize("wire", WIRES.values(), ids=list(WIRES))


def _matrix(url: str, wire: Dialect, limits: dict[str, float] | None = None) -> dict[str, Any]:
    far = {"connect": 200.0, "first_byte": 200.0, "idle": 200.0, "total": 200.0}
    return {
        "version": 1,
        "providers": {"paid": {"kind": wire.kind, "base_url": url, "local": False, "api_key_env": "A_KEY"}},
        "models": {
            "one": {
                "provider": "paid",
                "id": "m",
                "tier": "haiku",
                "context": 32000,
                "max_output": MOST_OUTPUT,
                "price": {"input": INPUT_PRICE, "output": OUTPUT_PRICE},
                "timeout": {**far, **(limits or {})},
            }
        },
        "task_types": chain_of("one", max_attempts=1),
        "cost_guard": {"before_paid": "warn"},
        "transport": {"retries": 0},
    }


def _do(
    house: Escalator, colour: str, times: int = 1, *, between: Callable[[], object] = lambda: None
) -> list[Outcome]:
    """Some tasks in a row; `between` blocks the thread after each, and with it the loop that might hear something."""
    given: dict[str, Any] = {"files": BASE, "validators": [adds], "task_type": "standard_development"}
    if colour == "sync":
        found = []
        for _ in range(times):
            found.append(house.execute("Make add() add.", **given))
            between()
        return found

    async def go() -> list[Outcome]:
        found = []
        async with house:
            for _ in range(times):
                found.append(await house.aexecute("Make add() add.", **given))
                between()
        return found

    return asyncio.run(go())


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "key-1234567890")


def _cost(row: CallRecord) -> Decimal:
    return Decimal(row.cost) / 1_000_000_000


@dataclass(frozen=True)
class Fault:
    """What a server does with a request, and what that may be billed at: nothing, what was used, or all."""

    name: str
    play: Callable[[Peer, Dialect], None]
    bill: Decimal
    limits: dict[str, float] | None = None


def _status(status: int, body: object = "no") -> Callable[[Peer, Dialect], None]:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def play(peer: Peer, wire: Dialect) -> None:
        kind = "text/html" if isinstance(body, str) else "application/json"
        head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\n\r\n"
        peer.send(head.encode() + data)

    return play


def _cut(peer: Peer, wire: Dialect) -> None:
    wire.head(peer)
    wire.begin(peer)
    time.sleep(0.05)
    peer.reset()


def _silent(peer: Peer, wire: Dialect) -> None:
    wire.head(peer)
    wire.begin(peer)
    peer.wait()


def _fails(peer: Peer, wire: Dialect) -> None:
    wire.head(peer)
    wire.begin(peer)
    wire.fail(peer)
    peer.chunk(b"")


REFUSED = {
    "error": {"message": "try later", "type": "rate_limit_error", "code": 429, "status": "RESOURCE_EXHAUSTED"}
}
FAULTS = [
    Fault("refused: too many requests", _status(429, REFUSED), Decimal(0)),
    Fault("refused: a failure of its own", _status(500, {"error": {"message": "oops"}}), Decimal(0)),
    Fault("given up by a gateway", _status(504), MAY_BE),
    Fault("a bad gateway", _status(502), MAY_BE),
    Fault("a page instead of an answer", _status(200, "<html>hello</html>"), MAY_BE),
    Fault("JSON that is no answer", _status(200, {"hello": 1}), MAY_BE),
    Fault("closed without a word", lambda peer, wire: None, MAY_BE),
    Fault("reset without a word", lambda peer, wire: peer.reset(), MAY_BE),
    Fault("only a head", lambda peer, wire: wire.head(peer), MAY_BE),
    Fault("cut in the middle", _cut, MAY_BE),
    Fault("silence", lambda peer, wire: peer.wait(), MAY_BE, {"first_byte": 1.0, "total": 1.0}),
    Fault("silence in the middle", _silent, MAY_BE, {"total": 1.5}),
    Fault("a failure in the middle", _fails, MAY_BE),
    Fault("an answer without figures", lambda peer, wire: wire.whole(peer, usage=False), MAY_BE),
    Fault("an answer", lambda peer, wire: wire.whole(peer), USED),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@KINDS
@COLOURS
def test_the_books_have_what_may_be_billed(fault: Fault, wire: Dialect, colour: str) -> None:
    """One request, one row, and never less in it than the provider may ask for; nothing stays held."""

    def script(peer: Peer) -> None:
        while peer.request():
            fault.play(peer, wire)
            if not fault.name.startswith(("refused", "an answer")):
                return

    with raw_server(script) as server:
        ledger = MemoryLedger()
        with Escalator(_matrix(server.url, wire, fault.limits), ledger=ledger) as house:
            (outcome,) = _do(house, colour)
        (row,) = ledger.calls()
        assert len(server.requests) == 1

    booked = _cost(row)
    assert (row.held, outcome.cost) == (0, booked)
    if fault.bill in {Decimal(0), USED}:
        assert booked == fault.bill
    else:
        assert row.cost == row.amount
        assert booked >= fault.bill


@KINDS
@COLOURS
def test_a_kept_connection_that_dies_with_a_request_on_it_is_two_calls_in_the_books(
    wire: Dialect, colour: str
) -> None:
    """The first is answered and booked as used, the second read whole and lost: booked in full, not sent again."""

    def script(peer: Peer) -> None:
        peer.request()
        wire.whole(peer)
        peer.request()

    with raw_server(script) as server:
        ledger = MemoryLedger()
        with Escalator(_matrix(server.url, wire), ledger=ledger) as house:
            first, second = _do(house, colour, 2)
        assert (len(server.requests), server.connections) == (2, 1)

    assert (first.status, second.attempts[-1].failure.kind) == ("accepted", "connection")
    rows = ledger.calls()
    assert min(_cost(row) for row in rows) == USED
    assert max(row.cost for row in rows) == max(row.amount for row in rows)


@KINDS
@COLOURS
def test_a_connection_closed_after_its_answer_is_found_dead_before_it_is_used(wire: Dialect, colour: str) -> None:
    """Even where the event loop has not heard of it yet: each task has one request and one row."""
    closed = threading.Semaphore(0)

    def script(peer: Peer) -> None:
        peer.request()
        wire.whole(peer)
        peer.sock.shutdown(socket.SHUT_RDWR)
        closed.release()

    with raw_server(script) as server:
        ledger = MemoryLedger()
        with Escalator(_matrix(server.url, wire), ledger=ledger) as house:
            found = _do(house, colour, 4, between=lambda: closed.acquire(timeout=200))
        assert (len(server.requests), server.connections) == (4, 4)

    assert {outcome.status for outcome in found} == {"accepted"}
    assert [_cost(row) for row in ledger.calls()] == [USED] * 4


@KINDS
@COLOURS
def test_a_server_that_stops_reading_the_request_may_still_bill_it(wire: Dialect, colour: str) -> None:
    """How much of a long prompt arrived is not known here; it is not sent again, and it is booked in full."""
    seen = []

    def script(peer: Peer) -> None:
        seen.append(peer.sock.recv(1000))
        peer.reset()

    with raw_server(script) as server:
        ledger = MemoryLedger()
        with Escalator(_matrix(server.url, wire), ledger=ledger) as house:
            given: dict[str, Any] = {"files": {**BASE, "notes.txt": "word " * 10_000}, "validators": [adds]}
            if colour == "sync":
                house.execute("Make add() add.", **given)
            else:
                asyncio.run(house.aexecute("Make add() add.", **given))
        assert server.connections == 1

    (row,) = ledger.calls()
    assert row.cost == row.amount > 0
    assert row.error == "connection"


@KINDS
@COLOURS
def test_where_nobody_listens_nothing_is_booked(wire: Dialect, colour: str) -> None:
    """A request that never left is free."""
    with raw_server(lambda peer: None) as server:
        url = server.url
    ledger = MemoryLedger()
    with Escalator(_matrix(url, wire), ledger=ledger) as house:
        _do(house, colour)
    (row,) = ledger.calls()
    assert (row.cost, row.held, row.error) == (0, 0, "connection")


def test_what_a_stranger_provider_raises_leaves_its_hold_in_the_books() -> None:
    """An error nobody has a name for says nothing about the bill."""
    from escalator.providers import ThreadedProvider
    from escalator.records import Completion, Request

    class Odd(ThreadedProvider):
        name = "paid"

        def complete(self, request: Request) -> Completion:
            raise RuntimeError("cannot read the answer")

    ledger = MemoryLedger()
    house = Escalator(_matrix("http://test", WIRES["openai"]), ledger=ledger, providers=Odd())
    with pytest.raises(RuntimeError, match="cannot read"):
        _do(house, "sync")
    (row,) = ledger.calls()
    assert (row.state, row.held) == ("doubt", 0)
    assert row.cost == row.amount > 0


@KINDS
@COLOURS
@pytest.mark.parametrize("ledger", [":memory:", "file"])
def test_closing_the_house_lets_a_call_under_way_be_heard_out(
    wire: Dialect, colour: str, ledger: str, tmp_path: Any
) -> None:
    """What has been paid for is returned and booked; the house is closed when its last task has ended."""
    asked, closed = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        while peer.request():
            asked.set()
            closed.wait(200)
            wire.whole(peer)
        server.left.set()

    place = str(tmp_path / "ledger.sqlite") if ledger == "file" else ledger

    def close_it(house: Escalator) -> None:
        asked.wait(200)
        house.close()
        closed.set()

    async def both(house: Escalator) -> Outcome:
        work = asyncio.ensure_future(house.aexecute("Make add() add.", files=BASE, validators=[adds]))
        await asyncio.to_thread(asked.wait, 200)
        await house.aclose()
        closed.set()
        return await work

    with raw_server(script) as server:
        house = Escalator(_matrix(server.url, wire), ledger=place)
        if colour == "sync":
            closer = threading.Thread(target=close_it, args=(house,))
            closer.start()
            outcome = house.execute("Make add() add.", files=BASE, validators=[adds])
            closer.join()
        else:
            outcome = asyncio.run(both(house))
        assert server.left.wait(200)
        assert len(server.requests) == 1

    assert (outcome.status, outcome.cost) == ("accepted", USED)
    if ledger == "file":
        with Escalator(_matrix("http://test", wire), ledger=place) as again:
            assert [_cost(row) for row in again.ledger.calls()] == [USED]
