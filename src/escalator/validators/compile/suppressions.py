"""Comments and marks that tell a tool to look away: those an answer brings in are made harmless before it is run.

Lines and columns stay where they are. What the base had stays honoured, counted by its text, wherever it moved to.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from escalator.languages.files import language_of
from escalator.languages.parsing import spans_of
from escalator.validators.syntax.readers import parsed_python

_LINTER = r"noqa|ruff\s*:|flake8\s*[:=]|pylint\s*:|isort\s*:"
_CHECKER = (
    r"type\s*:\s*ignore|(?:mypy|pyright|basedpyright|ty|pyrefly|pytype)\s*:|pyre-(?:ignore|fixme|strict|unsafe)"
)
_PYTHON = {
    "ruff": re.compile(_LINTER, re.IGNORECASE),
    "ruff-fatal": re.compile(_LINTER, re.IGNORECASE),
}
_PYTHON_ELSE = re.compile(_CHECKER, re.IGNORECASE)
_MYPY_LINE = re.compile(r"^# mypy:[^\n]*", re.MULTILINE)
"""mypy reads such lines wherever they stand, in strings too."""

_UNCHECKED = "no_type_check"
_TREES: dict[str, tuple[str, re.Pattern[str]]] = {
    "tsc": ("comment", re.compile(r"@ts-(?:ignore|nocheck|expect-error)")),
    "go": ("comment", re.compile(r"\A//(?:line |(?:go:build\b|\s*\+build\b).*\b(?:ignore|never)\b)")),
    "cargo": (
        "attribute_item",
        re.compile(r"\b(?:allow|expect|warn)\s*\(|\bcfg(?:_attr)?\s*\(\s*(?:any\s*\(\s*\)|FALSE)"),
    ),
}
"""By tool: which nodes of the tree may tell it to look away, and what stands in those that do."""

_GAP = r"(?:[ \t]|\\\n|/\*.*?\*/)*"
_PRAGMA = re.compile(
    rf"^{_GAP}(?:#|%:|\?\?=){_GAP}(?:pragma{_GAP}(?:GCC|clang|warning)\b|line\b|\d)(?:\\\n|[^\n])*"
    r'|\b_Pragma\s*\(\s*L?"(?:\\.|[^"\\])*"\s*\)',
    re.MULTILINE,
)
_TEXTS = {"gcc": _PRAGMA, "g++": _PRAGMA}
"""By tool: what tells it to look away in the text itself, where no string can be taken for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mark:
    """Something that tells a tool to look away: where it is, what it says, in which line."""

    start: int
    end: int
    said: str
    line: str
    alone: bool
    harmless: Callable[[str], str] = field(compare=False)

    @property
    def key(self) -> tuple[str, bool]:
        """What makes it the same one elsewhere: one that stands alone may speak for more than its line."""
        return self.said, self.alone


