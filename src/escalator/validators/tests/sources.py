"""Edits of a source text in place. Lines keep their numbers: what is told of a test is found in its file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from tokenize import COMMENT, generate_tokens

_NEWLINE = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """What a node is replaced by."""

    node: ast.expr | ast.stmt
    text: str


class Source:
    """A source and its tree. Raises `SyntaxError`, `ValueError` or `RecursionError` if Python cannot read it."""

    def __init__(self, text: str) -> None:
        self.tree = ast.parse(text)
        self._bytes = text.encode()
        self._starts = [0, *(found.end() for found in _NEWLINE.finditer(self._bytes))]

    def segment(self, node: ast.expr | ast.stmt) -> str:
        """A node as it is written."""
        start, end = self._span(node)
        return self._bytes[start:end].decode()

    def edited(self, edits: Iterable[Edit]) -> str:
        """The text with these edits; none of them may overlap another."""
        parts, at = [], 0
        for edit in sorted(edits, key=lambda edit: self._span(edit.node)):
            start, end = self._span(edit.node)
            if start < at:
                raise ValueError("edits overlap")
            text = edit.text.encode()
            lines = _lines(self._bytes[start:end]) - _lines(text)
            parts += [self._bytes[at:start], text.replace(b"\0", b"\n" * max(lines, 0))]
            at = end
        return b"".join([*parts, self._bytes[at:]]).decode()

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        last, end = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[last - 1] + end


def without_comments(text: str) -> str:
    """A source without its comments, but for those of its first two lines, which may name an encoding."""
    if "#" not in text:
        return text
    lines = list(StringIO(text, newline=""))
    for token in generate_tokens(StringIO(text, newline="").readline):
        if token.type == COMMENT and token.start[0] > 2:
            row, start, end = token.start[0] - 1, token.start[1], token.end[1]
            lines[row] = lines[row][:start] + lines[row][end:]
    return "".join(lines)


def _lines(text: bytes) -> int:
    return len(_NEWLINE.findall(text))
