"""Every recorded answer of an OpenAI-compatible server, read through the real client in both colours."""

from __future__ import annotations

import json

import httpx2
import pytest

from escalator.errors import ProviderError
from escalator.providers.chat.openai_compatible import OpenAICompatible, read_body
from escalator.providers.lmstudio import LMStudio
from escalator.records import Completion
from providers.wires import Case, ask, cases, check, load, request


def _is_chat(case: Case) -> bool:
    return not case.name.startswith("models_")


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("case", cases("openai-compatible", wanted=_is_chat), ids=lambda case: case.name)
def test_recorded_answer_reads_as_expected(case: Case, colour: str) -> None:
    """Text, thinking, finish reason, usage or kind of failure are read as the recording says."""
    transport = case.transport()
    provider = OpenAICompatible(
        name="server", base_url="http://test", transport=transport, async_transport=transport
    )
    check(case, ask(provider, request(), colour=colour))


@pytest.mark.parametrize("case", cases("openai-compatible", wanted=_is_chat), ids=lambda case: case.name)
def test_the_pure_reader_agrees_with_the_client(case: Case) -> None:
    """`read_body` needs no connection to read the same."""
    headers = httpx2.Headers(case.headers)
    if case.expect["kind"] == "error":
        with pytest.raises(ProviderError) as caught:
            read_body(case.status, headers, case.body, request=request())
        assert caught.value.kind == case.expect["class"]
    else:
        found = read_body(case.status, headers, case.body, request=request())
        assert found.condition == case.expect["kind"]


STOPPED = [
    "chat-grammar",
    "chat-grammar-fixed-text",
    "chat-json-object",
    "chat-json-schema",
    "chat-json-schema-stream",
    "chat-stop-sequence",
    "chat-stream-stop",
    "lcp-chat-basic",
    "lcp-chat-json-object-schema",
    "lcp-chat-no-max-tokens",
    "litellm-mock-chat",
    "litellm-mock-chat-stream",
    "reasoning-json-schema",
    "reasoning-json-schema-off",
    "reasoning-switched-off",
    "tools-and-json-schema",
]
TRUNCATED = [
    "chat-basic",
    "chat-content-parts",
    "chat-context-filled-while-generating",
    "chat-json-schema-truncated",
    "chat-length",
    "chat-logprobs",
    "chat-max-completion-tokens",
    "chat-max-tokens-zero",
    "chat-model-name-ignored",
    "chat-stream",
    "chat-stream-usage",
    "lcp-chat-length",
    "lcp-chat-stream",
    "lcp-chat-stream-usage",
    "litellm-via-tiny-chat",
    "litellm-via-tiny-stream",
    "reasoning-eats-budget",
    "reasoning-json-schema-eaten",
    "tools-truncated",
]
CALLED = [
    "lcp-tools-named",
    "tools-parallel",
    "tools-required",
    "tools-required-stream",
    "tools-single",
    "tools-single-stream",
]
EMPTY = [
    "err-tool-choice-missing-tool",
    "reasoning-basic",
    "reasoning-budget-zero",
    "reasoning-effort-none",
    "reasoning-format-none",
    "reasoning-stream",
    "tools-auto",
    "tools-named",
    "tools-none",
    "tools-result-turn",
]
FAILED = {
    "auth-missing": "auth",
    "auth-wrong": "auth",
    "err-bad-grammar": "schema_unsupported",
    "err-bad-json-schema": "schema_unsupported",
    "err-content-number": "bad_request",
    "err-context-overflow": "context_overflow",
    "err-context-overflow-stream": "context_overflow",
    "err-empty-body": "bad_request",
    "err-image-on-text-model": "capability_missing",
    "err-json-schema-remote-ref": "schema_unsupported",
    "err-malformed-json": "bad_request",
    "err-max-tokens-string": "bad_request",
    "err-no-messages": "bad_request",
    "err-response-format-type": "schema_unsupported",
    "err-temperature-string": "bad_request",
    "get-on-post-route": "model_not_found",
    "lcp-chat-json-schema": "schema_unsupported",
    "lcp-err-bad-role": "server",
    "lcp-err-malformed": "server",
    "lcp-err-no-messages": "server",
    "lcp-err-overflow": "context_overflow",
    "lcp-err-overflow-stream": "stream_cut",
    "lcp-stream-interrupted": "stream_cut",
    "litellm-auth-missing": "server",
    "litellm-auth-wrong": "auth",
    "litellm-malformed": "bad_request",
    "litellm-mock-429": "rate_limit",
    "litellm-mock-500": "server",
    "litellm-mock-overflow": "context_overflow",
    "litellm-mock-timeout": "server_timeout",
    "litellm-model-not-found": "model_not_found",
    "litellm-via-tiny-overflow": "context_overflow",
    "loading-chat": "model_loading",
    "loading-chat-stream": "model_loading",
}


