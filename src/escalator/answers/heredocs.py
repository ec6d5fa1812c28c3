"""Files that an answer writes with shell commands: `cat > path <<'EOF'`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from escalator.answers.blocks import Block
from escalator.answers.info import Info, looks_like_path

_WRITES: Final = re.compile(
    r"[ \t]*(?:\$ )?(?:sudo )?(?:cat|tee)[ \t]+(?:"
    r">[ \t]*(?P<to>[^\s<>|&;]+)[ \t]+<<-?[ \t]*(?P<q1>['\"]?)(?P<end1>\w+)(?P=q1)"
    r"|<<-?[ \t]*(?P<q2>['\"]?)(?P<end2>\w+)(?P=q2)[ \t]*>[ \t]*(?P<into>[^\s<>|&;]+)"
    r"|(?P<tee>[^\s<>|&;-][^\s<>|&;]*)[ \t]+<<-?[ \t]*(?P<q3>['\"]?)(?P<end3>\w+)(?P=q3)"
    r")(?:[ \t]*>[ \t]*/dev/null)?[ \t]*\Z"
)
_CHANGES: Final = re.compile(r"[ \t]*(?:\$ )?(?:sed|perl|mv|rm|cp|patch|git|printf|echo|ed|awk|python3?[ \t]+-)\b")


def written_files(block: Block) -> list[Block]:
    """The files that a block of commands writes, each as a block of its own; none where other commands in it
    change files too, or one of the files has no end.
    """
    if "<<" not in block.text:
        return []
    try:
        return list(_files(block))
    except ValueError:
        return []


def _files(block: Block) -> Iterator[Block]:
    number = 0
    while number < len(block.lines):
        line = block.lines[number]
        found = _WRITES.match(line) if "<<" in line else None
        if found is None and ("<<" in line or _CHANGES.match(line)):
            raise ValueError(line)
        number += 1
        if found is None:
            continue
        path = (found["to"] or found["into"] or found["tee"]).strip("\"'")
        end = block.lines.index(found["end1"] or found["end2"] or found["end3"], number)
        if not looks_like_path(path):
            raise ValueError(path)
        yield Block(info=Info(path=path), lines=block.lines[number:end], start=block.start, end=block.end)
        number = end + 1
