"""Every recorded answer of Claude's API, read through the real SDK in both colours."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import anthropic
import httpx2
import pytest

from escalator.errors import ProviderError
from escalator.providers import Provider
from escalator.providers.anthropic import errors
from escalator.providers.anthropic.provider import Anthropic
from escalator.providers.anthropic.request import thinking_of
from escalator.records import Image, Message
from providers.wires import Case, ask, cases, check, load, request

ID = "claude-haiku-5-5"


def provider(transport, **options) -> Anthropic:
    options = {"api_key": "sk-ant-test-0123456789", **options}
    return Anthropic("server", transport=transport, async_transport=transport, **options)


def of(case: Case, **options) -> Anthropic:
    return provider(case.transport(), stream="event-stream" in case.headers["content-type"], **options)


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("case", cases("anthropic", path="/v1/messages"), ids=lambda case: case.name)
def test_recorded_answer_reads_as_expected(case: Case, colour: str) -> None:
    """Text, thinking, finish reason, usage or kind of failure are read as the recording says."""
    found = ask(of(case), request(id=ID), colour=colour)

    check(case, found)
    if "category" in case.expect:
        assert found.detail == (case.expect["category"] or "")
    if "cache_write_5m" in case.expect:
        assert found.usage.cache_write_tokens == case.expect["cache_write_5m"]
        assert found.usage.cache_write_1h_tokens == case.expect["cache_write_1h"]
        assert found.usage.input_tokens == case.expect["input_tokens_total"]


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(
    "case",
    cases("anthropic", path="/v1/messages", wanted=lambda case: case.status != 200),
    ids=lambda case: case.name,
)
def test_a_refused_request_reads_the_same_whether_a_stream_was_wanted_or_not(case: Case, colour: str) -> None:
    """Errors come before any stream, so asking for one changes nothing."""
    check(case, ask(provider(case.transport(), stream=True), request(id=ID), colour=colour))


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("name", ["html_200", "malformed_json", "wrong_shape", "success"])
def test_an_answer_that_is_no_stream_where_one_was_asked_is_a_bad_response(name: str, colour: str) -> None:
    """A proxy's page, a broken body or a plain body instead of events is never an empty answer."""
    found = ask(provider(load("anthropic", name).transport(), stream=True), request(id=ID), colour=colour)

    assert isinstance(found, ProviderError)
    assert (found.kind, found.billed) == ("bad_response", True)


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "data", ["[]", "7", '"x"', "{}", '{"type": "message_start"}', '{"type": "message_start", "message": 5}']
)
def test_json_of_another_shape_is_a_bad_response(data: str, stream: bool, colour: str) -> None:
    """Whatever the SDK makes of it, in one piece or as an event, there is no answer in it."""
    body = f"event: message_start\ndata: {data}\n\n" if stream else data
    headers = {"content-type": "text/event-stream" if stream else "application/json"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, text=body))

    found = ask(provider(transport, stream=stream), request(id=ID), colour=colour)

    assert isinstance(found, ProviderError), found
    assert found.kind in {"bad_response", "stream_cut"}
    assert found.billed


def test_what_a_cut_stream_told_of_its_usage_is_not_its_usage() -> None:
    """Claude begins with a count of one token, and may have thought unseen since."""
    error = ask(of(load("anthropic", "stream_cut")), request(id=ID), colour="sync")

    assert (error.billed, error.input_tokens, error.output_tokens) == (True, None, None)


def test_a_refused_request_is_not_billed() -> None:
    """Nothing was read or written, so nothing is charged."""
    assert not ask(of(load("anthropic", "429_rate_limit")), request(id=ID), colour="sync").billed


STREAM = load("anthropic", "stream")
EVENTS = STREAM.body.split(b"\n\n")
BEFORE_THE_STOP_REASON = next(index for index, event in enumerate(EVENTS) if b"message_delta" in event)


@pytest.mark.parametrize("end", range(1, BEFORE_THE_STOP_REASON + 1))
def test_a_stream_cut_after_any_event_is_never_taken_for_a_whole_answer(end: int) -> None:
    """Until the stop reason has come there is no answer, only a failure that may be billed."""
    body = b"\n\n".join(EVENTS[:end]) + b"\n\n"
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=STREAM.headers, content=body))

    found = ask(provider(transport), request(id=ID), colour="sync")

    assert isinstance(found, ProviderError)
    assert (found.kind, found.billed, found.input_tokens) == ("stream_cut", True, None)