def _ask_llama(name: str, colour: str = "sync") -> Completion | ProviderError:
    transport = load("llama-server", name).transport()
    provider = OpenAICompatible(
        name="server", base_url="http://test/v1", kind="llamacpp", transport=transport, async_transport=transport
    )
    return ask(provider, request(), colour=colour)


@pytest.mark.parametrize(
    ("name", "condition"),
    [(name, "ok") for name in STOPPED + CALLED]
    + [(name, "truncated") for name in TRUNCATED]
    + [(name, "empty") for name in EMPTY],
)
def test_a_real_servers_answer_has_the_right_condition(name: str, condition: str) -> None:
    """Captures of llama.cpp, llama-cpp-python and a gateway are usable, cut short or empty as they are."""
    for colour in ("sync", "async"):
        found = _ask_llama(name, colour)
        assert isinstance(found, Completion), repr(found)
        assert found.condition == condition
        assert bool(found.tool_calls) is (name in CALLED or name == "tools-truncated")
        assert "<think>" not in found.text
        assert found.usage.output_tokens > 0 or condition == "empty"


@pytest.mark.parametrize(("name", "kind"), FAILED.items())
def test_a_real_servers_failure_has_the_right_kind(name: str, kind: str) -> None:
    """Three servers' ways to say the same come out as the same kind."""
    for colour in ("sync", "async"):
        found = _ask_llama(name, colour)
        assert isinstance(found, ProviderError), found
        assert found.kind == kind
        if kind == "context_overflow" and "mock" not in name:
            assert (found.needed, found.limit) in {(2018, 512), (2026, 512)}


@pytest.mark.parametrize("name", ["stream_silent_empty", "empty_content", "empty_choices"])
def test_an_empty_answer_to_a_prompt_above_the_window_is_an_overflow(name: str) -> None:
    """LM Studio answers nothing where the prompt does not fit, so the window has to tell."""
    transport = load("openai-compatible", name).transport()
    provider = OpenAICompatible(name="server", base_url="http://test", transport=transport)
    found = ask(provider, request(context=16), colour="sync")
    assert isinstance(found, ProviderError)
    assert (found.kind, found.limit) == ("context_overflow", 16)
    assert found.needed is not None
    assert found.needed > 16


def test_an_empty_stream_after_a_long_prompt_is_an_overflow() -> None:
    """llama-cpp-python reports an overflow as 200 and no body at all."""
    transport = load("llama-server", "lcp-err-overflow-stream").transport()
    provider = OpenAICompatible(name="server", base_url="http://test", transport=transport)
    found = ask(provider, request(text="x " * 3000, context=512), colour="sync")
    assert isinstance(found, ProviderError)
    assert found.kind == "context_overflow"


def _reply(message: object, finish: str | None = "stop", **more: object) -> dict[str, object]:
    return {
        "id": "1",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        **more,
    }


