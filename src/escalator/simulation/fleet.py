"""Servers on loopback, one for each kind of provider, whose models answer by a function you give."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias
from urllib.parse import urlsplit

from escalator.forking import ForkLock, Forks, look_after
from escalator.kinds import KINDS
from escalator.simulation import wires

if TYPE_CHECKING:
    from types import TracebackType

SIMULATED = tuple(name for name, row in KINDS.items() if row.simulated)
"""The kinds that a fleet has a server of: one for each wire."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a simulated model was asked. `model` is the provider's id; `body` the request's JSON."""

    kind: str
    model: str
    prompt: str
    body: dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Instead of an answer: an HTTP status with a JSON body, after `seconds`."""

    status: int
    body: dict[str, object]
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0


Reply: TypeAlias = str | Fault
Skill: TypeAlias = Callable[[Question], Reply]
"""How good the models are: a question in, an answer or a fault out."""


class Fleet(Forks):
    """Starts one server per kind of provider on free loopback ports; a context manager.

    `skill` answers for every model. `seconds` is how long each answer takes. `down` are kinds whose server is
    not there: their address refuses connections. `asked` counts requests by model id.
    """

    def __init__(self, skill: Skill, *, seconds: float = 0.0, down: tuple[str, ...] = ()) -> None:
        self.skill, self.seconds, self.down = skill, seconds, down
        self.asked: Counter[str] = Counter()
        self._lock = ForkLock()
        self._servers: dict[str, ThreadingHTTPServer] = {}
        self._ours = True
        look_after(self)

    def begin_anew(self) -> None:
        """In a forked child: the servers are the parent's, which goes on to answer."""
        self._ours = False
        for server in self._servers.values():
            server.socket.close()

    def __enter__(self) -> Self:
        for kind in SIMULATED:
            server = _Server(("127.0.0.1", 0), _handler(self, kind))
            self._servers[kind] = server
            threading.Thread(
                target=server.serve_forever, args=(0.05,), name=f"simulated {kind}", daemon=True
            ).start()
        for kind in self.down:
            self._stop(kind)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in SIMULATED:
            if name not in self.down:
                self._stop(name)

    def _stop(self, kind: str) -> None:
        if not self._ours:
            return
        self._servers[kind].shutdown()
        self._servers[kind].server_close()

    def url(self, kind: str) -> str:
        """The address of one server."""
        return f"http://127.0.0.1:{self._servers[kind].server_address[1]}"

    def providers(self) -> dict[str, dict[str, object]]:
        """The `providers` section of a matrix that uses this fleet."""
        return {
            kind: {"kind": kind, "base_url": self.url(kind), "simulated": True, "options": _key(kind)}
            for kind in SIMULATED
        }

    def answer(self, question: Question) -> Reply:
        """One reply; counted."""
        with self._lock:
            self.asked[question.model] += 1
        if self.seconds:
            time.sleep(self.seconds)
        return self.skill(question)


def _key(kind: str) -> dict[str, str]:
    """The vendors' packages want a key even where nobody checks it."""
    return {"api_key": "simulated"} if KINDS[kind].sdk else {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


def _handler(fleet: Fleet, kind: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        streams: ClassVar = {
            "/v1/chat/completions": wires.openai_stream,
            "/api/chat": wires.ollama_stream,
            "/v1/messages": wires.anthropic_stream,
        }

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            path = urlsplit(self.path).path
            stream = self.streams.get(path)
            model = str(body.get("model", ""))
            if path.endswith(":streamGenerateContent"):
                stream, model = wires.gemini_stream, path.rsplit("/", 1)[-1].partition(":")[0]
            if stream is None:
                return self._send(404, b'{"error": {"message": "not simulated"}}', "application/json")
            prompt = wires.prompt_of(body)
            reply = fleet.answer(Question(kind=kind, model=model, prompt=prompt, body=body))
            if isinstance(reply, Fault):
                time.sleep(reply.seconds)
                return self._send(reply.status, json.dumps(reply.body).encode(), "application/json", reply.headers)
            media_type = "application/x-ndjson" if stream is wires.ollama_stream else "text/event-stream"
            return self._send(200, stream(model, prompt, reply), media_type)

        def do_GET(self) -> None:
            listing = {"/v1/models": {"object": "list", "data": []}, "/api/version": {"version": "simulated"}}
            found = listing.get(urlsplit(self.path).path)
            body = found if found is not None else {"error": {"message": "not simulated"}}
            self._send(404 if found is None else 200, json.dumps(body).encode(), "application/json")

        def _send(
            self, status: int, body: bytes, media_type: str, headers: tuple[tuple[str, str], ...] = ()
        ) -> None:
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *args: object) -> None:
            """A simulated server keeps quiet."""

    return Handler
