"""No command lets what a server, a model, a prompt or a matrix holds steer the terminal or show a password."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.conftest import Shell
from escalator import Escalator
from escalator.errors import ProviderError
from escalator.records import Completion, Request, Usage
from escalator.sinks import JsonLinesSink, facts_of, otel_sink, structlog_sink
from houses import BASE, RIGHT, chain_of
from providers.raw_server import Peer, raw_server

EVIL = "\x1b]52;c;ZXZpbA==\x07[/red]\x9b31m\u202ereversed\rover"
SECRET = "hunter2secret9"
STEERING = frozenset("\x1b\x07\x9b\u202e\r")


def is_clean(text: str) -> bool:
    """Nothing that steers, and no password."""
    return not STEERING & set(text) and SECRET not in text


class Hostile:
    """A provider whose every word is hostile: it fails the first time of a task, and then answers as evil."""

    name, scripted = "box", True

    def __init__(self) -> None:
        self.asked = 0

    def complete(self, request: Request) -> Completion:
        self.asked += 1
        if self.asked % 2:
            raise ProviderError(f"{EVIL} at http://me:{SECRET}@box/?key={SECRET}", kind="server", body=EVIL)
        return Completion(text=RIGHT, model=EVIL, finish=EVIL, condition="unknown", usage=Usage())

    async def acomplete(self, request: Request) -> Completion:
        return self.complete(request)

    def close(self) -> None:
        """Nothing is held."""

    async def aclose(self) -> None:
        """Nothing is held."""


def a_matrix(url: str) -> dict[str, Any]:
    provider = {"kind": "llamacpp", "base_url": url.replace("//", f"//me:{SECRET}@"), "local": True}
    models = {name: {"provider": "box", "id": EVIL, "tier": "local_fast"} for name in (f"one{EVIL}", "two")}
    return {
        "version": 1,
        "team": EVIL,
        "providers": {"box": provider},
        "models": models,
        "task_types": chain_of(*models, review=True),
        "transport": {"retries": 0},
    }


COMMANDS = (
    *(["log"], ["log", "tasks"], ["log", "show", f"id{EVIL}"], ["report"], ["report", "--calibration"]),
    *(["review", "list"], ["review", "show", "1"], ["matrix", "show"], ["matrix", "check"], ["doctor"]),
    *(["plan", f"Fix {EVIL}"], ["classify", f"Fix {EVIL}"], ["resume", EVIL], ["verify", EVIL]),
    *(
        ["run", f"Fix {EVIL}", "--task-id", f"run{EVIL}"],
        ["log", "export", "log.csv"],
        ["log", "export", "log.jsonl"],
    ),
    *(["review", "reject", "1", "--note", EVIL, "--by", EVIL],),
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """A ledger in which one hostile task has ended, and the events it gave."""
    path, events = tmp_path_factory.mktemp("books") / "ledger.sqlite", list[Any]()
    house = Escalator(a_matrix("http://127.0.0.1:9"), ledger=path, providers=Hostile(), on_event=events.append)
    with house:
        house.execute(f"Fix {EVIL}", files=BASE, task_id=f"id{EVIL}", tags=[EVIL])
    return path, events


def test_no_command_is_steered(
    books: tuple[Path, list[Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each command with and without --json, over one ledger, one matrix and one server that are hostile throughout."""

    def refuse(peer: Peer) -> None:
        body = json.dumps({"error": {"message": EVIL}}).encode()
        while peer.request():
            peer.send(b"HTTP/1.1 400 No\r\ncontent-type: application/json\r\n")
            peer.send(b"content-length: %d\r\n\r\n" % len(body) + body)

    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.env(ESCALATOR_LEDGER=str(books[0]))
    with raw_server(refuse) as server:
        shell.write("escalation_matrix.yaml", yaml.safe_dump(a_matrix(server.url)))
        seen = ""
        for words in COMMANDS:
            for form in ([], ["--json"]):
                told = shell(*words, *form)
                assert is_clean(told.out + told.err), (words, form, told)
                assert "Traceback" not in told.err
                seen += told.out
        assert seen.count("\\x1b]52") > len(COMMANDS) / 2
    for name in ("log.csv", "log.jsonl"):
        assert is_clean((tmp_path / name).read_text(encoding="utf-8")), name


def test_no_sink_is_steered(books: tuple[Path, list[Any]], tmp_path: Path) -> None:
    """Lines of JSON, structlog's console and spans hold none of it."""
    events, lines, spoken = books[1], tmp_path / "events.jsonl", list[str]()

    class Log:
        def __getattr__(self, level: str) -> Any:
            return lambda event, **facts: spoken.append(f"{event} {list(facts.values())}")

    with JsonLinesSink(lines) as sink:
        for event in events:
            sink(event)
    for event in events:
        structlog_sink(Log())(event)
    assert is_clean(lines.read_text(encoding="utf-8"))
    assert spoken
    assert all(is_clean(line) for line in spoken)
    assert SECRET not in repr([facts_of(event, content=True) for event in events])


def test_no_span_is_steered(books: tuple[Path, list[Any]]) -> None:
    """What an exporter is handed is as clean as what a person reads."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory, provider = InMemorySpanExporter(), trace.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    sink = otel_sink(provider)
    for event in books[1]:
        sink(event)
    spans = memory.get_finished_spans()
    told = [str(v) for s in spans for v in (s.name, *(s.attributes or {}).values(), s.status.description)]
    told += [str(value) for s in spans for each in s.events for value in (each.attributes or {}).values()]
    assert told
    assert all(is_clean(text) for text in told), [text for text in told if not is_clean(text)]