@pytest.mark.parametrize(
    ("body", "condition", "text"),
    [
        ({"id": "1", "choices": None, "usage": {}}, "empty", ""),
        (_reply({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}), "ok", "ab"),
        (_reply({"content": [{"type": "thinking", "thinking": "hm"}, "b"]}), "ok", "b"),
        (_reply({"content": "a"}, finish="sunset"), "unknown", "a"),
        (_reply({"content": "a"}, finish="abort"), "incomplete", "a"),
        (_reply({"content": " \n"}), "empty", " \n"),
        (_reply({"content": "<think>hm</think>"}), "empty", ""),
        (_reply({"content": "<think>hm"}, finish="length"), "truncated", ""),
        (_reply({"content": "hm</think>4"}), "ok", "4"),
        (_reply({"content": "Match it with `</think>`."}), "ok", "Match it with `</think>`."),
        (_reply({"content": '{"tag": "</think>"}'}), "ok", '{"tag": "</think>"}'),
        (_reply({"content": None, "reasoning_content": None, "reasoning": None}), "empty", ""),
    ],
)
def test_odd_shapes_of_a_completion_are_read(body: object, condition: str, text: str) -> None:
    """Null, missing, listed and unknown parts have one reading each."""
    found = read_body(200, {"content-type": "application/json"}, json.dumps(body).encode(), request=request())
    assert (found.condition, found.text) == (condition, text)


@pytest.mark.parametrize(
    ("status", "content_type", "body", "kind"),
    [
        (200, "text/html", "<html>Sign in</html>", "bad_response"),
        (200, "application/json", "null", "bad_response"),
        (200, "application/json", "[]", "bad_response"),
        (200, "application/json", '{"hello": "world"}', "bad_response"),
        (200, "application/json", '{"error": "busy: server busy, please try again"}', "busy"),
        (200, "application/json", '{"error": {"message": "slow down", "code": "429"}}', "rate_limit"),
        (200, "text/event-stream", "data: {nonsense\n\n", "bad_response"),
        (200, "text/event-stream", 'event: error\ndata: {"message": "boom"}\n\n', "server"),
        (200, "text/event-stream", 'data: {"choices": []}\n\ndata: {"cho', "stream_cut"),
        (200, "text/event-stream", '{"error": {"message": "Loading model", "code": 503}}', "model_loading"),
        (
            400,
            "application/json",
            '{"error": {"message": "maximum context length is 8192 tokens"}}',
            "context_overflow",
        ),
        (400, "application/json", '{"error": "unsupported", "x": 1}', "bad_request"),
        (400, "text/plain", "this model does not support images", "capability_missing"),
        (403, "application/json", '{"error": "model not found"}', "auth"),
        (404, "text/html", "<html>404</html>", "model_not_found"),
        (413, "text/html", "<html></html>", "too_large"),
        (422, "application/json", '{"detail": [{"loc": ["body"], "msg": "field required"}]}', "bad_request"),
        (429, "text/plain", "", "rate_limit"),
        (500, "text/event-stream", 'data: {"error": {"message": "CUDA out of memory"}}', "out_of_memory"),
        (502, "text/html", "<html>context length</html>", "server"),
        (503, "text/html", "<html></html>", "unavailable"),
        (504, "text/html", "<html></html>", "server_timeout"),
        (529, "application/json", "{}", "overloaded"),
    ],
)
def test_every_way_to_fail_has_a_kind(status: int, content_type: str, body: str, kind: str) -> None:
    """Whatever a server or a proxy in front of it sends, the caller gets one typed failure."""
    with pytest.raises(ProviderError) as caught:
        read_body(status, {"content-type": content_type}, body.encode(), request=request())
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("status", "message", "kind", "needed", "limit"),
    [
        (400, "Requested tokens (5000) exceed context window of 4096", "context_overflow", 5000, 4096),
        (
            400,
            "maximum context length is 4096 tokens. However, your request has 5000 input tokens.",
            "context_overflow",
            5000,
            4096,
        ),
        (
            400,
            "You passed 4097 input tokens and requested 1 output tokens. However, the model's context length is only 4096 tokens",
            "context_overflow",
            4097,
            4096,
        ),
        (400, "prompt is too long: 219898 tokens > 200000 maximum", "context_overflow", 219898, 200000),
        (400, "Input length 9,000 exceeds the maximum allowed 8,192", "context_overflow", 9000, 8192),
        (400, "context length exceeded for qwen2.5:14b", "context_overflow", None, None),
        (
            500,
            "Model loading was stopped due to insufficient system resources; lower the context length",
            "out_of_memory",
            None,
            None,
        ),
        (500, "llama runner: CUDA error: out of memory", "out_of_memory", None, None),
        (500, "unable to allocate CUDA0 buffer", "out_of_memory", None, None),
        (400, "The model has crashed without additional information. (Exit code: 6)", "server", None, None),
        (500, 'Failed to load model "x"', "model_not_loaded", None, None),
        (503, "Model org/x is currently loading", "model_loading", None, None),
        (503, "all slots are busy: server busy", "busy", None, None),
        (400, "Your credit balance is too low", "quota", None, None),
        (403, "Your quota has been exceeded", "quota", None, None),
        (429, "Engine overloaded", "overloaded", None, None),
        (429, "Limit 30000 tokens per minute, requested 40000: maximum context", "rate_limit", None, None),
        (400, "At most 0 image(s) may be provided", "capability_missing", None, None),
        (400, "max_tokens must be positive", "bad_request", None, None),
    ],
)
def test_words_decide_where_no_code_does(
    status: int, message: str, kind: str, needed: int | None, limit: int | None
) -> None:
    """What servers write is read once, in one table, with the numbers it names."""
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error"}})
    with pytest.raises(ProviderError) as caught:
        read_body(status, {}, body.encode(), request=request())
    assert (caught.value.kind, caught.value.needed, caught.value.limit) == (kind, needed, limit)


