"""An answer taken apart into fenced blocks, bare edit blocks and the prose between them."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from escalator.answers.bare import is_prose
from escalator.answers.fences import Fence, fences_in, strip_indent, strip_quotes
from escalator.answers.info import Info, read_info
from escalator.answers.limits import refuse_many_edits
from escalator.languages.parsing import parses
from escalator.languages.tags import PROSE

SEARCH = re.compile(
    r"[ \t]*(?:<{3,20} ?(?:SEARCH|ORIGINAL)\b[^\n]*|-{5,20} ?(?:SEARCH|ORIGINAL)[ \t]*)\Z", re.IGNORECASE
)
REPLACE = re.compile(
    r"[ \t]*(?:>{3,20} ?(?:REPLACE|UPDATED|MODIFIED)\b[^\n]*|\+{5,20} ?(?:REPLACE|UPDATED|MODIFIED)[ \t]*)\Z",
    re.IGNORECASE,
)
_SEARCH_SIGNS = ("<<<", "-----")
_REPLACE_SIGNS = (">>>", "+++++")

_CANDIDATES = 12
_WINDOW = 32
_FAR_LOOKS = 20
_PARSE_BUDGET = 4_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One block: its tag and path as written, its lines without container prefixes, and the prose above it.

    `above` holds at most the three last non-blank lines before it. `closed`: an end was found. `fenced` is
    False for edit blocks and patches that stand in the open. `edits`: it consists of search/replace pairs.
    """

    info: Info
    lines: tuple[str, ...]
    start: int
    end: int
    above: tuple[str, ...] = ()
    closed: bool = True
    fenced: bool = True
    edits: bool = False

    @property
    def text(self) -> str:
        """The block's content, ending with a newline unless it is empty."""
        return "\n".join(self.lines) + "\n" if self.lines else ""


@dataclass(slots=True)
class _Reader:
    lines: list[str]
    expected: str | None
    fences: list[Fence] = field(default_factory=list)
    searches: list[int] = field(default_factory=list)
    replaces: list[int] = field(default_factory=list)
    far_looks: int = _FAR_LOOKS
    quote_ends: dict[int, int] = field(default_factory=dict)
    budget: int = _PARSE_BUDGET

    def parses(self, language: str | None, first: int, last: int, opener: Fence) -> bool | None:
        text = "\n".join(self.content(opener, first, last)) + "\n"
        self.budget -= len(text)
        return parses(language, text) if self.budget > 0 else None

    def following(self, at: int, limit: int) -> tuple[list[Fence], list[Fence]]:
        """Fences after number `at` and before line `limit`, and those among them that may close it: the next
        few, or all of them where none of those closes it.
        """
        near = [fence for fence in self.fences[at + 1 : at + 1 + _WINDOW] if fence.line < limit]
        closers = [fence for fence in near if fence.may_close(self.fences[at])]
        if closers or len(near) < _WINDOW:
            return near, closers
        rest = [fence for fence in self.fences[at + 1 :] if fence.line < limit]
        return rest, [fence for fence in rest if fence.may_close(self.fences[at])]

    def farthest(self, at: int, limit: int, skip: int) -> Iterator[Fence]:
        """The last few fences that may close number `at`, for a file full of fences; only some looks an answer."""
        if self.far_looks:
            self.far_looks -= 1
            closers = [f for f in self.fences[at + 1 :] if f.line < limit and f.may_close(self.fences[at])]
            yield from closers[skip:][:-5:-1]

    def quote_end(self, opener: Fence) -> int:
        """The first line after `opener` that is outside its block quote."""
        if not opener.quotes:
            return len(self.lines)
        if opener.line < self.quote_ends.get(opener.quotes, 0):
            return self.quote_ends[opener.quotes]
        number = opener.line + 1
        while number < len(self.lines) and strip_quotes(self.lines[number], opener.quotes)[1] == opener.quotes:
            number += 1
        self.quote_ends[opener.quotes] = number
        return number

    def content(self, opener: Fence, first: int, last: int) -> list[str]:
        rows = self.lines[first:last]
        if opener.quotes:
            rows = [strip_quotes(row, opener.quotes)[0] for row in rows]
        return [strip_indent(row, opener.indent) for row in rows] if opener.indent else rows


def read_blocks(text: str, expected: str | None = None) -> list[Block]:
    """Every block of an answer in order. `expected` is the language of a block whose tag does not tell.

    Where a fence could end in several places, the first end that the language's grammar accepts is taken.
    """
    lines = text.split("\n")
    reader = _Reader(
        lines=lines,
        expected=expected,
        fences=fences_in(lines),
        searches=_matching(lines, SEARCH, _SEARCH_SIGNS),
        replaces=_matching(lines, REPLACE, _REPLACE_SIGNS),
    )
    refuse_many_edits(len(reader.searches))
    blocks: list[Block] = []
    position = prose_from = 0
    while True:
        block = _next_block(reader, position, prose_from)
        if block is None:
            return blocks
        blocks.append(block)
        position = prose_from = block.end


