"""Newline styles: what a file had, it keeps."""

from __future__ import annotations

import re


def in_newlines_of(old: str, new: str) -> str:
    """Give `new` (any newlines) the newline style and byte-order mark of `old`; lines kept from a file of mixed
    style keep their own.
    """
    text = new.replace("\r\n", "\n").replace("\r", "\n")
    if old.startswith("\ufeff") and not text.startswith("\ufeff"):
        text = "\ufeff" + text
    endings = re.findall(r"\r\n|\r|\n", old)
    if not endings or set(endings) == {"\n"}:
        return text
    usual = max(("\r\n", "\n", "\r"), key=endings.count)
    if len(set(endings)) == 1:
        return text.replace("\n", usual)
    return _mixed(re.split(r"\r\n|\r|\n", old), endings, text.split("\n"), usual)


def _mixed(old_lines: list[str], endings: list[str], lines: list[str], usual: str) -> str:
    shared = min(len(old_lines), len(lines)) - 1
    head = 0
    while head < shared and old_lines[head] == lines[head]:
        head += 1
    tail = 0
    while tail < shared - head and old_lines[-2 - tail] == lines[-2 - tail]:
        tail += 1
    own: dict[str, str] = {}
    for line, ending in zip(old_lines, endings, strict=False):
        own[line] = usual if own.get(line, ending) != ending else ending
    out = []
    for number, line in enumerate(lines[:-1]):
        if number < head:
            ending = endings[number]
        elif number >= len(lines) - 1 - tail:
            ending = endings[number - (len(lines) - 1) + len(endings)]
        else:
            ending = own.get(line, usual)
        out.append(line + ending)
    return "".join(out) + lines[-1]
