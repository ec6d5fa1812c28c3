"""Syntax trees of tests in languages other than Python, and edits to their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from escalator.languages.parsing import tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

_LONGEST = 1_000_000


def root_of(language: str, text: str) -> Node | None:
    """The root of a text's tree; None where there is no grammar, or the text is too long."""
    tree = tree_of(language, text) if len(text) <= _LONGEST else None
    return None if tree is None else tree.root_node


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
