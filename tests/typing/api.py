"""The public API as a type checker sees it; checked by mypy, never run."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_type

from escalator import (
    Candidate,
    Classification,
    Escalator,
    Outcome,
    Plan,
    Task,
    Verdict,
    aexecute,
    classify,
    execute,
    load_matrix,
    resume,
    validate,
)
from escalator.events import Event, Substitution
from escalator.testing import MemoryLedger, ScriptedProvider
from escalator.validators import Validator, passed


def approve(wanted: Substitution) -> bool:
    """Callers annotate their callbacks with the public records."""
    return wanted.highest_cost < Decimal(1)


def listen(event: Event) -> None:
    """A sink takes any event."""


def my_validator(*, limit: int = 3) -> Validator:
    """A factory of a stranger's validator."""

    def check(candidate: Candidate) -> Verdict:
        return passed("mine", evidence={"files": len(candidate.changes.files) < limit})

    return check


def holds(candidate: Candidate) -> bool:
    """A plain function judges as it is."""
    return bool(candidate.changes.files)


async def use() -> None:
    """Every way in has a type, and what comes out has one."""
    assert_type(execute("x", files={"a.py": ""}, approve=approve, on_event=listen), Outcome)
    assert_type(await aexecute(Task(prompt="x", validators=["syntax", my_validator(limit=2)])), Outcome)
    assert_type(execute("x", validators=[holds, "syntax"], tests=["test_a.py"], budget="0.5", tags=["a"]), Outcome)
    assert_type(execute("x", budgte=1), Outcome)  # type: ignore[call-arg]
    assert_type(execute("x", files=3), Outcome)  # type: ignore[arg-type]
    assert_type(resume("id"), Outcome)
    assert_type(resume("id", budget=Decimal(1), deadline=2.5), Outcome)
    assert_type(classify("x"), Classification)
    assert_type(validate("x = 1", "Set x."), tuple[Verdict, ...])
    with Escalator(load_matrix(), ledger=MemoryLedger(), providers=ScriptedProvider({})) as house:
        assert_type(house.plan("x"), Plan)
        outcome = house.execute("x")
    assert_type(outcome.cost, Decimal)
    assert_type(outcome.unwrap(), str)
