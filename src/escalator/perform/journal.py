"""Replies as they are kept in the ledger, and the record a resumed task is fed from."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from escalator.records import Brief, Call, Completion, Failure, Outcome, Plan, Verdict

if TYPE_CHECKING:
    from escalator.ledger import Entry

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class CallReply:
    """What one dispatched request came to: a completion or a failure, and how it stands in the books."""

    call: Call
    completion: Completion | None = None
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """One validator's verdict and the calls that were paid for it."""

    verdict: Verdict
    calls: tuple[Call, ...] = ()


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
REPLIES = Codec(CallReply)
JUDGEMENTS = Codec(Judgement)
OUTCOMES = Codec(Outcome, leave_out=frozenset({"brief", "plan"}))


class Record:
    """The recorded replies of a task, by key. Once a digest differs the record has diverged and counts no more."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = {entry.key: entry for entry in entries}
        self.diverged = ""
        self.unkept = 0

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def doubtful(self) -> int:
        """Calls that were under way when an earlier process ended."""
        return sum(entry.state == "doubt" for entry in self._entries.values())

    def take(self, key: str, digest: str) -> Entry | None:
        """The settled reply recorded last for `key`, if the same was asked then; None goes live."""
        while f"{key}+" in self._entries:
            key += "+"
        entry = self._entries.get(key)
        if entry is None or self.diverged:
            return None
        if entry.digest != digest:
            self.diverged = key
            return None
        if entry.state not in {"done", "failed"}:
            return None
        if not entry.payload:
            self.unkept += 1
            return None
        return entry

    def began(self, prefix: str) -> bool:
        """Whether anything under this prefix was recorded, so that it was admitted once before."""
        return any(key.startswith(prefix) for key in self._entries)

    def fresh(self, key: str) -> str:
        """A key for asking again where a call of this key is in doubt, was cut short or was another one."""
        while key in self._entries:
            key += "+"
        return key