def without_new(tool: str, before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Those of the changed files that the tool must be shown otherwise than they are: what tells it to look away
    is taken out where it did not stand before. What went from one file may come back in another.
    """
    marks = {path: list(_marks(tool, path, text)) for path, text in after.items()}
    if not any(marks.values()):
        return {}
    had = {path: Counter(mark.key for mark in _marks(tool, path, text)) for path, text in before.items()}
    lines = {path: frozenset(map(str.strip, text.split("\n"))) for path, text in before.items()}
    left: Counter[tuple[str, bool]] = Counter()
    for path, count in had.items():
        left += count - Counter(mark.key for mark in marks.get(path, ()))
    cleaned = {}
    for path, found in marks.items():
        own = had.get(path, Counter[tuple[str, bool]]()).copy()
        at_home = lines.get(path, frozenset())
        new = [mark for mark in sorted(found, key=lambda each: each.line not in at_home) if not _taken(mark, own)]
        if new := [mark for mark in new if not _taken(mark, left)]:
            cleaned[path] = _harmless(after[path], new)
    return cleaned


def _taken(mark: _Mark, stock: Counter[tuple[str, bool]]) -> bool:
    if stock[mark.key] <= 0:
        return False
    stock[mark.key] -= 1
    return True


def _harmless(text: str, marks: list[_Mark]) -> str:
    for mark in sorted(marks, key=lambda each: each.start, reverse=True):
        text = text[: mark.start] + mark.harmless(text[mark.start : mark.end]) + text[mark.end :]
    return text


def _marks(tool: str, path: str, text: str) -> Iterator[_Mark]:
    language = language_of(path, text)
    if language is None:
        return
    if language.name == "python":
        yield from _in_python(tool, text)
    elif tool in _TEXTS:
        for match in _TEXTS[tool].finditer(text):
            yield _mark(text, match.start(), match.end(), _blank)
    elif tool in _TREES:
        kinds, pattern = _TREES[tool]
        for start, end in _spans(kinds, language.name, text):
            if pattern.search(text[start:end]):
                yield _mark(text, start, end, _blank)


def _spans(kinds: str, language: str, text: str) -> list[tuple[int, int]]:
    """Ranges of characters; the whole text where it cannot be told."""
    spans = spans_of(kinds, language, text)
    if spans is None:
        return [(0, len(text))]
    if text.isascii():
        return spans
    data = text.encode("utf-8", "replace")
    return [(len(data[:start].decode("utf-8")), len(data[:end].decode("utf-8"))) for start, end in spans]


def _mark(text: str, start: int, end: int, harmless: Callable[[str], str]) -> _Mark:
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    return _Mark(
        start=start,
        end=end,
        said=" ".join(text[start:end].split()),
        line=text[begin : len(text) if stop < 0 else stop].strip(),
        alone=not text[begin:start].strip(),
        harmless=harmless,
    )


def _in_python(tool: str, text: str) -> Iterator[_Mark]:
    pattern = _PYTHON.get(tool, _PYTHON_ELSE)
    begins = _line_starts(text)
    comments = set()
    for token in _comments(text):
        start = begins[token.start[0] - 1] + token.start[1]
        comments.add(start)
        if pattern.search(token.string):
            yield _mark(text, start, start + len(token.string), _said_nothing)
    if tool in _PYTHON:
        return
    for match in _MYPY_LINE.finditer(text):
        if match.start() not in comments:
            yield _mark(text, match.start(), match.end(), _said_nothing)
    for start, end in _unchecked(text, begins):
        yield _mark(text, start, end, _blank)


def _comments(text: str) -> list[tokenize.TokenInfo]:
    try:
        lines = io.StringIO(text.replace("\r\n", " \n").replace("\r", "\n"))
        tokens = list(tokenize.generate_tokens(lines.readline))
    except (SyntaxError, tokenize.TokenError):
        return []
    return [token for token in tokens if token.type == tokenize.COMMENT]


def _line_starts(text: str) -> list[int]:
    """Where the lines begin that Python counts."""
    return [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]


def _unchecked(text: str, begins: list[int]) -> Iterator[tuple[int, int]]:
    """The decorators that take a function out of type checking, under any name."""
    if _UNCHECKED not in text:
        return
    try:
        nodes = list(ast.walk(parsed_python(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    names = {_UNCHECKED} | {
        alias.asname
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == _UNCHECKED and alias.asname
    }
    for node in nodes:
        for each in getattr(node, "decorator_list", ()):
            name = each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")
            if name in names:
                at = _offset(text, begins, each.lineno, each.col_offset)
                end = _offset(text, begins, each.end_lineno or each.lineno, each.end_col_offset or 0)
                yield text.rindex("@", 0, at), end


def _offset(text: str, begins: list[int], line: int, column: int) -> int:
    """Characters before a place that is told in bytes of its line."""
    begin = begins[line - 1]
    return begin + len(text[begin : begin + column].encode()[:column].decode("utf-8", "ignore"))


def _said_nothing(comment: str) -> str:
    """A comment of the same length without a word."""
    return "#" + " " * (len(comment) > 1) + "x" * (len(comment) - 2)


def _blank(text: str) -> str:
    return re.sub(r"[^\n\r]", " ", text)
