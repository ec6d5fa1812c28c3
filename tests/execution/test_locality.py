"""A local_only prompt leaves no machine of the user's, whatever a model is called and wherever its server is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from escalator import Escalator
from escalator.kinds import at_home
from escalator.providers.http.address import strayed
from escalator.testing import ScriptedProvider
from houses import BASE, RIGHT, chain_of
from providers.raw_server import Peer, raw_server

Execute = Callable[..., Any]
ALIAS = {"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b", "capabilities": []}
TASK: dict[str, Any] = {"task": "Fix add().", "files": BASE, "task_type": "standard_development"}


@dataclass
class Box:
    """An Ollama server; `shows` is what it says of each model, an int a status without a body."""

    url: str = ""
    shows: dict[str, Any] = field(default_factory=dict)
    heads: list[bytes] = field(default_factory=list)

    def asked(self, path: str) -> int:
        return sum(head.startswith(f"POST {path} ".encode()) for head in self.heads)

    def serve(self, peer: Peer) -> None:
        while head := peer.request():
            self.heads.append(head)
            told: Any = {"model": "x", "message": {"content": RIGHT}, "done": True, "done_reason": "stop"}
            if b"/api/show" in head:
                told = self.shows.get("one", {"capabilities": []})
            status = told if isinstance(told, int) else 200
            body = b"{}" if isinstance(told, int) else json.dumps(told).encode()
            if b"/v1/chat" in head:
                peer.whole(RIGHT)
                continue
            peer.send(f"HTTP/1.1 {status} Told\r\ncontent-type: application/json\r\n".encode())
            peer.send(f"content-length: {len(body)}\r\n\r\n".encode() + body)


@contextmanager
def a_box(**shows: Any) -> Iterator[Box]:
    box = Box(shows=shows)
    with raw_server(box.serve) as server:
        box.url = server.url
        yield box


def a_matrix(url: str, kind: str = "ollama", **model: Any) -> dict[str, Any]:
    one = {"provider": "box", "id": "mine", "tier": "local_fast", "context": 8192, **model}
    return {
        "version": 1,
        "providers": {"box": {"kind": kind, "base_url": url}},
        "models": {"one": one},
        "task_types": chain_of("one"),
        "transport": {"retries": 0},
    }


def a_house(url: str, ledger: Any = ":memory:", **more: Any) -> Escalator:
    return Escalator(a_matrix(url, **more), ledger=ledger)


@pytest.mark.parametrize("kind", ["ollama", "openai"])
def test_an_alias_of_a_model_elsewhere_gets_no_local_only_prompt(execute: Execute, kind: str) -> None:
    """The server is asked where the model runs before the first prompt leaves, on either wire it speaks."""
    with a_box(one=ALIAS) as box, a_house(box.url, kind=kind) as house:
        outcome = execute(house, local_only=True, **TASK)
        assert outcome.status == "stopped"
        assert "https://ollama.com:443" in outcome.reason
        assert (box.asked("/api/show"), box.asked("/api/chat"), box.asked("/v1/chat/completions")) == (1, 0, 0)


def test_nobody_elses_model_is_taken_for_free(execute: Execute) -> None:
    """A price of zero stands on the model being here: an alias is refused before it is asked."""
    with a_box(one=ALIAS) as box, a_house(box.url) as house:
        outcome = execute(house, **TASK)
        assert outcome.cause == "unknown_price"
        assert box.asked("/api/chat") == 0


def test_a_server_that_does_not_say_is_good_enough_only_where_it_may_be_elsewhere(execute: Execute) -> None:
    """For a local_only task "nobody knows" is no; for any other it is no reason to stop."""
    with a_box(one=500) as box, a_house(box.url) as house:
        refused = execute(house, local_only=True, **TASK)
        assert "nobody could say where one runs" in refused.reason
        assert box.asked("/api/chat") == 0
        assert execute(house, **TASK).status == "accepted"


def test_a_plain_task_asks_once_and_a_local_only_one_anew() -> None:
    """Plain tasks share an answer for a while; a local_only task takes nobody's word but today's."""
    with a_box() as box, a_house(box.url) as house:
        for _ in range(3):
            assert house.execute(**TASK).status == "accepted"
        assert box.asked("/api/show") == 1
        assert house.execute(local_only=True, **TASK).status == "accepted"
        box.shows["one"] = ALIAS
        assert house.execute(local_only=True, **TASK).status == "stopped"
        assert (box.asked("/api/show"), box.asked("/api/chat")) == (3, 4)


def test_a_checker_elsewhere_reads_no_local_only_answer() -> None:
    """The second model of a task is looked at like the first."""
    with a_box() as here, a_box(one=ALIAS) as away:
        data = a_matrix(here.url)
        data["providers"]["away"] = {"kind": "ollama", "base_url": away.url}
        data["models"]["judge"] = {"provider": "away", "id": "judge", "tier": "local_quality"}
        data["task_types"] = chain_of("one", checker="judge", validators=["syntax", "semantic"])
        with Escalator(data, ledger=":memory:") as house:
            outcome = house.execute(local_only=True, **TASK)
        assert outcome.status != "accepted"
        assert (here.asked("/api/chat"), away.asked("/api/show"), away.asked("/api/chat")) == (1, 1, 0)


@pytest.mark.parametrize("moved", [{"base_url": "http://models.example"}, {"local": False}], ids=str)
def test_a_provider_that_moved_before_a_resume_is_not_local(tmp_path: Path, moved: dict[str, Any]) -> None:
    """A plan remembers that a model was local; whether it is, the matrix in force says."""
    ledger = tmp_path / "ledger.sqlite"
    with a_house("http://127.0.0.1:9", ledger) as house:
        stopped = house.execute(local_only=True, task_id="t", **TASK)
        assert stopped.status == "stopped"
        assert house.plan("Fix it.").chain[0].model.local
        (attempt,) = stopped.attempts
    data = a_matrix("http://127.0.0.1:9", price={"input": 1, "output": 1})
    data["providers"]["box"] |= moved
    scripted = ScriptedProvider(lambda _: RIGHT)
    from escalator.execution.locality import Locality

    with Escalator(data, ledger=ledger, providers=scripted) as house:
        locality = Locality(house._resources.context(), stopped.brief)
        failure = locality.forbidden(stopped.plan.chain[0].model)
        assert failure is not None
        assert failure.kind == "local_only"
        house.execute(local_only=True, **TASK)
    assert attempt.model == "one"
    assert scripted.requests == []


def test_a_bare_name_that_resolves_elsewhere_is_elsewhere(execute: Execute) -> None:
    """`http://134744072` reads like a machine of one's own network and is 8.8.8.8."""
    url = "http://134744072:9"
    assert at_home(url)
    assert (strayed(url), strayed("http://localhost:9")) == ("8.8.8.8", "")
    with a_house(url, kind="llamacpp") as house:
        outcome = execute(house, local_only=True, **TASK)
    assert "8.8.8.8" in outcome.reason
    assert outcome.calls == ()


@pytest.mark.parametrize("url", ["http://[::ffff:8.8.8.8]", "http://8.8.8.8", "http://models.example"])
def test_addresses_of_the_world_are_nobodys_home(url: str) -> None:
    """An IPv4 address stays what it is inside an IPv6 one."""
    assert not at_home(url)
