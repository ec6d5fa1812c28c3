"""The readings that all wires share: waits, secrets, conditions, bounds."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.pricing import token_ceiling
from escalator.providers.base import (
    Ending,
    Provider,
    ThreadedProvider,
    condition,
    kind_of_status,
    output_ceiling,
    retry_after,
    retry_delay,
    scrub,
)
from escalator.providers.thinking import split_thinking
from escalator.records import Completion, Image, Message, Request, ToolCall
from providers.wires import request

NOON = 1795176000.0  # Fri, 20 Nov 2026 12:00:00 GMT


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after": "3", "retry-after-ms": "2500"}, 2.5),
        ({"retry-after": "3", "retry-after-ms": "soon"}, 3.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Fri, 20 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 20 Nov 2026 11:59:00 GMT"}, None),
        ({"retry-after": "Fri, 99 Nov 2026"}, None),
    ],
)
def test_the_wait_a_server_asks_for_is_read_in_all_its_forms(headers: dict[str, str], wait: float | None) -> None:
    """Milliseconds, seconds and dates; what is past, negative or nonsense is no wait."""
    assert retry_after(headers, now=NOON) == wait


@pytest.mark.parametrize(
    ("text", "wait"), [("17.5s", 17.5), ("0s", 0.0), ("3", 3.0), ("-1s", None), ("soon", None)]
)
def test_googles_durations_are_read(text: str, wait: float | None) -> None:
    """`RetryInfo` writes seconds with a unit."""
    assert retry_delay(text) == wait


@pytest.mark.parametrize(
    "secret",
    ["sk-ant-api03-abcdefghijkl", "AIzaSyA1234567890abcdefghij", "Bearer abc.def-123456", "https://x/?key=abc123"],
)
def test_what_is_shaped_like_a_key_is_taken_out(secret: str) -> None:
    """Also keys that are not ours, such as those a gateway puts in its own message."""
    assert secret.rsplit("=", maxsplit=1)[-1].removeprefix("Bearer ") not in scrub(f"failed with {secret} today")


@settings(max_examples=50)
@given(st.text(min_size=4, max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_a_given_secret_never_survives(secret: str, before: str, after: str) -> None:
    """Wherever the key stands in a text, it goes."""
    known = f"@{secret}@"
    assert known not in scrub(before + known + after, known)


def test_addresses_and_ids_are_not_mistaken_for_paths() -> None:
    """Only absolute paths of the server are hidden; what helps a person stays."""
    text = "POST http://localhost:1234/v1/chat/completions for org/model-7b failed in File /srv/app/llama/main.py"
    assert scrub(text) == "POST http://localhost:1234/v1/chat/completions for org/model-7b failed in File [path]"


@pytest.mark.parametrize(
    ("ending", "text", "arguments", "expected"),
    [
        ("stop", "a", None, "ok"),
        ("stop", " \n", None, "empty"),
        ("stop", "", "{}", "ok"),
        ("stop", "a", "{oops", "bad_output"),
        ("stop", "a", "[1]", "bad_output"),
        ("length", "", None, "truncated"),
        ("length", "", "{oops", "truncated"),
        ("refusal", "a", None, "refusal"),
        ("incomplete", "a", None, "incomplete"),
        ("unknown", "a", None, "unknown"),
        ("unknown", "", None, "empty"),
    ],
)
def test_a_condition_follows_from_the_end_and_the_content(
    ending: Ending, text: str, arguments: str | None, expected: str
) -> None:
    """Why it ended comes first, then whether the tool calls hold, then whether there is anything."""
    calls = (ToolCall(name="f", arguments=arguments),) if arguments is not None else ()
    assert condition(ending, text=text, tool_calls=calls) == expected


@pytest.mark.parametrize(
    ("status", "kind"), [(400, "bad_request"), (418, "bad_request"), (501, "server"), (302, "bad_response")]
)
def test_every_status_has_a_kind(status: int, kind: str) -> None:
    """Statuses without a meaning of their own fall into their hundred's."""
    assert kind_of_status(status) == kind


@settings(max_examples=50)
@given(st.text(max_size=200), st.text(max_size=200))
def test_bounds_are_never_below_the_bytes(system: str, text: str) -> None:
    """No byte-level tokenizer makes more than one token of a byte."""
    sent = request(text=text, system=system)
    size = len(system.encode("utf-8", "replace")) + len(text.encode("utf-8", "replace"))
    assert token_ceiling(sent) > size
    assert output_ceiling([system, text]) == size


def test_pictures_and_schemas_count() -> None:
    """What is not text is bounded too."""
    picture = Message(role="user", text="", images=(Image(media_type="image/png", data=b"x"),))
    assert token_ceiling(request(messages=(picture,))) > 5000
    assert token_ceiling(request(schema={"type": "object"})) > token_ceiling(request()) + 500


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_text_without_thinking_is_left_alone(text: str) -> None:
    """Only tags where templates put them change an answer."""
    plain = text.replace("<", "")
    assert split_thinking(plain) == ("", plain)


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>a</think>b", "a", "b"),
        ("  <think>\na\n</think>\n\n<think>c</think>b", "a\nc", "b"),
        ("<thinking>a</thinking>b", "a", "b"),
        ("<think>never closed", "never closed", ""),
        ("<think></think>b", "", "b"),
        ("a</think>\nb", "a", "b"),
        ("Use <think>a</think> like this", "", "Use <think>a</think> like this"),
        ("```\na</think>\n```", "", "```\na</think>\n```"),
    ],
)
def test_thinking_is_told_from_the_answer(text: str, thought: str, answer: str) -> None:
    """Blocks at the start are thinking; the same tags later are part of the answer."""
    assert split_thinking(text) == (thought, answer)


class Plain(ThreadedProvider):
    """A provider whose author wrote `complete` only."""

    name = "plain"

    def complete(self, request: Request) -> Completion:
        """Tell which thread answers."""
        return Completion(text=threading.current_thread().name, model="m")


def test_a_provider_with_one_colour_gets_the_other() -> None:
    """`acomplete` runs `complete` away from the event loop."""
    provider = Plain()
    assert isinstance(provider, Provider)
    assert asyncio.run(provider.acomplete(request())).text != threading.main_thread().name
    asyncio.run(provider.aclose())


def test_a_provider_that_forgot_to_answer_says_so() -> None:
    """The base class names what is missing."""
    with pytest.raises(TypeError, match="must define complete"):
        ThreadedProvider().complete(request())
