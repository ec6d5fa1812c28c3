"""Inputs like the benchmark's own, none of them twice, so that no answer can have seen one before. Pure.

Part of the program that measures inside the sandbox; Python 3.8.
"""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_SEEDS = 1 << 17
_LARGEST = 8_000_000
"""Bytes of the inputs of one block, about."""

_FACTOR = 1e-9
_ALPHABETS = ("bcdefghijklmnopqrstuvwxyza", "BCDEFGHIJKLMNOPQRSTUVWXYZA", "234567891")


class Kind:
    """One way to vary inputs: `numbers` and `texts` inside containers (and texts that stand alone), or `scalars`.

    The kinds are tried in order until base and answer agree on what comes of them. Adding one number to all keeps
    order, distances and what is different; a few letters and digits of a text become others of their sort.
    """

    def __init__(self, name: str, *, numbers: bool = False, texts: bool = False, scalars: bool = False) -> None:
        self.name, self.numbers, self.texts, self.scalars = name, numbers, texts, scalars


KINDS = (
    Kind("numbers and texts", numbers=True, texts=True),
    Kind("numbers", numbers=True),
    Kind("texts", texts=True),
    Kind("single numbers", scalars=True),
    Kind("the count of calls"),
)


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
        self.most = max(1, _LARGEST // (8 + sum(map(weight, own.values()))))

    @property
    def names(self) -> list[str]:
        """The names that each input gives values to, in order."""
        return [*self.own, "i"] if self.counts else list(self.own)

    def take(self, number: int) -> bytes | None:
        """So many new inputs for a worker to load; None if there are no more that differ."""
        made = [self.one() for _ in range(number)]
        texts = {marshal.dumps(each, 2) for each in made}
        if len(texts) < number or self.count > MOST_SEEDS:
            return None
        return marshal.dumps(made, 2)

    def one(self) -> tuple[Any, ...]:
        """The next input."""
        self.count += 1
        few = self.kind.scalars
        seed = self.count + self.start % 64 if few else 1 + (self.start + self.count * 40503) % MOST_SEEDS
        variation = Variation(self.kind, seed)
        values = [variation.top(value) for value in self.own.values()]
        return (*values, self.count - 1) if self.counts else tuple(values)


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
            return self.text(value) if self.kind.texts and self.left else value
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
        for at in spread(len(letters)):
            alphabet = next((each for each in _ALPHABETS if letters[at] in each), "")
            if alphabet and self.left:
                self.left, step = divmod(self.left, len(alphabet))
                letters[at] = alphabet[(alphabet.index(letters[at]) + step) % len(alphabet)]
        return "".join(letters)


def spread(length: int) -> Iterable[int]:
    """Up to 24 places in a text, in its middle first."""
    step = max(1, length // 24)
    places: Sequence[int] = range(0, length, step)
    return sorted(places, key=lambda at: abs(at - length // 2))[:24]
