"""The matrix file as pydantic models: what may be written, with every key documented.

`escalator matrix schema` prints the JSON Schema made from these models, for editors.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from escalator.kinds import KINDS

Positive = Annotated[float, Field(gt=0)]
Usd = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
TierName: TypeAlias = Literal[
    "local_fast", "local_balanced", "local_quality", "flash", "pro", "haiku", "sonnet", "opus"
]
EffortName: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Action: TypeAlias = Literal["stop", "review", "advisory"]


class Section(BaseModel):
    """A mapping of the file. Unknown keys are errors, not silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ProviderSection(Section):
    """Who serves models: a local server or a cloud API."""

    kind: str = Field(description=f"{', '.join(KINDS)} or module:attr")
    base_url: str | None = Field(default=None, description="address of the server; each kind has its own default")
    api_key_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="NAME of the environment variable with the key",
    )
    local: bool | None = Field(
        default=None,
        description="runs on your own machines; default: a local kind on a loopback or private address",
    )
    simulated: bool = Field(False, description="answers are simulated and labelled so in every result")
    headers: dict[str, str] = Field(default_factory=dict, description="extra HTTP headers (no secrets)")
    options: dict[str, Any] = Field(default_factory=dict, description="further options of this kind")


class PriceSection(Section):
    """USD per million tokens. A missing cache price means: the same as plain input."""

    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None


class TimeoutSection(Section):
    """Seconds a call may take."""

    connect: Positive = 5.0
    first_byte: Positive = 60.0
    idle: Positive = Field(default=30.0, description="between two bytes of an answer that has begun")
    total: Positive = 120.0


class ModelSection(Section):
    """A named model bound to a provider."""

    provider: str = Field(description="name under `providers`")
    id: str = Field(min_length=1, description="the provider's own id of the model")
    tier: TierName = Field(description="class of the model, from local_fast to opus")
    context: int | None = Field(
        default=None, gt=0, description="tokens the model can see, prompt and answer together"
    )
    max_output: int = Field(8192, gt=0, description="most tokens it may write in one answer")
    price: PriceSection | None = Field(default=None, description="overrides the price table; 0 for a free server")
    hourly: Usd | None = Field(
        default=None,
        description="USD an hour of this model's machine costs you; reported apart, never in a budget",
    )
    vision: bool = Field(False, description="accepts images")
    thinks: bool = Field(False, description="thinks before it answers; room for that is left in max_tokens")
    effort: EffortName | None = Field(default=None, description="how hard it should think")
    temperature: float | None = Field(default=None, ge=0, le=2)
    timeout: TimeoutSection = TimeoutSection()
    options: dict[str, Any] = Field(default_factory=dict, description="sent to the server as they are")


class RungSection(Section):
    """A rung that says more than a model's name."""

    model: str
    effort: EffortName | None = Field(
        default=None, description="effort of this rung; the same model may be two rungs"
    )
    attempts: int | None = Field(default=None, ge=1, le=10, description="overrides the task type's max_attempts")


class PolicySection(Section):
    """What happens in the cases a chain does not decide."""

    unavailable: Action | None = Field(
        default=None, description="a required validator cannot run here (default stop)"
    )
    skipped: Action | None = Field(default=None, description="it found nothing it could judge (default review)")
    error: Action | None = Field(default=None, description="it broke (default stop)")
    refusal: Literal["stop", "fallback"] | None = Field(
        default=None, description="the model declined (default stop)"
    )


class TaskTypeSection(Section):
    """How tasks of one type are done."""

    complexity: tuple[float, float] = Field(description="band of complexity, for example [3, 5]")
    chain: list[str | RungSection] = Field(min_length=1, description="rungs, cheapest first")
    checker: str | list[str] | None = Field(
        "auto", description="model(s) that judge, best first; none; or auto, chosen by complexity"
    )
    validators: list[str | dict[str, dict[str, Any] | None]] = Field(min_length=1)
    max_attempts: int = Field(1, ge=1, le=10, description="answers one rung may give")
    at_end: Literal["skip", "review"] = Field("skip", description="when the chain is exhausted")
    review: bool = Field(default=False, description="a person decides even when everything passed")
    before_paid: Literal["warn", "confirm", "deny"] | None = None
    policies: PolicySection = PolicySection()

    @field_validator("complexity")
    @classmethod
    def _in_order(cls, band: tuple[float, float]) -> tuple[float, float]:
        low, high = band
        if not 0 <= low <= high <= 10:
            raise ValueError("must be two numbers from 0 to 10, the lower one first")
        return band

    @field_validator("validators")
    @classmethod
    def _one_each(cls, items: list[str | dict[str, Any]]) -> list[str | dict[str, Any]]:
        for item in items:
            if isinstance(item, dict) and len(item) != 1:
                raise ValueError("a validator with options is written as {name: {option: value}}")
        return items


