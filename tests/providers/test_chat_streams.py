"""Reading streamed completions: however the bytes arrive, and whichever way an event is read, the answer is one."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.errors import ProviderError
from escalator.providers.chat.reader import ChatReader
from escalator.providers.http.watch import Timing
from escalator.records import Completion
from providers.wires import request

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
PLAIN: dict[str, Any] = {"id": "c1", "model": "m", "object": "chat.completion.chunk", "usage": None}
CHOICE: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": None}
ODD_EVENTS = st.sampled_from(
    [
        {"model": "n"},
        {"id": "c2"},
        {"object": "error"},
        {"usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        {"error": "no such model"},
        {"error": None},
        {"load_time_seconds": 1.5},
        {"choices": []},
        {"choices": None},
    ]
)
ODD_CHOICES = st.sampled_from(
    [
        {"index": 1},
        {"index": None},
        {"finish_reason": "stop"},
        {"finish_reason": "length"},
        {"text": "said"},
        {"error": {"message": "out of memory"}},
        {"message": {"content": "whole"}},
        {"delta": None},
        {"delta": {}},
    ]
)
ODD_DELTAS = st.sampled_from(
    [
        {"tool_calls": None, "refusal": None},
        {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]},
        {"function_call": {"name": "f", "arguments": "{}"}},
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"refusal": "no"},
        {"role": "assistant"},
        {"content": None},
        {"content": [{"type": "text", "text": "part"}, {"type": "thinking", "thinking": "hm"}]},
    ]
)


def _event(words: str, odd: dict[str, Any], of_choice: dict[str, Any], of_delta: dict[str, Any]) -> dict[str, Any]:
    choice = {**CHOICE, "delta": {"content": words, **of_delta}, **of_choice}
    return {**PLAIN, "choices": [choice], **odd}


STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
NOTHING = st.just(dict[str, Any]())
ONE = st.one_of(
    st.builds(_event, WORDS, NOTHING, NOTHING, NOTHING),
    st.builds(_event, WORDS, ODD_EVENTS, NOTHING, NOTHING),
    st.builds(_event, WORDS, NOTHING, ODD_CHOICES, NOTHING),
    st.builds(_event, WORDS, NOTHING, NOTHING, ODD_DELTAS),
    st.sampled_from([[], 3, "words", {"choices": [3]}, {"model": "m", "choices": [CHOICE, CHOICE]}]),
)
FIRST = st.builds(_event, WORDS, st.sampled_from([{}, {"id": None}, {"id": ""}]), NOTHING, NOTHING)
EVENTS = st.builds(lambda first, rest: [first, *rest], FIRST, st.lists(ONE, max_size=4))
"""The words of one model, among them now and then something else."""


def _body(events: list[Any], *, after: str = "", end: str = "\n\n") -> bytes:
    pieces = [json.dumps(event, ensure_ascii=False) for event in [*events, STOP]] + ["[DONE]"]
    return "".join(f"data: {piece}{after}{end}" for piece in pieces).encode()


def _answer(chunks: list[bytes]) -> Completion | tuple[str, str]:
    """The completion, or the kind and the words of what it failed with."""
    reader = ChatReader(request())
    reader.start(200, {"content-type": "text/event-stream"})
    try:
        for chunk in chunks:
            reader.feed(chunk)
        return reader.completion(Timing(seconds=1.0, first_byte=0.5))
    except ProviderError as error:
        return error.kind, str(error)


def _cut(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(body)) for cut in cuts})
    return [body[a:b] for a, b in pairwise([0, *places, len(body)])]


@settings(max_examples=500)
@given(EVENTS, st.lists(st.integers(0, 1500), max_size=20))
def test_any_chunking_gives_the_same_answer(events: list[Any], cuts: list[int]) -> None:
    """One byte at a time, ten events at once, or all of it."""
    body = _body(events)
    assert _answer(_cut(body, cuts)) == _answer([body])


@settings(max_examples=500)
@given(EVENTS)
def test_the_short_way_through_an_event_reads_what_the_long_way_reads(events: list[Any]) -> None:
    """Blanks behind the JSON and other line ends lead an event the long way, word for word to the same answer."""
    short = _answer([_body(events)])
    assert _answer([_body(events, after=" ")]) == short
    assert _answer([_body(events, end="\r\n\r\n")]) == short


def test_words_of_several_events_are_joined_in_order() -> None:
    """Three hundred events make one text, whose model, finish and figures are those that were said."""
    said = [f"word{number} " for number in range(300)]
    head = {"id": "c1", "model": "m"}
    events: list[Any] = [{**head, "choices": [{"index": 0, "delta": {"content": word}}]} for word in said]
    events.append({**head, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 300}})
    found = _answer([_body(events)])
    assert isinstance(found, Completion)
    assert found.text == "".join(said)
    assert (found.model, found.response_id, found.finish, found.condition) == ("m", "c1", "stop", "ok")
    assert (found.usage.input_tokens, found.usage.output_tokens) == (3, 300)
