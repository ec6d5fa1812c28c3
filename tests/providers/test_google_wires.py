"""Every recorded answer of the Gemini API, read through the real SDK in both colours."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
import threading
import warnings

import httpx2
import pytest
from google.genai import errors, types

from escalator.errors import ProviderError
from escalator.providers import Provider
from escalator.providers.google import errors as readings
from escalator.providers.google.answer import GeminiAnswer
from escalator.providers.google.provider import Google
from escalator.providers.google.quiet import quiet
from escalator.providers.google.request import takes_temperature, thinking_of
from escalator.providers.http.watch import Timing
from escalator.records import Image, Message
from providers.wires import Case, ask, cases, check, load, request

ID = "gemini-3.8-flash"
KEY = "AIzaTest0123456789"


def provider(transport, **options) -> Google:
    options = {"api_key": KEY, **options}
    return Google("server", transport=transport, async_transport=transport, **options)


def of(case: Case, **options) -> Google:
    return provider(case.transport(), stream="event-stream" in case.headers["content-type"], **options)


def answering(status: int, body: object, headers: dict[str, str] | None = None) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda _: httpx2.Response(status, headers=headers or {}, json=body))


def streaming(*chunks: object) -> httpx2.MockTransport:
    text = "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks)
    return httpx2.MockTransport(
        lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, text=text)
    )


def _generates(case: Case) -> bool:
    return "enerateContent" in case.path


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("case", cases("gemini", wanted=_generates), ids=lambda case: case.name)
def test_recorded_answer_reads_as_expected(case: Case, colour: str) -> None:
    """Text, thinking, finish reason, usage or kind of failure are read as the recording says."""
    found = ask(of(case), request(id=ID), colour=colour)

    check(case, found)
    if "category" in case.expect:
        assert found.detail == case.expect["category"]


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize(
    "case", cases("gemini", wanted=lambda case: case.status != 200), ids=lambda case: case.name
)
def test_a_refused_request_reads_the_same_whether_a_stream_was_wanted_or_not(case: Case, colour: str) -> None:
    """Errors come before any stream, so asking for one changes nothing."""
    check(case, ask(provider(case.transport(), stream=True), request(id=ID), colour=colour))


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("body", ["<html>login</html>", '{"candidates": [{"content":', '{"foo": 1}', "[]", "7"])
def test_a_200_that_is_no_answer_is_a_bad_response(body: str, colour: str, stream: bool) -> None:
    """A proxy's page, a broken body and JSON of another shape are never an empty answer."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text=body))

    found = ask(provider(transport, stream=stream), request(id=ID), colour=colour)

    assert isinstance(found, ProviderError), found
    assert (found.kind, found.billed) == ("bad_response", True)


@pytest.mark.parametrize("name", ["stream_cut", "stream_error"])
def test_what_a_broken_stream_told_of_its_usage_is_not_its_usage(name: str) -> None:
    """Its counts run along with the answer; those of the end never came."""
    error = ask(of(load("gemini", name)), request(id=ID), colour="sync")

    assert (error.billed, error.input_tokens, error.output_tokens) == (True, None, None)


def _refusal(message="No.", status="RESOURCE_EXHAUSTED", code=429, **detail) -> dict:
    details = [{"@type": "type.googleapis.com/x", **detail}] if detail else []
    return {"error": {"code": code, "message": message, "status": status, "details": details}}


PER_DAY = [{"quotaId": "GenerateContentInputTokensPerModelPerDay-FreeTier", "quotaValue": "250000"}]
PER_MINUTE = [{"quotaId": "GenerateContentInputTokensPerModelPerMinute", "quotaValue": "250000"}]
NONE_AT_ALL = [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "quotaValue": "0"}]


