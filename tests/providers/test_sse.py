"""Splitting streams: any cut of the bytes gives the same events."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from escalator.providers.http.sse import Event, Events, Lines

PIECES = st.lists(
    st.sampled_from(
        [
            "data: ",
            "data:",
            ":",
            "event: error",
            "id: 3",
            "\n",
            "\n\n",
            "\r",
            "\r\n",
            "\ufeff",
            "x",
            "é",
            "\u2028",
            "\x85",
            "{",
            " ",
        ]
    ),
    max_size=40,
).map("".join)


def _split(body: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(body)) for cut in cuts})
    edges = [0, *places, len(body)]
    return [body[a:b] for a, b in pairwise(edges)]


def _as_the_standard_says(text: str) -> list[Event]:
    """The events of a body, read line by line without an eye to speed; the end completes the last one."""
    events: list[Event] = []
    name, data = "", list[str]()
    body = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    for line in [*body.split("\n"), ""]:
        field, _, value = line.partition(":")
        if field == "data":
            data.append(value.removeprefix(" "))
        elif field == "event":
            name = value.removeprefix(" ")
        elif not line:
            events += [Event(data="\n".join(data), name=name or "message")] if data else []
            name, data = "", []
    return events


def _events(pieces: list[bytes]) -> list[Event]:
    splitter = Events()
    events = [event for piece in pieces for event in splitter.feed(piece)]
    last = splitter.end()
    return events if last is None else [*events, last]


@settings(max_examples=200)
@example("\ufeffdata: ", [])
@given(PIECES, st.lists(st.integers(0, 120), max_size=12))
def test_any_chunking_gives_the_same_events(text: str, cuts: list[int]) -> None:
    """Where the network cuts the bytes changes nothing, not even inside a character or a CRLF."""
    body = text.encode()
    assert _events(_split(body, cuts)) == _events([body]) == _as_the_standard_says(text)


@settings(max_examples=200)
@given(PIECES, st.lists(st.integers(0, 120), max_size=12))
def test_any_chunking_gives_the_same_lines(text: str, cuts: list[int]) -> None:
    """Lines end at CR, LF and CRLF and nowhere else."""
    body = text.encode()
    splitter = Lines()
    lines = [line for piece in _split(body, cuts) for line in splitter.feed(piece)]
    expected = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    assert [*lines, splitter.rest] == expected


@settings(max_examples=100)
@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",))), min_size=1, max_size=5)
)
def test_what_is_sent_is_what_is_read(lines: list[str]) -> None:
    """Data of several lines is joined again, with every odd line separator kept inside."""
    body = "".join(f"data: {line}\n" for line in lines) + "\n"
    assert _events([body.encode()]) == [Event(data="\n".join(lines))]


def test_separators_inside_json_do_not_split_an_event() -> None:
    """U+2028 may stand raw in a JSON string, where text-line splitters would cut it."""
    body = 'data: {"a": "x\u2028y\u2029z\x85"}\n\n'.encode()
    assert _events([body]) == [Event(data='{"a": "x\u2028y\u2029z\x85"}')]


def test_comments_names_and_the_missing_last_blank_line() -> None:
    """Comments are skipped, an event keeps its name for itself, and the end completes the last one."""
    body = b"\xef\xbb\xbf: hello\nevent: error\ndata: a\n\ndata:b\r\rid: 7\n\ndata: c"
    assert _events([body]) == [Event(data="a", name="error"), Event(data="b"), Event(data="c")]
