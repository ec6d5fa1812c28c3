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


SETTLED = frozenset({"done", "failed"})
"""States of entries that hold a reply."""

REPLIES = Codec(CallReply)
JUDGEMENTS = Codec(Judgement)


class Record:
    """The recorded replies of a task, by key. Once a digest differs the record has diverged and counts no more."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = {entry.key: entry for entry in entries}
        self.diverged = ""
        self.unkept = 0

    @property
    def doubtful(self) -> int:
        """Calls that were under way when an earlier process ended."""
        return sum(entry.state == "doubt" for entry in self._entries.values())

    def take(self, key: str, digest: str) -> Entry | None:
        """The settled reply recorded last for `key`, if the same was asked then; None goes live."""
        entry = self._last(key)
        if entry is None or self.diverged:
            return None
        if entry.digest != digest:
            self.diverged = entry.key
            return None
        if entry.state not in SETTLED:
            return None
        if not entry.payload:
            self.unkept += 1
            return None
        return entry

    def has(self, key: str) -> bool:
        """Whether a settled reply for `key` was kept, so that nobody will be asked."""
        entry = self._last(key)
        return entry is not None and entry.state in SETTLED and bool(entry.payload) and not self.diverged

    def _last(self, key: str) -> Entry | None:
        while f"{key}+" in self._entries:
            key += "+"
        return self._entries.get(key)

    def began(self, prefix: str) -> bool:
        """Whether anything under this prefix was recorded, so that it was admitted once before."""
        return any(key.startswith(prefix) for key in self._entries)

    def fresh(self, key: str) -> str:
        """A key for asking again where a call of this key is in doubt, was cut short or was another one."""
        while key in self._entries:
            key += "+"
        return key
