"""Recorded exchanges as tests use them: read from tests/wire, served over a mock transport, compared."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx2

from escalator.errors import ProviderError
from escalator.records import Completion, Message, Model, Request, Tier

WIRE = Path(__file__).parent.parent / "wire"


@dataclass(frozen=True)
class Case:
    """One recorded exchange; `expect` is how a provider should read it."""

    name: str
    path: str
    status: int
    headers: dict[str, str]
    body: bytes
    expect: dict[str, Any] = field(default_factory=dict)

    def transport(self) -> httpx2.MockTransport:
        """Answers every request with this recording."""
        return httpx2.MockTransport(
            lambda _: httpx2.Response(self.status, headers=self.headers, content=self.body)
        )


def load(folder: str, name: str) -> Case:
    """One recording by name."""
    return _case(WIRE / folder / f"{name}.json")


def cases(folder: str, *, path: str = "", wanted: Callable[[Case], bool] = lambda _: True) -> list[Case]:
    """The recordings of a folder, those of one request path if given."""
    found = [_case(file) for file in sorted((WIRE / folder).glob("*.json"))]
    return [case for case in found if (not path or case.path == path) and wanted(case)]


def _case(file: Path) -> Case:
    record = json.loads(file.read_text())
    response = record["response"]
    if "body" in response:
        body = json.dumps(response["body"]).encode()
    else:
        names = ("text", "body_text", "sse_text", "sse_tail", "ndjson_text")
        body = next((response[name] for name in names if name in response), "").encode()
    headers = {name: value for name, value in response.get("headers", {}).items() if name in KEPT}
    if not headers:
        headers = {"content-type": "text/event-stream"}
    return Case(
        name=file.stem,
        path=record["request"]["path"],
        status=response["status"],
        headers=headers,
        body=body,
        expect=record.get("expect", {}),
    )


KEPT = {"content-type", "retry-after", "retry-after-ms"}
"""Headers that matter; recorded lengths and transfer encodings belong to the recorded connection."""


def request(*, text: str = "What is 2+2?", **options: Any) -> Request:
    """A small request; keywords of the model are recognised by name."""
    of_model = {"id", "context", "options", "thinks"}
    model = Model(
        name="local-30b",
        provider="server",
        kind="openai",
        tier=Tier.LOCAL_BALANCED,
        local=True,
        **{"id": "qwen/qwen3-30b-a3b-2507", **{k: v for k, v in options.items() if k in of_model}},
    )
    rest = {k: v for k, v in options.items() if k not in of_model}
    return Request(**{"model": model, "messages": (Message(role="user", text=text),), **rest})


def ask(provider: Any, sent: Request, *, colour: str) -> Completion | ProviderError:
    """What a provider makes of a request, called in the given colour."""
    try:
        if colour.startswith("sync"):
            return provider.complete(sent)
        return asyncio.run(_ask(provider, sent))
    except ProviderError as error:
        return error


async def _ask(provider: Any, sent: Request) -> Completion:
    try:
        return await provider.acomplete(sent)
    finally:
        await provider.aclose()


def check(case: Case, found: Completion | ProviderError) -> None:
    """Compare what was read with everything the recording expects."""
    expect = case.expect
    if expect["kind"] == "error":
        assert isinstance(found, ProviderError), found
        check_error(case, found)
        return
    assert isinstance(found, Completion), repr(found)
    assert found.condition == expect["kind"]
    for name in ("text", "reasoning"):
        if name in expect:
            assert getattr(found, name) == expect[name]
    if "finish" in expect:
        assert found.finish == (expect["finish"] or "")
    if "tool" in expect:
        assert [call.name for call in found.tool_calls] == [expect["tool"]]
        assert json.loads(found.tool_calls[0].arguments) == expect["args"]
    if "json" in expect:
        assert json.loads(found.text) == expect["json"]
    check_usage(expect, found)


def check_usage(expect: dict[str, Any], found: Completion) -> None:
    """Compare the token counts and seconds a recording expects."""
    usage = found.usage
    known = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read": usage.cache_read_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "load_seconds": found.load_seconds,
    }
    for name, value in known.items():
        if name in expect:
            assert value == expect[name], name
    if "usage" in expect:
        assert expect["usage"] is None
        assert usage.estimated
        assert usage.output_tokens >= len(found.text) // 4
        assert usage.input_tokens > 0
    if "model_mismatch" in expect:
        assert found.model != "qwen/qwen3-30b-a3b-2507"
    if "remote" in expect:
        assert bool(found.host) is expect["remote"]


def check_error(case: Case, found: ProviderError) -> None:
    """Compare a failure with what a recording expects of it."""
    expect = case.expect
    assert found.kind == expect["class"], found
    assert found.provider == "server"
    assert found.model == "local-30b"
    assert found.status == case.status
    if "retry_after" in expect:
        assert found.retry_after == expect["retry_after"]
    if "retry_after_date" in expect:
        wait = parsedate_to_datetime(expect["retry_after_date"]).timestamp() - time.time()
        assert found.retry_after is None if wait < 0 else abs(found.retry_after - wait) < 5
    for name in ("needed", "limit"):
        if name in expect:
            assert getattr(found, name) == expect[name]
    if expect.get("in_stream"):
        assert found.billed
    assert str(found).endswith(".")
