"""Answers that are JSON: `{"files": [{"path", "content"}]}` or `{"edits": [{"path", "search", "replace"}]}`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from escalator.answers.failures import UnusableError, truncated

_PATH_KEYS = ("path", "file", "filename", "file_path", "filepath", "name")
_CONTENT_KEYS = ("content", "contents", "code", "text", "new_content", "source")
_SEARCH_KEYS = ("search", "old", "old_str", "old_string", "find", "before", "original")
_REPLACE_KEYS = ("replace", "replacement", "new", "new_str", "new_string", "after", "updated")
_KEYS = re.compile(r'"(?:files|edits|changes|path|file|filename|file_path|filepath)"\s*:')
_ENVELOPE = re.compile(r'\s*\{\s*"(?:files|edits)"\s*:\s*[\[{]')
_FENCED = re.compile(
    r"\s*(?:`{3,}|~{3,})(?:json)?[ \t]*\n(.*)\n[ \t]*(?:`{3,}|~{3,})\s*\Z", re.DOTALL | re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One entry: `content` replaces the file, None deletes it; or `search` is replaced by `replace`."""

    path: str | None
    content: str | None = None
    search: str | None = None
    replace: str = ""


def read_structured(text: str, *, cut: bool) -> list[Item] | None:
    """The entries of a JSON answer, None if the text is not one. Raises `UnusableError` for a broken one."""
    fenced = _FENCED.match(text)
    body = (fenced[1] if fenced else text).strip()
    if not body.startswith(("{", "[")) or not _KEYS.search(body):
        return None
    try:
        value = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        if _ENVELOPE.match(body):
            raise _broken(body, cut=cut) from None
        return None
    return list(_items(value)) or None


def _broken(body: str, *, cut: bool) -> UnusableError:
    if cut or not body.endswith(("}", "]")):
        return truncated("its JSON has no end")
    return UnusableError(
        "bad_format",
        "Your answer is not valid JSON. Escape every quote, backslash and newline inside strings, and write "
        'nothing but {"files": [{"path": "...", "content": "..."}]}.',
    )


def _items(value: Any) -> Iterator[Item]:
    if isinstance(value, dict):
        for key in ("files", "edits", "changes"):
            yield from _entries(value.get(key))
        if not any(key in value for key in ("files", "edits", "changes")):
            yield from _entry(value)
    elif isinstance(value, list):
        yield from _entries(value)


def _entries(value: Any) -> Iterator[Item]:
    if isinstance(value, list):
        for entry in value:
            yield from _entry(entry)
    elif isinstance(value, dict) and all(isinstance(text, str | None) for text in value.values()):
        for path, text in value.items():
            yield Item(path=path, content=text)


def _entry(value: Any) -> Iterator[Item]:
    if not isinstance(value, dict):
        return
    path = _first(value, _PATH_KEYS)
    search, replace = _first(value, _SEARCH_KEYS), _first(value, _REPLACE_KEYS)
    if isinstance(value.get("edits"), list) and path is not None:
        for edit in value["edits"]:
            yield from _entry({"path": path, **edit} if isinstance(edit, dict) else edit)
    elif search is not None and replace is not None:
        yield Item(path=path, search=search, replace=replace)
    elif path is not None and (content := _first(value, _CONTENT_KEYS)) is not None:
        yield Item(path=path, content=content)
    elif path is not None and (value.get("delete") is True or value.get("content", "") is None):
        yield Item(path=path)


def _first(value: dict[Any, Any], keys: tuple[str, ...]) -> str | None:
    return next((value[key] for key in keys if isinstance(value.get(key), str)), None)
