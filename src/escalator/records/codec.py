"""Records as JSON text and back."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

from escalator.records.outcome import Outcome
from escalator.records.plan import Plan
from escalator.records.task import Brief

T = TypeVar("T")

FEW = 16
"""Records a process writes before it loads pydantic for it: those of a task or two."""

_few = iter(range(FEW))


class Codec(Generic[T]):
    """A record as JSON text and back, by pydantic; built when first used. Fields that hold their default are
    not written, so the defaults of records are part of the format.

    pydantic writes ten times as fast as `plainly`, but loading it takes as long as writing hundreds of records:
    the first few of a process are written without it.
    """

    def __init__(self, record: type[T], *, leave_out: frozenset[str] = frozenset()) -> None:
        self._record: Any = record
        self._leave_out = leave_out

    def dump(self, value: T) -> str:
        """The record as JSON."""
        if next(_few, None) is not None:
            text_of_few = plainly(value, leave_out=self._leave_out)
            if text_of_few is not None:
                return text_of_few
        try:
            text: bytes = _adapter(self._record).dump_json(
                value, exclude=set(self._leave_out) or None, exclude_defaults=True
            )
        except ValueError:  # half a character, as a model may write one
            odd = plainly(value, leave_out=self._leave_out)
            if odd is None:
                raise
            return odd
        return text.decode()

    def load(self, text: str, **missing: Any) -> T:
        """The record from JSON; `missing` gives the fields that were left out."""
        value: T = _adapter(self._record).validate_python({**json.loads(text), **missing})
        return value


def plainly(record: object, *, leave_out: frozenset[str] = frozenset()) -> str | None:
    """A record as JSON without pydantic; None where it holds what only pydantic knows how to write."""
    try:
        shown = {name: _plain(value) for name, value in _fields(record) if name not in leave_out}
    except TypeError:
        return None
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def _fields(record: Any) -> list[tuple[str, object]]:
    """The fields of a record that hold something else than their default."""
    values = ((field, getattr(record, field.name)) for field in fields(record))
    return [(field.name, value) for field, value in values if not _is_default(field, value)]


def _is_default(field: Field[Any], value: object) -> bool:
    if field.default is not MISSING:
        return bool(value == field.default)
    return field.default_factory is not MISSING and bool(value == field.default_factory())


def _plain(value: object) -> object:
    """A value as JSON has it. Raises `TypeError` for one that is not of the kinds records are made of."""
    kind = type(value)
    if value is None or kind in {str, int, bool} or (kind is float and isfinite(value)):  # type: ignore[arg-type]
        return value
    if isinstance(value, Mapping):
        return {_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Decimal | Path):
        return str(value)
    if isinstance(value, bytes):
        return urlsafe_b64encode(value).decode()
    if is_dataclass(value):
        return {name: _plain(each) for name, each in _fields(value)}
    raise TypeError(f"{kind.__name__} is not plain")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError("a key that is no text")
    return key


@cache
def _adapter(record: Hashable) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", arbitrary_types_allowed=True)
    record.__pydantic_config__ = config  # type: ignore[attr-defined]
    kind: Any = record
    return TypeAdapter(kind)


BRIEFS = Codec(Brief)
PLANS = Codec(Plan)
OUTCOMES = Codec(Outcome, leave_out=frozenset({"brief", "plan"}))


Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"

MOST_BITS = 8192
"""Of a whole number that stands as one; a longer one is written in hexadecimal, which has no limit of digits."""

DEEPEST = 50
"""Levels of a value; what lies deeper, or within itself, is told in words."""


def plain_value(value: object, depth: int = 0) -> Plain:
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
        return {_text(key): plain_value(each, depth + 1) for key, each in value.items()}
    if depth < DEEPEST and isinstance(value, list | tuple):
        return [plain_value(each, depth + 1) for each in value]
    if depth < DEEPEST and isinstance(value, set | frozenset):
        return [plain_value(each, depth + 1) for each in sorted(value, key=repr)]
    return _text(value)


def plain_values(values: Mapping[str, object]) -> dict[str, Plain]:
    """The same of every value of a mapping."""
    return {_text(name): plain_value(value) for name, value in values.items()}


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
