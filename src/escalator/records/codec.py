"""Records as JSON text and back."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, Generic, TypeVar

from escalator.records.outcome import Outcome
from escalator.records.plan import Plan
from escalator.records.task import Brief

T = TypeVar("T")


class Codec(Generic[T]):
    """A record as JSON text and back, by pydantic; built when first used."""

    def __init__(self, record: type[T], *, leave_out: frozenset[str] = frozenset()) -> None:
        self._record: Any = record
        self._leave_out = leave_out

    def dump(self, value: T) -> str:
        """The record as JSON."""
        text: bytes = _adapter(self._record).dump_json(value, exclude=set(self._leave_out) or None)
        return text.decode()

    def load(self, text: str, **missing: Any) -> T:
        """The record from JSON; `missing` gives the fields that were left out."""
        import json

        value: T = _adapter(self._record).validate_python({**json.loads(text), **missing})
        return value


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