@pytest.mark.parametrize(
    ("message", "needed", "limit"),
    [
        ("prompt is too long: 219,898 tokens > 200,000 maximum", 219_898, 200_000),
        (
            "input length and `max_tokens` exceed context limit: 195000 + 8192 > 200000, decrease them",
            203_192,
            200_000,
        ),
        ("Request size exceeds model context window", None, None),
        ("request (2018 tokens) exceeds the available context size (512 tokens), try increasing it", 2_018, 512),
    ],
)
@pytest.mark.parametrize("status", [400, 413])
def test_overflow_is_told_by_its_words_in_any_form(message: str, needed, limit, status: int) -> None:
    """No code names an overflow, so the forms in use are recognised with the sizes they give."""
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, json=body))

    found = ask(provider(transport), request(id=ID), colour="sync")

    assert (found.kind, found.needed, found.limit) == ("context_overflow", needed, limit)


@pytest.mark.parametrize(
    ("status", "code", "headers", "kind", "wait"),
    [
        (429, "contract_spend_limit_reached", {}, "quota", None),
        (429, "enforced_spend_limit_reached", {"retry-after": "30"}, "quota", None),
        (429, "ramp_limit_exceeded", {"retry-after": "3"}, "rate_limit", 3.0),
        (429, None, {"retry-after-ms": "1500"}, "rate_limit", 1.5),
        (402, "linked_organization_spend_limit_reached", {}, "quota", None),
        (400, "organization_on_hold", {}, "auth", None),
    ],
)
def test_codes_tell_a_limit_of_money_from_a_limit_of_rate(status, code, headers, kind, wait) -> None:
    """Waiting helps against a rate limit only; a spent allowance carries no wait, whatever the header says."""
    details = {"details": {"error_code": code}} if code else {}
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "No.", **details}}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, headers=headers, json=body))

    found = ask(provider(transport), request(id=ID), colour="sync")

    assert (found.kind, found.retry_after) == (kind, wait)


@pytest.mark.parametrize(
    ("kind_on_wire", "kind"),
    [
        ("overloaded_error", "overloaded"),
        ("rate_limit_error", "rate_limit"),
        ("api_error", "server"),
        ("timeout_error", "server_timeout"),
        ("authentication_error", "auth"),
        ("an_error_of_the_future", "server"),
    ],
)
def test_an_error_inside_a_stream_is_read_by_its_type(kind_on_wire: str, kind: str) -> None:
    """The status of such an error is 200, so only its type tells."""
    started = load("anthropic", "stream").body.split(b"\n\n")[0]
    error = json.dumps({"type": "error", "error": {"type": kind_on_wire, "message": "Sorry"}}).encode()
    body = started + b"\n\nevent: error\ndata: " + error + b"\n\n"
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    )

    found = ask(provider(transport), request(id=ID), colour="sync")

    assert (found.kind, found.billed, found.status) == (kind, True, 200)


def _classes(base: type) -> set[type]:
    return {base}.union(*(_classes(sub) for sub in base.__subclasses__()))


def _build(cls: type, status: int, code: str | None) -> Exception:
    sent = httpx2.Request("POST", "https://api.anthropic.com/v1/messages")
    if issubclass(cls, anthropic.APIStatusError):
        error = {"type": "some_error", "message": "No.", "details": {"error_code": code} if code else None}
        response = httpx2.Response(status, request=sent, json={"error": error})
        return cls("No.", response=response, body={"error": error})
    if issubclass(cls, anthropic.APIResponseValidationError):
        return cls(httpx2.Response(200, request=sent), None)
    if cls is anthropic.APITimeoutError:
        return cls(sent)
    if issubclass(cls, anthropic.APIConnectionError):
        return cls(request=sent)
    if issubclass(cls, anthropic.APIError):
        return cls("No.", sent, body=None)
    made = cls.__new__(cls)
    Exception.__init__(made, "No.")
    made.__dict__.update(status_code=None, body=None, request_id=None, path=None)
    return made


