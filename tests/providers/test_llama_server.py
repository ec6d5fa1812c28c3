"""The OpenAI-compatible provider against a real llama.cpp server with a tiny untrained model."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import httpx2
import pytest

from escalator.errors import ProviderError
from escalator.providers.chat.openai_compatible import OpenAICompatible
from escalator.records import Completion
from llama import StartServer, needs_llama
from providers.wires import ask, request
from tiny_model import Nature

pytestmark = needs_llama

COLOURS = pytest.mark.parametrize("colour", ["sync", "async"])
FUNCTION = 'root ::= "```python\\ndef add(a, b):\\n    return a + b\\n```"'


def _provider(url: str, **options: Any) -> OpenAICompatible:
    return OpenAICompatible(**{"name": "server", "base_url": url, "kind": "llamacpp", **options})


def _answered(found: Completion | ProviderError) -> Completion:
    assert isinstance(found, Completion), repr(found)
    return found


@COLOURS
def test_an_answer_has_its_text_its_model_and_its_figures(llama_servers: StartServer, colour: str) -> None:
    """A grammar decides what the model says; the rest is the server's own."""
    provider = _provider(llama_servers(grammar=FUNCTION, name="local-14b"))
    found = _answered(ask(provider, request(), colour=colour))
    assert found.text == "```python\ndef add(a, b):\n    return a + b\n```"
    assert (found.condition, found.finish, found.model) == ("ok", "stop", "local-14b")
    assert found.usage.input_tokens > 10
    assert found.usage.output_tokens > 10
    assert not found.usage.estimated
    assert 0 < (found.first_byte_seconds or 0) <= found.seconds
    provider.close()


@COLOURS
def test_an_answer_at_its_limit_is_truncated(llama_servers: StartServer, colour: str) -> None:
    """A model that never stops is stopped by `max_tokens`."""
    provider = _provider(llama_servers(nature=Nature(stop=-30.0)))
    found = _answered(ask(provider, request(max_tokens=9), colour=colour))
    assert (found.condition, found.finish, found.usage.output_tokens) == ("truncated", "length", 9)
    provider.close()


@COLOURS
def test_a_prompt_above_the_window_is_an_overflow_with_its_numbers(
    llama_servers: StartServer, colour: str
) -> None:
    """The server names both numbers; they reach the caller."""
    provider = _provider(llama_servers(context=512, slots=1))
    found = ask(provider, request(text="x y z " * 300), colour=colour)
    assert isinstance(found, ProviderError)
    assert (found.kind, found.limit) == ("context_overflow", 512)
    assert (found.needed or 0) > 512
    provider.close()


def test_a_server_with_keys_wants_one(llama_servers: StartServer) -> None:
    """Without the key, and with a wrong one, the call fails as a matter of credentials."""
    url = llama_servers(api_keys=["key-1234"], grammar='root ::= "yes"')
    for key, kind in ((None, "auth"), ("wrong-key", "auth")):
        found = ask(_provider(url, api_key=key), request(), colour="sync")
        assert isinstance(found, ProviderError)
        assert found.kind == kind
    provider = _provider(url, api_key="key-1234")
    assert _answered(ask(provider, request(), colour="sync")).text == "yes"
    assert provider.health().alive
    provider.close()


def test_a_schema_makes_valid_json(llama_servers: StartServer) -> None:
    """Noise obeys the schema, integer bounds included."""
    schema = {
        "type": "object",
        "properties": {
            "tier": {"type": "integer", "minimum": 0, "maximum": 5},
            "why": {"type": "string", "maxLength": 40},
        },
        "required": ["tier", "why"],
        "additionalProperties": False,
    }
    provider = _provider(llama_servers())
    found = _answered(ask(provider, request(schema=schema, seed=1, max_tokens=500), colour="sync"))
    assert set(json.loads(found.text)) == {"tier", "why"}
    assert 0 <= json.loads(found.text)["tier"] <= 5
    bad = ask(provider, request(schema={"type": "nonsense"}), colour="sync")
    assert isinstance(bad, ProviderError)
    assert bad.kind == "schema_unsupported"
    provider.close()


def test_thinking_is_kept_out_of_the_answer_and_can_be_switched_off(llama_servers: StartServer) -> None:
    """A model that always thinks fills `reasoning`; one that may think is told not to."""
    always = _provider(llama_servers(nature=Nature(thinking="forced")))
    found = _answered(ask(always, request(seed=2), colour="sync"))
    assert found.reasoning
    assert "</think>" not in found.text
    always.close()
    may = _provider(llama_servers(nature=Nature(thinking="optional")))
    found = _answered(ask(may, request(seed=2, effort="none"), colour="sync"))
    assert found.reasoning == ""
    assert found.text
    may.close()


