"""Reads a matrix that is plainly right, without pydantic, whose import costs more than reading any matrix.

Only what leaves no doubt is taken: every key known, every value already of its kind and within its bounds. For
anything else the answer is None, and pydantic is asked what is wrong, or how the value is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from functools import cache, partial
from math import isfinite
from types import UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from escalator.matrix.schema import MatrixFile

Reader: TypeAlias = Callable[[object], object]


class _DoubtError(Exception):
    """Something is not plainly right."""


def read_plainly(data: object) -> MatrixFile | None:
    """The file's content if it is plainly right, None if pydantic must be asked."""
    try:
        found = _section(MatrixFile, data)
    except _DoubtError:
        return None
    return found if isinstance(found, MatrixFile) else None


def _section(kind: type, data: object) -> object:
    readers, required = _keys(kind)
    if not isinstance(data, dict) or not required <= data.keys() <= readers.keys():
        raise _DoubtError
    return kind(**{name: readers[name](value) for name, value in data.items()})


@cache
def _keys(kind: Any) -> tuple[Mapping[str, Reader], frozenset[str]]:
    """How each key of a section is read, and which keys it must have."""
    listed = fields(kind)
    readers = {each.name: partial(_bounded, _reader(each.type), each.metadata) for each in listed}
    required = [each.name for each in listed if each.default is MISSING and each.default_factory is MISSING]
    return readers, frozenset(required)


def _bounded(read: Reader, bounds: Mapping[str, Any], value: object) -> object:
    found = read(value)
    if found is not None and not all(_holds(bound, limit, found) for bound, limit in bounds.items()):
        raise _DoubtError
    return found


def _holds(bound: str, limit: Any, found: Any) -> bool:
    match bound:
        case "gt":
            return bool(found > limit)
        case "ge":
            return bool(found >= limit)
        case "le":
            return bool(found <= limit)
        case "min_length":
            return bool(len(found) >= limit)
        case "pattern":
            return re.search(limit, found) is not None
        case "description":
            return True
        case "allow_inf_nan":
            return bool(limit or isfinite(found))
        case _:
            return False


def _reader(kind: Any) -> Reader:
    """How a value of this annotation is read."""
    if kind is Any:
        return lambda value: value
    if isinstance(kind, type) and is_dataclass(kind):
        return partial(_section, kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return partial(_one_of, inner)
    if origin in {UnionType, Union}:
        return partial(_first, [_reader(member) for member in inner])
    if origin is dict:
        return partial(_mapping, _reader(inner[1]))
    if origin is list:
        return partial(_sequence, _reader(inner[0]))
    if origin is tuple:
        return partial(_exactly, [_reader(member) for member in inner])
    return _SCALARS[kind]


def _one_of(words: tuple[object, ...], value: object) -> object:
    if any(value == word and type(value) is type(word) for word in words):
        return value
    raise _DoubtError


def _first(readers: list[Reader], value: object) -> object:
    for read in readers:
        try:
            return read(value)
        except _DoubtError:
            continue
    raise _DoubtError


def _mapping(read: Reader, value: object) -> object:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise _DoubtError
    return {key: read(item) for key, item in value.items()}


def _sequence(read: Reader, value: object) -> object:
    if not isinstance(value, list):
        raise _DoubtError
    return [read(item) for item in value]


def _exactly(readers: list[Reader], value: object) -> object:
    if not isinstance(value, list) or len(value) != len(readers):
        raise _DoubtError
    return tuple(read(item) for read, item in zip(readers, value, strict=True))


def _same(kind: type, value: object) -> object:
    if type(value) is not kind:
        raise _DoubtError
    return value


def _number(make: Callable[[Any], object], value: object) -> object:
    if type(value) not in {int, float} or not isfinite(value):  # type: ignore[arg-type]
        raise _DoubtError
    return make(value)


_SCALARS: Mapping[object, Reader] = {
    **{kind: partial(_same, kind) for kind in (str, int, bool, type(None))},
    float: partial(_number, float),
    Decimal: partial(_number, lambda value: Decimal(str(value))),
}
