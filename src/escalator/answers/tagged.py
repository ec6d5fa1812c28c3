"""Files and edits between tags, as the tools of other programs take them: `<file path="...">`, `<write_to_file>`.

Everything between the tags is the file; what is said around them is prose. A tag counts where it begins a line
outside fences and its element names a path, so that pages and documents which hold such words stay what they are.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from escalator.answers.blocks import REPLACE, SEARCH, Block, read_blocks
from escalator.answers.failures import truncated
from escalator.answers.info import Info, looks_like_path
from escalator.answers.limits import refuse_many_files
from escalator.answers.naming import Workspace, normal_path
from escalator.answers.structured import unfenced
from escalator.languages.parsing import parses
from escalator.languages.tags import language_of_path

_ELEMENT: Final = (
    r"file|write_to_file|write_file|create_file|new_file|replace_in_file|apply_diff|edit_file|str_replace|edit"
    r"|update_file|modify_file|boltAction|artifact|antArtifact|file_content|invoke"
)
_OPEN: Final = re.compile(
    rf"^[ \t]*(?:<\w+>[ \t]*)*<(?P<tag>{_ELEMENT})(?P<attributes>(?:\s[^<>\n]*)?)>", re.MULTILINE
)
_ATTRIBUTE: Final = re.compile(
    r"\b(?:path|file_?path|file_?name|name|src|file|title)\s*=\s*(?:\"([^\"\n]*)\"|'([^'\n]*)'|([^\s>\"']+))",
    re.IGNORECASE,
)
_NAMES: Final = r"(?:path|file_?path|file_?name|name|target_file|file)"
_PATH: Final = re.compile(
    rf"\s*(?:<{_NAMES}>|<parameter name=\"{_NAMES}\">)\s*(?P<path>[^<\n]{{1,500}}?)\s*</(?:{_NAMES}|parameter)>",
    re.IGNORECASE,
)
_BODIES: Final = r"(?:contents?|code|text|source|diff|file_content|file_text|body|new_content)"
_BODY: Final = re.compile(rf"\s*(?:<{_BODIES}>|<parameter name=\"{_BODIES}\">)", re.IGNORECASE)
_BODY_END: Final = re.compile(
    rf"[ \t]*</(?:{_BODIES}|parameter)>\s*(?:<line_count>\s*\d*\s*</line_count>\s*)?\Z", re.IGNORECASE
)
_OLD, _NEW = r"(?:search|old|old_str|old_string|find)", r"(?:replace|new|new_str|new_string)"
_PARTS: Final = re.compile(
    rf"\s*<{_OLD}>\n?(?P<old>.*?)\n?[ \t]*</{_OLD}>\s*<{_NEW}>\n?(?P<new>.*?)\n?[ \t]*</{_NEW}>\s*\Z",
    re.DOTALL | re.IGNORECASE,
)
_CDATA: Final = re.compile(r"\s*<!\[CDATA\[\n?(?P<text>.*)\]\]>\s*\Z", re.DOTALL)
_SPLIT_CDATA: Final = "]]]]><![CDATA[>"
_MARKUP: Final = frozenset({"html", "xml", "vue", "svelte", "astro", "templates", "php", "markdown"})


def read_tagged(text: str, workspace: Workspace) -> list[Block] | None:
    """Every element that holds a file or edits, and every other block of the answer; None if there is no element.

    Raises `UnusableError` for an element without an end.
    """
    if "</" not in text or not (found := list(_elements(text, workspace))):
        return None
    blocks, position = list[Block](), 0
    for first, last, block in found:
        blocks += read_blocks(text[position:first], workspace.language)
        blocks.append(block)
        position = last
    return [*blocks, *read_blocks(text[position:], workspace.language)]


def _elements(text: str, workspace: Workspace) -> Iterator[tuple[int, int, Block]]:
    """Where elements begin and end, and what they hold."""
    openers = [opener for opener in _OPEN.finditer(text) if _path_of(text, opener, workspace)]
    refuse_many_files(len(openers))
    starts = [opener.start() for opener in openers]
    closers: dict[str, list[int]] = {}
    position = 0
    for opener in openers:
        if opener.start() < position or text.count("```", position, opener.start()) % 2:
            continue
        tag = opener["tag"]
        if tag not in closers:
            closers[tag] = [each.start() for each in re.finditer(f"</{tag}>", text)]
        end = _end(closers[tag], starts, opener.end())
        if end is None:
            raise truncated(f"<{tag}> has no end")
        yield opener.start(), end + len(f"</{tag}>"), _block(text, opener, end, workspace)
        position = end + len(f"</{tag}>")


def _end(closers: list[int], starts: list[int], begin: int) -> int | None:
    """The last closing tag before the next element begins."""
    first = bisect_left(closers, begin)
    if first == len(closers):
        return None
    following = bisect_left(starts, closers[first])
    limit = starts[following] if following < len(starts) else closers[-1] + 1
    return closers[bisect_left(closers, limit) - 1]


def _path_of(text: str, opener: re.Match[str], workspace: Workspace) -> str:
    """The path an element names, "" if it names none."""
    for found in _ATTRIBUTE.finditer(opener["attributes"]):
        value = next((value for value in found.groups() if value), "").strip()
        if workspace.knows(normal_path(value)):
            return value
        if looks_like_path(value) and (workspace.language not in _MARKUP or opener["tag"] != "file"):
            return value
    inner = _PATH.match(text, opener.end())
    return inner["path"] if inner is not None and looks_like_path(inner["path"]) else ""


def _block(text: str, opener: re.Match[str], end: int, workspace: Workspace) -> Block:
    path = _path_of(text, opener, workspace)
    inner = _PATH.match(text, opener.end())
    body = text[inner.end() if inner is not None else opener.end() : end]
    parts = _PARTS.match(body)
    if parts is not None:
        body = f"<<<<<<< SEARCH\n{_line(parts['old'])}=======\n{_line(parts['new'])}>>>>>>> REPLACE\n"
    else:
        body = _content(path, body)
    lines = tuple(body.removesuffix("\n").split("\n"))
    edits = any(SEARCH.match(line) for line in lines) and any(REPLACE.match(line) for line in lines)
    return Block(info=Info(path=path), lines=lines, start=0, end=0, edits=edits)


def _content(path: str, body: str) -> str:
    """What stands between the tags, out of what else it is wrapped in."""
    inner = _BODY.match(body)
    if inner is not None and (close := _BODY_END.search(body)) is not None:
        body = body[inner.end() : close.start()]
    wrapped = _CDATA.match(body)
    if wrapped is not None:
        return wrapped["text"].replace(_SPLIT_CDATA, "]]>")
    body = unfenced(body.removeprefix("\n"))
    language = language_of_path(path)
    if "&" in body and parses(language, body) is False and parses(language, html.unescape(body)):
        return html.unescape(body)
    return body


def _line(text: str) -> str:
    return text + "\n" if text else ""
