"""Every recorded answer of Ollama, read through the real client in both colours."""

from __future__ import annotations

import json

import httpx2
import pytest

from escalator.errors import ProviderError
from escalator.providers.ollama import Ollama
from escalator.records import Completion, Image, Message
from providers.wires import Case, ask, cases, check, load, request

NOT_ANSWERS = {"load_only", "unload"}


def _provider(case: Case) -> Ollama:
    transport = case.transport()
    return Ollama(name="server", base_url="http://test", transport=transport, async_transport=transport)


def _is_answer(case: Case) -> bool:
    return case.path in {"/api/chat", "/api/generate"} and case.name not in NOT_ANSWERS


@pytest.mark.parametrize("colour", ["sync", "async"])
@pytest.mark.parametrize("case", cases("ollama", wanted=_is_answer), ids=lambda case: case.name)
def test_recorded_answer_reads_as_expected(case: Case, colour: str) -> None:
    """Text, thinking, finish reason, usage or kind of failure are read as the recording says."""
    check(case, ask(_provider(case), request(id="qwen2.5:14b"), colour=colour))


def test_figures_that_ollama_leaves_out_are_bounded_and_marked() -> None:
    """Zero figures are omitted, so what is missing is estimated, never taken for nothing."""
    found = ask(_provider(load("ollama", "no_metrics")), request(), colour="sync")
    assert isinstance(found, Completion)
    assert found.usage.estimated
    assert found.usage.input_tokens > 0
    assert found.usage.output_tokens == 2


def test_a_model_hosted_elsewhere_is_named() -> None:
    """A cloud model behind the local port says where the prompt went."""
    found = ask(_provider(load("ollama", "remote_cloud")), request(), colour="sync")
    assert isinstance(found, Completion)
    assert found.host == "https://ollama.com:443"


@pytest.mark.parametrize(
    ("content_type", "body", "kind"),
    [
        ("application/x-ndjson", '{"model": "m", "message": {"content": "a"}, "done": false}\n', "stream_cut"),
        ("application/x-ndjson", "", "stream_cut"),
        ("application/x-ndjson", "nonsense\n", "bad_response"),
        ("application/x-ndjson", '{"error": "server busy, please try again"}\n', "busy"),
        ("application/json", '{"error": "{\\"error\\": {\\"message\\": \\"Loading model\\"}}"}', "model_loading"),
        ("application/json", '{"models": []}', "bad_response"),
        ("text/html", "<html>Sign in</html>", "bad_response"),
    ],
)
def test_every_way_to_fail_has_a_kind(content_type: str, body: str, kind: str) -> None:
    """A stream that only stops, and bodies that are no answer, are typed failures."""
    case = Case(
        name="made", path="/api/chat", status=200, headers={"content-type": content_type}, body=body.encode()
    )
    for colour in ("sync", "async"):
        found = ask(_provider(case), request(), colour=colour)
        assert isinstance(found, ProviderError), found
        assert found.kind == kind


def test_lines_are_read_whatever_their_label() -> None:
    """A proxy that relabels the stream does not change the answer."""
    case = load("ollama", "stream")
    for label in ("application/json", "text/plain", "application/octet-stream"):
        relabelled = Case(
            name=case.name, path=case.path, status=200, headers={"content-type": label}, body=case.body
        )
        found = ask(_provider(relabelled), request(), colour="sync")
        assert isinstance(found, Completion)
        assert (found.text, found.condition) == ("Hello", "ok")


def _routed(*found: Case) -> Ollama:
    answers = {case.path: case for case in found}

    def handler(sent: httpx2.Request) -> httpx2.Response:
        case = answers[sent.url.path]
        return httpx2.Response(case.status, headers=case.headers, content=case.body)

    return Ollama(name="server", base_url="http://test", transport=httpx2.MockTransport(handler))


