"""A place that does not parse, as the model that wrote it is shown it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.languages.faults import SHOWN, Fault, bounded, describe, position
from escalator.languages.grammars import GrammarMissing, ParserGaveUpError, faults
from escalator.languages.table import LANGUAGES, Language

JS = LANGUAGES["javascript"]


@given(st.text(alphabet="ab\né", max_size=60), st.integers(-5, 70))
def test_a_position_counts_lines_and_characters_from_one(text: str, offset: int) -> None:
    """It leads back to its offset; one outside the text is its nearer end."""
    line, column = position(text, offset)
    lines = text.split("\n")
    assert sum(len(before) + 1 for before in lines[: line - 1]) + column - 1 == max(0, min(offset, len(text)))


def test_a_fault_is_shown_under_its_line_with_two_around_it() -> None:
    """The caret stands where the reader stopped."""
    text = "one\ntwo\nthree\nfour(\nfive\nsix\nseven"
    shown = describe("a.py", text, [Fault(line=4, column=5, message="'(' is never closed")])
    assert shown.split("\n") == [
        "a.py:4:5: '(' is never closed",
        "2 | two",
        "3 | three",
        "4 | four(",
        "  |     ^",
        "5 | five",
        "6 | six",
    ]


def test_only_the_first_faults_are_shown_and_the_rest_counted() -> None:
    """Most of them are echoes."""
    many = [Fault(line=1, column=at, message=f"m{at}") for at in range(1, SHOWN + 3)]
    shown = describe("a.py", "x", many)
    assert shown.endswith("a.py: 2 more places, which may be echoes of the above.")
    assert [f"m{at}" in shown for at in (1, SHOWN, SHOWN + 1)] == [True, True, False]


def test_a_long_line_is_shown_around_its_fault() -> None:
    """A minified file is one line; the caret is still under the character."""
    text = "a" * 500 + "(" + "b" * 500
    lines = describe("a.js", text, [Fault(line=1, column=501, message="m")]).split("\n")
    shown, caret = lines[1].partition("| ")[2], lines[2].partition("| ")[2]
    assert shown[caret.index("^")] == "("
    assert len(shown) <= 160


def test_a_control_character_reaches_nobodys_terminal() -> None:
    """It is shown as what it is not."""
    assert "\x1b" not in describe("a.py", "x = \x1b[2J", [Fault(line=1, column=5, message="m")])


def test_a_fault_beyond_the_last_line_is_told_without_an_excerpt() -> None:
    """Readers count a line that is not there."""
    assert describe("a.py", "x", [Fault(line=9, column=1, message="unexpected end")]) == "a.py:9:1: unexpected end"


@pytest.mark.parametrize("count", [39, 40, 41, 200])
def test_reports_of_many_files_are_cut_to_forty_lines(count: int) -> None:
    """The last line says how much is left out."""
    lines = bounded([f"line {at}" for at in range(count)]).split("\n")
    assert len(lines) == min(count, 40)
    if count > 40:
        assert lines[-1] == f"... {count - 39} more lines left out"


@pytest.mark.parametrize(
    ("text", "line", "says", "structural"),
    [
        ("f(1, [2, 3)\n", 1, "')' does not close '[' opened at 1:6", True),
        ("if (a) {\n  b()\n", 1, "'{' opened at 1:8 is never closed", True),
        ("a()\n}\n", 2, "'}' closes nothing", True),
        ("let 1a = 2\n", 1, 'unexpected "', False),
    ],
)
def test_what_is_wrong_is_said_where_it_is(text: str, line: int, says: str, structural: bool) -> None:
    """A bracket too many or too few is a fault that no newer syntax explains."""
    found = faults(JS, text)
    assert not isinstance(found, GrammarMissing)
    assert [(each.line, each.structural) for each in found if says in each.message] == [(line, structural)], found


def test_brackets_in_strings_and_comments_are_none() -> None:
    """They are text."""
    assert faults(JS, "f('(', \"[\") // {\n") == []


def test_columns_count_characters_and_not_bytes() -> None:
    """An editor and the model count alike."""
    (found,) = [
        each for each in faults(JS, "'éé'; (\n") if isinstance(each, Fault) and "never closed" in each.message
    ]
    assert found.column == 7


def test_a_grammar_that_is_not_installed_is_named_as_its_package() -> None:
    """What to install, rather than a verdict."""
    absent = Language(name="x", module="tree_sitter_no_such_language", extra=True)
    assert faults(absent, "x") == GrammarMissing(package="tree-sitter-no-such-language", extra=True)


def test_a_parser_that_takes_too_long_gives_up() -> None:
    """Nothing was found out, and that is what is said."""
    with pytest.raises(ParserGaveUpError):
        faults(JS, "f(" * 200_000, seconds=0.0)
