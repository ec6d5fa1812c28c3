"""Syntax trees of tests in languages other than Python, and edits to their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from escalator.languages.table import named

if TYPE_CHECKING:
    from tree_sitter import Language, Node

_LONGEST = 1_000_000


def root_of(language: str, text: str) -> Node | None:
    """The root of a text's tree; None where there is no grammar, or the text is too long."""
    grammar = _grammar(language)
    if grammar is None or len(text) > _LONGEST:
        return None
    from tree_sitter import Parser

    return Parser(grammar).parse(text.encode("utf-8", "replace")).root_node


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


def said(node: Node | None) -> str:
    """The text of a node."""
    return "" if node is None else (node.text or b"").decode("utf-8", "replace")


def inner(node: Node) -> list[Node]:
    """The named children of a node, comments left out."""
    return [
        child for child in node.named_children if child.type not in {"comment", "line_comment", "block_comment"}
    ]


def everything(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the text."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += reversed(each.children)


def edited(text: str, edits: Iterable[tuple[Node, str]]) -> str:
    """The text with nodes that do not overlap replaced."""
    data = text.encode("utf-8", "replace")
    for node, new in sorted(edits, key=lambda edit: edit[0].start_byte, reverse=True):
        data = data[: node.start_byte] + new.encode() + data[node.end_byte :]
    return data.decode("utf-8", "replace")
