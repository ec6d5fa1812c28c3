"""Find the one place in a file that an edit means, and put the new lines there.

First exactly; then apart from white space at line ends; then shifted by one indentation for all lines, or indented
by other characters to the same depths; then within a line. The first reading under which anything matches decides,
and must match exactly one place. What is put there is indented as the file is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from escalator.answers.indents import in_style_of, indent_of, redepthed, styles_differ

Found: TypeAlias = tuple[str, str] | int
"""The new text and how it matched ("" for exactly), or the number of places (0, or several) that matched."""

Choice: TypeAlias = Callable[[Sequence[int]], Sequence[int]]
"""Of several places, as numbers of their first lines from 0, those that are meant."""

_MOST = 200


def replace_unique(text: str, search: str, replace: str, choose: Choice | None = None) -> Found:
    """`text` with the only occurrence of the lines `search` replaced, see `Found`. `choose` may know more of where
    they are than the lines say.
    """
    if not search.strip():
        return 0
    search, replace = search.removesuffix("\n"), replace.removesuffix("\n")
    for reading in (_exactly, _loosely, _shifted):
        found = reading(text, search, replace, choose)
        if found != 0:
            return found
    return _within(text, search, replace)


def places_of(text: str, wanted: str, *, most: int = 2) -> list[int]:
    """Offsets at which the lines `wanted` stand in `text` as whole lines, at most `most`."""
    padded, needle = f"\n{text}\n", f"\n{wanted}\n"
    places: list[int] = []
    start = padded.find(needle)
    while start >= 0 and len(places) < most:
        places.append(start)
        start = padded.find(needle, start + 1)
    return places


def _exactly(text: str, search: str, replace: str, choose: Choice | None) -> Found:
    places = places_of(text, search, most=_MOST if choose else 2)
    if len(places) > 1 and choose is not None:
        numbers = {text.count("\n", 0, place): place for place in places}
        places = [numbers[number] for number in choose(list(numbers))]
    if len(places) != 1:
        return len(places)
    start, end = places[0], places[0] + len(search)
    if replace:
        return text[:start] + in_style_of(text, search, replace) + text[end:], ""
    if end < len(text):
        return text[:start] + text[end + 1 :], ""
    return text[:start].removesuffix("\n"), ""


def _loosely(text: str, search: str, replace: str, choose: Choice | None) -> Found:
    wanted, new = search.split("\n"), replace.split("\n") if replace else []
    return _by_lines(text, *_less_blank(wanted, new), str.rstrip, choose=choose)


def _shifted(text: str, search: str, replace: str, choose: Choice | None) -> Found:
    wanted, new = search.strip("\n").split("\n"), replace.strip("\n").split("\n") if replace.strip() else []
    return _by_lines(text, *_less_blank(wanted, new), str.strip, choose=choose)


def _within(text: str, search: str, replace: str) -> Found:
    if "\n" in search or len(search.strip()) < 3:
        return 0
    count = text.count(search)
    return (text.replace(search, replace), "within a line") if count == 1 else count


def _less_blank(wanted: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """Without blank lines at either end, dropped from both where both have them."""
    wanted, new = _less_blank_head(wanted, new)
    wanted, new = _less_blank_head(wanted[::-1], new[::-1])
    return wanted[::-1], new[::-1]


def _less_blank_head(wanted: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    head = next((n for n, line in enumerate(wanted) if line.strip()), 0)
    blank = next((n for n, line in enumerate(new) if line.strip()), len(new))
    return wanted[head:], new[min(head, blank) :]


def _by_lines(
    text: str, wanted: list[str], new: list[str], plain: Callable[[str], str], *, choose: Choice | None
) -> Found:
    lines = text.split("\n")
    flat, sought = "\n".join(map(plain, lines)), "\n".join(map(plain, wanted))
    fitting: dict[int, tuple[list[str], str]] = {}
    for place in places_of(flat, sought, most=_MOST if choose else 20):
        first = flat.count("\n", 0, place)
        if plain is str.rstrip:
            fitting[first] = (new, "apart from trailing white space")
        elif (moved := _moved(lines[first : first + len(wanted)], wanted, new, lines)) is not None:
            fitting[first] = moved
    places = list(fitting)
    if len(places) > 1 and choose is not None:
        places = list(choose(places))
    if len(places) != 1:
        return len(places)
    first = places[0]
    put, how = fitting[first]
    return "\n".join([*lines[:first], *put, *lines[first + len(wanted) :]]), how


def _moved(there: list[str], wanted: list[str], new: list[str], lines: list[str]) -> tuple[list[str], str] | None:
    """The new lines indented as the file is, and how; None if its lines are not as deep as those searched for.

    A first line alone may have lost its indentation: then only the first new line gets it back.
    """
    pairs = [(indent_of(line), indent_of(real)) for line, real in zip(wanted, there, strict=True) if line.strip()]
    shift = None if styles_differ(pairs, new) else _shift(pairs)
    if shift is not None:
        remove, add = shift
        moved = [add + line.removeprefix(remove) if line.strip() else line for line in new]
        return moved, "with another indentation"
    if _shift(pairs[1:]) == ("", "") and new and len(pairs) > 1:
        remove, add = _shift(pairs[:1]) or ("", "")
        return [add + new[0].removeprefix(remove), *new[1:]], "with another indentation"
    deep = redepthed(pairs, new, lines)
    return None if deep is None else (deep, "by the depth of its indentation")


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
