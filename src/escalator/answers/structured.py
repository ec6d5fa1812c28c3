"""Answers that are JSON: `{"files": [{"path", "content"}]}`, `{"edits": [{"path", "search", "replace"}]}`, files
by their paths, code beside its explanation, and calls of tools that write files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from escalator.answers.failures import UnusableError, truncated
from escalator.answers.info import looks_like_path
from escalator.answers.naming import Workspace, normal_path
from escalator.languages.tags import guess_language

_PATH_KEYS: Final = ("path", "file", "filename", "file_path", "filepath", "target_file", "name")
_CONTENT_KEYS: Final = ("content", "contents", "code", "text", "new_content", "source", "file_text", "code_edit")
_CODE_KEYS: Final = ("code", "content", "solution", "answer", "source", "file_text")
_SEARCH_KEYS: Final = ("search", "old", "old_str", "old_string", "find", "before", "original")
_REPLACE_KEYS: Final = ("replace", "replacement", "new", "new_str", "new_string", "after", "updated")
_LIST_KEYS: Final = ("files", "edits", "changes")
_CALL_KEYS: Final = ("arguments", "parameters", "input", "args", "tool_input")
_SAID: Final = re.compile(
    r"(?:explanation|notes?|reason(?:ing|s)?|summary|thoughts?|description|message|analysis|comments?|plan|status|title"
    r"|language|lang|changes_made|rationale|steps|confidence|approach|tests?|usage|type|kind|ok|done)\Z",
    re.IGNORECASE,
)
"""Keys of what is said beside the files."""

_ENVELOPE: Final = re.compile(r'\s*\{\s*"(?:files|edits)"\s*:\s*[\[{]')
_BESIDE: Final = re.compile(r'\s*\{\s*"(?:explanation|reasoning|analysis|summary|code|thoughts?)"\s*:\s*"')
_PATCH: Final = "*** Begin Patch"
_FENCED: Final = re.compile(
    r"\s*(?:`{3,}|~{3,})(?:json)?[ \t]*\n(.*)\n[ \t]*(?:`{3,}|~{3,})\s*\Z", re.DOTALL | re.IGNORECASE
)
_BLOCK: Final = re.compile(r"\s*(`{3,}|~{3,})[^\n`]*\n(.*)\n[ \t]*\1\s*\Z", re.DOTALL)
_CALL: Final = re.compile(r"\s*<(?P<tag>tool_call|function_call|tool_use)>(?P<body>.*?)</(?P=tag)>", re.DOTALL)
_MOST_CALLS: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One entry: `content` replaces the file, None deletes it; or `search` is replaced by `replace`; or `patch` is
    applied.
    """

    path: str | None
    content: str | None = None
    search: str | None = None
    replace: str = ""
    patch: str = ""


def read_structured(text: str, workspace: Workspace, *, cut: bool) -> list[Item] | None:
    """The entries of a JSON answer, None if the text is not one. Raises `UnusableError` for a broken one.

    Where the file that is wanted is JSON itself, only what names files is an envelope.
    """
    fenced = _FENCED.match(text)
    body = (fenced[1] if fenced else text).strip()
    if body.startswith(("<tool_", "<function_call>")):
        return _calls(body, workspace)
    if not body.startswith(("{", "[")):
        return None
    try:
        value = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        if _ENVELOPE.match(body) or (workspace.language != "json" and _BESIDE.match(body)):
            raise _broken(body, cut=cut) from None
        return None
    return list(_items(value, workspace)) or None


def unfenced(content: str) -> str:
    """The content of a file, out of the one fence it may stand in."""
    found = _BLOCK.match(content)
    return content if found is None or f"\n{found[1]}" in found[2] else found[2] + "\n"


def _broken(body: str, *, cut: bool) -> UnusableError:
    if cut or not body.endswith(("}", "]")):
        return truncated("its JSON has no end")
    return UnusableError(
        "bad_format",
        "Your answer is not valid JSON. Escape every quote, backslash and newline inside strings, and write "
        'nothing but {"files": [{"path": "...", "content": "..."}]}.',
    )


def _calls(body: str, workspace: Workspace) -> list[Item] | None:
    """The entries of tool calls written out as text; None unless the text consists of them."""
    found: list[Item] = []
    position = 0
    for _ in range(_MOST_CALLS):
        call = _CALL.match(body, position)
        if call is None:
            break
        try:
            value = json.loads(call["body"], strict=False)
        except (ValueError, RecursionError):
            return None
        found += _items(value, workspace)
        position = call.end()
    return found if found and not body[position:].strip() else None


def _items(value: object, workspace: Workspace) -> Iterator[Item]:
    if isinstance(value, list):
        yield from _entries(value)
    if not isinstance(value, dict):
        return
    patch = next((text for text in _strings(value) if _PATCH in text), None)
    if patch is not None:
        yield Item(path=None, patch=patch)
    elif any(key in value for key in _LIST_KEYS):
        for key in _LIST_KEYS:
            yield from _entries(value.get(key))
    elif (call := _arguments(value)) is not None:
        yield from _items(call, workspace)
    elif found := list(_entry(value)) or list(_by_path(value, workspace)):
        yield from found
    elif workspace.language != "json":
        yield from _code(value)


def _strings(value: Mapping[object, object]) -> Iterator[str]:
    for each in value.values():
        for text in each if isinstance(each, list) else [each]:
            if isinstance(text, str):
                yield text


def _arguments(value: Mapping[object, object]) -> object | None:
    given = next((value[key] for key in _CALL_KEYS if key in value), None)
    if not isinstance(given, str):
        return given if isinstance(given, dict) else None
    try:
        return json.loads(given, strict=False) if given.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None


def _entries(value: object) -> Iterator[Item]:
    if isinstance(value, list):
        for entry in value:
            yield from _entry(entry)
    elif isinstance(value, dict):
        for path, text in value.items():
            if isinstance(text, str | None):
                yield Item(path=path, content=text)
            elif isinstance(text, dict):
                yield from _entry({"path": path, **text})


def _entry(value: object) -> Iterator[Item]:
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
        yield Item(path=path, content=unfenced(content))
    elif path is not None and (value.get("delete") is True or value.get("content", "") is None):
        yield Item(path=path)


def _by_path(value: Mapping[object, object], workspace: Workspace) -> Iterator[Item]:
    """Files under their paths, perhaps with words beside them; nothing if anything else is there."""
    files: list[Item] = []
    for key, text in value.items():
        named = isinstance(key, str) and _is_path(key, workspace)
        if named and isinstance(text, str | None):
            files.append(Item(path=str(key), content=None if text is None else unfenced(text)))
        elif named or not _SAID.match(str(key)):
            return
    yield from files


def _is_path(key: str, workspace: Workspace) -> bool:
    if workspace.knows(normal_path(key)) or len(workspace.resolve(key)) > 1:
        return True
    return workspace.language != "json" and looks_like_path(key)


def _code(value: Mapping[object, object]) -> Iterator[Item]:
    """Code beside what is said about it; nothing if anything else is there."""
    given = [key for key in value if key in _CODE_KEYS]
    if len(given) != 1 or any(key not in given and not _SAID.match(str(key)) for key in value):
        return
    code = value[given[0]]
    if isinstance(code, str) and ("\n" in code.strip() or "```" in code or guess_language(code)):
        yield Item(path=None, content=unfenced(code))


def _first(value: Mapping[object, object], keys: tuple[str, ...]) -> str | None:
    return next((text for key in keys if isinstance(text := value.get(key), str)), None)
