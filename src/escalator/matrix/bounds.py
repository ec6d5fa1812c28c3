"""How large YAML becomes once its aliases are written out: a few hundred bytes can stand for gigabytes."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import yaml

MOST_VALUES: Final = 100_000
"""Keys and values a document may stand for; the packaged matrix has some 600."""

DEEPEST: Final = 50
"""Levels that mappings and lists may be nested."""


LONGEST: Final = 4_000_000
"""Characters of a file."""

_OPEN: Final = 1_000
"""Brackets that may stand open at once; a parser takes the square of their number of steps."""


def is_hopeless(text: str) -> bool:
    """Whether a text need not even be parsed: it is too long, or more brackets open in it than anybody writes."""
    if len(text) > LONGEST:
        return True
    if text.count("[") + text.count("{") <= _OPEN:
        return False
    signs = ((char in "[{") - (char in "]}") for char in text if char in "[]{}")
    return max(accumulate(signs), default=0) > _OPEN


class TooLargeError(Exception):
    """A document beyond the bounds: what is wrong, and the 1-based line it begins at."""

    def __init__(self, message: str, line: int) -> None:
        self.message, self.line = message, line
        super().__init__(message)


def check(root: yaml.Node) -> None:
    """Raise `TooLargeError` for a document that stands for too much, is nested too deeply or contains itself."""
    _size(root, {}, ())


def _size(node: yaml.Node, known: dict[int, int], above: tuple[int, ...]) -> int:
    """Keys and values a node stands for, aliases written out."""
    me, line = id(node), node.start_mark.line + 1
    if me in above:
        raise TooLargeError("an alias stands inside what it stands for", line)
    if len(above) > DEEPEST:
        raise TooLargeError(f"this is nested more than {DEEPEST} levels deep", line)
    if me not in known:
        known[me] = 1 + sum(_size(child, known, (*above, me)) for child in _children(node))
        if known[me] > MOST_VALUES:
            text = f"with its aliases written out this stands for more than {MOST_VALUES:,} values"
            raise TooLargeError(text, line)
    return known[me]


def _children(node: yaml.Node) -> list[yaml.Node]:
    inside = node.value
    if not isinstance(inside, list):
        return []
    return [part for item in inside for part in (item if isinstance(item, tuple) else (item,))]
