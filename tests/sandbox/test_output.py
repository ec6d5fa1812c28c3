"""Printed text is bounded and harmless."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.sandbox.output import HeadTail, clean


@given(st.lists(st.binary(max_size=60), max_size=30), st.integers(0, 40))
@settings(max_examples=200, deadline=None)
def test_head_and_tail_are_the_ends_of_the_stream(chunks: list[bytes], kept: int) -> None:
    """However the stream is cut into chunks, the same ends are kept and the rest is counted."""
    stream, whole = HeadTail(kept), HeadTail(kept)
    for chunk in chunks:
        stream.add(chunk)
    everything = b"".join(chunks)
    whole.add(everything)
    assert stream.text() == whole.text()
    assert stream.total == len(everything)
    if len(everything) <= 2 * kept:
        assert stream.text() == clean(everything)
    else:
        head, tail = clean(everything[:kept]), clean(everything[-kept:] if kept else b"")
        assert stream.text() == f"{head}\n... {len(everything) - 2 * kept} bytes left out ...\n{tail}"


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_no_control_character_survives(raw: bytes) -> None:
    """After cleaning there are no controls but newline and tab, and no marks that reorder text."""
    bad = {c for c in clean(raw) if unicodedata.category(c) == "Cc" and c not in "\n\t"}
    assert not bad
    assert not set(clean(raw)) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def test_terminal_sequences_go_as_a_whole() -> None:
    """Colours, titles, links and clipboard writes leave no rest behind."""
    raw = "\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b]52;c;c2VjcmV0\x1b\\x \x1bPq#0\x1b\\y \x1b(Bz\r\nnext\rline"
    assert clean(raw.encode()) == "red x y z\nnext\nline"


def test_text_in_other_scripts_stays() -> None:
    """Cleaning takes nothing from ordinary text."""
    text = "naïve 中文 עברית 👍\tok\n"
    assert clean(text.encode()) == text
