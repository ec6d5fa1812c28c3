"""Replies as they are kept in the ledger, and the record a resumed task is fed from."""

from __future__ import annotations

import re
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


CIRCUMSTANCES = frozenset({"unavailable", "error"})
"""Why a verdict decides nothing that may be otherwise today: what it needs was missing, or broke."""

CLASSIFIER = "classify"
"""Where a classifier's calls stand in the ledger."""

REPLIES = Codec(CallReply)
JUDGEMENTS = Codec(Judgement)


class Record:
    """The recorded replies of a task, by key.

    What counts is what was answered: completions, and verdicts that decided. A call that failed is part of the
    story only where a later one was answered; else it is where the record ends, and it is made again. Once a
    question differs from the recorded one, the record has diverged and no further answer of it counts.
    """

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = {entry.key: entry for entry in entries}
        calls = [entry for entry in self._entries.values() if entry.kind == "call"]
        answered = [at for at, entry in enumerate(calls) if entry.state == "done"]
        self._after = frozenset(entry.key for entry in calls[max(answered, default=-1) + 1 :])
        self._places = frozenset(
            place for entry in calls if entry.state == "done" and (place := place_of(entry.key)) is not None
        )
        self._told = set[str]()
        self.diverged = ""
        self.unkept = 0

    @property
    def doubtful(self) -> int:
        """Calls that were under way when an earlier process ended."""
        return sum(entry.state == "doubt" for entry in self._entries.values())

    @property
    def answered(self) -> dict[int, int]:
        """Of each rung that answered, the number of its last attempt with an answer."""
        return dict(sorted(self._places))

    def take(self, key: str, digest: str) -> Entry | None:
        """The reply recorded last for `key` that counts, if the same was asked then; None goes live."""
        entry = self._last(key)
        if entry is None or self.diverged or not self._counts(entry):
            return None
        if entry.digest != digest:
            if entry.kind == "call":
                self.diverged = entry.key
            return None
        if not entry.payload:
            self.unkept += 1
            return None
        self._told.add(entry.key)
        return entry

    def judgement(self, key: str, digest: str) -> Judgement | None:
        """The recorded verdict that decided. One that decided nothing is asked for again, unless a model answered
        after it: then it is part of how the walk went on.
        """
        entry = self.take(key, digest)
        if entry is None:
            return None
        kept = JUDGEMENTS.load(entry.payload)
        place = place_of(key)
        beyond = place is not None and any(later > place for later in self._places)
        if not beyond and kept.verdict.reason in CIRCUMSTANCES:
            return None
        self._told |= self._asked_at(key.removesuffix(".verdict"))
        return kept

    def has(self, key: str) -> bool:
        """Whether a reply for `key` that counts was kept, so that nobody will be asked."""
        entry = self._last(key)
        return entry is not None and self._counts(entry) and bool(entry.payload) and not self.diverged

    def untold(self) -> tuple[Call, ...]:
        """Calls that were paid for or may have been, and that no attempt of the walk that has ended tells of; with
        those of a classifier, whose answer stands in the plan.
        """
        kept = (e for e in self._entries.values() if e.kind == "call" and e.payload and e.key not in self._told)
        calls = ((entry.key, REPLIES.load(entry.payload).call) for entry in kept)
        return tuple(call for key, call in calls if call.cost or key.startswith(CLASSIFIER))

    def _asked_at(self, place: str) -> set[str]:
        """The calls that a verdict tells of: those made at its place, of each key the last."""
        return {
            key
            for key, entry in self._entries.items()
            if entry.kind == "call"
            and re.match(rf"{re.escape(place)}([.~^+]|$)", key)
            and f"{key}+" not in self._entries
        }

    def _counts(self, entry: Entry) -> bool:
        return entry.state == "done" or (entry.state == "failed" and entry.key not in self._after)

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


_PLACE = re.compile(r"r(\d+)\.a(\d+)\.")


def place_of(key: str) -> tuple[int, int] | None:
    """Rung and number of the attempt a key belongs to; None for what belongs to none, as a classifier's call."""
    found = _PLACE.match(key)
    return None if found is None else (int(found[1]), int(found[2]))
