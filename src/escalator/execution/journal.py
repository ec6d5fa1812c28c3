"""Replies as they are kept in the ledger, and the record a resumed task is fed from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from escalator.records import Call, Completion, Failure, Verdict
from escalator.records.codec import Codec

if TYPE_CHECKING:
    from escalator.ledger import Entry


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


REPLIES = Codec(CallReply)
JUDGEMENTS = Codec(Judgement)


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