class PeriodBudgets(Section):
    """Limits in USD."""

    task: Usd | None = Field(default=None, description="one task")
    day: Usd | None = None
    week: Usd | None = None
    month: Usd | None = None


class BudgetSection(PeriodBudgets):
    """Limits in USD, for everything and for parts of it."""

    task_type: dict[str, PeriodBudgets] = Field(default_factory=dict)
    tag: dict[str, PeriodBudgets] = Field(default_factory=dict)
    team: PeriodBudgets = Field(default=PeriodBudgets(), description="this matrix's team alone")


class CostGuardSection(Section):
    """What may be spent and who is asked first."""

    before_paid: Literal["warn", "confirm", "deny"] = "warn"
    budgets: BudgetSection = BudgetSection()
    baseline: str | None = Field(
        default=None, description="model that savings are counted against; default the dearest"
    )


class TransportSection(Section):
    """How often and how long one request is repeated after a failure of transport."""

    retries: int = Field(
        default=2, ge=0, le=10, description="extra requests at most; without a Retry-After only on the last rung"
    )
    patience: float = Field(default=10.0, ge=0, description="longest wait in seconds a server may ask for")


class SandboxSection(Section):
    """Where model-written code runs."""

    isolation: Literal["auto", "bwrap", "landlock", "seatbelt", "docker", "podman", "external", "none"] = "auto"
    min_isolation: Literal["bwrap", "landlock", "seatbelt", "container", "external"] | None = None
    allow_unsandboxed: bool = Field(
        default=False, description="run without isolation where none works; said in every result"
    )


class LedgerSection(Section):
    """Where tasks, attempts and money are recorded."""

    path: str | None = Field(default=None, description="SQLite file")
    url_env: str | None = Field(
        default=None, description="NAME of the environment variable with a postgresql:// URL"
    )
    durability: Literal["full", "normal"] = "full"
    store_answers: bool = Field(default=True, description="false: a resume must buy answers again")
    redact: str | None = Field(
        default=None, description="module:attr of a (text) -> text called on everything before it is stored"
    )


class ClassifierSection(Section):
    """Who decides type and complexity."""

    llm: str | None = Field(default=None, description="model that classifies; falls back to the built-in rules")
    name: str | None = Field(default=None, description="another classifier: entry point or module:attr")


class MatrixFile(Section):
    """An escalation matrix."""

    version: Literal[1]
    team: str = ""
    extends: str | list[str] | None = Field(
        default=None, description="`default` or paths; this file is laid over them"
    )
    providers: dict[str, ProviderSection] = Field(min_length=1)
    models: dict[str, ModelSection] = Field(min_length=1)
    task_types: dict[str, TaskTypeSection] = Field(min_length=1)
    cost_guard: CostGuardSection = CostGuardSection()
    policies: PolicySection = PolicySection()
    transport: TransportSection = TransportSection()
    sandbox: SandboxSection = SandboxSection()
    ledger: LedgerSection = LedgerSection()
    classifier: ClassifierSection = ClassifierSection()

    @model_validator(mode="before")
    @classmethod
    def _no_literal_keys(cls, data: Any) -> Any:
        providers = data.get("providers") if isinstance(data, dict) else None
        for name, section in (providers or {}).items() if isinstance(providers, dict) else ():
            if isinstance(section, dict) and "api_key" in section:
                raise ValueError(
                    f"providers.{name}.api_key: keys never stand in the file; "
                    "write api_key_env with the NAME of an environment variable"
                )
        return data
