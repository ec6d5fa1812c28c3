"""Does a text parse, and where are its strings and comments? Only to settle what an answer means.

The verdict on syntax is the syntax validator's; here parsing decides where a fence ends, whether a text without
fences is code, and whether a strange line is program data. Languages without a grammar answer "cannot tell".
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from escalator.languages.spaces import ODD, plain_spaces
from escalator.languages.table import named

if TYPE_CHECKING:
    from tree_sitter import Language, Tree

MAX_PARSED: Final = 1_000_000
"""Characters above which nothing is parsed here."""

_LITERALS: Final = "string|char_lit|rune_lit|heredoc"
_WHOLE: Final = re.compile(_LITERALS + "|comment|regex|template|text")
"""Nodes taken as they are written, since not all of their text need be in their children."""


def parses(language: str | None, text: str) -> bool | None:
    """Whether `text` is well-formed, None where it cannot be told."""
    if language is None or len(text) > MAX_PARSED:
        return None
    if language in {"json", "toml"}:
        return _loads(language, text)
    tree = tree_of(language, text)
    if tree is None:
        return None
    if tree.root_node.has_error:
        return False
    return not (language == "python" and _ends_with_header(text))


def literal_spans(language: str | None, text: str, *, comments: bool = True) -> list[tuple[int, int]]:
    """Where strings (and comments) are, as sorted byte ranges of the UTF-8 text; empty where it cannot be told."""
    return spans_of(_LITERALS + ("|comment" if comments else ""), language, text) or []


def spans_of(kinds: str, language: str | None, text: str) -> list[tuple[int, int]] | None:
    """Where the outermost nodes are whose type matches a pattern, as sorted byte ranges of the UTF-8 text; None
    where it cannot be told.
    """
    tree = tree_of(language, text) if language and len(text) <= MAX_PARSED else None
    if tree is None:
        return None
    wanted = re.compile(kinds)
    spans, cursor, descend = [], tree.walk(), True
    while True:
        node = cursor.node
        if descend and node is not None and wanted.search(node.type):
            spans.append((node.start_byte, node.end_byte))
            descend = False
        if descend and cursor.goto_first_child():
            continue
        descend = cursor.goto_next_sibling()
        if not descend and not cursor.goto_parent():
            return spans


def code_parts(language: str | None, text: str) -> list[tuple[int, str]] | None:
    """What is neither string, comment nor text of a page, each with its offset; None where it cannot be told."""
    spans = spans_of(_LITERALS + "|comment|jsx_text|^text$", language, text)
    if spans is None:
        return None
    data, parts = text.encode("utf-8", "replace"), list[tuple[int, str]]()
    byte = char = 0
    for start, end in [*spans, (len(data), len(data))]:
        part = data[byte:start].decode("utf-8")
        parts.append((char, part))
        char += len(part) + len(data[start:end].decode("utf-8"))
        byte = end
    return parts


def shape(language: str | None, text: str) -> tuple[list[str], list[str]] | None:
    """What a text says to a compiler, as the kinds and words of its tree in order, and its comments; None where it
    cannot be told. White space alone changes neither, unless it changes what belongs together.
    """
    tree = tree_of(language, text) if language and len(text) <= MAX_PARSED else None
    if tree is None:
        return None
    said, comments, cursor, descend = list[str](), list[str](), tree.walk(), True
    while True:
        node = cursor.node
        if descend and node is not None:
            whole = _WHOLE.search(node.type) is not None
            if "comment" in node.type:
                comments.append((node.text or b"").decode("utf-8", "replace"))
            elif whole or not node.child_count:
                said.append((node.text or b"").decode("utf-8", "replace"))
            else:
                said.append(node.type)
            descend = not whole
        if descend and cursor.goto_first_child():
            continue
        descend = cursor.goto_next_sibling()
        if not descend and not cursor.goto_parent():
            return said, comments


def _ends_with_header(text: str) -> bool:
    """Whether the last line that is not a comment opens a block, which the Python grammar does not mind."""
    code = (
        line for line in reversed(text.rstrip().split("\n")) if line.strip() and not line.lstrip().startswith("#")
    )
    return re.split(r"\s#", next(code, ""))[0].rstrip().endswith(":")


def _loads(language: str, text: str) -> bool:
    try:
        if language == "json":
            json.loads(text.removeprefix("\ufeff"))
        else:
            tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def tree_of(language: str, text: str) -> Tree | None:
    """The text as its grammar sees it, None for a language without one that is trusted."""
    grammar = _grammar(language)
    if grammar is None:
        return None
    from tree_sitter import Parser

    return Parser(grammar).parse(text.encode("utf-8", "replace"))


@cache
def _grammar(language: str) -> Language | None:
    row = named(language)
    if row is None or not row.settles:
        return None
    try:
        from tree_sitter import Language

        return Language(getattr(import_module(row.module), row.entry)())
    except ImportError:
        return None


def without_literals(language: str | None, text: str) -> str:
    """The text with its strings and comments blanked, line for line; unchanged where it cannot be told."""
    data, out, position = text.encode("utf-8", "replace"), list[bytes](), 0
    for start, end in literal_spans(language, text):
        out += [data[position:start], b'""', b"\n" * data.count(b"\n", start, end)]
        position = end
    return b"".join([*out, data[position:]]).decode("utf-8", "replace")


def repaired_spaces(language: str | None, text: str) -> str | None:
    """The text with odd and invisible characters outside strings made plain, if only that makes it parse."""
    if text.isascii() or ODD.search(text) is None:
        return None
    same_length = ODD.sub(" ", text)
    plainly = parses(language, same_length)
    if not (plainly and language == "python") and (
        parses(language, text) is not False and not _hides_odd(language, text)
    ):
        return None
    if plainly is not True:
        plain = plain_spaces(text)
        return plain if parses(language, plain) else None
    data, out, byte, char = same_length.encode("utf-8", "replace"), list[str](), 0, 0
    for start, end in literal_spans(language, same_length):
        between = len(data[byte:start].decode("utf-8"))
        literal = len(data[start:end].decode("utf-8"))
        out += [same_length[char : char + between], text[char + between : char + between + literal]]
        byte, char = end, char + between + literal
    plain = "".join(out) + same_length[char:]
    return None if plain in {text, " " + text.removeprefix("\ufeff")} else plain


def _hides_odd(language: str | None, text: str) -> bool:
    """Whether a Python text has odd characters in its code: Python refuses what the grammar passes by."""
    return language == "python" and ODD.search(without_literals(language, text.removeprefix("\ufeff"))) is not None
