"""What happened: attempts, the moves between them, and the outcome the caller gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import prod
from pathlib import Path
from typing import Literal, Self, TypeAlias

from escalator.errors import (
    BudgetExceededError,
    ChainExhaustedError,
    NotAcceptedError,
    ReviewNeededError,
    StoppedError,
)
from escalator.records.calls import Call, Effort
from escalator.records.money import exactly
from escalator.records.plan import Classification, Plan
from escalator.records.task import Brief
from escalator.records.verdict import ChangeSet, Failure, Rejection, Verdict

OutcomeStatus: TypeAlias = Literal["accepted", "needs_review", "skipped", "stopped"]

TransitionKind: TypeAlias = Literal["retry", "fallback", "escalation", "skip"]
"""retry: same rung again with findings. fallback: next rung because the provider failed. escalation: next
rung because a verdict failed. skip: a rung that could not be tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """One move of the walk; `to_model` is empty where no rung was left. `cause` is machine-readable."""

    kind: TransitionKind
    from_model: str
    to_model: str = ""
    cause: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One answer of one model and its verdicts; `number` counts from 1 on its rung. One of `changes`, `rejection`
    and `failure` is set; `failure` beside `changes` means that the task ended before the answer was judged.
    """

    rung: int
    number: int
    model: str
    answered_by: str = ""
    effort: Effort | None = None
    answer: str = ""
    changes: ChangeSet | None = None
    rejection: Rejection | None = None
    failure: Failure | None = None
    verdicts: tuple[Verdict, ...] = ()
    calls: tuple[Call, ...] = ()
    prompt_digest: str = ""

    @property
    def passed(self) -> bool:
        """Every required validator passed, and there was at least one."""
        required = [verdict for verdict in self.verdicts if verdict.required]
        return self.changes is not None and bool(required) and all(verdict.passed for verdict in required)

    @property
    def failed_verdict(self) -> Verdict | None:
        """The required verdict that found the answer wrong, if one did."""
        return next((verdict for verdict in self.verdicts if verdict.required and verdict.failed), None)

    @property
    def undecided(self) -> tuple[Verdict, ...]:
        """Required verdicts that decided nothing."""
        return tuple(v for v in self.verdicts if v.required and v.status == "inconclusive")

    @property
    @exactly
    def cost(self) -> Decimal:
        """USD of every call made for this attempt, the checker's included."""
        return sum((call.cost for call in self.calls), Decimal(0))

    @property
    def seconds(self) -> float:
        """Wall seconds spent in calls and validators."""
        return sum(call.seconds for call in self.calls) + sum(v.seconds for v in self.verdicts)

    @property
    def confidence(self) -> float:
        """How sure the required verdicts are together, 0 to 1: the product of those passed, 0 if one failed."""
        required = [verdict for verdict in self.verdicts if verdict.required]
        passed = [verdict.confidence for verdict in required if verdict.passed]
        return prod(passed) if passed and self.failed_verdict is None else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """What the same work would have cost had one named model answered at once."""

    model: str
    cost: Decimal


class Applied(tuple[Path, ...]):  # noqa: SLOT001 - a tuple of any length can have no slots
    """The paths written or deleted. `commit` is the hash of the commit they are in, `undo` the command that takes
    it back; both are empty where none was made.
    """

    commit: str
    undo: str

    def __new__(cls, paths: Iterable[Path] = (), *, commit: str = "", undo: str = "") -> Self:
        """The paths, and what became of them in git."""
        made = super().__new__(cls, paths)
        made.commit, made.undo = commit, undo
        return made