def test_listed_models_say_what_is_loaded_and_what_is_remote() -> None:
    """Downloads, models in memory with their window, and cloud entries are told apart."""
    tags, loaded, nothing = load("ollama", "tags"), load("ollama", "ps"), load("ollama", "ps_empty")
    models = {model.id: model for model in _routed(tags, loaded).models()}
    assert list(models) == tags.expect["ids"]
    assert [name for name, model in models.items() if model.remote_host] == tags.expect["remote"]
    assert [name for name, model in models.items() if model.loaded] == loaded.expect["loaded"]
    assert models["qwen2.5:14b"].context == loaded.expect["context_length"]
    assert not any(model.loaded for model in _routed(tags, nothing).models())


def test_a_models_card_tells_both_windows() -> None:
    """The trained window and the one pinned in the model's file are different numbers."""
    case = load("ollama", "show")
    shown = _routed(case).show("qwen2.5:14b")
    assert (shown.context, shown.context_max) == (case.expect["num_ctx"], case.expect["context_max"])
    assert shown.vision is False


def test_health_names_the_server() -> None:
    """A server that answers is alive."""
    assert _routed(load("ollama", "version")).health().alive


def test_models_are_loaded_unloaded_and_pulled() -> None:
    """The three calls that manage memory and disk succeed quietly and fail typed."""
    assert _routed(load("ollama", "load_only")).load("qwen2.5:14b", context=8192) == 0.0
    _routed(load("ollama", "unload")).unload("qwen2.5:14b")
    _routed(load("ollama", "pull_stream")).pull("qwen2.5:14b")
    with pytest.raises(ProviderError) as caught:
        _routed(load("ollama", "pull_error")).pull("nope")
    assert caught.value.kind == "model_not_found"
    assert caught.value.provider == "server"


def _sent(**options: object) -> dict[str, object]:
    seen: list[dict[str, object]] = []

    def handler(sent: httpx2.Request) -> httpx2.Response:
        seen.append(json.loads(sent.content))
        case = load("ollama", "success")
        return httpx2.Response(200, headers=case.headers, content=case.body)

    provider = Ollama(name="server", base_url="http://test/", transport=httpx2.MockTransport(handler))
    assert isinstance(ask(provider, request(**options), colour="sync"), Completion)
    return seen[0]


def test_a_prompt_is_never_cut_in_silence() -> None:
    """Truncation and sliding are off in every call, and the window is the model's."""
    body = _sent(context=16384, max_tokens=100)
    assert (body["truncate"], body["shift"], body["stream"]) == (False, False, True)
    assert body["options"] == {"num_predict": 100, "num_ctx": 16384}
    assert "think" not in body


def test_a_models_options_win_and_go_where_ollama_has_them() -> None:
    """`keep_alive` stands at the top, sampling and window stand inside `options`."""
    body = _sent(
        context=16384, options={"num_ctx": 4096, "keep_alive": "10m", "top_k": 3}, temperature=0.0, seed=7
    )
    assert body["keep_alive"] == "10m"
    assert body["options"] == {"num_predict": 4096, "num_ctx": 4096, "temperature": 0.0, "seed": 7, "top_k": 3}


@pytest.mark.parametrize(
    ("model_id", "effort", "think"),
    [
        ("qwen3:30b", "none", False),
        ("qwen3:30b", "high", True),
        ("gpt-oss:20b", "none", "low"),
        ("gpt-oss:20b", "medium", "medium"),
        ("gpt-oss:20b", "max", "high"),
    ],
)
def test_effort_becomes_thinking(model_id: str, effort: str, think: object) -> None:
    """gpt-oss wants a level and cannot be kept from thinking; others are told yes or no."""
    assert _sent(id=model_id, effort=effort)["think"] == think


def test_pictures_schema_and_system_are_sent_in_ollamas_form() -> None:
    """Pictures are bare base64 beside the text, the schema is `format`."""
    picture = Message(role="user", text="See", images=(Image(media_type="image/png", data=b"\x89PNG"),))
    body = _sent(messages=(picture,), schema={"type": "object"}, system="Be brief.")
    assert body["format"] == {"type": "object"}
    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "See", "images": ["iVBORw=="]},
    ]
