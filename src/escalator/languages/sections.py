"""What a file that is no program consists of: keys, tables, headings, rules."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Final

_PATTERNS: Final = {
    "yaml": re.compile(r"^([\w.\"'/-]+)[ \t]*:(?:\s|$)", re.MULTILINE),
    "css": re.compile(r"^([^\s@{}/*][^{}\n]{0,200}?)\s*\{", re.MULTILINE),
    "scss": re.compile(r"^([^\s@{}/*][^{}\n]{0,200}?)\s*\{", re.MULTILINE),
    "ini": re.compile(r"^\[([^\]\n]+)\]", re.MULTILINE),
    "sql": re.compile(
        r"^create\s+(?:or\s+replace\s+)?(?:temp\w*\s+|unique\s+)?(?:table|view|function|index|procedure|trigger|type)\s+"
        r"(?:if\s+not\s+exists\s+)?([\w.\"`\[\]]+)",
        re.MULTILINE | re.IGNORECASE,
    ),
    "makefile": re.compile(r"^([\w./%-]+)[ \t]*:(?!=)", re.MULTILINE),
    "html": re.compile(
        r"(<(?:html|head|body|main|header|footer|nav|script|style|form|table)\b|\bid=[\"'][^\"'\n]+)",
        re.IGNORECASE,
    ),
    "vue": re.compile(r"^<(template|script|style)\b", re.MULTILINE),
    "svelte": re.compile(r"^<(script|style)\b", re.MULTILINE),
    "proto": re.compile(r"^(?:message|service|enum)\s+(\w+)", re.MULTILINE),
    "graphql": re.compile(r"^(?:type|input|enum|interface|scalar|union)\s+(\w+)", re.MULTILINE),
    "terraform": re.compile(r"^(\w+(?:[ \t]+\"[^\"\n]*\")+)[ \t]*\{", re.MULTILINE),
}
_HEADING: Final = re.compile(r"#{1,6}[ \t]+(.+?)[ \t]*#*\Z")
_LARGEST: Final = 1_000_000


def sections(language: str | None, text: str) -> dict[str, None] | None:
    """The names of the parts of a file, in order; None for languages it cannot be told for."""
    if len(text) > _LARGEST:
        return None
    if language in {"json", "toml"}:
        return _keys(language, text)
    if language == "markdown":
        return _headings(text)
    pattern = _PATTERNS.get(language or "")
    return dict.fromkeys(pattern.findall(text)) if pattern is not None else None


def _keys(language: str, text: str) -> dict[str, None] | None:
    try:
        value = json.loads(text.removeprefix("\ufeff")) if language == "json" else tomllib.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    names = dict.fromkeys(value)
    for key, inner in value.items():
        names.update(dict.fromkeys(f"{key}.{name}" for name in inner) if isinstance(inner, dict) else {})
    return names


def _headings(text: str) -> dict[str, None]:
    names: dict[str, None] = {}
    fenced = False
    for line in text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and (found := _HEADING.match(line)):
            names[found[1]] = None
    return names