def test_every_error_class_of_the_sdk_is_mapped() -> None:
    """A class that a new version of the SDK adds fails here before it surprises a user."""
    from anthropic._error_classes import ERROR_CLASSES

    numbered = {cls: pair for pair, cls in ERROR_CLASSES.items()}
    unmapped = set()
    for cls in _classes(anthropic.AnthropicError):
        status, code = numbered.get(cls, (500, None))
        if errors.read(_build(cls, status, code), url="https://x", key_hint="KEY") is None:
            unmapped.add(cls)

    assert unmapped == set()
    assert {status for status, _ in ERROR_CLASSES} <= set(errors.STATUSES)


def _sent_by(sent, **options) -> httpx2.Request:
    seen: list[httpx2.Request] = []

    def handler(got: httpx2.Request) -> httpx2.Response:
        seen.append(got)
        case = load("anthropic", "success")
        return httpx2.Response(case.status, headers=case.headers, content=case.body)

    provider(httpx2.MockTransport(handler), stream=False, **options).complete(sent)
    assert len(seen) == 1
    return seen[0]


def test_the_request_has_what_claude_takes_and_nothing_it_refuses() -> None:
    """No sampling parameters, no seed, no tools, no cache writes; the schema goes by output_config."""
    sent = request(
        id=ID,
        system="Be brief.",
        max_tokens=50_000,
        temperature=0.2,
        seed=7,
        effort="high",
        schema={"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}},
    )

    body = json.loads(_sent_by(sent).content)

    schema = body["output_config"].pop("format")["schema"]
    assert body == {
        "model": ID,
        "max_tokens": 50_000,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "What is 2+2?"}],
        "output_config": {"effort": "high"},
    }
    assert schema["properties"]["n"]["type"] == "integer"
    assert schema["additionalProperties"] is False


def test_images_travel_as_base64_before_the_text() -> None:
    """A picture is a block of its own with its media type."""
    picture = Image(media_type="image/png", data=b"\x89PNG")
    sent = request(id=ID, messages=(Message(role="user", text="What is this?", images=(picture,)),))

    content = json.loads(_sent_by(sent).content)["messages"][0]["content"]

    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
    assert content == [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "level"),
    [
        ("claude-haiku-5-5", None, {}, ""),
        ("claude-haiku-5-5", "none", {"type": "disabled"}, ""),
        ("claude-haiku-5-5", "minimal", {}, "low"),
        ("claude-opus-5-5", "none", {}, "low"),
        ("claude-fable-5-1", "none", {}, "low"),
        ("claude-sonnet-5-5", "none", {"type": "between_tools"}, "low"),
        ("claude-sonnet-5", "max", {}, "max"),
        ("claude-opus-5", "none", {"type": "disabled"}, ""),
        ("claude-opus-4-6", "xhigh", {"type": "adaptive"}, "high"),
        ("claude-opus-4-7", "none", {}, ""),
        ("claude-haiku-4-5-20251001", "medium", {"type": "enabled", "budget_tokens": 4096}, ""),
        ("claude-sonnet-4-5", "none", {}, ""),
        ("tiny", "high", {}, ""),
    ],
)
def test_effort_is_said_in_the_words_each_model_takes(model, effort, thinking, level) -> None:
    """Newer models take a level, older ones a budget, and some cannot stop thinking."""
    assert thinking_of(model, effort, 32_000) == (thinking, level)


def test_a_thinking_budget_leaves_room_for_the_answer() -> None:
    """A budget is cut to what max_tokens allows, and left out where nothing useful is left."""
    assert thinking_of("claude-haiku-4-5", "max", 6_000)[0]["budget_tokens"] == 4_976
    assert thinking_of("claude-haiku-4-5", "max", 2_000)[0] == {}


def test_options_of_the_model_are_sent_and_unknown_ones_refused() -> None:
    """An option that this provider does not take, or that would cost unreserved money, is told before sending."""
    body = json.loads(_sent_by(request(id=ID, options={"speed": "fast", "stop_sequences": ["END"]})).content)
    transport = httpx2.MockTransport(lambda _: pytest.fail("a request was sent"))
    found = ask(provider(transport), request(id=ID, options={"cache_control": {}}), colour="sync")

    assert (body["speed"], body["stop_sequences"]) == ("fast", ["END"])
    assert (found.kind, "cache_control" in str(found)) == ("bad_request", True)


