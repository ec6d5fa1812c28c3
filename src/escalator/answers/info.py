"""What stands behind an opening fence: a language, a path, attributes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from escalator.languages.tags import known_extension, known_name, language_of_path, language_of_tag
from escalator.workspace import is_guarded

_ATTRIBUTE = re.compile(
    r"\b(title|file|filename|file_name|filepath|file_path|path|name|src)\s*[=:]\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s,}]+))",
    re.IGNORECASE,
)
_CURSOR = re.compile(r"\d+:\d+:(?P<path>\S+)\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Info:
    """A fence's info string: the tag as written, the language it names (None if unknown), the path in it."""

    tag: str = ""
    language: str | None = None
    path: str | None = None


def read_info(info: str) -> Info:
    """Take an info string apart: `python`, `python:src/a.py`, `src/a.py`, `py title="src/a.py"`, `{.python}`."""
    info = info.strip()[:500]
    if not info:
        return Info()
    attribute = _ATTRIBUTE.search(info)
    named = _attribute_path(attribute) if attribute else None
    words = (info[: attribute.start()] if attribute else info).strip().strip("{}").split()
    tag, path = _first_word(words[0]) if words else ("", None)
    if path is None and len(words) > 1:
        path = next((word for word in map(_unwrap, words[1:]) if looks_like_path(word)), None)
    path = named or path
    language = language_of_tag(tag) if tag else None
    return Info(tag=tag, language=language or (language_of_path(path) if path and not tag else None), path=path)


def _attribute_path(found: re.Match[str]) -> str | None:
    """The value if it is a path; a title may be just words."""
    key, *values = found.groups()
    value: str = next((value for value in values if value), "")
    return value if looks_like_path(value) or (value and "file" in key.lower()) or key.lower() == "path" else None


def _first_word(word: str) -> tuple[str, str | None]:
    cursor = _CURSOR.match(word)
    if cursor:
        return "", cursor["path"]
    if language_of_tag(word):
        return word.strip(".{}"), None
    tag, colon, path = word.partition(":")
    if colon and path and language_of_tag(tag) and not path.startswith("\\"):
        return tag, path
    if looks_like_path(_unwrap(word)):
        return "", _unwrap(word)
    return (tag, path) if colon and re.fullmatch(r"[A-Za-z]\w+", tag) and looks_like_path(path) else (word, None)


def _unwrap(word: str) -> str:
    return word.strip("\"'`*(),;[]")


def looks_like_path(word: str) -> bool:
    """Whether a single word reads like a file's path: a known extension or name, or the shape of a path."""
    if not word or len(word) > 400 or any(char in word for char in '<>|"`{}()=;,!') or "://" in word:
        return False
    name = re.split(r"[/\\]", word)[-1]
    if word.startswith(("/", "~/", "./", "../", "..\\")) or re.match(r"[A-Za-z]:[\\/]|\\", word):
        return len(word) > 1 and bool(name or word.count("/") > 1)
    stem, dot, extension = name.rpartition(".")
    if dot and (known_extension(extension) or (re.fullmatch(r"[A-Za-z]\w{0,9}", extension) and "/" in word)):
        return bool(stem) or "/" in word or name.startswith(".")
    if known_name(name) or is_guarded(word) or re.fullmatch(r"\.\w[\w.-]*", name):
        return True
    parts = re.split(r"[/\\]", word)
    return "\0" in word or ".." in parts or any(re.match(r"\.\w", part) for part in parts)
