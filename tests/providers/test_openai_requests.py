"""What is sent to each kind of OpenAI-compatible server."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from escalator.errors import ConfigError
from escalator.kinds import KINDS
from escalator.providers import build
from escalator.providers.chat.openai_compatible import OpenAICompatible
from escalator.providers.lmstudio import LMStudio
from escalator.records import Completion, Image, Message
from providers.wires import ask, load, request


class Seen:
    """A server that remembers what it was sent."""

    def __init__(self, **options: Any) -> None:
        self.requests: list[httpx2.Request] = []
        self.provider = OpenAICompatible(
            **{"name": "s", "base_url": "http://test", **options}, transport=httpx2.MockTransport(self._answer)
        )

    def _answer(self, sent: httpx2.Request) -> httpx2.Response:
        self.requests.append(sent)
        return httpx2.Response(200, json=json.loads(load("openai-compatible", "success").body))

    def body(self, **options: Any) -> dict[str, Any]:
        """What is sent for a request."""
        assert isinstance(ask(self.provider, request(**options), colour="sync"), Completion)
        return json.loads(self.requests[-1].content)


def test_every_request_streams_and_asks_for_its_usage() -> None:
    """Closing a stream frees the server's slot, so even a caller who wants one text gets a stream on the wire."""
    body = Seen().body(max_tokens=77, system="Be brief.", temperature=0.5, seed=3)
    assert body == {
        "model": "qwen/qwen3-30b-a3b-2507",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 2+2?"}],
        "max_tokens": 77,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.5,
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://test", "http://test/v1/chat/completions"),
        ("http://test/", "http://test/v1/chat/completions"),
        ("http://test/v1", "http://test/v1/chat/completions"),
        ("http://test/v1/", "http://test/v1/chat/completions"),
        ("https://test/openai/v1", "https://test/openai/v1/chat/completions"),
        ("https://test/v1beta/openai", "https://test/v1beta/openai/chat/completions"),
    ],
)
def test_a_base_url_may_end_in_its_version_or_not(base_url: str, url: str) -> None:
    """People paste both forms."""
    seen = Seen(base_url=base_url)
    seen.body()
    assert str(seen.requests[0].url) == url


def test_the_key_goes_into_the_header_and_given_headers_win() -> None:
    """Without a key there is no header; a gateway's own header replaces ours."""
    bare, keyed, own = Seen(), Seen(api_key=" k-123\n"), Seen(api_key="k", headers={"Authorization": "Basic x"})
    for seen in (bare, keyed, own):
        seen.body()
    assert "authorization" not in bare.requests[0].headers
    assert keyed.requests[0].headers["authorization"] == "Bearer k-123"
    assert own.requests[0].headers["authorization"] == "Basic x"


def test_openai_itself_gets_the_new_name_of_the_limit() -> None:
    """Its thinking models refuse `max_tokens`, while Ollama ignores the new name."""
    body = Seen(base_url="https://api.openai.com").body(max_tokens=9)
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body


@pytest.mark.parametrize(
    ("kind", "effort", "sent"),
    [
        ("openai", "max", {"reasoning_effort": "xhigh"}),
        ("openai", "none", {"reasoning_effort": "none"}),
        ("ollama", "max", {"reasoning_effort": "max"}),
        ("lmstudio", "xhigh", {"reasoning_effort": "high"}),
        ("llamacpp", "none", {"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": False}}),
        ("llamacpp", "high", {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "high"}}),
        ("vllm", "none", {"chat_template_kwargs": {"enable_thinking": False, "reasoning_effort": "low"}}),
        ("mlx", "medium", {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "medium"}}),
    ],
)
def test_effort_is_said_in_each_servers_words(kind: str, effort: str, sent: dict[str, Any]) -> None:
    """Some take a level, some take arguments of the chat template."""
    body = Seen(kind=kind).body(effort=effort)
    assert {
        key: value for key, value in body.items() if key in {"reasoning_effort", "chat_template_kwargs"}
    } == sent


def test_a_schema_is_asked_for_strictly_only_where_it_is_closed() -> None:
    """A schema with optional keys cannot be demanded strictly, or OpenAI refuses the request."""
    closed = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    open_ = {"type": "object", "properties": {"a": {"type": "string"}}}
    for schema, strict in ((closed, True), (open_, False)):
        wanted = Seen().body(schema=schema)["response_format"]
        assert wanted == {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": strict},
        }


def test_a_server_without_schemas_is_told_in_words() -> None:
    """mlx_lm cannot hold a model to a schema, so the prompt has to."""
    body = Seen(kind="mlx").body(schema={"type": "object"}, system="Be brief.")
    assert "response_format" not in body
    assert body["messages"][0]["content"].startswith("Be brief.\n\nAnswer with nothing but one JSON value")


def test_pictures_travel_as_data_urls() -> None:
    """No server has to fetch anything."""
    picture = Message(role="user", text="See", images=(Image(media_type="image/png", data=b"\x89PNG"),))
    assert Seen().body(messages=(picture,))["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            ],
        }
    ]


def test_a_models_options_are_sent_as_they_are() -> None:
    """What a server knows beyond the common words stands in the matrix."""
    assert Seen().body(options={"top_k": 5, "ttl": 600})["top_k"] == 5


def test_odd_characters_in_a_prompt_do_not_stop_it() -> None:
    """A lone surrogate, which JSON in UTF-8 cannot carry, is replaced."""
    assert Seen().body(text="a\ud800b")["messages"][0]["content"] == "a?b"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_build_makes_each_kind_of_server(kind: str) -> None:
    """Every kind has a class and a default address; options reach the class."""
    provider = build(kind, name="x", options={"headers": {"x-team": "a"}})
    assert provider.name == "x"
    assert isinstance(provider, LMStudio) is (kind == "lmstudio")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("nope", {}),
        ("openai", {"colour": "red"}),
        ("openai", {"base_url": "localhost:1234"}),
        ("vllm", {"api_key": "ключ"}),
    ],
)
def test_a_wrong_provider_is_a_configuration_error(kind: str, options: dict[str, Any]) -> None:
    """Mistakes of the matrix are found when the provider is built, with a hint."""
    with pytest.raises(ConfigError) as caught:
        build(kind, name="x", options=options)
    assert caught.value.hint
