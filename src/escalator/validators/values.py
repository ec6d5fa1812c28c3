"""What a call gave, as trees that can be compared: the judging side of `escalator.validators.encoding`.

`parse` reads an encoding that anybody may have written, `compare` says whether two of them tell the same value,
`show` prints one. This file is also sent into the sandbox, so it keeps to Python 3.8.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

Tree: TypeAlias = Any
"""What JSON holds of an encoding."""

SAME, OTHER, UNKNOWN = "same", "other", "unknown"
_DEEPEST = 300


class EncodingError(Exception):
    """A text is not an encoding."""


def parse(text: str | bytes) -> Tree:
    """The tree an encoding stands for. Raises `EncodingError` for what is none: it may come from anybody."""
    try:
        tree = json.loads(text)
        _check(tree, 0)
    except (ValueError, TypeError, RecursionError) as error:
        raise EncodingError(f"not an encoding: {error}") from error
    return tree


def _check(tree: Tree, depth: int) -> None:
    if tree is None or type(tree) in {bool, int, str}:
        return
    if type(tree) is not list or not tree or depth > _DEEPEST:
        raise ValueError("a value of no known form")
    tag, rest = tree[0], tree[1:]
    if tag in {"i", "f", "b", "u", "o", "g"} and len(rest) == 1 and type(rest[0]) is str:
        _READERS.get(tag, str)(rest[0])
        return
    if tag == "r" and len(rest) == 1 and type(rest[0]) is int:
        return
    if tag == "c" and (len(rest) != 6 or not type(rest[0]) is type(rest[1]) is str):
        raise ValueError("an object of no known form")
    if tag not in {"l", "t", "s", "z", "c", "d"} or (tag == "d" and len(rest) % 2):
        raise ValueError("a value of no known form")
    for each in rest:
        _check(each, depth + 1)


def value_of(tree: Tree) -> Any:
    """The value a tree tells. Raises `EncodingError` where something in it is no plain value."""
    tag = _tag(tree)
    if type(tree) is not list:
        return tree
    if tag in _READERS:
        return _READERS[tag](tree[1])
    if tag not in _MAKERS and tag != "d":
        raise EncodingError(f"no plain value: {show(tree)}")
    parts = [value_of(each) for each in tree[1:]]
    return dict(zip(parts[::2], parts[1::2])) if tag == "d" else _MAKERS[tag](parts)  # noqa: B905  Python 3.8


def _whole(text: str) -> int:
    return int(text, 16)


_MAKERS: dict[str, Callable[[Any], Any]] = {"l": list, "t": tuple, "s": set, "z": frozenset}
_READERS: dict[str, Callable[[str], Any]] = {
    "i": _whole,
    "f": float.fromhex,
    "b": bytes.fromhex,
    "u": lambda text: bytes.fromhex(text).decode("utf-8", "surrogatepass"),
}


def compare(left: Tree, right: Tree, *, exact: bool = False) -> str:
    """Whether two trees tell the same value: "same", "other", or "unknown" where a marker leaves it open.

    Numbers are the same if they are equal, without tolerance; a number that is none equals itself. Without
    `exact` 4, 4.0 and True are compared as numbers and a frozenset as a set, as Python does. Objects of one type
    are compared by what they hold; a difference in what is private to them leaves it open.
    """
    if not exact:
        left, right = _loosened(left), _loosened(right)
    return _compared(left, right)


def _compared(left: Tree, right: Tree) -> str:
    one, two = _tag(left), _tag(right)
    if "o" in {one, two} or ("c" in {one, two} and (one != two or left[1:3] != right[1:3])):
        return UNKNOWN
    if one != two:
        return OTHER
    found = _INSIDE[one](left, right) if one in _INSIDE else ()
    if one in _INSIDE:
        return OTHER if OTHER in found else UNKNOWN if UNKNOWN in found else SAME
    return SAME if left == right or (one == "f" and _number(left) == _number(right)) else OTHER


def _tag(tree: Tree) -> str:
    return str(tree[0]) if type(tree) is list else type(tree).__name__


def _number(tree: Tree) -> float:
    return float.fromhex(tree[1])


def _entries(tree: Tree) -> list[tuple[str, Any]]:
    """The entries of a dict, by the text of their keys."""
    return [(_text(key), value) for key, value in zip(tree[1::2], tree[2::2])]  # noqa: B905  Python 3.8


def _text(tree: Tree) -> str:
    """A tree as text, the same for equal keys: nought has one sign."""
    return json.dumps(["f", "0x0.0p+0"] if _tag(tree) == "f" and not _number(tree) else tree)


def _rows(left: Tree, right: Tree) -> set[str]:
    if len(left) != len(right):
        return {OTHER}
    return {_compared(mine, theirs) for mine, theirs in zip(left[1:], right[1:])}  # noqa: B905  Python 3.8


def _dicts(left: Tree, right: Tree) -> set[str]:
    mine, theirs = dict(_entries(left)), dict(_entries(right))
    if set(mine) != set(theirs):
        return {UNKNOWN if _marked(set(mine) ^ set(theirs)) else OTHER}
    return {_compared(mine[key], theirs[key]) for key in mine}


def _sets(left: Tree, right: Tree) -> set[str]:
    mine, theirs = sorted(map(_text, left[1:])), sorted(map(_text, right[1:]))
    if mine == theirs:
        return {SAME}
    return {UNKNOWN if _marked([*mine, *theirs]) else OTHER}


def _marked(texts: Iterable[str]) -> bool:
    """Whether any of the texts holds an object or the marker of one."""
    return any('["o", ' in text or '["c", ' in text for text in texts)


def _objects(left: Tree, right: Tree) -> set[str]:
    """What the parts of two objects of one type say.

    Where what an object keeps is named, private names and names of one side only leave it open.
    """
    found = {_compared(left[at], right[at]) for at in (3, 5, 6)}
    if _tag(left[4]) != "d" or _tag(right[4]) != "d":
        return {*found, _compared(left[4], right[4])}
    ours, others = dict(_entries(left[4])), dict(_entries(right[4]))
    for name in {*ours, *others}:
        said = _compared(ours[name], others[name]) if name in ours and name in others else UNKNOWN
        found.add(UNKNOWN if said == OTHER and name.startswith('"_') else said)
    return found


_INSIDE = {"l": _rows, "t": _rows, "d": _dicts, "s": _sets, "z": _sets, "c": _objects}


def _loosened(tree: Tree) -> Tree:
    """The tree with equal numbers told in one way."""
    if type(tree) is bool:
        return int(tree)
    if type(tree) is not list:
        return tree
    if tree[0] == "f":
        number = _number(tree)
        return _integer(int(number)) if number.is_integer() else tree
    if tree[0] in {"i", "b", "u", "o", "g", "r"}:
        return tree
    return ["s" if tree[0] == "z" else tree[0], *map(_loosened, tree[1:])]


def _integer(number: int) -> Tree:
    return number if abs(number) < 1 << 53 else ["i", hex(number)]


def show(tree: Tree, most: int = 300) -> str:
    """The value a tree tells, about as Python would print it, in at most `most` characters."""
    text = _shown(tree)
    return text if len(text) <= most else text[: most - 3] + "..."


_BRACKETS = {"l": ("[", "]"), "t": ("(", ")"), "s": ("{", "}"), "z": ("{", "}")}


def _shown(tree: Tree) -> str:
    tag = _tag(tree)
    if type(tree) is not list:
        return repr(tree)
    if tag in {"o", "c"}:
        return f"<{tree[1]} object>"
    if tag in {"g", "r"}:
        return str(tree[1]) if tag == "g" else "..."
    if tag in _READERS:
        value = _READERS[tag](tree[1])
        return hex(value) if tag == "i" else repr(value)
    if tag == "d":
        pairs = zip(tree[1::2], tree[2::2])  # noqa: B905  Python 3.8
        return "{" + ", ".join(f"{_shown(key)}: {_shown(value)}" for key, value in pairs) + "}"
    left, right = _BRACKETS[tag]
    inner = ", ".join(map(_shown, tree[1:]))
    return left + inner + ("," if tag == "t" and len(tree) == 2 else "") + right