@pytest.mark.parametrize(
    ("code", "body", "kind", "wait"),
    [
        (429, _refusal(violations=PER_DAY), "quota", None),
        (429, _refusal(violations=NONE_AT_ALL), "quota", None),
        (429, _refusal(violations=PER_MINUTE, retryDelay="3.25s"), "rate_limit", 3.25),
        (429, _refusal("Your prepayment credits are depleted."), "quota", None),
        (429, _refusal(retryDelay="-1s"), "rate_limit", None),
        (400, _refusal("API key expired.", "INVALID_ARGUMENT", 400, reason="API_KEY_EXPIRED"), "auth", None),
        (403, _refusal("Off.", "PERMISSION_DENIED", 403, reason="BILLING_DISABLED"), "quota", None),
        (401, _refusal("Who?", "UNAUTHENTICATED", 401), "auth", None),
        (503, _refusal("The service is currently unavailable.", "UNAVAILABLE", 503), "overloaded", None),
        (499, _refusal("Gone.", "CANCELLED", 499), "cancelled", None),
        (413, "Too large", "too_large", None),
        (400, _refusal("response_json_schema is too deep.", "INVALID_ARGUMENT", 400), "schema_unsupported", None),
        (
            400,
            _refusal("Image input modality is not enabled for this model.", "INVALID_ARGUMENT", 400),
            "capability_missing",
            None,
        ),
    ],
)
def test_the_details_of_a_refusal_tell_what_to_do_about_it(code, body, kind, wait) -> None:
    """A spent day, a quota of nothing and a minute's limit share a status and differ in the details."""
    found = ask(provider(answering(code, body)), request(id=ID), colour="sync")

    assert (found.kind, found.retry_after) == (kind, wait)
    assert found.billed is (code == 499)  # who gave up there does not know what the model went on doing


def test_an_error_without_a_code_inside_a_stream_is_still_a_failure() -> None:
    """Where the SDK itself stumbles over the shape of an error, the call fails typed all the same."""
    first = {"candidates": [{"content": {"parts": [{"text": "Hel"}]}}], "usageMetadata": {"promptTokenCount": 12}}

    found = ask(provider(streaming(first, {"error": {"message": "?"}})), request(id=ID), colour="sync")

    assert isinstance(found, ProviderError)
    assert (found.kind, found.billed) == ("bad_response", True)


def test_usage_of_the_last_chunk_counts() -> None:
    """Each chunk repeats the usage so far; only the last is the bill."""
    chunks = [
        {"candidates": [{"content": {"parts": [{"text": word}]}}], "usageMetadata": {"promptTokenCount": 5}}
        for word in ("a", "b")
    ]
    last = {
        "candidates": [{"content": {"parts": []}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "toolUsePromptTokenCount": 4},
    }

    found = ask(provider(streaming(*chunks, last)), request(id=ID), colour="sync")

    assert (found.text, found.usage.input_tokens, found.usage.output_tokens) == ("ab", 9, 2)
    assert not found.usage.estimated


def test_an_answer_without_usage_is_bounded_and_marked() -> None:
    """Where no tokens are reported the figures are upper bounds of what was sent and written."""
    chunk = {"candidates": [{"content": {"parts": [{"text": "four"}]}, "finishReason": "STOP"}]}

    usage = ask(provider(streaming(chunk)), request(id=ID), colour="sync").usage

    assert (usage.estimated, usage.output_tokens) == (True, 4)
    assert usage.input_tokens >= len("What is 2+2?")


@pytest.mark.parametrize("reason", [member.value for member in types.FinishReason])
def test_every_finish_reason_the_sdk_knows_is_known_here(reason: str) -> None:
    """A finish reason that a new version adds fails here instead of being judged as any text."""
    chunk = {"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": reason}]}
    answer = GeminiAnswer(request(id=ID), streamed=False)

    answer.take(types.GenerateContentResponse.model_validate(chunk))
    found = answer.completion(Timing(seconds=0.0, first_byte=None))

    assert (found.condition == "unknown") == (reason == "FINISH_REASON_UNSPECIFIED")


def test_every_error_class_of_the_sdk_is_mapped() -> None:
    """A class that a new version of the SDK adds fails here before it surprises a user."""
    unmapped = []
    for name, cls in inspect.getmembers(errors, inspect.isclass):
        if not issubclass(cls, Exception) or issubclass(cls, Warning):
            continue
        error = cls(500, {"error": {"message": "No."}}) if issubclass(cls, errors.APIError) else cls("No.")
        if readings.read(error, url="https://x", key_hint="KEY") is None:
            unmapped.append(name)

    assert unmapped == []


