"""Find the one place in a file that an edit means, and put the new lines there.

First exactly; then apart from white space at line ends; then shifted by one indentation for all lines; then
within a line. The first reading under which anything matches decides, and must match exactly one place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Found: TypeAlias = tuple[str, str] | int
"""The new text and how it matched ("" for exactly), or the number of places (0, or several) that matched."""


def replace_unique(text: str, search: str, replace: str) -> Found:
    """`text` with the only occurrence of the lines `search` replaced, see `Found`."""
    if not search.strip():
        return 0
    search, replace = search.removesuffix("\n"), replace.removesuffix("\n")
    for reading in (_exactly, _loosely, _shifted, _within):
        found = reading(text, search, replace)
        if found != 0:
            return found
    return 0


def places_of(text: str, wanted: str, *, most: int = 2) -> list[int]:
    """Offsets at which the lines `wanted` stand in `text` as whole lines, at most `most`."""
    padded, needle = f"\n{text}\n", f"\n{wanted}\n"
    places: list[int] = []
    start = padded.find(needle)
    while start >= 0 and len(places) < most:
        places.append(start)
        start = padded.find(needle, start + 1)
    return places


def _exactly(text: str, search: str, replace: str) -> Found:
    places = places_of(text, search)
    if len(places) != 1:
        return len(places)
    start, end = places[0], places[0] + len(search)
    if replace:
        return text[:start] + replace + text[end:], ""
    if end < len(text):
        return text[:start] + text[end + 1 :], ""
    return text[:start].removesuffix("\n"), ""


def _loosely(text: str, search: str, replace: str) -> Found:
    wanted, new = search.split("\n"), replace.split("\n") if replace else []
    wanted, new = _less_blank(wanted, new)
    wanted, new = (rows[::-1] for rows in _less_blank(wanted[::-1], new[::-1]))
    return _by_lines(text.split("\n"), wanted, new, str.rstrip, "apart from trailing white space")


def _shifted(text: str, search: str, replace: str) -> Found:
    wanted, new = search.strip("\n").split("\n"), replace.strip("\n").split("\n") if replace.strip() else []
    wanted, new = _less_blank(wanted, new)
    wanted, new = (rows[::-1] for rows in _less_blank(wanted[::-1], new[::-1]))
    return _by_lines(text.split("\n"), wanted, new, str.strip, "with another indentation")


def _within(text: str, search: str, replace: str) -> Found:
    if "\n" in search or len(search.strip()) < 3:
        return 0
    count = text.count(search)
    return (text.replace(search, replace), "within a line") if count == 1 else count


def _less_blank(wanted: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """Without blank lines in front, dropped from both where both have them."""
    head = next((n for n, line in enumerate(wanted) if line.strip()), 0)
    blank = next((n for n, line in enumerate(new) if line.strip()), len(new))
    return wanted[head:], new[min(head, blank) :]


def _by_lines(lines: list[str], wanted: list[str], new: list[str], plain: Callable[[str], str], how: str) -> Found:
    text, sought = "\n".join(map(plain, lines)), "\n".join(map(plain, wanted))
    fitting: list[tuple[int, list[str]]] = []
    for place in places_of(text, sought, most=20):
        first = text.count("\n", 0, place)
        put = new if plain is str.rstrip else _moved(lines[first : first + len(wanted)], wanted, new)
        if put is not None:
            fitting.append((first, put))
    if len(fitting) != 1:
        return len(fitting)
    first, put = fitting[0]
    return "\n".join([*lines[:first], *put, *lines[first + len(wanted) :]]), how


def _moved(there: list[str], wanted: list[str], new: list[str]) -> list[str] | None:
    """The new lines indented as the file is, None if its lines are not all shifted alike.

    A first line alone may have lost its indentation: then only the first new line gets it back.
    """
    pairs = [(_indent(line), _indent(real)) for line, real in zip(wanted, there, strict=True) if line.strip()]
    shift = _shift(pairs)
    if shift is not None:
        remove, add = shift
        return [add + line.removeprefix(remove) if line.strip() else line for line in new]
    if _shift(pairs[1:]) == ("", "") and new:
        remove, add = _shift(pairs[:1]) or ("", "")
        return [add + new[0].removeprefix(remove), *new[1:]]
    return None


def _shift(pairs: list[tuple[str, str]]) -> tuple[str, str] | None:
    """What indentation to take off and to put on so that every pair becomes equal, None if nothing does."""
    if not pairs:
        return None
    had, real = pairs[0]
    common = 0
    while common < min(len(had), len(real)) and had[-1 - common] == real[-1 - common]:
        common += 1
    remove, add = had[: len(had) - common], real[: len(real) - common]
    uniform = all(had.startswith(remove) and real == add + had[len(remove) :] for had, real in pairs)
    return (remove, add) if uniform else None


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
