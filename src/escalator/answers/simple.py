"""The answer models give most: one fenced block of code for one file, read in one look.

What it means is defined by the long way, `blocks` and `assign`; this is the same for answers in which nothing is
left to be told apart, and says None for all others.
"""

from __future__ import annotations

import re
from typing import Final

from escalator.answers.assign import answer_name, resolved
from escalator.answers.bare import one_word
from escalator.answers.blocks import Block, last_lines
from escalator.answers.info import read_info
from escalator.answers.kinds import kind_of
from escalator.answers.naming import Workspace, named_path
from escalator.answers.operations import Whole
from escalator.languages.tags import compatible, language_of_path

_OPENER: Final = re.compile(r"```([A-Za-z][^\n`]*)\n")
_NUMBERED: Final = re.compile(r"[ \t]*[Ll\[]?\d")
"""What a line begins with that may have its number in front."""

_SIGNS: Final = ("~~~", "<<<", "-----", "</")
"""What other fences, edits and elements have."""

_PROGRAMS: Final = frozenset(
    {"python", "javascript", "typescript", "tsx", "go", "rust", "java", "c", "cpp", "csharp", "kotlin", "swift"}
    | {"scala", "ruby", "php", "perl", "lua", "r", "julia", "haskell", "elixir", "clojure", "dart", "zig"}
)
"""Languages whose blocks are code: neither prose nor data, commands or output, whatever is expected."""


def one_block(answer: str, workspace: Workspace) -> Whole | None:
    """The file a cleaned, complete answer gives in its only block; None where a longer look is needed.

    Raises `UnusableError` where its path cannot be used.
    """
    block = _only_block(answer)
    if block is None or workspace.language == "markdown":
        return None
    named = named_path(block, workspace)
    if kind_of(block, named, workspace) != "file":
        return None
    path = _unnamed(block, workspace) if named is None else resolved(named, workspace)
    if path is None or not compatible(block.info.language, language_of_path(path)):
        return None
    return Whole(path, block.text)


def _only_block(answer: str) -> Block | None:
    """The one block of plain code, its fences at the line's beginning and no other mark anywhere."""
    start, end = answer.find("```"), answer.rfind("\n```") + 1
    if (
        not 0 <= start < end
        or answer.count("```") != 2
        or "~~~" in answer
        or "<<<" in answer
        or "-----" in answer
        or "</" in answer
    ):
        return None
    opener = _OPENER.match(answer, start)
    if opener is None or (start and answer[start - 1] != "\n") or answer.startswith("`", end + 3):
        return None
    if answer[end + 3 :].partition("\n")[0].strip() or answer[:start].lstrip().startswith(("{", "[")):
        return None
    info, text = read_info(opener[1].strip()), answer[opener.end() : end]
    if info.language not in _PROGRAMS or not text.isascii() or not text.strip():
        return None
    lines = tuple(text[:-1].split("\n"))
    said = (line for line in lines if line.strip())
    if any(_NUMBERED.match(line) for _, line in zip(range(3), said, strict=False)):
        return None
    above = last_lines(answer[:start].split("\n")[:-1])
    return Block(info=info, lines=lines, start=0, end=0, above=above)


def _unnamed(block: Block, workspace: Workspace) -> str | None:
    """The file that a block without a path is for, where only one can be."""
    if one_word(block.text):
        return None
    if workspace.wanted is not None or workspace.files:
        return workspace.wanted
    return answer_name(block.info.language)