@pytest.mark.parametrize(
    ("code", "param", "kind"),
    [
        ("unsupported_value", "temperature", "bad_request"),
        ("unsupported_parameter", "max_tokens", "bad_request"),
        ("invalid_value", "response_format", "schema_unsupported"),
    ],
)
def test_a_code_outweighs_the_words(code: str, param: str, kind: str) -> None:
    """`temperature does not support 0.2` is no missing capability."""
    error = {"message": f"'{param}' does not support this value", "code": code, "param": param}
    with pytest.raises(ProviderError) as caught:
        read_body(400, {}, json.dumps({"error": error}).encode(), request=request())
    assert caught.value.kind == kind


def test_keep_alives_inside_a_stream_are_skipped() -> None:
    """Empty data, named pings and text under foreign event names are no part of the answer."""
    body = (
        b"data:\n\nevent: ping\ndata: {}\n\nevent: note\ndata: hello\n\n"
        + load("openai-compatible", "stream").body
    )
    found = read_body(200, {"content-type": "text/event-stream"}, body, request=request())
    assert (found.text, found.condition) == ("Hello\u2028!", "ok")


def test_a_content_filters_error_is_a_refusal() -> None:
    """A declined prompt is an answer, not a failure of the provider, even when it comes as 400."""
    body = {"error": {"message": "Declined.", "type": "invalid_request_error", "code": "content_filter"}}
    found = read_body(400, {}, json.dumps(body).encode(), request=request())
    assert (found.condition, found.text, found.finish) == ("refusal", "Declined.", "content_filter")


def test_a_tool_call_left_in_the_text_is_found() -> None:
    """A server without the matching parser leaves the call as text; both are given."""
    transport = load("openai-compatible", "tool_call_as_text").transport()
    found = ask(
        OpenAICompatible(name="server", base_url="http://test", transport=transport), request(), colour="sync"
    )
    assert isinstance(found, Completion)
    assert [call.name for call in found.tool_calls] == ["read_file"]
    assert found.text.startswith("<tool_call>")


