"""What the functions of the public API take as keywords, for editors, type checkers and the check at run time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict

from escalator.errors import TaskError
from escalator.records import TaskOptions

if TYPE_CHECKING:
    from escalator.events import Approve, Sink


class Listeners(TypedDict, total=False):
    """`approve` is asked before a paid model where the matrix says confirm; `on_event` gets every event."""

    approve: Approve | None
    on_event: Sink | Iterable[Sink] | None


class RunOptions(TaskOptions, Listeners, total=False):
    """What `Escalator.execute` takes beside the task."""


class ResumeOptions(Listeners, total=False):
    """What `Escalator.resume` takes: `budget` (USD) and `deadline` (seconds from now) replace the task's own."""

    budget: Decimal | float | str | None
    deadline: float | None


TASK_FIELDS = frozenset(TaskOptions.__annotations__)
LISTENERS = frozenset(Listeners.__annotations__)
LIMITS = frozenset({"budget", "deadline"})
WIRING = frozenset({"matrix", "ledger", "providers"})
"""What an `Escalator` is made of; the functions in front of it take these too, its methods do not."""


def task_and_others(options: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, object]]:
    """The options that are the task's own, and the listeners, checked. Raises `TaskError` for any other."""
    check_names(options, TASK_FIELDS | LISTENERS)
    own = {name: value for name, value in options.items() if name in TASK_FIELDS}
    return own, _listeners(options, without=TASK_FIELDS)


def limits_and_others(options: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The limits under which a task goes on, and the listeners, checked. Raises `TaskError` for any other."""
    check_names(options, LIMITS | LISTENERS)
    limits = {name: value for name, value in options.items() if name in LIMITS}
    return limits, _listeners(options, without=LIMITS)


def check_names(options: Iterable[str], known: frozenset[str]) -> None:
    """Raise `TaskError` for an option that is not known, with the one meant or the place it belongs to."""
    for name in sorted(set(options) - known):
        raise TaskError("there is no such option", field=name, hint=_instead(name, known))


def _instead(name: str, known: frozenset[str]) -> str:
    from escalator.plugins import suggest

    if name in WIRING:
        return f"pass it when the Escalator is made: Escalator({name}=…)"
    if name in LISTENERS:
        return f"here nobody is asked and nothing is done; pass it to Escalator({name}=…), execute or resume"
    meant, _, _ = suggest(name, known).partition(" Known")
    own = known - LISTENERS - WIRING
    listed = ", ".join((*sorted(own), *sorted(known & LISTENERS), *sorted(known & WIRING)))
    return f"known are {listed}" + (f"; {meant}" if meant.startswith("did you mean") else "")


def _listeners(options: Mapping[str, object], *, without: frozenset[str]) -> dict[str, object]:
    others = {name: value for name, value in options.items() if name not in without}
    wrong = misfit(**others)
    if wrong is not None:
        raise TaskError(wrong.says, field=wrong.name, hint=wrong.hint)
    return others


@dataclass(frozen=True, slots=True)
class Misfit:
    """A listener that cannot be called: which one, what it is, and what to pass instead."""

    name: str
    says: str
    hint: str


def misfit(*, approve: object = None, on_event: object = None) -> Misfit | None:
    """The first of these that is given and cannot be called, None where all can."""
    sinks = on_event if isinstance(on_event, Iterable) and not callable(on_event) else [on_event]
    for name, value, wanted in (
        ("approve", approve, "a function of one Substitution"),
        *(("on_event", sink, "a function of one event, or several") for sink in sinks),
    ):
        if value is not None and not callable(value):
            return Misfit(name, f"{value!r} is {type(value).__name__}", f"pass {wanted}")
    return None