def test_a_tool_call_is_read_from_the_stream(llama_servers: StartServer) -> None:
    """A call's pieces are put together again; tools reach the server as options of the model."""
    tool = {
        "type": "function",
        "function": {
            "name": "stop",
            "parameters": {
                "type": "object",
                "properties": {"now": {"type": "boolean"}},
                "additionalProperties": False,
            },
        },
    }
    provider = _provider(llama_servers(nature=Nature(stop=8.0, tools=5.0)))
    sent = request(options={"tools": [tool], "tool_choice": "required"}, seed=3, max_tokens=400)
    found = _answered(ask(provider, sent, colour="sync"))
    assert (found.condition, found.finish) == ("ok", "tool_calls")
    assert {call.name for call in found.tool_calls} == {"stop"}
    provider.close()


def test_a_picture_for_a_text_model_is_a_missing_capability(llama_servers: StartServer) -> None:
    """llama.cpp answers 500 here, and sending it again would not help."""
    from escalator.records import Image, Message

    provider = _provider(llama_servers())
    picture = Message(role="user", text="See", images=(Image(media_type="image/png", data=b"\x89PNG"),))
    found = ask(provider, request(messages=(picture,)), colour="sync")
    assert isinstance(found, ProviderError)
    assert found.kind == "capability_missing"
    provider.close()


def _becomes(url: str, *, busy: int) -> bool:
    """Whether this many slots are busy before long."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        if sum(slot["is_processing"] for slot in httpx2.get(f"{url}/slots").json()) == busy:
            return True
        time.sleep(0.01)
    return False


ENDLESS = Nature(stop=-30.0, width=256, layers=8, context=32768)


def test_cancelling_frees_the_servers_slot(llama_servers: StartServer) -> None:
    """The slot is free at once, so a retry does not wait behind the call it replaces."""
    url = llama_servers(nature=ENDLESS, context=32768, slots=1)

    async def cancel() -> bool:
        provider = _provider(url)
        task = asyncio.create_task(provider.acomplete(request(max_tokens=30000)))
        assert await asyncio.to_thread(_becomes, url, busy=1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        freed = await asyncio.to_thread(_becomes, url, busy=0)
        await provider.aclose()
        return freed

    assert asyncio.run(cancel())


@COLOURS
def test_a_total_limit_frees_the_servers_slot(llama_servers: StartServer, colour: str) -> None:
    """A call that runs out of time leaves no generation behind."""
    from escalator.records import Timeouts

    url = llama_servers(nature=ENDLESS, context=32768, slots=1)
    provider = _provider(url)
    found = ask(provider, request(max_tokens=30000, timeouts=Timeouts(total=3.0)), colour=colour)
    assert isinstance(found, ProviderError)
    assert found.kind == "timeout"
    assert found.billed
    assert _becomes(url, busy=0)
    provider.close()


def test_counting_is_exact(llama_servers: StartServer) -> None:
    """What the server counts before the call is what it reports after it."""
    provider = _provider(llama_servers(grammar='root ::= "yes"'))
    sent = request(text="Count this, please.", system="Be exact.")
    assert provider.count_tokens(sent) == _answered(ask(provider, sent, colour="sync")).usage.input_tokens
    provider.close()


def test_the_window_in_use_is_listed(llama_servers: StartServer) -> None:
    """The server's window is shared between its slots, and that share is what counts."""
    provider = _provider(llama_servers(context=1024, slots=2, name="local-14b"))
    (model,) = provider.models()
    assert (model.id, model.context, model.context_max) == ("local-14b", 512, 4096)
    assert model.loaded
    assert model.vision is False
    provider.close()


def test_a_loading_server_says_so_until_it_answers(llama_servers: StartServer) -> None:
    """While the model loads the failure is `model_loading` and the server not alive; then it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    provider = _provider(llama_servers(nature=ENDLESS, port=port))
    kinds: set[str] = set()
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        found = ask(provider, request(max_tokens=1), colour="sync")
        if isinstance(found, Completion):
            break
        kinds.add(found.kind)
        time.sleep(0.002)
    assert isinstance(found, Completion), kinds
    assert kinds <= {"connection", "model_loading"}
    assert "connection" in kinds
    assert provider.health().alive
    provider.close()


def test_three_servers_make_a_ladder(llama_servers: StartServer) -> None:
    """Each tier's server says its own thing, as end-to-end tests need."""
    texts = {"local-8b": "no code", "local-14b": "def f(:", "local-32b": "def f(a): return a"}
    urls = {name: llama_servers(name=name, grammar=f'root ::= "{text}"') for name, text in texts.items()}
    for name, url in urls.items():
        provider = _provider(url)
        found = _answered(ask(provider, request(id=name), colour="sync"))
        assert (found.text, found.model) == (texts[name], name)
        provider.close()
