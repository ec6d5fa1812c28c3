"""What will be tried: models, rungs, validators and limits, resolved for one task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeAlias

from escalator.records.calls import Effort, Timeouts

AtEnd: TypeAlias = Literal["skip", "review"]
"""What happens when the chain is exhausted: give up, or ask a person."""

InconclusiveAction: TypeAlias = Literal["stop", "review", "advisory"]
"""What an inconclusive verdict of a required validator leads to. `advisory` lets the other verdicts decide."""


class Tier(Enum):
    """The class of a model; `rank` orders tiers from weakest to strongest."""

    LOCAL_FAST = "local_fast"
    LOCAL_BALANCED = "local_balanced"
    LOCAL_QUALITY = "local_quality"
    FLASH = "flash"
    PRO = "pro"
    HAIKU = "haiku"
    SONNET = "sonnet"
    OPUS = "opus"

    @property
    def rank(self) -> float:
        """-2 for the smallest local model to 3 for the strongest; FLASH and PRO share 0."""
        return _RANKS[self.value]


_RANKS = {
    "local_fast": -2.0,
    "local_balanced": -1.0,
    "local_quality": -0.5,
    "flash": 0.0,
    "pro": 0.0,
    "haiku": 1.0,
    "sonnet": 2.0,
    "opus": 3.0,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Classification:
    """What kind of work a task is. `complexity` is 0 to 10; `confidence` 0 to 1 is the estimated probability
    that `task_type` is right; `reasons` say what it was judged by; `source` names the classifier.
    """

    task_type: str
    complexity: float
    confidence: float = 1.0
    reasons: tuple[str, ...] = ()
    source: str = "rules"


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """USD per million tokens. None for a cache price means: the same as plain input."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A named entry of the matrix bound to a provider.

    `context`: tokens the model can see, prompt and answer together; None if unknown. `max_output`: tokens it
    may write at most in one answer. `price`: the matrix's own price, None to look it up. `hourly`: what an hour
    of its machine costs the user, USD. `local`: runs on the
    user's own machines. `thinks`: whether room for thinking must be left in `max_tokens`.
    """

    name: str
    provider: str
    kind: str
    id: str
    tier: Tier
    local: bool
    context: int | None = None
    max_output: int = 8192
    price: Price | None = None
    hourly: Decimal | None = None
    vision: bool = False
    thinks: bool = False
    effort: Effort | None = None
    temperature: float | None = None
    simulated: bool = False
    timeouts: Timeouts = Timeouts()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """One place in a chain: who answers, how hard it tries, how often, and who checks it."""

    index: int
    model: Model
    attempts: int = 1
    effort: Effort | None = None
    checker: Model | None = None
    last: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidatorSpec:
    """A validator of the plan by name. A `required` one must pass; an advisory one is only recorded."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    required: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """What happens in the cases a chain does not decide.

    `unavailable`: a required validator cannot run here. `skipped`: it found nothing it could judge.
    `error`: it broke. `refusal`: the model declined ("stop" ends the task, "fallback" asks the next rung).
    `transport_retries`: how often one request may be sent again after a failure of transport;
    `retry_every_rung`: also where another model could be asked instead; `patience`: the longest wait in seconds
    a server may ask for before the next rung is asked.
    """

    unavailable: InconclusiveAction = "stop"
    skipped: InconclusiveAction = "review"
    error: InconclusiveAction = "stop"
    refusal: Literal["stop", "fallback"] = "stop"
    transport_retries: int = 2
    retry_every_rung: bool = False
    patience: float = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The resolved chain, validators and limits for one task. `review_accepted`: even a passing answer waits
    for a person. `baseline` names the model that savings are counted against. `own_validators`: the task named
    them, so they are not those of its type; None in a plan stored before that was kept.
    """

    classification: Classification
    chain: tuple[Rung, ...]
    validators: tuple[ValidatorSpec, ...]
    at_end: AtEnd = "skip"
    review_accepted: bool = False
    before_paid: Literal["warn", "confirm", "deny"] = "warn"
    policies: Policies = Policies()
    baseline: Model | None = None
    matrix: str = ""
    notes: tuple[str, ...] = ()
    own_validators: bool | None = None
