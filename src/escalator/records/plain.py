"""Values of any kind as JSON has them, the same before and after they were stored."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from math import isfinite
from typing import TypeAlias

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

MOST_BITS = 8192
"""Of a whole number that stands as one; a longer one is written in hexadecimal, which has no limit of digits."""

DEEPEST = 50
"""Levels of a value; what lies deeper, or within itself, is told in words."""


def plain(value: object, depth: int = 0) -> Plain:
    """A value that survives JSON unchanged: keys become texts, sequences lists, what JSON lacks its text."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= MOST_BITS else hex(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else str(float(value))
    if depth < DEEPEST and isinstance(value, Mapping):
        return {_text(key): plain(each, depth + 1) for key, each in value.items()}
    if depth < DEEPEST and isinstance(value, list | tuple):
        return [plain(each, depth + 1) for each in value]
    if depth < DEEPEST and isinstance(value, set | frozenset):
        return [plain(each, depth + 1) for each in sorted(value, key=repr)]
    return _text(value)


def plain_values(values: Mapping[str, object]) -> dict[str, Plain]:
    """The same of every value of a mapping."""
    return {_text(name): plain(value) for name, value in values.items()}


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "backslashreplace")
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception:  # noqa: BLE001  # somebody else's object, or a number without an end
        text = type(value).__name__
    return paired(text)


def paired(text: str) -> str:
    """The text without lone surrogates, which no file and no database takes: they become U+FFFD."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
