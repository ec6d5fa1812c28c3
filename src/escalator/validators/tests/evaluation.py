"""Computes what a rewritten assertion says of values, where none of the answer's code runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def holds(template: Any, values: Mapping[str, object]) -> bool:
    """Whether a compiled template holds of these values, which are exact built-in ones. Raises what it raises."""
    return bool(eval(template, {"__builtins__": {}, **_FUNCTIONS, **values}))  # noqa: S307  the task's own expression


class Approximately:
    """A number, or a list, tuple or dict of numbers, that others may be near: within 1e-6 of it, or 1e-12."""

    def __init__(
        self,
        expected: Any,
        rel: float | None = None,
        abs: float | None = None,  # noqa: A002
        *,
        nan_ok: bool = False,
    ) -> None:
        self.expected, self.relative, self.absolute, self.nan_ok = expected, rel, abs, nan_ok

    def __eq__(self, other: object) -> bool:
        return self._near(other, self.expected)

    __hash__ = None  # type: ignore[assignment]

    def _near(self, actual: Any, expected: Any) -> bool:
        if isinstance(expected, dict):
            return (
                isinstance(actual, dict)
                and actual.keys() == expected.keys()
                and all(self._near(actual[key], expected[key]) for key in expected)
            )
        if isinstance(expected, list | tuple):
            return (
                isinstance(actual, list | tuple)
                and len(actual) == len(expected)
                and all(map(self._near, actual, expected))
            )
        if isinstance(expected, bool) or not isinstance(expected, int | float | complex):
            return bool(actual == expected)
        if not isinstance(actual, int | float | complex):
            return False
        absolute = 1e-12 if self.absolute is None else self.absolute
        relative = (0.0 if self.absolute is not None else 1e-6) if self.relative is None else self.relative
        if actual != actual or expected != expected:  # noqa: PLR0124  not a number
            return self.nan_ok and actual != actual and expected != expected  # noqa: PLR0124
        within = max(absolute, relative * abs(expected))
        return actual == expected or (abs(expected) != math.inf and abs(actual - expected) <= within)


def _almost(first: Any, second: Any) -> bool:
    return bool(first == second) or round(abs(first - second), 7) == 0


def _same_sequence(first: Any, second: Any) -> bool:
    return len(first) == len(second) and all(first[at] == second[at] for at in range(len(first)))


_FUNCTIONS = {
    "abs": abs,
    "round": round,
    "approx": Approximately,
    "isclose": math.isclose,
    "almost": _almost,
    "sequence": _same_sequence,
}
