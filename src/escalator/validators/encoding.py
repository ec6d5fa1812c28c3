"""A canonical encoding of what a call gave, made in the process that ran the answer.

Only exact built-in types are told by value: a subclass that equals everything is a marker there, and so is all
that is not known. `escalator.validators.values` is the side that reads and compares. This file is sent into the
sandbox and loaded before any of the answer's code: it imports nothing of escalator and keeps to Python 3.8.
"""

from __future__ import annotations

import builtins
from _json import encode_basestring_ascii
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

globals().update(vars(builtins))  # the names used below are bound now; what becomes of builtins later is no matter

DEEPEST = 100
MOST_VALUES = 200_000
MOST_TEXT = 4_000_000
"""Bounds of one encoding: nesting, values, and characters of text; what lies beyond is a marker."""

quoted = encode_basestring_ascii
"""Text as a JSON string in ASCII."""

_SMALL = 1 << 53
_ATOMS = frozenset((type(None), bool, int, float, str, bytes))
_TAGS: dict[type, str] = {list: "l", tuple: "t", dict: "d", set: "s", frozenset: "z"}
_name_of = vars(type)["__qualname__"].__get__
_contents_of = vars(type)["__dict__"].__get__
_line_of = vars(type)["__mro__"].__get__
_flags_of = vars(type)["__flags__"].__get__
_reduced = object.__reduce_ex__
_HEAP, _FIXED = 1 << 9, 1 << 8
_BUILT_IN: dict[Any, Any] = {
    int: lambda value: int.__add__(value, 0),
    float: lambda value: float.__add__(value, 0.0),
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    list: lambda value: list.__getitem__(value, slice(None)),
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    dict: dict.copy,
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: set(frozenset.__iter__(value)),
}
"""What is built in of an object of a subclass, as a value of exactly that type."""


class Encoder:
    """Turns one value after the other into ASCII text, in JSON.

    Values of exactly None, bool, int, float, str, bytes, list, tuple, dict, set and frozenset are told, all others
    are markers of their type. `objects`: tell those too, by what they hold. `values`: how many
    one encoding tells at most.
    """

    def __init__(self, *, objects: bool = False, values: int = MOST_VALUES) -> None:
        self.objects, self.most = objects, values
        self.values = self.text = 0

    def __call__(self, value: Any) -> str:
        """The encoding of `value`. None of its own code is run."""
        self.values, self.text = self.most, MOST_TEXT
        return self.told(value, {})

    def told(self, value: Any, path: dict[int, int]) -> str:
        """`path`: where the values that hold this one stand, by identity."""
        kind = type(value)
        self.values -= 1
        if kind in _ATOMS:
            return self.atom(value, kind)
        if self.values < 0 or len(path) > DEEPEST:
            return marker(kind)
        if id(value) in path:
            return f'["r",{path[id(value)]}]'
        inner = {**path, id(value): len(path)}
        if kind in _TAGS:
            return self.container(value, kind, inner)
        if not self.objects:
            return marker(kind)
        try:
            return self.thing(value, kind, inner)
        except BaseException:  # noqa: BLE001  the value's own code may raise anything
            return marker(kind)

    def atom(self, value: Any, kind: type) -> str:
        """A value without parts."""
        if value is None:
            return "null"
        if kind is bool:
            return "true" if value else "false"
        if kind is int:
            return int.__repr__(value) if -_SMALL < value < _SMALL else f'["i","{hex(value)}"]'
        if kind is float:
            return f'["f","{float.hex(value)}"]'
        self.text -= len(value)
        if self.text < 0:
            return marker(kind)
        return told_text(value) if kind is str else f'["b","{bytes.hex(value)}"]'

    def container(self, value: Any, kind: type, path: dict[int, int]) -> str:
        """A container with its parts; those of a set in an order of their own."""
        parts = [each for pair in value.items() for each in pair] if kind is dict else list(value)
        told = [self.told(part, path) for part in parts]
        return listed(_TAGS[kind], sorted(told) if kind in (set, frozenset) else told)

    def thing(self, value: Any, kind: type, path: dict[int, int]) -> str:
        """A class by its name; an object by its type, what makes it anew from what, its state, and its items.

        Objects of compiled types tell it themselves. Of those of Python's classes the fields are read as they lie
        there and what is built in of them; no code of theirs is run, and what else they may hold is not known.
        """
        line = _line_of(kind)
        if type in line:
            return f'["g",{named(value)}]'
        if is_compiled(kind):
            maker, *parts = (*_reduced(value, 2), None, None, None)[:5]
            parts[2:] = [None if each is None else list(each) for each in parts[2:]]
            name = str.__str__(maker.__qualname__)
        else:
            held = [_BUILT_IN[each] for each in line if each in _BUILT_IN]
            if any(is_compiled(each) and each is not object and each not in _BUILT_IN for each in line):
                return marker(kind)
            name, parts = "", [held[0](value) if held else None, fields(value, line), None, None]
        return listed("c", [named(kind), quoted(name), *(self.told(part, path) for part in parts)])


def told_text(value: str) -> str:
    """A text, in hexadecimal if it has halves of characters, of which JSON would make whole ones."""
    try:
        str.encode(value)
    except UnicodeEncodeError:
        return f'["u","{bytes.hex(str.encode(value, "utf-8", "surrogatepass"))}"]'
    return quoted(value)


def is_compiled(kind: Any) -> bool:
    """Whether a type was not made by Python code, nor can be changed by it."""
    return not _flags_of(kind) & _HEAP or bool(_flags_of(kind) & _FIXED)


def fields(value: Any, line: tuple[Any, ...]) -> dict[str, Any]:
    """What an object keeps in slots and in its dict, without asking it."""
    found: dict[str, Any] = {}
    for each in line:
        for name, descriptor in _contents_of(each).items():
            if type(descriptor) is MemberDescriptorType:
                try:
                    found[name] = MemberDescriptorType.__get__(descriptor, value)
                except AttributeError:  # a slot that is empty
                    continue
            elif name == "__dict__" and type(descriptor) is GetSetDescriptorType:
                found.update(GetSetDescriptorType.__get__(descriptor, value))
    return found


def listed(tag: str, parts: list[str]) -> str:
    """A tag and what stands behind it."""
    return f'["{tag}"' + "".join(["," + part for part in parts]) + "]"


def marker(kind: type) -> str:
    """What stands for a value that is not told."""
    return f'["o",{named(kind)}]'


def named(kind: Any) -> str:
    """The quoted name of a type, whatever the type says of itself."""
    module, name = _contents_of(kind).get("__module__"), str.__str__(_name_of(kind))
    return quoted(f"{module if type(module) is str else 'builtins'}.{name}")
