"""The Anthropic provider against the Messages route of a real llama.cpp server with a tiny untrained model."""

from __future__ import annotations

import pytest

from escalator.errors import ProviderError
from escalator.providers.anthropic.provider import Anthropic
from escalator.records import Completion
from llama import StartServer, needs_llama
from providers.wires import ask, request
from tiny_model import Nature

pytestmark = needs_llama

COLOURS = pytest.mark.parametrize("colour", ["sync", "async"])
STREAMS = pytest.mark.parametrize("stream", [True, False])


def answered(found: Completion | ProviderError) -> Completion:
    assert isinstance(found, Completion), repr(found)
    return found


@COLOURS
@STREAMS
def test_an_answer_has_its_text_its_model_and_its_figures(
    llama_servers: StartServer, colour: str, stream: bool
) -> None:
    """The same answer comes streamed and whole, without a key, from a server of one's own."""
    provider = Anthropic("server", base_url=llama_servers(grammar='root ::= "four"', name="tiny"), stream=stream)

    found = answered(ask(provider, request(id="tiny", system="Count."), colour=colour))

    assert (found.text, found.condition, found.finish, found.model) == ("four", "ok", "stop", "tiny")
    assert found.usage.input_tokens > 10
    assert 0 < found.usage.output_tokens < 20
    assert not found.usage.estimated
    provider.close()


@COLOURS
@STREAMS
def test_an_answer_at_its_limit_is_truncated(llama_servers: StartServer, colour: str, stream: bool) -> None:
    """A model that never stops is stopped by `max_tokens`."""
    provider = Anthropic("server", base_url=llama_servers(nature=Nature(stop=-30.0)), stream=stream)

    found = answered(ask(provider, request(id="tiny", max_tokens=9), colour=colour))

    assert (found.condition, found.finish, found.usage.output_tokens) == ("truncated", "length", 9)
    provider.close()


@COLOURS
def test_a_prompt_above_the_window_is_an_overflow_with_its_numbers(
    llama_servers: StartServer, colour: str
) -> None:
    """The server names both numbers in fields of its own; they reach the caller."""
    provider = Anthropic("server", base_url=llama_servers(context=512, slots=1))

    found = ask(provider, request(id="tiny", text="x y z " * 300), colour=colour)

    assert isinstance(found, ProviderError)
    assert (found.kind, found.limit, found.billed) == ("context_overflow", 512, False)
    assert (found.needed or 0) > 512
    provider.close()


def test_tokens_are_counted_by_the_server(llama_servers: StartServer) -> None:
    """The free count is what the answer then reports."""
    provider = Anthropic("server", base_url=llama_servers(grammar='root ::= "four"'))
    sent = request(id="tiny")

    counted = provider.count_tokens(sent)

    assert counted == answered(ask(provider, sent, colour="sync")).usage.input_tokens
    provider.close()


@COLOURS
@STREAMS
def test_thinking_is_kept_out_of_the_answer(llama_servers: StartServer, colour: str, stream: bool) -> None:
    """A model that always thinks fills `reasoning`, and running out while it thinks is a truncated answer."""
    provider = Anthropic(
        "server", base_url=llama_servers(nature=Nature(thinking="forced", stop=-30.0)), stream=stream
    )

    found = answered(ask(provider, request(id="tiny", max_tokens=12), colour=colour))

    assert (found.condition, found.text) == ("truncated", "")
    assert found.reasoning
    provider.close()
