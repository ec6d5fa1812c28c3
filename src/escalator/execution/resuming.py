"""Taking a task up again: that it is the same task, and the plan it goes on by.

What was answered stays as it was. Everything after it goes by today's matrix: its models, prices, validators and
policies. Of what protects money, and of what a person must see, the stricter of then and now holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from escalator.errors import ConfigError, TaskError
from escalator.execution.prepare import planned
from escalator.records import Brief, Classification, Model, Outcome, Plan, Rung, ValidatorSpec

if TYPE_CHECKING:
    from escalator.execution.context import TaskContext
    from escalator.execution.journal import Record
    from escalator.execution.prepare import Judges
    from escalator.matrix import Matrix

IDENTITY = (
    "prompt",
    "workspace",
    "files",
    "tests",
    "selected",
    "language",
    "requirements",
    "images",
    "response_schema",
    "benchmark",
    "local_only",
    "tags",
)
"""What makes a task the one it is; its limits may differ from one time to the next."""

STRICTEST = ("warn", "confirm", "deny")
"""What may stand before a paid model, the strictest last."""

ANEW = "choose a new task id, or none, to have it done anew"


def check_same(stored: Brief, given: Brief, ended: Outcome | None) -> None:
    """Raise `TaskError` naming what differs where a known id is given for another task.

    A file that holds by now what this task's own accepted answer put there is no difference.
    """
    done = ended.files if ended is not None and ended.status == "accepted" else {}
    for field in IDENTITY:
        then, now = getattr(stored, field), getattr(given, field)
        if field in {"files", "tests"}:
            names = _differing(then, now, done)
            if names:
                raise _another(given, field, f"{_few(names)} {'is' if len(names) == 1 else 'are'} not as then")
        elif then != now:
            raise _another(given, field, f"it was {_short(then)} and is {_short(now)}")


def check_same_plan(
    stored: Plan, brief: Brief, *, wanted: Sequence[ValidatorSpec] | None, stated: Classification | None
) -> None:
    """Raise `TaskError` where a known id is given with other validators, or as another type, than then."""
    if stored.own_validators is not None or wanted is not None:
        own = None if stored.own_validators is False else stored.validators
        check_same_validators(own, brief, wanted)
    kind = stored.classification
    if stated is not None and stated.task_type != kind.task_type:
        raise _another(brief, "task_type", f"it was {kind.task_type} and is {stated.task_type}")


def check_same_validators(
    then: Sequence[ValidatorSpec] | None, brief: Brief, now: Sequence[ValidatorSpec] | None
) -> None:
    """Raise `TaskError` unless the caller's own validators are those of then; None is those of the task's type."""
    if _as_set(then) != _as_set(now):
        raise _another(brief, "validators", f"they were {_named(then)} and are {_named(now)}")


def changed_since(brief: Brief) -> tuple[str, ...]:
    """What a resume cannot take along, one sentence each: tests and files that are no longer as they were read."""
    if brief.workspace is None:
        return ()
    said = []
    for field, what in (("tests", "judges by"), ("files", "works on")):
        there = _on_disk(brief, getattr(brief, field))
        names = _differing(getattr(brief, field), there, {})
        if names:
            verb = "has" if len(names) == 1 else "have"
            said.append(
                f"{_few(names)} {verb} changed since this task was started, which {what} the old text; "
                f"{ANEW} with the new one"
            )
    return tuple(said)


def _on_disk(brief: Brief, texts: Mapping[str, str]) -> dict[str, str]:
    """The files of these names as they are now; what is gone or can no longer be read is left out."""
    from escalator.workspace import read_files

    found: dict[str, str] = {}
    for path in texts:
        if brief.workspace is not None and (brief.workspace / path).is_file():
            try:
                found |= read_files(brief.workspace, [path])
            except TaskError:
                continue
    return found


def replanned(
    context: TaskContext, brief: Brief, stored: Plan, *, record: Record, given: Judges
) -> tuple[Plan, tuple[str, ...]]:
    """The plan a task goes on by, and what should be said of it.

    The stored one where the matrix is still the same. Else the rungs that answered stay, with the models they
    had, and today's chain goes on from there. Raises `ConfigError` where the matrix does not have the task's type.
    """
    matrix = context.matrix
    if stored.matrix == matrix.fingerprint:
        return stored, ()
    kind = stored.classification
    if kind.task_type not in matrix.file.task_types:
        raise ConfigError(
            f"the task is of type {kind.task_type!r}, which this matrix does not have",
            key="task_types",
            hint="resume it under the matrix it was started with, or add the type",
        )
    wanted = None if stored.own_validators is False else stored.validators
    today = planned(context, brief, kind, wanted, given)
    plan = replace(
        today,
        chain=_joined(stored.chain, today.chain, record.answered, matrix),
        own_validators=stored.own_validators,
        before_paid=max(stored.before_paid, today.before_paid, key=STRICTEST.index),
        review_accepted=stored.review_accepted or today.review_accepted,
    )
    said = ["the matrix has changed since this task was started: what is asked from here on goes by today's"]
    dropped = [spec.name for spec in stored.validators if spec.required] if wanted is None else []
    gone = sorted(set(dropped) - {spec.name for spec in plan.validators})
    if gone:
        said.append(f"{_few(gone)} judged this task when it was started; today's matrix no longer asks for it")
    return replace(plan, notes=(*plan.notes, *said)), tuple(said)


def _joined(
    then: tuple[Rung, ...], now: tuple[Rung, ...], answered: Mapping[int, int], matrix: Matrix
) -> tuple[Rung, ...]:
    """The rungs of then up to the last that answered, and those of today that come after them."""
    kept, rest = list[Rung](), list(now)
    for rung in then[: max(answered, default=-1) + 1]:
        at = next((at for at, other in enumerate(rest) if _same_model(rung.model, other.model)), None)
        attempts = answered.get(rung.index, 1)
        if at is not None:
            attempts = max(attempts, rest[at].attempts)
            rest = rest[at + 1 :]
        checker = rung.checker and _refreshed(rung.checker, matrix)
        kept.append(replace(rung, model=_refreshed(rung.model, matrix), checker=checker, attempts=attempts))
    chain = [*kept, *rest]
    return tuple(replace(rung, index=index, last=index == len(chain) - 1) for index, rung in enumerate(chain))


def _same_model(one: Model, other: Model) -> bool:
    return (one.name, one.id, one.provider) == (other.name, other.id, other.provider)


def _refreshed(then: Model, matrix: Matrix) -> Model:
    """The model as today's matrix has it, asked as it was asked then, so that its recorded answers still fit."""
    today = matrix.models.get(then.name)
    if today is None or not _same_model(then, today):
        return then
    return replace(
        today,
        context=then.context,
        max_output=then.max_output,
        thinks=then.thinks,
        effort=then.effort,
        temperature=then.temperature,
    )


