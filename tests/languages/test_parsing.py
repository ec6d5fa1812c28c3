"""Whether a text parses, and where its strings are: to settle what an answer means, never to judge it."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator import validate
from escalator.languages.parsing import MAX_PARSED, literal_spans, parses, repaired_spaces, without_literals
from escalator.languages.spaces import INVISIBLE, plain_spaces
from escalator.testing import fenced
from houses import BASE


@pytest.mark.parametrize(
    ("language", "text", "told"),
    [
        ("python", "def f():\n    return 1\n", True),
        ("python", "def f(:\n", False),
        ("python", "def f():\n", False),
        ("python", "if x:  # and so on\n", False),
        ("python", "x = {'a': 1}\n# the end:\n", True),
        ("javascript", "const f = (a) => { return a }", True),
        ("javascript", "const f = (a) => {", False),
        ("go", "package a\n\nfunc f() int { return 1 }\n", True),
        ("json", '{"a": [1, 2]}', True),
        ("json", '\ufeff{"a": 1}', True),
        ("json", "{'a': 1}", False),
        ("json", "[" * 100_000, False),
        ("toml", 'a = "b"\n', True),
        ("toml", "a = b\n", False),
        ("no such language", "x", None),
        (None, "x = 1", None),
        ("python", "x = 1\n" * (MAX_PARSED // 6 + 1), None),
    ],
)
def test_a_text_is_well_formed_or_not_or_nobody_can_tell(
    language: str | None, text: str, told: bool | None
) -> None:
    """What is cut off in the middle of a block is not well-formed, though some grammars do not mind."""
    assert parses(language, text) is told


@given(st.text())
def test_every_text_is_json_or_not_as_the_standard_library_says(text: str) -> None:
    """The answer is the reader's own."""
    try:
        json.loads(text.removeprefix("\ufeff"))
        right = True
    except ValueError:
        right = False
    assert parses("json", text) is right


@pytest.mark.parametrize(
    ("language", "text", "literals"),
    [
        ("python", "x = 'a'  # b\n", ["'a'", "# b"]),
        ("python", "x = 'é' + 'b'\n", ["'é'", "'b'"]),
        ("python", "'''a\nb'''\n", ["'''a\nb'''"]),
        ("go", "package a\nvar r = 'x' // c\n", ["'x'", "// c"]),
        ("javascript", "f(`a`, 'b')", ["`a`", "'b'"]),
        ("text", "'a'", []),
    ],
)
def test_strings_and_comments_are_found_where_they_are(language: str, text: str, literals: list[str]) -> None:
    """As ranges of the text's bytes, in order."""
    data = text.encode()
    assert [data[start:end].decode() for start, end in literal_spans(language, text)] == literals


def test_comments_can_be_left_in() -> None:
    """Then only strings are literals."""
    assert len(literal_spans("python", "x = 'a'  # b\n", comments=False)) == 1


@given(st.lists(st.text(alphabet="ab \"'#é\u00a0", max_size=12), max_size=6))
def test_blanking_what_is_quoted_keeps_every_line(words: list[str]) -> None:
    """A line of the result is that line of the text, and nothing that was quoted is left of it."""
    text = "".join(f"x{at} = {word!r}  # secret {at}\n" for at, word in enumerate(words))
    blank = without_literals("python", text)
    assert blank.count("\n") == text.count("\n")
    assert "secret" not in blank
    assert [line.split(" = ")[0] for line in blank.splitlines()] == [f"x{at}" for at in range(len(words))]


def test_what_nobody_can_read_is_not_blanked() -> None:
    """Better too much than a guess."""
    assert without_literals("text", "'a' # b") == "'a' # b"


@pytest.mark.parametrize("odd", ["\u00a0", "\u3000", "\u202f", "\u2003"])
def test_odd_spaces_are_mended_outside_strings_only(odd: str) -> None:
    """A chat window's no-break space breaks a program; the one in its text is the user's."""
    text = f"def f():\n{odd * 4}return 'a{odd}b'\n"
    mended = repaired_spaces("python", text)
    assert mended == f"def f():\n    return 'a{odd}b'\n"
    assert ast.unparse(ast.parse(mended)).endswith(repr(f"a{odd}b"))


@pytest.mark.parametrize("unseen", INVISIBLE)
def test_a_character_that_shows_nothing_goes_if_only_that_makes_it_parse(unseen: str) -> None:
    """It came with the copy."""
    mended = repaired_spaces("python", f"x{unseen} = (1,\n     2)\n")
    assert mended is not None
    assert ast.parse(mended)


def test_one_in_the_middle_of_a_word_goes_without_a_space() -> None:
    """There was none."""
    assert repaired_spaces("python", "def f():\n    re\u200bturn 1\n") == "def f():\n    return 1\n"


@pytest.mark.parametrize("unseen", ["\u200b", "\u2060"])
def test_an_answer_is_not_lost_to_what_nobody_sees(unseen: str) -> None:
    """Python refuses it, though the grammar by which answers are read passes it by."""
    answer = fenced(f"def add(a, b):\n    return{unseen} a + b", path="adding.py")
    (verdict,) = validate(answer, "Fix add().", files=BASE, validators=["syntax"])
    assert verdict.passed, verdict.feedback


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "\ufeffx = 1\n"),
        ("python", "x = 1  # a\u200bb\n"),
        ("python", "x = (\n"),
        ("python", "x = 'a\u00a0b'\n"),
        ("python", "x = (\u00a0\n"),
        ("text", "a\u00a0b"),
        (None, "a\u00a0b"),
    ],
)
def test_what_parses_or_cannot_be_mended_is_left_alone(language: str | None, text: str) -> None:
    """Nothing is changed that need not be."""
    assert repaired_spaces(language, text) is None


@given(st.text())
def test_plain_spaces_leave_every_seen_character(text: str) -> None:
    """Only spaces become others, and only what shows nothing goes; a second time changes nothing."""
    plain = plain_spaces(text)
    assert "".join(plain.split()) == "".join("".join(char for char in text if char not in INVISIBLE).split())
    assert plain_spaces(plain) == plain
