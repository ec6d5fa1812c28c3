"""An answer taken apart, and what judges say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from escalator.errors import ErrorKind
from escalator.records.process import Isolation

if TYPE_CHECKING:
    from escalator.records.plan import Model
    from escalator.records.task import Brief

VerdictStatus: TypeAlias = Literal["passed", "failed", "inconclusive"]

InconclusiveReason: TypeAlias = Literal["skipped", "unavailable", "error", "suspicious"]
"""Why a validator did not decide: nothing it could judge, it cannot run here, it broke, or the answer passed
but looks written against the judge and wants a second opinion."""

RejectionKind: TypeAlias = Literal[
    "no_code",
    "truncated",
    "elided",
    "ambiguous_path",
    "unsafe_path",
    "protected",
    "edit_not_found",
    "edit_ambiguous",
    "wrong_language",
    "bad_format",
    "too_large",
]
"""Why no change set could be taken from an answer. A failure of format, never of ability."""

FailureKind: TypeAlias = Literal[
    ErrorKind,  # a call that failed
    # an answer that cannot be used: Condition
    "truncated",
    "refusal",
    "empty",
    "incomplete",
    "bad_output",
    # a call that was not made
    "budget",
    "unknown_price",
    "denied",
    "declined",
    "pending",
    "deadline",
    "local_only",
    "no_vision",
    "unjudgeable",
]
"""Why a rung gave no answer to judge: the call failed, the answer cannot be used, or the call was not made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why there is no answer to judge. `needed` and `limit` are tokens for overflows, USD texts live in
    `message`; `retry_after` is seconds.
    """

    kind: FailureKind
    message: str
    provider: str = ""
    retry_after: float | None = None
    needed: int | None = None
    limit: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeSet:
    """What an answer changes: `files` maps a path relative to the workspace to its new content, None meaning
    deleted. `notes` tell what was dropped or repaired on the way, in words.
    """

    files: Mapping[str, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """No change set could be taken from the answer: `feedback` tells the model what to do differently."""

    kind: RejectionKind
    feedback: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One answer under judgement: what validators are given. `checker` is the model that may be asked for an
    opinion, None where the plan names none. `verdicts` are those given so far on this answer, `task_type` is what
    the plan takes the task for, empty where nothing was planned.
    """

    brief: Brief
    changes: ChangeSet
    answer: str = ""
    checker: Model | None = None
    verdicts: tuple[Verdict, ...] = ()
    task_type: str = ""

    @property
    def files(self) -> dict[str, str]:
        """The task's files as they would be after the change, deleted ones left out."""
        merged: dict[str, str | None] = {**self.brief.files, **self.changes.files}
        return {path: text for path, text in merged.items() if text is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one validator says of one answer.

    `feedback` is written for the model that will repair the answer. `evidence` holds what was run and seen:
    command, exit status, tool version, counts, hashes; plain JSON values only. `confidence` is 0 to 1.
    `reason` says why an inconclusive verdict decided nothing, `hint` what a person can do about it.
    An `opinion` (a model's, not an execution's) may veto, but never accepts an answer alone.
    """

    validator: str
    status: VerdictStatus
    reason: InconclusiveReason | None = None
    confidence: float = 1.0
    feedback: str = ""
    hint: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    isolation: Isolation | None = None
    required: bool = True
    opinion: bool = False

    @property
    def passed(self) -> bool:
        """True only for a real pass; inconclusive is never a pass."""
        return self.status == "passed"

    @property
    def failed(self) -> bool:
        """True if the answer was judged and found wrong."""
        return self.status == "failed"
