"""Another value of the same kind than a given one, which could as well be the right one."""

from __future__ import annotations

import string
from collections.abc import Iterable
from random import Random
from typing import Any

_ALPHABETS = (string.digits, string.ascii_lowercase, string.ascii_uppercase)


def other_than(value: Any, chance: Random) -> Any:
    """A value that is not equal to the given one, and differs from it in one place.

    In place of None stands one that may follow `is`, too: of a number there Python warns.
    """
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float | complex):
        return _number(value, chance)
    if isinstance(value, str):
        return _text(value, chance)
    if isinstance(value, bytes):
        return _text(value.decode("latin-1"), chance).encode("latin-1")
    if isinstance(value, list | tuple):
        return type(value)(_row(list(value), chance))
    if isinstance(value, set):
        return _set(value, chance)
    return _table(value, chance) if isinstance(value, dict) else False


def _number(value: Any, chance: Random) -> Any:
    step = 1 if value == 0 else chance.choice((1, -1))
    if value + step != value:
        return value + step
    return value / 2 if value / 2 != value else 0.0


def _text(value: str, chance: Random) -> str:
    places = [(at, letters) for at, sign in enumerate(value) for letters in _ALPHABETS if sign in letters]
    if not places:
        return value + (value[-1] if value else chance.choice(string.ascii_lowercase))
    at, letters = chance.choice(places)
    return value[:at] + _new(letters, value[at], chance) + value[at + 1 :]


def _new(letters: str, old: str, chance: Random) -> str:
    return chance.choice(letters.replace(old, ""))


def _row(value: list[Any], chance: Random) -> list[Any]:
    if not value:
        return [0]
    at = chance.randrange(len(value))
    return [*value[:at], other_than(value[at], chance), *value[at + 1 :]]


def _set(value: set[Any], chance: Random) -> set[Any]:
    kept = set(value)
    old = chance.choice(sorted(value, key=repr)) if value else 0
    kept.discard(old)
    return kept | {_missing(old, value, chance)}


def _missing(old: Any, known: Iterable[Any], chance: Random) -> Any:
    new = other_than(old, chance)
    for _ in range(100):
        if new not in known:
            return new
        new = other_than(new, chance)
    return f"{sorted(map(repr, known))}"


def _table(value: dict[Any, Any], chance: Random) -> dict[Any, Any]:
    if not value:
        return {"a": 0}
    key = chance.choice(list(value))
    return {**value, key: other_than(value[key], chance)}
