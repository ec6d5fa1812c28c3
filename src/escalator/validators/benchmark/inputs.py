"""Inputs like the benchmark's own, none of them twice, so that no answer can have seen one before. Pure.

Part of the program that measures inside the sandbox; Python 3.8.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_SEEDS = 1 << 20
_MOST_A_BLOCK = 4096
_SPARE = 24
_LARGEST = 8_000_000
"""Bytes of the inputs of one block, about."""

_FACTOR = 1e-9
_ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "123456789")


class Kind:
    """One way to vary inputs: `numbers` inside containers, letters of `texts` (a, A, 1: which sort), `scalars`.

    The kinds are tried in order until base and answer agree on what comes of them. Adding one number to all keeps
    order, distances and what is different; a few letters and digits of a text become others of their sort.
    """

    def __init__(self, name: str, *, numbers: bool = False, texts: str = "", scalars: bool = False) -> None:
        self.name, self.numbers, self.scalars = name, numbers, scalars
        self.alphabets = [each for each in _ALPHABETS if each[0] in texts]


KINDS = (
    Kind("numbers and texts", numbers=True, texts="aA1"),
    Kind("numbers", numbers=True),
    Kind("texts", texts="aA1"),
    Kind("digits of texts", texts="1"),
    Kind("single numbers", scalars=True),
    Kind("the count of calls"),
)
OWN = Kind("none")
"""The benchmark's own values, as often as is asked for."""


def decode(tree: Any) -> Any:
    """The plain value that an encoding without markers tells."""
    if type(tree) is not list:
        return tree
    tag, rest = tree[0], tree[1:]
    if tag in _ATOMS:
        return _ATOMS[tag](rest[0])
    parts = [decode(each) for each in rest]
    if tag == "d":
        return dict(zip(parts[::2], parts[1::2]))  # noqa: B905  Python 3.8
    return _CONTAINERS[tag](parts)


_ATOMS = {"i": lambda text: int(text, 16), "f": float.fromhex, "b": bytes.fromhex}
_CONTAINERS = {"l": list, "t": tuple, "s": set, "z": frozenset}


def weight(value: Any) -> int:
    """About how many bytes a value takes on its way."""
    if isinstance(value, (str, bytes)):
        return 8 + len(value)
    if isinstance(value, dict):
        return 8 + sum(weight(key) + weight(each) for key, each in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return 8 + sum(map(weight, value))
    return 8


class Source:
    """Makes the inputs of one size: `own` maps the names that the call uses to the benchmark's own values."""

    def __init__(self, own: Mapping[str, Any], kind: Kind, *, counts: bool, start: int) -> None:
        self.own, self.kind, self.counts = own, kind, counts
        self.count, self.start = 0, start
        self.seen: set[int] = set()
        self.room = room(own.values()) if kind.scalars else MOST_SEEDS
        few = self.room // _SPARE if kind.scalars else _MOST_A_BLOCK
        self.most = max(1, min(few, _MOST_A_BLOCK, _LARGEST // (8 + sum(map(weight, own.values())))))

    @property
    def names(self) -> list[str]:
        """The names that each input gives values to, in order."""
        return [*self.own, "i"] if self.counts else list(self.own)

    def take(self, number: int) -> bytes | None:
        """So many inputs that were never made before, for a worker to load; None if there are no more."""
        made: list[tuple[Any, ...]] = []
        for _ in range(2 * number):
            if len(made) == number:
                break
            if self.count >= self.room:
                return None
            each = self.one()
            known = hash(marshal.dumps(each, 2))
            if known not in self.seen or self.kind is OWN:
                made.append(each)
            self.seen.add(known)
        return marshal.dumps(made, 2) if len(made) == number else None

    def one(self) -> tuple[Any, ...]:
        """The next input."""
        self.count += 1
        step = 1 if self.kind.scalars else _STEP
        variation = Variation(self.kind, 1 + (self.start + self.count * step) % self.room)
        values = [variation.top(value) for value in self.own.values()]
        return (*values, self.count - 1) if self.counts else tuple(values)


_STEP = 40503
"""Has no factor in common with the number of seeds, so that none comes twice."""


def room(values: Iterable[Any]) -> int:
    """How many others a number has that are about as large."""
    found = [
        MOST_SEEDS if type(value) is float else abs(value) // 4 for value in values if type(value) in {int, float}
    ]
    return max(1, min(MOST_SEEDS, max(found, default=1)))


class Variation:
    """One variation of values: `seed` is added to numbers and spelt, digit by digit, into texts."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind, self.seed, self.left = kind, seed, seed

    def top(self, value: Any) -> Any:
        """A value that a name stands for."""
        if type(value) in {int, float}:
            return self.number(value) if self.kind.scalars else value
        return self.inner(value)

    def inner(self, value: Any) -> Any:
        """A value inside another."""
        kind = type(value)
        if kind in {int, float}:
            return self.number(value) if self.kind.numbers else value
        if kind is str:
            return self.text(value) if self.kind.alphabets and self.left else value
        if kind is dict:
            return {key: self.inner(each) for key, each in value.items()}
        if kind is list and self.kind.numbers and set(map(type, value)) == {int}:
            seed = self.seed
            return [each + seed for each in value]
        return kind(map(self.inner, value)) if kind in _CONTAINERS.values() else value

    def number(self, value: Any) -> Any:
        """An int moved by the seed, a float by a little of itself."""
        return value + self.seed if type(value) is int else value * (1 + self.seed * _FACTOR)

    def text(self, value: str) -> str:
        """A text with a few letters and digits become others of their sort, spread over it."""
        letters = list(value)
        for at in spread(letters, "".join(self.kind.alphabets)):
            alphabet = next((each for each in self.kind.alphabets if letters[at] in each), "")
            if alphabet and self.left:
                self.left, step = divmod(self.left, len(alphabet))
                letters[at] = alphabet[(alphabet.index(letters[at]) + step) % len(alphabet)]
        return "".join(letters)


def spread(letters: Sequence[str], wanted: str) -> list[int]:
    """Up to 24 places of letters that are wanted, those in the middle first."""
    places = [at for at, letter in enumerate(letters) if letter in wanted]
    step = max(1, len(places) // 24)
    middle = len(letters) // 2
    return sorted(places[::step], key=lambda at: abs(at - middle))[:24]
