"""What a report says, as frozen records. Money is USD, durations are seconds, shares are 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from escalator.ledger.reports import ModelLine, TypeLine, WorkerLine
from escalator.records.calls import exactly


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """Everything in the period. `cost` is that of all closed tasks, whatever became of them."""

    tasks: int = 0
    accepted: int = 0
    needs_review: int = 0
    skipped: int = 0
    stopped: int = 0
    attempts: int = 0
    retries: int = 0
    fallbacks: int = 0
    escalations: int = 0
    cost: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Success(WorkerLine):
    """How often a worker's answers passed, altogether, on one task type, or with one checker.

    `success` is of the `judged` attempts: a provider that failed or a check that could not decide says nothing of
    the model. `at_least` is the lower end of its 95 % interval, by which lines are ranked, so that a model seen
    twice does not lead. `cost_per_pass` has every attempt in it; None without a pass.
    """

    at_least: float
    cost_per_pass: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why attempts on a task type did not pass: the validator, rejection or error, and how often.

    `result` says what that leads to: a *failed* answer is retried or escalated, an *unusable* one is retried or
    falls back, an *unavailable* provider is a fallback, an *inconclusive* one goes to a person.
    """

    task_type: str
    result: str
    cause: str
    attempts: int
    cost: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalShare:
    """How much was done on the user's own machines; `tasks` are accepted ones."""

    tasks: int = 0
    local_tasks: int = 0
    calls: int = 0
    local_calls: int = 0
    output_tokens: int = 0
    local_output_tokens: int = 0

    @property
    def of_tasks(self) -> float:
        """Share of the accepted tasks that a local model answered."""
        return self.local_tasks / self.tasks if self.tasks else 0.0

    @property
    def of_calls(self) -> float:
        """Share of all calls that stayed on the user's own machines."""
        return self.local_calls / self.calls if self.calls else 0.0

    @property
    def of_tokens(self) -> float:
        """Share of all tokens written that were written locally."""
        return self.local_output_tokens / self.output_tokens if self.output_tokens else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """What was spent and what was saved against one named model answering every accepted task at once.

    `compared` accepted tasks have a baseline with a price; `saved` is that baseline less everything spent on them,
    rejected answers and checkers included. `unaccepted` was spent on tasks that came to nothing, and `net` is what
    is left of the saving after it. `wasted` of the spending went into attempts that did not pass.
    `cache_saved` is apart from all of this: what the tokens of all calls would have cost without the providers'
    caches, less what they did cost.
    """

    baseline_model: str = ""
    compared: int = 0
    baseline: Decimal = Decimal(0)
    saved: Decimal = Decimal(0)
    unaccepted: Decimal = Decimal(0)
    wasted: Decimal = Decimal(0)
    cache_saved: Decimal = Decimal(0)

    @property
    @exactly
    def net(self) -> Decimal:
        """The saving less what was spent on tasks without an accepted answer; negative if it was a loss."""
        return self.saved - self.unaccepted


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything the log can say of a period. Days are UTC and both included; empty means unbounded."""

    since: str
    until: str
    totals: Totals
    types: tuple[TypeLine, ...]
    workers: tuple[Success, ...]
    workers_by_type: tuple[Success, ...]
    pairs: tuple[Success, ...]
    causes: tuple[Cause, ...]
    models: tuple[ModelLine, ...]
    local: LocalShare
    money: Money