def _matching(lines: list[str], pattern: re.Pattern[str], signs: tuple[str, str]) -> list[int]:
    one, other = signs
    return [n for n, line in enumerate(lines) if (one in line or other in line) and pattern.match(line)]


def _next_block(reader: _Reader, position: int, prose_from: int) -> Block | None:
    at = bisect_left(reader.fences, position, key=lambda fence: fence.line)
    fence = reader.fences[at] if at < len(reader.fences) else None
    bare = bisect_left(reader.searches, position)
    search = reader.searches[bare] if bare < len(reader.searches) else None
    if search is not None and (fence is None or search < fence.line):
        return _bare_edits(reader, search, prose_from)
    if fence is None:
        return None
    if _starts_with_edit(reader, fence):
        return _fenced_edits(reader, at, prose_from)
    return _fenced(reader, at, prose_from)


def _fenced(reader: _Reader, at: int, prose_from: int) -> Block:
    opener = reader.fences[at]
    info = read_info(opener.info)
    limit = reader.quote_end(opener)
    end, closed = _end_of(reader, at, info.language or reader.expected, limit)
    lines = reader.content(opener, opener.line + 1, end)
    if not closed and end == len(reader.lines):
        lines, closed = _glued_end(lines, opener, info.language or reader.expected)
        while lines and not lines[-1].strip():
            lines.pop()
    after = end + 1 if closed and end < limit else end
    return Block(
        info=info,
        lines=tuple(lines),
        start=opener.line,
        end=min(after, len(reader.lines)),
        above=_above(reader, prose_from, opener),
        closed=closed,
    )


def _end_of(reader: _Reader, at: int, language: str | None, limit: int) -> tuple[int, bool]:
    """The line where the block begun by fence `at` ends (not part of it), and whether it was closed there."""
    opener = reader.fences[at]
    inside, closers = reader.following(at, limit)
    if not closers:
        return _unclosed_end(opener, inside, limit, len(reader.lines))
    if language in {"markdown", "rst"}:
        return _nested_end(reader, opener, inside, closers), True
    first = closers[0]
    if not _doubtful(opener, first, inside):
        return first.line, True
    for closer in [*closers[:_CANDIDATES], *reader.farthest(at, limit, _CANDIDATES)]:
        accepted = reader.parses(language, opener.line + 1, closer.line, opener)
        if accepted:
            return closer.line, True
        if accepted is None:
            break
    return _forgotten_end(reader, opener, first, inside, language)


def _doubtful(opener: Fence, first: Fence, inside: list[Fence]) -> bool:
    """Whether the fences around the nearest end leave room for another reading."""
    between = any(fence.line < first.line and fence.mark == opener.mark for fence in inside)
    following = next((fence for fence in inside if fence.line > first.line and fence.mark == opener.mark), None)
    return between or first.indent != opener.indent or (following is not None and not following.info)


def _forgotten_end(
    reader: _Reader, opener: Fence, first: Fence, inside: list[Fence], language: str | None
) -> tuple[int, bool]:
    """No end parses: end before an opening fence in the block if that much parses, else at the equal indent."""
    for fence in inside:
        if fence.line >= first.line:
            break
        if fence.info and fence.mark == opener.mark and fence.indent <= opener.indent and language not in PROSE:
            end = _last_code_line(reader, opener.line + 1, fence.line, language)
            if end > opener.line + 1 and reader.parses(language, opener.line + 1, end, opener):
                return end, True
    same = (fence for fence in inside if fence.may_close(opener) and fence.indent == opener.indent)
    openers = [fence.line for fence in inside if fence.info and fence.line > first.line]
    equal = next(same, first)
    return (equal.line if not openers or equal.line < openers[0] else first.line), True


def _last_code_line(reader: _Reader, first: int, last: int, language: str | None) -> int:
    """Where the prose that leads to the next block begins: after the last blank line, or right at `last`."""
    bottom = last
    while last > first and not reader.lines[last - 1].strip():
        last -= 1
    blank = next((n for n in range(last - 1, first, -1) if not reader.lines[n].strip()), None)
    said = blank is not None and all(is_prose(row, language) for row in reader.lines[blank:bottom])
    return blank if blank is not None and said else last


def _unclosed_end(opener: Fence, inside: list[Fence], limit: int, total: int) -> tuple[int, bool]:
    if limit < total:
        return limit, True
    shorter = [
        f for f in inside if f.mark == opener.mark and not f.info and not f.bullet and f.quotes == opener.quotes
    ]
    if shorter and opener.length > shorter[-1].length and not opener.glued:
        return shorter[-1].line, True
    return limit, False