def must_take_commits(place: str | Path, paths: Sequence[str] = ()) -> None:
    """Raise `TaskError`, saying what to do, if `apply(commit=True)` could make no commit in this folder: none at
    all, or none of these files, where they are known.
    """
    from escalator.workspace.git import Repository

    repository = Repository.at(Path(place).expanduser())
    if paths:
        repository.must_be_ready(paths)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What the caller gets. `status` is the truth in one word, `reason` in one line.

    Totals are computed from the attempts. `overhead` are calls made outside attempts (an LLM classifier).
    `answer` and `files` are those of the accepted answer; in review, of the best answer so far.
    """

    status: OutcomeStatus
    reason: str
    brief: Brief
    plan: Plan
    attempts: tuple[Attempt, ...] = ()
    transitions: tuple[Transition, ...] = ()
    overhead: tuple[Call, ...] = ()
    baseline: Baseline | None = None
    cause: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def task_id(self) -> str:
        """The id under which the ledger knows this task."""
        return self.brief.task_id

    @property
    def classification(self) -> Classification:
        """Type, complexity, confidence and reasons."""
        return self.plan.classification

    @property
    def best(self) -> Attempt | None:
        """The attempt whose answer counts: the passing one, else the one that came farthest."""
        with_answer = [attempt for attempt in self.attempts if attempt.changes is not None]
        return max(with_answer, key=_progress, default=None)

    @property
    def answer(self) -> str:
        """The text of the answer that counts; empty if there is none."""
        return self.best.answer if self.best else ""

    @property
    def files(self) -> Mapping[str, str | None]:
        """Path to new content (None: deleted) of the answer that counts."""
        return self.best.changes.files if self.best and self.best.changes else {}

    @property
    def model(self) -> str:
        """Name of the model whose answer counts; empty if there is none."""
        return self.best.model if self.best else ""

    @property
    def confidence(self) -> float:
        """How sure the required verdicts on the answer are together, 0 to 1: the product of those that passed.

        A raw figure; `escalator.report.calibration` holds it against what people later decided.
        """
        return self.best.confidence if self.best else 0.0

    @property
    def calls(self) -> tuple[Call, ...]:
        """Every request that was sent, in order."""
        return self.overhead + tuple(call for attempt in self.attempts for call in attempt.calls)

    @property
    @exactly
    def cost(self) -> Decimal:
        """USD of every call, rejected answers, checkers and classifier included."""
        return sum((call.cost for call in self.calls), Decimal(0))

    @property
    @exactly
    def running_cost(self) -> Decimal:
        """USD for the time of machines of one's own, where the matrix states their hourly cost; not in `cost`."""
        return sum((call.running_cost for call in self.calls), Decimal(0))

    @property
    @exactly
    def saved(self) -> Decimal:
        """USD saved against the baseline model, net of everything spent; negative if it was a loss, 0 if
        nothing was accepted or no baseline has a price.
        """
        if self.baseline is None or self.status != "accepted":
            return Decimal(0)
        return self.baseline.cost - self.cost

    @property
    def simulated(self) -> bool:
        """Whether any answer came from the simulated fleet."""
        return any(call.simulated for call in self.calls)

    def count(self, kind: TransitionKind) -> int:
        """How many moves of this kind the walk made."""
        return sum(transition.kind == kind for transition in self.transitions)

    @property
    def diff(self) -> str:
        """What `files` changes, as a patch that `git apply` takes; empty if that is nothing."""
        from escalator.workspace import patch

        return patch(self.brief.files, self.files)

    def apply(self, path: str | Path | None = None, *, force: bool = False, commit: bool = False) -> Applied:
        """Write the accepted change set, all or nothing, under `path` (default: the task's workspace).

        Returns the paths written or deleted. `commit` makes one commit of exactly these files; the result's
        `commit` is its hash, and `undo` the command that takes it back. Raises `NotAcceptedError` unless the
        outcome is accepted and `TaskError` for a path that is unsafe or one of the task's files or tests that
        changed or was removed since it was read, which `force` overrules; nothing is written then.
        """
        from escalator.workspace import write_changes

        self.unwrap()
        home = self.brief.workspace
        root = path if path is not None else home
        written = write_changes(
            root,
            self.files,
            expected=self.brief.files,
            tests=self.brief.tests,
            protected=self.brief.protected,
            in_place=home is not None and root is not None and Path(root).expanduser().resolve() == home.resolve(),
            absent=self.brief.absent,
            force=force,
            message=self._message() if commit else "",
        )
        return Applied(written.paths, commit=written.commit, undo=written.undo)

    def _message(self) -> str:
        from escalator.workspace.git import message_of

        subject = next((line for line in self.brief.prompt.splitlines() if line.strip()), "Apply an answer")
        trailers = {
            "Escalator-Model": f"{self.model}{' (simulated)' if self.simulated else ''}",
            "Escalator-Cost": f"{self.cost:f} USD",
            "Escalator-Task": self.task_id,
        }
        return message_of(subject, trailers)

    def unwrap(self) -> str:
        """The accepted answer's text, or the error that fits why there is none."""
        if self.status == "accepted":
            return self.answer
        raise self._error()

    def _error(self) -> NotAcceptedError:
        if self.cause == "budget":
            return BudgetExceededError(self)
        if self.status == "stopped":
            return StoppedError(self)
        return ReviewNeededError(self) if self.status == "needs_review" else ChainExhaustedError(self)

    def summary(self) -> str:
        """A few readable lines: status, path taken, verdicts, cost, saving."""
        lines = [f"{self.status}{' (simulated)' if self.simulated else ''}: {self.reason}"]
        kind = self.classification
        lines.append(f"  task      {kind.task_type}, complexity {kind.complexity:g} ({kind.confidence:.0%} sure)")
        lines += [f"  attempt   {_line(attempt)}" for attempt in self.attempts]
        lines += [f"  skipped   {t.from_model}: {t.reason}" for t in self.transitions if t.kind == "skip"]
        money = f"  cost      ${self.cost:.6f} in {len(self.calls)} calls"
        if self.baseline and self.status == "accepted":
            money += f", saved ${self.saved:.6f} against {self.baseline.model} alone"
        if self.running_cost:
            money += f", beside ${self.running_cost:.6f} for machines of your own"
        return "\n".join([*lines, money, *(f"  warning   {text}" for text in self.warnings)])


def _progress(attempt: Attempt) -> tuple[bool, bool, int, int]:
    passed = sum(verdict.passed for verdict in attempt.verdicts)
    return (attempt.passed, attempt.failed_verdict is None, passed, attempt.rung)


def _line(attempt: Attempt) -> str:
    from escalator.records.facts import validation

    if attempt.failure is not None:
        judged = f"{attempt.failure.kind}: {attempt.failure.message}"
    elif attempt.rejection is not None:
        judged = f"unusable answer ({attempt.rejection.kind})"
    else:
        judged = validation(attempt) or "not judged"
    return f"{attempt.model} #{attempt.number}: {judged}"
