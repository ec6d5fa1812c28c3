"""What a validator is, and the few ways its verdict can read.

A validator is any callable that takes a `Candidate` and either returns a `Verdict` or is a flow that ends in
one. A *factory* takes the options written in the matrix and returns the validator:

    def no_print(*, allowed: int = 0) -> Validator:
        def check(candidate: Candidate) -> Verdict:
            found = sum(text.count("print(") for text in candidate.changes.files.values() if text)
            return passed("no_print") if found <= allowed else failed("no_print", feedback="Remove print().")
        return check
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from escalator.errors import ValidatorError
from escalator.records import Verdict

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.records import Brief, Candidate, InconclusiveReason, Isolation

Cost: TypeAlias = Literal["instant", "process", "model"]
"""What a validator spends: only this process, a sandboxed process, or a model call."""


@runtime_checkable
class Validator(Protocol):
    """Judges one candidate.

    Optional attributes, read by the functions below: `name` (str), `version` (str; change it when the same
    candidate may be judged differently: a resumed task takes no verdict of another version from the ledger),
    `cost` (see `Cost`), `quick` (True: done in milliseconds without anybody else's code, so that nothing need be
    written to the ledger before it), `unavailable(brief)` (why it cannot run on this machine, or None; asked
    before any money is spent), `inapplicable(brief)` (why it has nothing to judge in this task, or None),
    `prepare(brief)` (a flow of `Run` steps that needs no answer; it is started while the model is being asked, and
    the validator keeps what it finds for its verdicts), `foresees(brief)` (the inconclusive verdict that no answer
    could better, by what `prepare` has found so far, or None; a model that costs money is not asked then).
    """

    def __call__(self, candidate: Candidate, /) -> Verdict | Flow[Verdict]:
        """Say whether the candidate is right; yield `Run` and `Ask` steps for what needs a process or a model."""
        ...


Factory: TypeAlias = Callable[..., Validator]
"""Takes the options of the matrix as keyword arguments and returns the validator."""

_COST_ORDER: dict[Cost, int] = {"instant": 0, "process": 1, "model": 2}


FIRST_VERSION = "1"
"""What a validator that states no version is taken to be."""


def name_of(validator: Validator) -> str:
    """The validator's `name`, else the name of its function or class."""
    name = getattr(validator, "name", None) or getattr(validator, "__name__", None)
    return str(name or type(validator).__name__)


def version_of(validator: object) -> str:
    """The validator's `version`, or the first."""
    return str(getattr(validator, "version", FIRST_VERSION))


def cost_of(validator: Validator) -> Cost:
    """What the validator spends; one that does not say is taken to start a process."""
    cost = getattr(validator, "cost", "process")
    if cost not in _COST_ORDER:
        raise ValidatorError(
            f"cost is {cost!r}; use 'instant', 'process' or 'model'.", validator=name_of(validator)
        )
    return cost


def is_quick(validator: Validator) -> bool:
    """Whether the validator says that it is `quick`."""
    return bool(getattr(validator, "quick", False))


def preparation(validator: Validator, brief: Brief) -> Flow[Any] | None:
    """What the validator can do before there is an answer; None if nothing."""
    prepare = getattr(validator, "prepare", None)
    return None if prepare is None or why_inapplicable(validator, brief) is not None else prepare(brief)


def has_foresight(validator: Validator) -> bool:
    """Whether the validator may know, once it is prepared, that it can judge no answer."""
    return hasattr(validator, "foresees") and hasattr(validator, "prepare")


def foreseen(validator: Validator, brief: Brief) -> Verdict | None:
    """The inconclusive verdict that every answer would get, by what the validator has prepared; else None."""
    foresees = getattr(validator, "foresees", None)
    verdict = None if foresees is None or why_inapplicable(validator, brief) is not None else foresees(brief)
    return verdict if isinstance(verdict, Verdict) and verdict.status == "inconclusive" else None


def cost_rank(validator: Validator) -> int:
    """0 for instant, 1 for a process, 2 for a model: sort by it to judge cheapest first."""
    return _COST_ORDER[cost_of(validator)]