def _sent_by(sent, name="success", **options) -> httpx2.Request:
    seen: list[httpx2.Request] = []

    def handler(got: httpx2.Request) -> httpx2.Response:
        seen.append(got)
        case = load("gemini", name)
        return httpx2.Response(case.status, headers=case.headers, content=case.body)

    provider(httpx2.MockTransport(handler), stream=False, **options).complete(sent)
    assert len(seen) == 1
    return seen[0]


def test_the_request_says_what_was_asked_and_nothing_more() -> None:
    """System text, length, schema, seed and thinking level are sent; newer models get no temperature."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    sent = request(id=ID, system="Be brief.", max_tokens=500, temperature=0.2, seed=7, effort="low", schema=schema)

    got = _sent_by(sent)

    assert got.url.path == f"/v1/models/{ID}:generateContent"
    assert got.headers["x-goog-api-key"] == KEY
    assert json.loads(got.content) == {
        "contents": [{"role": "user", "parts": [{"text": "What is 2+2?"}]}],
        "systemInstruction": {"role": "user", "parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "maxOutputTokens": 500,
            "responseMimeType": "application/json",
            "responseJsonSchema": schema,
            "seed": 7,
            "thinkingConfig": {"thinking_level": "LOW"},
        },
    }


def test_images_and_earlier_answers_travel_as_parts() -> None:
    """A picture is inline data; an earlier answer is the model's turn."""
    picture = Image(media_type="image/png", data=b"\x89PNG")
    turns = (
        Message(role="user", text="What is this?", images=(picture,)),
        Message(role="assistant", text="A picture."),
        Message(role="user", text="Of what?"),
    )

    contents = json.loads(_sent_by(request(id=ID, messages=turns)).content)["contents"]

    assert [turn["role"] for turn in contents] == ["user", "model", "user"]
    assert contents[0]["parts"][0]["inlineData"] == {"data": "iVBORw==", "mime_type": "image/png"}


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_continuation_is_not_followed(colour: str) -> None:
    """One call is one request, though the SDK would send the next by itself."""
    seen = []
    case = load("gemini", "continuation")

    def handler(got: httpx2.Request) -> httpx2.Response:
        seen.append(got)
        return httpx2.Response(case.status, headers=case.headers, content=case.body)

    ask(provider(httpx2.MockTransport(handler), stream=False), request(id=ID), colour=colour)

    assert len(seen) == 1


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-3.8-flash", None, {}),
        ("gemini-3.8-flash", "none", {"thinking_level": "MINIMAL"}),
        ("gemini-3.5-flash-lite", "minimal", {"thinking_level": "MINIMAL"}),
        ("gemini-3.1-pro-preview", "none", {"thinking_level": "LOW"}),
        ("gemini-4-argon", "max", {"thinking_level": "HIGH"}),
        ("gemini-2.5-flash", "none", {"thinking_budget": 0}),
        ("gemini-2.5-pro", "none", {"thinking_budget": 128}),
        ("gemini-2.5-pro", "high", {"thinking_budget": 4_000}),
        ("gemma-3-27b", "high", {}),
    ],
)
def test_effort_is_said_in_the_words_each_model_takes(model: str, effort, thinking) -> None:
    """Newer models take a level, 2.5 a budget of at most half the answer, others nothing."""
    assert thinking_of(model, effort, 8_000) == thinking


def test_only_models_that_still_sample_get_a_temperature() -> None:
    """3.5-flash-lite and everything from 3.6 on refuse sampling parameters."""
    taking = ("gemini-2.5-pro", "gemini-3.5-flash", "gemini-3.1-flash-lite", "gemma-3-27b")
    refusing = ("gemini-3.5-flash-lite", "gemini-3.6-flash", "gemini-3.8-flash", "gemini-4-argon")

    assert all(map(takes_temperature, taking))
    assert not any(map(takes_temperature, refusing))


