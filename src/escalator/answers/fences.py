"""Lines that open or close a fenced block, by the CommonMark rules and the usual slips."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTE = re.compile(r"[ \t]{0,3}>[ \t]?")
_BULLET = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+(?=`{3}|~{3})")
_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})([^\n]*)\Z")
_GLUED = re.compile(r"[^`]*[^`\s][ \t]*(`{3,})([A-Za-z][\w+#.-]*)[ \t]*\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fence:
    """A fence line. `quotes` counts the `>` before it, `indent` its columns, `bullet` whether a list marker
    stands before it, `glued` whether it follows prose on the same line (and so can only open).
    """

    line: int
    quotes: int
    indent: int
    mark: str
    length: int
    info: str
    bullet: bool = False
    glued: bool = False

    def may_close(self, opener: Fence) -> bool:
        """Whether this line ends the block that `opener` began, by CommonMark's rules."""
        return (
            self.mark == opener.mark
            and self.length >= opener.length
            and not (self.info or self.bullet or self.glued)
            and self.quotes == opener.quotes
            and self.indent <= opener.indent + 3
        )


def fence_in(line: str, number: int) -> Fence | None:
    """The fence on this line, if it is one."""
    if "```" not in line and "~~~" not in line:
        return None
    rest, quotes = strip_quotes(line)
    bullet = _BULLET.match(rest)
    found = _FENCE.match(" " * bullet.end() + rest[bullet.end() :] if bullet else rest)
    if found is None:
        return _glued(rest, number, quotes)
    indent, fence, info = found.groups()
    if fence[0] == "`" and "`" in info:
        return None
    return Fence(
        line=number,
        quotes=quotes,
        indent=len(indent.expandtabs(4)),
        mark=fence[0],
        length=len(fence),
        info=info.strip(),
        bullet=bullet is not None,
    )


def fences_in(lines: list[str]) -> list[Fence]:
    """Every fence line, in order."""
    marked = ((number, line) for number, line in enumerate(lines) if "```" in line or "~~~" in line)
    return [fence for number, line in marked if (fence := fence_in(line, number)) is not None]


def strip_quotes(line: str, most: int = 99) -> tuple[str, int]:
    """The line without its block-quote markers (at most `most`), and how many there were."""
    count, position = 0, 0
    while count < most and (mark := _QUOTE.match(line, position)):
        position = mark.end()
        count += 1
    return line[position:], count


def strip_indent(line: str, columns: int) -> str:
    """The line without up to `columns` columns of leading white space; a tab counts as four."""
    position = 0
    while position < len(line) and columns > 0 and line[position] in " \t":
        columns -= 4 if line[position] == "\t" else 1
        position += 1
    return " " * -columns + line[position:] if columns < 0 else line[position:]


def _glued(rest: str, number: int, quotes: int) -> Fence | None:
    found = _GLUED.match(rest) if len(rest) < 1000 else None
    if found is None:
        return None
    return Fence(line=number, quotes=quotes, indent=0, mark="`", length=len(found[1]), info=found[2], glued=True)