def why_unavailable(validator: Validator, brief: Brief) -> str | None:
    """Why the validator cannot run on this machine, or None. Costs no money and starts no model."""
    return _asked(validator, "unavailable", brief)


def why_inapplicable(validator: Validator, brief: Brief) -> str | None:
    """Why the validator has nothing to judge in this task, or None."""
    return _asked(validator, "inapplicable", brief)


def _asked(validator: Validator, attribute: str, brief: Brief) -> str | None:
    question = getattr(validator, attribute, None)
    if question is None:
        return None
    answer = question(brief)
    return None if answer is None else str(answer)


_NOT_A_VERDICT = "it returned {}, not a Verdict; a function that says True or False is used as python(call=…)"


def judge(validator: Validator, candidate: Candidate) -> Flow[Verdict]:
    """Let a validator of either form judge, as a flow.

    Never raises for what a validator does wrong: one that cannot run gives an inconclusive verdict with reason
    "unavailable", one that breaks gives reason "error".
    """
    name = name_of(validator)
    try:
        said: Any = validator(candidate)
        if isinstance(said, bool | str) or said is None:
            return broke(name, TypeError(_NOT_A_VERDICT.format(type(said).__name__)))
        verdict = said if isinstance(said, Verdict) else (yield from said)
    except ValidatorError as error:
        return unavailable(name, error.message)
    except Exception as error:  # noqa: BLE001  a stranger's validator may raise anything; it becomes a verdict
        return broke(name, error)
    if not isinstance(verdict, Verdict):
        return broke(name, TypeError(_NOT_A_VERDICT.format(type(verdict).__name__)))
    return verdict


def passed(
    name: str,
    *,
    confidence: float = 1.0,
    hint: str = "",
    evidence: Mapping[str, object] | None = None,
    seconds: float = 0.0,
    isolation: Isolation | None = None,
) -> Verdict:
    """The answer was judged and found right."""
    return Verdict(
        validator=name,
        status="passed",
        confidence=confidence,
        hint=hint,
        evidence=evidence or {},
        seconds=seconds,
        isolation=isolation,
    )


def failed(
    name: str,
    *,
    feedback: str,
    confidence: float = 1.0,
    hint: str = "",
    evidence: Mapping[str, object] | None = None,
    seconds: float = 0.0,
    isolation: Isolation | None = None,
) -> Verdict:
    """The answer was judged and found wrong; `feedback` tells the model what to repair."""
    return Verdict(
        validator=name,
        status="failed",
        confidence=confidence,
        feedback=feedback,
        hint=hint,
        evidence=evidence or {},
        seconds=seconds,
        isolation=isolation,
    )


def skipped(name: str, why: str, hint: str = "", **more: Any) -> Verdict:
    """There was nothing this validator could judge. `why` and `hint` are sentences for a person."""
    return _undecided(name, "skipped", why, hint, **more)


def unavailable(name: str, why: str, hint: str = "", **more: Any) -> Verdict:
    """The validator cannot run here: a tool, an interpreter or a sandbox is missing."""
    return _undecided(name, "unavailable", why, hint, **more)


def broke(name: str, error: BaseException | str, hint: str = "", **more: Any) -> Verdict:
    """The validator could not decide, and the answer is not to blame."""
    why = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return _undecided(name, "error", why, hint, **more)


def suspicious(name: str, why: str, hint: str = "", **more: Any) -> Verdict:
    """The answer would pass, but does something that honest answers hardly ever do: a person should look."""
    return _undecided(name, "suspicious", why, hint, **more)


def _undecided(
    name: str,
    reason: InconclusiveReason,
    why: str,
    hint: str,
    *,
    confidence: float = 0.0,
    evidence: Mapping[str, object] | None = None,
    seconds: float = 0.0,
    isolation: Isolation | None = None,
) -> Verdict:
    return Verdict(
        validator=name,
        status="inconclusive",
        reason=reason,
        confidence=confidence,
        hint=f"{why} {hint}".strip(),
        evidence={**(evidence or {}), "why": why},
        seconds=seconds,
        isolation=isolation,
    )