def test_no_key_and_no_path_of_the_server_leaves_in_an_error() -> None:
    """A gateway that echoes the key back, and a traceback with paths, are both cleaned."""
    key = "sk-live-0123456789abcdef"
    body = f'{{"error": {{"message": "bad key {key} in File /opt/ann/srv/llama/app.py"}}}}'
    transport = httpx2.MockTransport(lambda _: httpx2.Response(500, text=body))
    provider = OpenAICompatible(name="server", base_url="http://test", api_key=key, transport=transport)
    found = ask(provider, request(), colour="sync")
    assert isinstance(found, ProviderError)
    told = f"{found} {found.body} {found!r}"
    assert key not in told
    assert "/opt/ann" not in told


@pytest.mark.parametrize(
    ("name", "kind", "ids"),
    [
        ("openai-compatible/models_lmstudio", "openai", None),
        ("openai-compatible/models_vllm", "vllm", None),
        ("llama-server/get-models", "llamacpp", ["tiny.gguf"]),
        ("llama-server/lcp-models", "openai", ["tiny.gguf"]),
    ],
)
def test_listed_models_are_read(name: str, kind: str, ids: list[str] | None) -> None:
    """Ids and windows are read from each server's listing."""
    case = load(*name.split("/"))
    provider = OpenAICompatible(name="s", base_url="http://test", kind=kind, transport=case.transport())
    models = provider.models()
    assert [model.id for model in models] == (ids or case.expect["ids"])
    if "context_length" in case.expect:
        assert models[0].context == case.expect["context_length"]
    if kind == "llamacpp":
        assert models[0].context == 512
        assert models[0].context_max == 4096


def _lmstudio(case: Case, *, path: str = "") -> LMStudio:
    def handler(sent: httpx2.Request) -> httpx2.Response:
        if sent.url.path != (path or case.path):
            return httpx2.Response(404, json={"error": "Unexpected endpoint or method."})
        return httpx2.Response(case.status, headers=case.headers, content=case.body)

    return LMStudio(name="server", base_url="http://test", transport=httpx2.MockTransport(handler))


@pytest.mark.parametrize("name", ["models_loaded", "models_not_loaded", "models_v0"])
def test_lm_studio_says_what_is_loaded_and_with_which_window(name: str) -> None:
    """The usable window is that of the loaded instance; older servers are asked by their older API."""
    case = load("lmstudio", name)
    models = _lmstudio(case).models()
    assert [model.id for model in models if model.loaded] == case.expect["loaded"]
    if "context_length" in case.expect:
        assert (models[0].context, models[0].context_max) == (
            case.expect["context_length"],
            case.expect["context_max"],
        )


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("name", ["chat", "chat_stream", "error_model_not_found"])
def test_lm_studios_native_answers_read_as_expected(name: str, colour: str) -> None:
    """Its own chat API, whole or streamed, comes out like any other answer."""
    case = load("lmstudio", name)
    transport = case.transport()
    provider = LMStudio(name="server", base_url="http://test", transport=transport, async_transport=transport)
    check(case, ask(provider, request(), colour=colour))


def test_lm_studio_loads_and_unloads() -> None:
    """Loading tells the seconds it took; a model that is not there is told apart."""
    assert _lmstudio(load("lmstudio", "load")).load("qwen/qwen3-30b-a3b-2507", context=16384) == 9.1
    _lmstudio(load("lmstudio", "unload")).unload("qwen/qwen3-30b-a3b-2507")
    missing = load("lmstudio", "error_model_not_found")
    with pytest.raises(ProviderError) as caught:
        _lmstudio(missing, path="/api/v1/models/load").load("nope")
    assert caught.value.kind == missing.expect["class"]
