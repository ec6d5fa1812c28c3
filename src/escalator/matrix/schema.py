"""The matrix file as records: what may be written, with every key documented.

What a key means and its bounds stand in the metadata of its field, in the words that pydantic reads: it explains
what is wrong with a file, and makes the JSON Schema that `escalator matrix schema` prints. Annotations are
evaluated here, not kept as text, so that `matrix/plain.py` can read a file by them.
"""

from collections.abc import Mapping
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from decimal import Decimal
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, dataclass_transform

from escalator.kinds import KINDS
from escalator.records.money import MOST

S = TypeVar("S")

TierName: TypeAlias = Literal[
    "local_fast", "local_balanced", "local_quality", "flash", "pro", "haiku", "sonnet", "opus"
]
EffortName: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Action: TypeAlias = Literal["stop", "review", "advisory"]


def says(meaning: str = "", **bounds: object) -> Mapping[str, object]:
    """The metadata of a key: what it means, and what its value is held to (`gt`, `ge`, `le`, `min_length`, …)."""
    return {**bounds, "description": meaning} if meaning else bounds


def usd(meaning: str = "") -> Mapping[str, object]:
    """The metadata of an amount of USD."""
    return says(meaning, ge=0, le=MOST, allow_inf_nan=False)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def section(kind: type[S]) -> type[S]:
    """Makes a dataclass of a section. Its methods are those of `Section`: to generate them for every section at
    every start takes longer than to read a matrix.
    """
    return dataclass(init=False, repr=False, eq=False)(kind)


@section
class Section:
    """A mapping of the file, read-only. Unknown keys are errors, not silence."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    def __init__(self, **given: object) -> None:
        for each in fields(self):
            if each.name in given:
                value = given.pop(each.name)
            elif each.default_factory is not MISSING:
                value = each.default_factory()
            elif each.default is not MISSING:
                value = each.default
            else:
                raise TypeError(f"{type(self).__name__} needs {each.name}")
            vars(self)[each.name] = value
        if given:
            raise TypeError(f"{type(self).__name__} has no {', '.join(given)}")

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to {name!r}: a matrix is read-only")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


@section
class ProviderSection(Section):
    """Who serves models: a local server or a cloud API."""

    kind: str = field(metadata=says(f"{', '.join(KINDS)} or module:attr"))
    base_url: str | None = field(
        default=None, metadata=says("address of the server; each kind has its own default")
    )
    api_key_env: str | None = field(
        default=None,
        metadata=says("NAME of the environment variable with the key", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    )
    local: bool | None = field(
        default=None,
        metadata=says("runs on your own machines; default: a local kind on a loopback or private address"),
    )
    simulated: bool = field(default=False, metadata=says("answers are simulated and labelled so in every result"))
    headers: dict[str, str] = field(default_factory=dict, metadata=says("extra HTTP headers (no secrets)"))
    options: dict[str, Any] = field(default_factory=dict, metadata=says("further options of this kind"))


@section
class PriceSection(Section):
    """USD per million tokens. A missing cache price means: the same as plain input."""

    input: Decimal = field(metadata=usd())
    output: Decimal = field(metadata=usd())
    cache_read: Decimal | None = field(default=None, metadata=usd())
    cache_write: Decimal | None = field(default=None, metadata=usd())
    cache_write_1h: Decimal | None = field(default=None, metadata=usd())


@section
class TimeoutSection(Section):
    """Seconds a call may take."""

    connect: float = field(default=5.0, metadata=says(gt=0))
    first_byte: float = field(default=60.0, metadata=says(gt=0))
    idle: float = field(default=30.0, metadata=says("between two bytes of an answer that has begun", gt=0))
    total: float = field(default=120.0, metadata=says(gt=0))


@section
class ModelSection(Section):
    """A named model bound to a provider."""

    provider: str = field(metadata=says("name under `providers`"))
    id: str = field(metadata=says("the provider's own id of the model", min_length=1))
    tier: TierName = field(metadata=says("class of the model, from local_fast to opus"))
    context: int | None = field(
        default=None, metadata=says("tokens the model can see, prompt and answer together", gt=0)
    )
    max_output: int = field(default=8192, metadata=says("most tokens it may write in one answer", gt=0))
    price: PriceSection | None = field(
        default=None, metadata=says("overrides the price table; 0 for a free server")
    )
    hourly: Decimal | None = field(
        default=None,
        metadata=usd("USD an hour of this model's machine costs you; reported apart, never in a budget"),
    )
    local: bool | None = field(
        default=None,
        metadata=says("runs on your own machines; default: as its provider, unless its id can only be bought"),
    )
    vision: bool = field(default=False, metadata=says("accepts images"))
    thinks: bool = field(
        default=False, metadata=says("thinks before it answers; room for that is left in max_tokens")
    )
    effort: EffortName | None = field(default=None, metadata=says("how hard it should think"))
    temperature: float | None = field(default=None, metadata=says(ge=0, le=2))
    timeout: TimeoutSection = TimeoutSection()
    options: dict[str, Any] = field(default_factory=dict, metadata=says("sent to the server as they are"))


@section
class RungSection(Section):
    """A rung that says more than a model's name."""

    model: str
    effort: EffortName | None = field(
        default=None, metadata=says("effort of this rung; the same model may be two rungs")
    )
    attempts: int | None = field(
        default=None, metadata=says("overrides the task type's max_attempts", ge=1, le=10)
    )


