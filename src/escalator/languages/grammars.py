"""Reads source with tree-sitter and finds what is wrong in it, without recursion and within bounds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

from escalator.languages.faults import Fault
from escalator.languages.repeats import repeats
from escalator.languages.table import Language

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar
    from tree_sitter import Node, Tree

_CHUNK = 65_536
_MOST_NODES = 200_000
_MOST_FAULTS = 50
_OPENING = {"(": ")", "[": "]", "{": "}", "${": "}", "#{": "}", "#[": "]"}
_CLOSING = frozenset(")]}")
_STRUCTURAL = frozenset({";", ")", "]", "}", '"', "'", "fi", "done", "esac", "end"})
_LONE_CLOSERS = frozenset({"bash"})
"""Languages where a closing bracket may stand alone by right, as in `case x in a) ...`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GrammarMissing:
    """The grammar's package is not installed; `package` is its distribution."""

    package: str
    extra: bool


class ParserGaveUpError(Exception):
    """The text took longer to parse than was allowed."""


def faults(language: Language, text: str, *, seconds: float = 1.0) -> list[Fault] | GrammarMissing:
    """What the language's grammar does not accept in `text`, in reading order; empty if nothing. A text that it
    accepts may still declare a name twice that its language allows once.

    Raises `ParserGaveUpError` after `seconds`. On hostile text a grammar can also exhaust stack and memory before
    that; see `escalator.validators.syntax.heavy`.
    """
    grammar = _grammar(language.module, language.entry)
    if grammar is None:
        return GrammarMissing(package=language.module.replace("_", "-"), extra=language.extra)
    source = text.encode("utf-8", "surrogatepass")
    tree = _parsed(grammar, source, seconds)
    if not tree.root_node.has_error:
        return repeats(language.name, tree.root_node, grammar)
    lines = source.split(b"\n")
    found = [_described(node, lines) for node in _leafmost(tree.root_node)]
    if language.name not in _LONE_CLOSERS:
        found += _unbalanced(tree.root_node, lines)
    return _in_order(found)


def _parsed(grammar: Grammar, source: bytes, seconds: float) -> Tree:
    from tree_sitter import Parser

    end = time.perf_counter() + seconds
    parser = Parser(grammar)
    try:
        return parser.parse(
            lambda offset, _point: source[offset : offset + _CHUNK],
            progress_callback=lambda _offset, _has_error: time.perf_counter() > end,
        )
    except ValueError as error:
        raise ParserGaveUpError from error


@lru_cache(maxsize=64)
def _grammar(module: str, entry: str) -> Grammar | None:
    """The grammar, which threads may share; a parser they may not."""
    try:
        found = import_module(module)
    except ImportError:
        return None
    from tree_sitter import Language as Grammar

    return Grammar(getattr(found, entry)())


def _leafmost(root: Node) -> Iterator[Node]:
    """ERROR and MISSING nodes that contain no other, in reading order."""
    waiting = [root]
    visited = given = 0
    while waiting and visited < _MOST_NODES and given < _MOST_FAULTS:
        node = waiting.pop()
        visited += 1
        if node.is_missing:
            given += 1
            yield node
            continue
        inner = [child for child in node.children if child.has_error or child.is_missing]
        if inner:
            waiting += reversed(inner)
        elif node.is_error:
            given += 1
            yield node


def _described(node: Node, lines: list[bytes]) -> Fault:
    line, column = _place(node, lines)
    if node.is_missing:
        return Fault(
            line=line, column=column, message=f'missing "{node.type}"', structural=node.type in _STRUCTURAL
        )
    text = (node.text or b"")[:400].decode("utf-8", "replace").strip()
    shown = " ".join(text.split())[:40]
    return Fault(line=line, column=column, message=f'unexpected "{shown}"' if shown else "unexpected end")


def _place(node: Node, lines: list[bytes]) -> tuple[int, int]:
    row, byte_column = node.start_point
    prefix = lines[row][:byte_column] if row < len(lines) else b""
    return row + 1, len(prefix.decode("utf-8", "replace")) + 1


def _unbalanced(root: Node, lines: list[bytes]) -> list[Fault]:
    """The innermost bracket that is never closed and the first one that closes nothing.

    Counts bracket tokens of the tree, so those inside strings and comments are left out.
    """
    open_ones: list[tuple[str, Node]] = []
    for node in _brackets(root):
        if node.type in _OPENING:
            open_ones.append((_OPENING[node.type], node))
        elif open_ones and open_ones[-1][0] == node.type:
            open_ones.pop()
        else:
            return [_stray(node, open_ones, lines)]
    if not open_ones:
        return []
    line, column = _place(open_ones[-1][1], lines)
    what = open_ones[-1][1].type
    return [
        Fault(
            line=line,
            column=column,
            message=f"'{what}' opened at {line}:{column} is never closed",
            structural=True,
        )
    ]


def _stray(node: Node, open_ones: list[tuple[str, Node]], lines: list[bytes]) -> Fault:
    line, column = _place(node, lines)
    message = f"'{node.type}' closes nothing"
    if open_ones:
        opened = open_ones[-1][1]
        where = "{}:{}".format(*_place(opened, lines))
        message = f"'{node.type}' does not close '{opened.type}' opened at {where}"
    return Fault(line=line, column=column, message=message, structural=True)


def _brackets(root: Node) -> Iterator[Node]:
    cursor = root.walk()
    for _ in range(10 * _MOST_NODES):
        node = cursor.node
        if node is not None and not node.is_missing and (node.type in _OPENING or node.type in _CLOSING):
            yield node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _in_order(found: list[Fault]) -> list[Fault]:
    unique = {(fault.line, fault.column, fault.message): fault for fault in found}
    return sorted(unique.values(), key=lambda fault: (fault.line, fault.column))
