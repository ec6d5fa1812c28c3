"""Records by the names of their fields: as JSON values, and one made of others. Texts as one line."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from escalator.foreign import shown
from escalator.records.process import Isolation

T = TypeVar("T")


def by_name(kind: type[T], /, *sources: Any, **more: Any) -> T:
    """A record of `kind` whose fields are those that its sources have under the same names, the first one first.

    `more` are fields under other names, or in other units, and go before every source.
    """
    wanted: Any = kind
    found: dict[str, Any] = {}
    for source in reversed(sources):
        found |= {name: getattr(source, name) for name in _shared(wanted, source.__class__)}
    found |= more
    return kind(**found)


@cache
def _shared(kind: Any, source: Any) -> tuple[str, ...]:
    """The names of fields that two kinds of record have in common."""
    return tuple(name for name in kind.__dataclass_fields__ if name in source.__dataclass_fields__)


def flat(record: Any, *names: str) -> dict[str, Any]:
    """A record as JSON values under its names: those given, or all that are known.

    Money is exact decimal text in USD, seconds are told to the microsecond, an isolation by its kind.
    """
    found = {name: _value(name, getattr(record, name)) for name in names or record.__dataclass_fields__}
    return found if names else {name: value for name, value in found.items() if value is not None}


def _value(name: str, value: Any) -> Any:
    match value:
        case Decimal():
            return f"{value:f}"
        case float() if name == "seconds":
            return round(value, 6)
        case Enum():
            return value.value
        case Isolation():
            return value.kind
        case Mapping():
            return dict(value)
        case tuple():
            return list(value)
    return value


def gist(text: str, most: int | None = None) -> str:
    """The first line of a text that has anything in it, cut after so many characters; empty if there is none."""
    return shown(next((line.strip() for line in text.splitlines() if line.strip()), "")[:most])


def described(prompt: str) -> str:
    """A prompt as one line of the log: its beginning, 200 characters at most."""
    return shown(" ".join(prompt[:1000].split())[:200])
