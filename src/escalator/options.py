"""What the functions of the public API take as keywords, for editors, type checkers and the check at run time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict

from escalator.errors import TaskError
from escalator.records import TaskOptions

if TYPE_CHECKING:
    from escalator.events import Sink
    from escalator.execution import Approve


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


def task_and_others(options: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options that are the task's own, and the listeners. Raises `TaskError` for one that does not exist."""
    own = {name: value for name, value in options.items() if name in TASK_FIELDS}
    others = {name: value for name, value in options.items() if name not in TASK_FIELDS}
    return own, listeners(others, known=(*sorted(TASK_FIELDS), *sorted(LISTENERS)))


def listeners(options: Mapping[str, object], *, known: Iterable[str]) -> dict[str, Any]:
    """The listeners among the options, checked. Raises `TaskError` for any other option, with the one meant."""
    from escalator.plugins import suggest

    names = [*known, "matrix"]
    for name in sorted(options.keys() - LISTENERS):
        meant = suggest(name, names).partition(" Known")[0]
        hint = f"known are {', '.join(names)}" + (f"; {meant}" if meant.startswith("did you") else "")
        raise TaskError("there is no such option", field=name, hint=hint)
    _check("approve", options.get("approve"), callable, "a function of one Substitution")
    on_event = options.get("on_event")
    sinks = on_event if isinstance(on_event, Iterable) and not callable(on_event) else [on_event]
    for sink in sinks:
        _check("on_event", sink, callable, "a function of one event, or several")
    return dict(options)


def _check(field: str, value: object, right: Callable[[object], bool], wanted: str) -> None:
    if value is not None and not right(value):
        raise TaskError(f"{value!r} is {type(value).__name__}", field=field, hint=f"pass {wanted}")