def _nested_end(reader: _Reader, opener: Fence, inside: list[Fence], closers: list[Fence]) -> int:
    """The end of a Markdown block, whose own fences come in pairs."""
    depth_mark: Fence | None = None
    same = [fence for fence in inside if fence.mark == opener.mark and fence.quotes == opener.quotes]
    for number, fence in enumerate(same):
        if depth_mark is not None:
            depth_mark = None if fence.may_close(depth_mark) else depth_mark
        elif fence.info:
            depth_mark = fence
        elif fence.may_close(opener):
            if _opens_untagged(reader, fence, same[number + 1 :], opener):
                depth_mark = fence
            else:
                return fence.line
        else:
            depth_mark = fence
    return closers[-1].line


def _opens_untagged(reader: _Reader, fence: Fence, later: list[Fence], opener: Fence) -> bool:
    closing = [f for f in later[:2] if f.may_close(opener)]
    above = reader.lines[fence.line - 1].strip()
    below = reader.lines[fence.line + 1].strip() if fence.line + 1 < len(reader.lines) else ""
    return len(closing) == 2 and bool(below) and (not above or above.endswith(":"))


def _glued_end(lines: list[str], opener: Fence, language: str | None) -> tuple[list[str], bool]:
    """An end written behind the last line of code instead of on a line of its own, nothing but prose below it."""
    mark = opener.mark * opener.length
    for number, line in enumerate(lines):
        bare = line.rstrip()
        if bare.endswith(mark) and bare.count(opener.mark) == opener.length and len(bare) > opener.length:
            said = all(is_prose(row, language) for row in lines[number + 1 :])
            return ([*lines[:number], bare[: -opener.length]], True) if said else (lines, False)
    return lines, False


def _starts_with_edit(reader: _Reader, fence: Fence) -> bool:
    """Whether the block begins with a search marker, perhaps below a line that names the file."""
    rows = [row for row in reader.lines[fence.line + 1 : fence.line + 5] if row.strip()]
    bare = [strip_quotes(row, fence.quotes)[0] for row in rows[:2]]
    return any(SEARCH.match(row) for row in bare) and not (bare and "`" in bare[0])


def _fenced_edits(reader: _Reader, at: int, prose_from: int) -> Block:
    """A fence around search/replace pairs ends at the first fence outside a pair."""
    opener, total = reader.fences[at], len(reader.lines)
    number, end, closed = opener.line + 1, total, False
    while number < total:
        pair = _pair_end(reader, number)
        if pair is not None:
            number = pair + 1
            continue
        k = bisect_left(reader.fences, number, key=lambda fence: fence.line)
        if k < len(reader.fences) and reader.fences[k].line == number and reader.fences[k].may_close(opener):
            end, closed = number, True
            break
        number += 1
    return Block(
        info=read_info(opener.info),
        lines=tuple(reader.content(opener, opener.line + 1, end)),
        start=opener.line,
        end=min(end + closed, total),
        above=_above(reader, prose_from, opener),
        closed=closed,
        edits=True,
    )


def _pair_end(reader: _Reader, number: int) -> int | None:
    """The line that ends the search/replace pair beginning at `number`, None if none begins or ends."""
    line = reader.lines[number]
    if not any(sign in line for sign in _SEARCH_SIGNS) or not SEARCH.match(strip_quotes(line)[0]):
        return None
    k = bisect_left(reader.replaces, number)
    following = bisect_left(reader.searches, number + 1)
    if k >= len(reader.replaces):
        return None
    if following < len(reader.searches) and reader.searches[following] < reader.replaces[k]:
        return None
    return reader.replaces[k]


def _bare_edits(reader: _Reader, start: int, prose_from: int) -> Block:
    """One search/replace pair without a fence around it."""
    end = _pair_end(reader, start)
    stop = len(reader.lines) if end is None else end + 1
    return Block(
        info=Info(),
        lines=tuple(reader.lines[start:stop]),
        start=start,
        end=stop,
        above=last_lines(reader.lines[prose_from:start]),
        closed=end is not None,
        fenced=False,
        edits=True,
    )


def _above(reader: _Reader, prose_from: int, opener: Fence) -> tuple[str, ...]:
    rows = reader.lines[max(prose_from, opener.line - 12) : opener.line]
    if opener.glued:
        rows = [*rows, reader.lines[opener.line].split("```")[0]]
    if opener.quotes:
        rows = [strip_quotes(row, opener.quotes)[0] for row in rows]
    return last_lines(rows)


def last_lines(rows: list[str]) -> tuple[str, ...]:
    """The last three lines of prose that say something, of the twelve nearest."""
    return tuple(row for row in rows[-12:] if row.strip())[-3:]
