"""Whole files that are not whole: comments and dots that stand for code left out."""

from __future__ import annotations

import re
from typing import Final

from escalator.languages.parsing import literal_spans
from escalator.languages.tags import PROSE, language_of_path

_LONGEST_LINE: Final = 300

_DOTS: Final = r"(?:\.{3,}|\u2026)"
_THING: Final = (
    r"(?:code|file|functions?|class(?:es)?|methods?|implementations?|imports?|logic|body|contents?|module|script"
    r"|program|definitions?|tests?|fields?|handlers?|routes?|helpers?|lines|parts?|styles?|rules?|cases|document"
    r"|section|text|options|entries|items|config(?:uration)?|settings|page|component|query)"
)
_WHICH: Final = r"(?:(?:the|your|this|all|any|my|of|other|existing|previous|original|remaining|current|old|same) )"
_STATE: Final = (
    r"(?: (?:remains?|stays?|goes|go|is|are|kept|left|continues?|follows|unchanged|omitted|untouched|intact|here"
    r"|above|below|as before|as is|the same|for brevity|not shown|in (?:the )?(?:file|class|module|original)))"
)
_SAYS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:the )?(?:rest|remainder) of {_WHICH}*{_THING}{_STATE}*",
        rf"(?:the )?(?:rest|remainder|others?|everything else){_STATE}+",
        rf"(?:(?:keep|leave|insert|include|paste|copy|put|add) )?{_WHICH}+(?:\w+ )?{_THING}{_STATE}+",
        rf"(?:keep|leave|insert|include|paste|copy|put) {_WHICH}+(?:\w+ )?{_THING}",
        r"(?:existing|previous|remaining|original|unchanged|omitted) (?:code|implementation|content|logic|body)",
        rf"(?:code|implementation|{_THING} )(?: ?(?:unchanged|omitted|not shown))(?: for brevity| here)?",
        r"(?:unchanged|omitted|snip(?:ped)?|no changes?(?: here| below| needed)?)",
        r"(?:the )?same as (?:before|original|in the original)",
        r"(?:unchanged|omitted|not shown|shortened|abbreviated)(?: code)? (?:for brevity|from (?:the )?original)",
        r"(?:your|implementation|actual|real|existing) (?:code|implementation|logic) (?:goes )?here",
        r"implementation (?:goes )?here",
    )
)
_KEYWORD: Final = re.compile(
    r"\b(?:exist\w*|rest|remain\w*|unchanged|omit\w*|previous|same|others?|code|implementation|before|original|more"
    r"|methods?|functions?|imports?|logic|body|snip\w*|class(?:es)?|content|etc)\b",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(
    r"(?:#+|//+|--+|;+|%+|/\*+|\*|<!--|\{/\*|\{\{!--|\(\*|REM\b|\[|\()\s?(?P<text>.*?)\s*"
    r"(?:\*+/\}?|--\}\}|-->|\*\)|\]|\))?\Z",
)
_FIRST_SIGNS: Final = frozenset("#/-;%*<{(R[.\u2026")
"""What a stand-in can begin with: dots, or any of the comments above."""

_ALL_DOTS: Final = re.compile(_DOTS)
_DOTS_AT_END: Final = re.compile(rf"{_DOTS}\Z")
_DOTS_FIRST: Final = re.compile(rf"[(\[{{<* ]*{_DOTS}")
_DOTS_ALONE_ALLOWED: Final = PROSE | {"python", "yaml", "diff", None}
_PROSE_COMMENTS: Final = ("<!--", "[", "(")


def stand_in_of(path: str, old: str, new: str) -> str | None:
    """The first line of `new` that stands for code left out, None if there is none.

    Lines that the old file had too are content, and so are lines inside strings.
    """
    language = language_of_path(path)
    suspects = [
        (n, line)
        for n, line in enumerate(new.split("\n"))
        if line.lstrip()[:1] in _FIRST_SIGNS and _is_stand_in(line, language)
    ]
    if not suspects:
        return None
    kept = {line.strip() for line in old.split("\n")}
    suspects = [(n, line) for n, line in suspects if line.strip() not in kept]
    strings = _string_lines(language, new) if suspects else set()
    return next((line for n, line in suspects if n not in strings), None)


def _is_stand_in(line: str, language: str | None) -> bool:
    bare = line.strip()
    if not bare or len(bare) > _LONGEST_LINE:
        return False
    if _ALL_DOTS.fullmatch(bare):
        return language not in _DOTS_ALONE_ALLOWED or (language == "python" and line.startswith(bare))
    if _ALL_DOTS.match(bare):
        return _DOTS_AT_END.search(bare) is not None and _KEYWORD.search(bare) is not None
    found = _COMMENT.match(bare)
    if found is None or (bare.startswith(_PROSE_COMMENTS[1:]) and language not in PROSE):
        return False
    if language in PROSE and not bare.startswith(_PROSE_COMMENTS):
        return False
    return _says_left_out(found["text"].strip(" *#/-=\t"))


def _says_left_out(text: str) -> bool:
    plain = " ".join(_ALL_DOTS.sub(" ", text).split()).strip(" .:;,!()[]{}<>*_-")
    dotted = _DOTS_FIRST.match(text) is not None
    if dotted and (not plain or (plain.count(" ") < 7 and _KEYWORD.search(plain))):
        return True
    return any(pattern.fullmatch(plain) for pattern in _SAYS)


def _string_lines(language: str | None, text: str) -> set[int]:
    """Lines that begin inside a string that began on an earlier line."""
    data = text.encode("utf-8", "replace")
    inside: set[int] = set()
    line = position = 0
    for start, end in literal_spans(language, text, comments=False):
        line += data.count(b"\n", position, start)
        rows = data.count(b"\n", start, end)
        inside.update(range(line + 1, line + rows + 1))
        line, position = line + rows, end
    return inside
