"""Telling people that a task waits for them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from escalator.sinks import Notice, Webhook, review_notices
from houses import RIGHT, House


class Receiver(HTTPServer):
    """A server on loopback that keeps what is posted and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver.Handler)
        self.bodies: list[Any] = []
        self.tokens: list[str | None] = []
        self.status = 204

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server: Any = self.server
            server.tokens.append(self.headers.get("X-Token"))
            server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/reviews"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_callable_hears_of_a_waiting_answer() -> None:
    """A critical task that passed waits for a person, and the person is told why."""
    notices: list[Notice] = []
    House({"small": [RIGHT]}).execute(task_type="critical", task_id="t1", on_event=review_notices(notices.append))
    (notice,) = notices
    assert (notice.task_id, notice.kind, notice.task_type) == ("t1", "answer", "critical")
    assert "wait for a person" in notice.why


def test_a_callable_hears_of_a_waiting_approval() -> None:
    """A paid model nobody approved yet is another kind of notice."""
    notices: list[Notice] = []
    house = House({"haiku": [RIGHT]}, task_types=_paid_only(), cost_guard={"before_paid": "confirm"})
    house.execute(on_event=review_notices(notices.append))
    assert [notice.kind for notice in notices] == ["approval"]


def test_an_accepted_task_disturbs_nobody() -> None:
    """Only what waits for a person is told."""
    notices: list[Notice] = []
    House({"small": [RIGHT]}).execute(on_event=review_notices(notices.append))
    assert notices == []


def test_a_webhook_posts_the_notice(receiver: Receiver) -> None:
    """The notice arrives as JSON with the headers given; closing waits for it."""
    hook = Webhook(receiver.url, headers={"X-Token": "abc"})
    House({"small": [RIGHT]}).execute(task_type="critical", task_id="t1", on_event=review_notices(hook))
    hook.close()
    assert [body["task_id"] for body in receiver.bodies] == ["t1"]
    assert receiver.tokens == ["abc"]


def test_a_webhook_that_refuses_is_reported(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """A server that answers with an error costs the notice, not the task; the log says which."""
    receiver.status = 500
    hook = Webhook(receiver.url)
    with caplog.at_level(logging.ERROR, logger="escalator"):
        outcome = House({"small": [RIGHT]}).execute(
            task_type="critical", task_id="t1", on_event=review_notices(hook)
        )
        hook.close()
    assert outcome.status == "needs_review"
    assert "t1" in caplog.text


def _paid_only() -> dict[str, Any]:
    return {"standard_development": {"complexity": [0, 10], "chain": ["haiku"], "validators": ["syntax"]}}
