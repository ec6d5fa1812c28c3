"""What a prompt asks for beyond changed code: words, layout, a new file. Read generously: it can only excuse."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from escalator.records import Brief

_GAP = (
    r"(?:(?!\b(?:no|not|never|without|so|that|which|what|as|like|per|by|from|see|until|described|according|"
    r"following)\b|n't)[^.\n]){0,60}?\b"
)
"""Between a verb and what it is done to: no other thought begins."""

_DO = (
    r"(?<!not )(?<!n't )(?<!never )\b(?:add|append|adjust|change|clarify|complete|correct|delete|drop|edit|expand|"
    r"extend|fix|give|improve|include|insert|make|mention|move|polish|provide|put|remove|rename|rephrase|replace|"
    r"reword|rewrite|shorten|state|strip|supply|translate|update|write)\b" + _GAP
)
_WORDS = re.compile(
    _DO + r"(?:comments?|commentary|doc-?strings?|documentation|docs?|javadoc|jsdoc|licen[cs]e|header|copyright|"
    r"read-?me|notes?|todos?|fixmes?|explanations?|descriptions?|wording|annotations?|pragma|noqa|"
    r"help|type: ?ignores?)\b"
    r"|(?:^|[.:;,!?\n]|\b(?:please|and|then|to|also)\b)[ \t*\d.)-]*"
    r"(?:(?:document|comment|uncomment|clarify|explain|annotate|describe|translate)\b"
    r"|(?:say|tell|state|note|mention|spell out)[^.\n]{0,20}? (?:what|why|how|that|which|where|when|who)\b)"
    r"|[ck]omment(?:ier|ar|aire)|comentar|dokument(?:ier|ation)|docstring",
    re.IGNORECASE,
)
_SPELLING = re.compile(
    r"\b(?:typos?|spelling|misspel\w+|spell|grammar|wording|tippfehler|rechtschreib\w*)\b", re.IGNORECASE
)
_LAYOUT = re.compile(
    r"\b(?:re-?format\w*|formatting|formatter|format (?:it|(?:the |this |all )?(?:code|files?|modules?|sources?))|"
    r"white-?space|white space|indent\w*|re-?indent\w*|(?:blank|empty|trailing) (?:lines?|spaces?|newlines?)|"
    r"line (?:breaks?|lengths?|endings?)|too long|newlines?|tabs|pep ?-?8|gofmt|rustfmt|prettier|clang-format|"
    r"(?:with|by|for|run) (?:black|ruff)|isort|flake8|lint\w*|code style|style guide|formatier\w*|"
    r"leerzeil\w*|einr[uü]ck\w*)\b",
    re.IGNORECASE,
)
_FEW_WORDS = r"\s+(?:(?!(?:the|this|that|in|of|to|from|for|so|which|with)\b)[\w-]+,?\s+){0,4}?"
_FILE = (
    r"(?:files?|modules?|packages?|scripts?|(?:test )?suite|specs?|fixtures?|migrations?|templates?|pages?|"
    r"components?|workflows?|pipelines?|docker\w*|make-?file|schemas?|plug-?ins?|examples?|benchmarks?|docs?|"
    r"documentation|read-?me|change-?log|guide|tutorial|configs?|configuration|stubs?)\b"
)
_TESTS = re.compile(
    r"(?<!not )(?<!n't )\b(?:add|adapt|adjust|change|correct|edit|extend|improve|rename|rewrite|update|write)\s+"
    r"(?:(?!(?:this|that|in|of|to|from|for|so|which|with)\b)[\w-]+,?\s+){0,4}?"
    r"(?:tests?|specs?)\b(?! (?:pass|run|succeed|green))",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"(?<!not )(?<!n't )\b(?:add|build|create|draft|generate|implement|introduce|make|prepare|provide|scaffold|"
    rf"set up|start|supply|write){_FEW_WORDS}(?:{_FILE}|tests?\b(?! (?:pass|run|succeed|green)))"
    rf"|\binto (?:an?|its|their|several|two|three)\s+(?:[\w-]+\s+){{0,2}}{_FILE}"
    r"|\b(?:new|separate|another|its own|own) (?:python |source )?(?:file|module|package|script|test)s?\b"
    r"|\b(?:port|translate|convert|rewrite)\b[^.\n]{0,60}?\b(?:to|into|in) "
    r"(?:typescript|javascript|python|rust|go|java|kotlin|swift|c|c\+\+|c#|ruby|php)\b"
    r"|\bneue[ns]? (?:datei|modul|skript|test\w*)\b|\btests? schreib",
    re.IGNORECASE,
)


def words(brief: Brief) -> bool:
    """Whether comments or documentation may be all that is asked for."""
    return _said(brief, _WORDS)


def spelling(brief: Brief) -> bool:
    """Whether the words of a comment may be all that is to be corrected."""
    return _said(brief, _SPELLING)


def layout(brief: Brief) -> bool:
    """Whether white space may be all that is asked for."""
    return _said(brief, _LAYOUT)


def new_file(brief: Brief, paths: Iterable[str]) -> bool:
    """Whether the task asks for a file beside those it hands over, or names one of these itself.

    Where it hands over a file that is still to be written, that is the one it asks for.
    """
    asked = all(brief.files.values()) and _said(brief, _NEW)
    return asked or any(named(brief, path) for path in paths)


def tests(brief: Brief) -> bool:
    """Whether tests are to be written or changed."""
    return _said(brief, _TESTS)


def named(brief: Brief, path: str) -> bool:
    """Whether the task's own words name the file."""
    name = re.escape(path.rpartition("/")[2])
    return _said(brief, re.compile(rf"(?<![\w.-]){name}(?![\w-]|\.\w)", re.IGNORECASE))


def _said(brief: Brief, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(text) for text in (brief.prompt, *brief.requirements))