def test_nothing_is_taken_from_the_environment(monkeypatch) -> None:
    """Keys, addresses and headers that the SDK would pick up by itself stay out."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-from-environment")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-from-environment")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://elsewhere.invalid")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-surprise: yes")

    sent = _sent_by(request(id=ID), headers={"x-ours": "yes"})

    assert sent.url.host == "api.anthropic.com"
    assert sent.headers["authorization"] == "Bearer sk-ant-test-0123456789"
    assert sent.headers["x-ours"] == "yes"
    assert "x-surprise" not in sent.headers
    assert "environment" not in str(sent.headers.raw)


def test_a_missing_key_is_told_before_anything_is_sent(monkeypatch) -> None:
    """The message names the variable to set, even when the SDK could have found a key itself."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-from-environment")
    transport = httpx2.MockTransport(lambda _: pytest.fail("a request was sent"))

    found = ask(provider(transport, api_key=None, key_hint="TEAM_KEY"), request(id=ID), colour="sync")

    assert (found.kind, found.billed, "TEAM_KEY" in str(found)) == ("auth", False, True)


def test_a_server_of_ones_own_needs_no_key() -> None:
    """A base URL that is not Anthropic's may be asked without a key."""
    case = load("anthropic", "success")
    own = provider(case.transport(), api_key=None, base_url="http://localhost:8080", stream=False)

    assert ask(own, request(id="tiny"), colour="sync").text == "Four."


def test_a_key_in_an_error_message_is_struck_out() -> None:
    """A server that echoes the key does not get it into a log."""
    body = {
        "type": "error",
        "error": {"type": "authentication_error", "message": "bad key sk-ant-test-0123456789"},
    }
    transport = httpx2.MockTransport(lambda _: httpx2.Response(401, json=body))

    found = ask(provider(transport), request(id=ID), colour="sync")

    assert "0123456789" not in str(found) + found.body


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_one_call_is_one_request(status: int) -> None:
    """The SDK retries nothing, even where the server says that it may."""
    seen = []

    def handler(got: httpx2.Request) -> httpx2.Response:
        seen.append(got)
        return httpx2.Response(status, headers={"x-should-retry": "true", "retry-after": "0"}, json={})

    ask(provider(httpx2.MockTransport(handler)), request(id=ID), colour="sync")

    assert len(seen) == 1


def test_a_deprecated_model_raises_no_warning() -> None:
    """The suite turns warnings into errors; the SDK warns of this id when asked in its usual way."""
    from anthropic.resources.messages.messages import DEPRECATED_MODELS

    ended = next(iter(DEPRECATED_MODELS))

    assert ask(of(load("anthropic", "success")), request(id=ended), colour="sync").text == "Four."


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_tokens_are_counted_by_the_provider(colour: str) -> None:
    """Counting sends the prompt to its own route and returns the number."""
    case = load("anthropic", "count_tokens")
    counting = provider(case.transport())
    sent = request(id=ID)

    async def acount() -> int | None:
        try:
            return await counting.acount_tokens(sent)
        finally:
            await counting.aclose()

    found = counting.count_tokens(sent) if colour == "sync" else asyncio.run(acount())

    assert found == case.expect["input_tokens"]


def test_models_are_listed_with_their_windows() -> None:
    """The ids come as the provider names them."""
    found = of(load("anthropic", "models")).models()

    assert [model.id for model in found] == load("anthropic", "models").expect["ids"]
    assert found[0].context == 1_000_000


def test_health_tells_a_bad_key_from_a_good_one() -> None:
    """A refused key is no healthy provider, and the reason is given."""
    assert of(load("anthropic", "models")).health().alive
    ill = of(load("anthropic", "401_auth")).health()
    assert not ill.alive
    assert "x-api-key" in ill.detail


def test_importing_the_provider_loads_no_sdk() -> None:
    """More than a second of import waits until the first call."""
    code = (
        "import sys; from escalator.providers.anthropic.provider import Anthropic; Anthropic(api_key='k');"
        "print([m for m in ('anthropic', 'httpx2', 'pydantic') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_it_is_a_provider() -> None:
    """The class fits the protocol that the rest of the library knows."""
    assert isinstance(Anthropic(), Provider)