def test_options_of_the_model_are_sent_and_unknown_ones_refused() -> None:
    """An option that this provider does not take is told before anything is sent."""
    body = json.loads(_sent_by(request(id=ID, options={"service_tier": "flex"})).content)
    transport = httpx2.MockTransport(lambda _: pytest.fail("a request was sent"))
    found = ask(provider(transport), request(id=ID, options={"num_ctx": 9}), colour="sync")

    assert body["serviceTier"] == "flex"
    assert (found.kind, "num_ctx" in str(found)) == ("bad_request", True)


def test_nothing_is_taken_from_the_environment(monkeypatch) -> None:
    """Keys, addresses, versions and the switch to another product that the SDK reads stay out."""
    monkeypatch.setenv("GOOGLE_API_KEY", "key-from-environment")
    monkeypatch.setenv("GEMINI_API_KEY", "key-from-environment")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_GENAI_USE_ENTERPRISE", "true")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://elsewhere.invalid")

    got = _sent_by(request(id=ID))

    assert (got.url.host, got.url.path) == (
        "generativelanguage.googleapis.com",
        f"/v1/models/{ID}:generateContent",
    )
    assert got.headers["x-goog-api-key"] == KEY


def test_a_missing_key_is_told_before_anything_is_sent(monkeypatch) -> None:
    """The message names the variable to set, even when the SDK could have found a key itself."""
    monkeypatch.setenv("GEMINI_API_KEY", "key-from-environment")
    transport = httpx2.MockTransport(lambda _: pytest.fail("a request was sent"))

    found = ask(provider(transport, api_key=None, key_hint="TEAM_KEY"), request(id=ID), colour="sync")

    assert (found.kind, found.billed, "TEAM_KEY" in str(found)) == ("auth", False, True)


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_one_call_is_one_request(status: int, colour: str) -> None:
    """The SDK retries nothing."""
    seen = []

    def handler(got: httpx2.Request) -> httpx2.Response:
        seen.append(got)
        return httpx2.Response(status, headers={"retry-after": "0"}, json={})

    ask(provider(httpx2.MockTransport(handler)), request(id=ID), colour=colour)

    assert len(seen) == 1


def test_the_filter_against_the_sdks_warning_goes_when_the_last_reader_does() -> None:
    """Overlapping readers on threads leave the filters of the process as they were."""
    before = list(warnings.filters)
    inside, leave = threading.Barrier(3), threading.Event()

    def read() -> None:
        with quiet:
            inside.wait(200)
            leave.wait(200)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    inside.wait(200)
    during = len(warnings.filters)
    leave.set()
    for reader in readers:
        reader.join()

    assert during == len(before) + 1
    assert list(warnings.filters) == before


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_tokens_are_counted_with_the_system_text(colour: str) -> None:
    """The route takes no system text, so it is counted as one more turn."""
    seen = []
    case = load("gemini", "count_tokens")

    def handler(got: httpx2.Request) -> httpx2.Response:
        seen.append(json.loads(got.content))
        return httpx2.Response(case.status, headers=case.headers, content=case.body)

    counting = provider(httpx2.MockTransport(handler))
    sent = request(id=ID, system="Be brief.")

    async def acount() -> int | None:
        try:
            return await counting.acount_tokens(sent)
        finally:
            await counting.aclose()

    found = counting.count_tokens(sent) if colour == "sync" else asyncio.run(acount())

    bounded = counting.count_tokens(request(id=ID, schema={"type": "object"}))

    assert found == case.expect["input_tokens"]
    assert bounded > found + len('{"type": "object"}')
    assert [turn["parts"][0]["text"] for turn in seen[0]["contents"]] == ["Be brief.", "What is 2+2?"]


def test_models_are_listed_with_their_windows() -> None:
    """The ids come without the prefix that the API puts before them."""
    found = of(load("gemini", "models")).models()

    assert [model.id for model in found] == load("gemini", "models").expect["ids"]
    assert found[0].context == 1_048_576


def test_importing_the_provider_loads_no_sdk() -> None:
    """Half a second of import waits until the first call."""
    code = (
        "import sys; from escalator.providers.google.provider import Google; Google(api_key='k');"
        "print([m for m in ('google.genai', 'httpx2', 'pydantic') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_it_is_a_provider() -> None:
    """The class fits the protocol that the rest of the library knows."""
    assert isinstance(Google(), Provider)
