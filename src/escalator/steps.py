"""The alphabet of a walk: what pure code may ask for, and what it is answered.

Two levels share one alphabet. The walk yields `Survey`, `Admit`, `Work`, `Check` and `Tell`. What stands
behind `Work` and `Check` are flows of their own (prompt and extraction, a validator), which yield `Ask` and
`Run`. A performer knows them all; a replay knows the answers by heart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from escalator.errors import ValidatorError
from escalator.records import Failure

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.records import (
        Attempt,
        Call,
        Command,
        Completion,
        Purpose,
        Request,
        Rung,
        RunResult,
        Transition,
        ValidatorSpec,
        Verdict,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """Which validators cannot run here? Answered, before any spending, by their inconclusive verdicts."""

    specs: tuple[ValidatorSpec, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Admit:
    """May this rung be tried at all? Answered by None, or by the `Failure` that bars it."""

    rung: Rung
    history: tuple[Attempt, ...]
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """Let a rung answer, knowing what was tried before. Answered by `Attempt` without verdicts."""

    rung: Rung
    number: int
    history: tuple[Attempt, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Let one validator judge one attempt. Answered by `Checked`."""

    spec: ValidatorSpec
    rung: Rung
    attempt: Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Tell:
    """Something the walk decided, for the record. Answered by None."""

    transition: Transition


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Call a model. Answered by `Asked`."""

    purpose: Purpose
    request: Request


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Run a process in the sandbox. Answered by `RunResult`, or by a `Failure` where no sandbox works."""

    command: Command


Step: TypeAlias = Survey | Admit | Work | Check | Tell | Ask | Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """A verdict and the calls that were paid for it, or the failure that ended the task before one was given."""

    verdict: Verdict | None = None
    failure: Failure | None = None
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What came of a model call: a completion or a failure, and every request sent for it.

    `prompt_digest` is that of what was asked, empty where whoever answered did not take it.
    """

    completion: Completion | None = None
    failure: Failure | None = None
    calls: tuple[Call, ...] = ()
    prompt_digest: str = ""


def ask(purpose: Purpose, request: Request) -> Flow[Asked]:
    """Call a model from inside a flow, as in `asked = yield from ask("checker", request)`."""
    reply = yield Ask(purpose=purpose, request=request)
    if not isinstance(reply, Asked):
        raise TypeError(f"the performer answered Ask with {type(reply).__name__}, not Asked")
    return reply


def run(command: Command, *, validator: str = "run") -> Flow[RunResult]:
    """Run a process from inside a flow. Raises `ValidatorError` where no sandbox works."""
    reply = yield Run(command=command)
    if isinstance(reply, Failure):
        raise ValidatorError(reply.message, validator=validator)
    result: RunResult = reply
    return result