def _another(brief: Brief, field: str, difference: str) -> TaskError:
    return TaskError(
        f"the ledger knows {brief.task_id!r} as another task: {difference}",
        field="task_id" if field == "prompt" else field,
        hint=ANEW,
    )


def _differing(then: Mapping[str, str], now: Mapping[str, str], done: Mapping[str, str | None]) -> list[str]:
    """Paths whose text is neither that of then nor what the task itself made of it."""
    paths = sorted(then.keys() | now.keys())
    return [p for p in paths if now.get(p) != then.get(p) and not (p in done and now.get(p) == done[p])]


def _as_set(specs: Sequence[ValidatorSpec] | None) -> dict[str, tuple[dict[str, object], bool]] | None:
    return None if specs is None else {spec.name: (dict(spec.options), spec.required) for spec in specs}


def _named(specs: Sequence[ValidatorSpec] | None) -> str:
    return "those of its type" if specs is None else ", ".join(_spelt(spec) for spec in specs)


def _spelt(spec: ValidatorSpec) -> str:
    return f"{spec.name} {dict(spec.options)}" if spec.options else spec.name


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _short(value: object) -> str:
    text = repr(value) if not isinstance(value, tuple) else ", ".join(map(str, value)) or "none"
    return text if len(text) <= 60 else f"{text[:57]}..."