@section
class PolicySection(Section):
    """What happens in the cases a chain does not decide."""

    unavailable: Action | None = field(
        default=None, metadata=says("a required validator cannot run here (default stop)")
    )
    skipped: Action | None = field(default=None, metadata=says("it found nothing it could judge (default review)"))
    error: Action | None = field(default=None, metadata=says("it broke (default stop)"))
    refusal: Literal["stop", "fallback"] | None = field(
        default=None, metadata=says("the model declined (default stop)")
    )


@section
class TaskTypeSection(Section):
    """How tasks of one type are done."""

    complexity: tuple[float, float] = field(metadata=says("band of complexity, for example [3, 5]"))
    chain: list[str | RungSection] = field(metadata=says("rungs, cheapest first", min_length=1))
    checker: str | list[str] | None = field(
        default="auto", metadata=says("model(s) that judge, best first; none; or auto, chosen by complexity")
    )
    validators: list[str | dict[str, dict[str, Any] | None]] = field(metadata=says(min_length=1))
    max_attempts: int = field(default=1, metadata=says("answers one rung may give", ge=1, le=10))
    at_end: Literal["skip", "review"] = field(default="skip", metadata=says("when the chain is exhausted"))
    review: bool = field(default=False, metadata=says("a person decides even when everything passed"))
    before_paid: Literal["warn", "confirm", "deny"] | None = None
    policies: PolicySection = PolicySection()


@section
class PeriodBudgets(Section):
    """Limits in USD."""

    task: Decimal | None = field(default=None, metadata=usd("one task"))
    day: Decimal | None = field(default=None, metadata=usd())
    week: Decimal | None = field(default=None, metadata=usd())
    month: Decimal | None = field(default=None, metadata=usd())


@section
class BudgetSection(PeriodBudgets):
    """Limits in USD, for everything and for parts of it."""

    task_type: dict[str, PeriodBudgets] = field(default_factory=dict)
    tag: dict[str, PeriodBudgets] = field(default_factory=dict)
    team: PeriodBudgets = field(default=PeriodBudgets(), metadata=says("this matrix's team alone"))


@section
class CostGuardSection(Section):
    """What may be spent and who is asked first."""

    before_paid: Literal["warn", "confirm", "deny"] = "warn"
    budgets: BudgetSection = BudgetSection()
    patience: float = field(
        default=30.0,
        metadata=says(
            "seconds a call waits for budget that other calls hold and have not spent; 0 never waits", ge=0
        ),
    )
    baseline: str | None = field(
        default=None, metadata=says("model that savings are counted against; default the dearest")
    )


@section
class TransportSection(Section):
    """How often and how long one request is repeated after a failure of transport."""

    retries: int | None = field(
        default=None,
        metadata=says(
            "extra requests to every rung at most; unless stated 2, and only where nobody else can be asked",
            ge=0,
            le=10,
        ),
    )
    patience: float = field(default=10.0, metadata=says("longest wait in seconds a server may ask for", ge=0))


@section
class SandboxSection(Section):
    """Where model-written code runs."""

    isolation: Literal["auto", "bwrap", "landlock", "seatbelt", "docker", "podman", "external", "none"] = "auto"
    min_isolation: Literal["bwrap", "landlock", "seatbelt", "container", "external"] | None = None
    allow_unsandboxed: bool = field(
        default=False, metadata=says("run without isolation where none works; said in every result")
    )
    share: list[str] = field(
        default_factory=list,
        metadata=says("files or folders of a project that runs may see though they look like secrets; globs"),
    )


@section
class PrivacySection(Section):
    """What models on other machines may be told."""

    secrets: Literal["local", "any"] = field(
        default="local",
        metadata=says("which models may be told of files that hold secrets and were given by name"),
    )


@section
class LedgerSection(Section):
    """Where tasks, attempts and money are recorded."""

    path: str | None = field(
        default=None, metadata=says("SQLite file; a relative path begins at this file's folder")
    )
    url_env: str | None = field(
        default=None, metadata=says("NAME of the environment variable with a postgresql:// URL")
    )
    durability: Literal["full", "normal"] = "full"
    store_answers: bool = field(default=True, metadata=says("false: a resume must buy answers again"))
    redact: str | None = field(
        default=None, metadata=says("module:attr of a (text) -> text called on everything before it is stored")
    )


@section
class ClassifierSection(Section):
    """Who decides type and complexity."""

    llm: str | None = field(default=None, metadata=says("model that classifies; falls back to the built-in rules"))
    name: str | None = field(default=None, metadata=says("another classifier: entry point or module:attr"))


@section
class MatrixFile(Section):
    """An escalation matrix."""

    version: Literal[1]
    team: str = ""
    extends: str | list[str] | None = field(
        default=None, metadata=says("`default` or paths; this file is laid over them")
    )
    providers: dict[str, ProviderSection] = field(metadata=says(min_length=1))
    models: dict[str, ModelSection] = field(metadata=says(min_length=1))
    task_types: dict[str, TaskTypeSection] = field(metadata=says(min_length=1))
    cost_guard: CostGuardSection = CostGuardSection()
    policies: PolicySection = PolicySection()
    transport: TransportSection = TransportSection()
    sandbox: SandboxSection = SandboxSection()
    privacy: PrivacySection = PrivacySection()
    ledger: LedgerSection = LedgerSection()
    classifier: ClassifierSection = ClassifierSection()
