"""Wiring: the configured `Escalator` and the functions of the public API in front of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from escalator.errors import ConfigError, LedgerError, TaskError
from escalator.flow import Flow, adrive, drive
from escalator.forking import ForkLock
from escalator.options import (
    LIMITS,
    LISTENERS,
    TASK_FIELDS,
    WIRING,
    ResumeOptions,
    RunOptions,
    check_names,
    limits_and_others,
    misfit,
    task_and_others,
)
from escalator.records import ChangeSet, Classification, Outcome, Plan, Task, TaskOptions, Verdict

if TYPE_CHECKING:
    from types import TracebackType

    from escalator.events import Approve, Sink
    from escalator.ledger import Archive
    from escalator.matrix import Matrix
    from escalator.providers import Provider
    from escalator.resources import MatrixSource, Providers, Resources
    from escalator.validators.mutation import StrengthReport

T = TypeVar("T")


class Escalator:
    """Executes tasks by one matrix on one ledger; safe to use from many threads and event loops at once.

    `matrix`: path, YAML text, mapping, `Matrix`, or None to look it up; a file is read again between tasks when
    it changed. `ledger`: path, `postgresql://` URL, ":memory:", a ledger object, or None for the configured
    one. `providers`: one provider for every model, or {provider name: provider}. `approve` is asked before a
    paid model where the matrix says confirm. `on_event`: a sink, or several.
    `clock` is seconds since the epoch, `timer` a monotonic clock, `sleep` waits (seconds).
    Usable as a context manager; closing gives connections and the ledger back. `close` raises `LedgerError` if
    something could not be written; the end of a `with` block logs that. Raises `ConfigError` for an
    `approve` or `on_event` that cannot be called; a matrix that is wrong is found when it is first needed.
    """

    def __init__(
        self,
        matrix: MatrixSource = None,
        *,
        ledger: str | Path | Archive | None = None,
        providers: Providers = None,
        approve: Approve | None = None,
        on_event: Sink | Iterable[Sink] | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        from escalator.resources import Resources

        wrong = misfit(approve=approve, on_event=on_event)
        if wrong is not None:
            raise ConfigError(wrong.says, key=wrong.name, hint=wrong.hint)
        self._sleep = sleep
        self._resources: Resources = Resources(
            matrix,
            ledger=ledger,
            providers=providers,
            approve=approve,
            on_event=on_event,
            clock=clock,
            timer=timer,
        )

    @property
    def matrix(self) -> Matrix:
        """The matrix in force."""
        return self._resources.matrix()

    @property
    def ledger(self) -> Archive:
        """The ledger in use, opened if it is not yet."""
        return self._resources.ledger()

    @property
    def ledger_location(self) -> str | Path | None:
        """Where the ledger is or will be, without opening or making it: a file, or the address of a database.

        None where `ledger` is an object of the caller's. Raises `ConfigError` if the matrix names an environment
        variable that is not set. An address may hold a password.
        """
        return self._resources.ledger_location()

    def provider(self, name: str) -> Provider:
        """The provider of a name under `providers` of the matrix; no request is made.

        Raises `ProviderError` of kind "auth" if the environment variable of its key is not set, `ConfigError` if
        the matrix has no such name.
        """
        return self._resources.provider(name)

    def execute(self, task: str | Task, **options: Unpack[RunOptions]) -> Outcome:
        """Do a task and say truthfully how it went; see `escalator.execute`."""
        return self._drive(self._job(task, options))

    async def aexecute(self, task: str | Task, **options: Unpack[RunOptions]) -> Outcome:
        """`execute` without blocking the running event loop; cancelling it leaves no request and no child."""
        return await self._adrive(self._job(task, options))

    def resume(self, task_id: str, **options: Unpack[ResumeOptions]) -> Outcome:
        """Go on with a task that stopped, crashed or waits; answers already paid for are not bought again.

        `budget` (USD) and `deadline` (seconds from now) replace the task's own.
        """
        from escalator.execution.run import resume

        limits, others = limits_and_others(options)
        return self._drive(resume(self._resources.context(**others), task_id, **limits))

    async def aresume(self, task_id: str, **options: Unpack[ResumeOptions]) -> Outcome:
        """`resume` without blocking the running event loop."""
        from escalator.execution.run import resume

        limits, others = limits_and_others(options)
        return await self._adrive(resume(self._resources.context(**others), task_id, **limits))

    def classify(self, task: str | Task, **options: Unpack[TaskOptions]) -> Classification:
        """Type, complexity, confidence and reasons, as the matrix's classifier sees them."""
        from escalator.execution.inspect import classify

        task = _described(task, options)
        return self._drive(classify(self._resources.context(), task))

    def plan(self, task: str | Task, **options: Unpack[TaskOptions]) -> Plan:
        """What `execute` would do: chain, checkers, validators, limits. No worker is called."""
        from escalator.execution.inspect import plan

        task = _described(task, options)
        return self._drive(plan(self._resources.context(), task))

    def validate(
        self,
        answer_or_files: str | Mapping[str, str | None] | ChangeSet,
        task: str | Task = "Judge these files.",
        **options: Unpack[TaskOptions],
    ) -> tuple[Verdict, ...]:
        """Judge an answer or files as `execute` would; see `escalator.validate`."""
        from escalator.execution.judging import validate

        task = _described(task, options)
        return self._drive(validate(self._resources.context(), answer_or_files, task))

    def strength(
        self,
        files: Mapping[str, str | None] | ChangeSet,
        /,
        task: str | Task = "",
        *,
        limit: int = 24,
        **options: Unpack[TaskOptions],
    ) -> StrengthReport:
        """How strong a task's tests are. Up to `limit` small faults are put into accepted Python files, one at a
        time, and the report says which of them the tests noticed; they are run once for each fault.
        """
        from escalator.execution.judging import strength

        task = _described(task or "Test the tests.", options)
        return self._drive(strength(self._resources.context(), files, task, limit))

    def close(self) -> None:
        """Give connections and the ledger back; where tasks are still under way, as soon as the last has ended."""
        self._resources.close()

    async def aclose(self) -> None:
        """The same, with the connections of the running event loop."""
        await self._resources.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _told():
            self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _told():
            await self.aclose()

    def _job(self, task: str | Task, options: Mapping[str, object]) -> Flow[Outcome]:
        from escalator.execution.run import execute

        task, others = _task(task, options)
        return execute(self._resources.context(**others), task)

    def _drive(self, flow: Flow[T]) -> T:
        from escalator.execution.effects import perform_effect

        began = self._resources.enter()
        try:
            return drive(flow, lambda effect: perform_effect(effect, sleep=self._sleep))
        finally:
            if self._resources.leave(began):
                self._resources.close()

    async def _adrive(self, flow: Flow[T]) -> T:
        from escalator.execution.effects import aperform_effect

        async def virtual(seconds: float) -> None:
            self._sleep(seconds)

        sleep = None if self._sleep is time.sleep else virtual
        began = self._resources.enter()
        try:
            return await adrive(flow, lambda effect: aperform_effect(effect, sleep=sleep))
        finally:
            if self._resources.leave(began):
                await self._resources.aclose()


@contextmanager
def _told() -> Iterator[None]:
    """Log, and do not raise, what a ledger loses that cannot be written as a block ends: the outcomes were
    returned before, with a warning that says so.
    """
    try:
        yield
    except LedgerError as error:
        import logging

        logging.getLogger("escalator").warning("%s", error)


def _task(task: str | Task, options: Mapping[str, object]) -> tuple[Task, dict[str, Any]]:
    """The task with the options that are its own, and the others."""
    if isinstance(task, Task):
        prompt: dict[str, Any] = {"prompt": options["prompt"]} if "prompt" in options else {}
        own, others = task_and_others({name: value for name, value in options.items() if name != "prompt"})
        return (replace(task, **own, **prompt) if own or prompt else task), others
    if not isinstance(task, str):
        raise TaskError(f"a task is a str or a Task, not {type(task).__name__}", field="task")
    own, others = task_and_others(options)
    return Task(prompt=task, **own), others


def _described(task: str | Task, options: Mapping[str, object]) -> Task:
    """The task where nothing is done, so that nobody is asked or told: it takes no listeners."""
    check_names(options.keys() - {"prompt"}, TASK_FIELDS)
    described, _ = _task(task, options)
    return described


_kept: dict[tuple[str, ...], Escalator] = {}
_kept_lock = ForkLock(early=True)


def _shared(matrix: str | Path | None, ledger: str | Path | None) -> Escalator:
    """The one `Escalator` of this process for a matrix and a ledger, as the environment stands."""
    names = ("ESCALATOR_MATRIX", "ESCALATOR_LEDGER")
    key = (str(matrix), str(ledger), str(Path.cwd()), *(os.environ.get(name, "") for name in names))
    with _kept_lock:
        if key not in _kept:
            _kept[key] = Escalator(matrix, ledger=ledger)
        return _kept[key]


@contextmanager
def _house(matrix: MatrixSource, ledger: Any = None, providers: Providers = None) -> Iterator[Escalator]:
    """The `Escalator` behind the module's functions: kept for a matrix file, else made for the one call."""
    if providers is None and isinstance(matrix, str | Path | None) and isinstance(ledger, str | Path | None):
        yield _shared(matrix, ledger)
        return
    with Escalator(matrix, ledger=ledger, providers=providers) as house:
        yield house


def execute(
    task: str | Task,
    *,
    matrix: MatrixSource = None,
    ledger: str | Path | Archive | None = None,
    providers: Providers = None,
    **options: Unpack[RunOptions],
) -> Outcome:
    """Get a coding task done by the cheapest model that can prove it did it.

    `task` is what is wanted, in words or as a `Task`; every field of `Task` is also a keyword here
    (`workspace`, `files`, `tests`, `requirements`, `budget`, `deadline`, `local_only`, …). `approve` is called
    with a `Substitution` before a paid model where the matrix says confirm; `on_event` gets every event.

    Returns an `Outcome` whose `status` is "accepted", "needs_review", "skipped" or "stopped". Nothing is written
    to the workspace until `outcome.apply()`. Raises `TaskError` for a task that is malformed and `ConfigError` for
    a matrix that is; an unhappy walk is an outcome, not an exception.
    """
    check_names(options.keys() - {"prompt"}, TASK_FIELDS | LISTENERS | WIRING)
    with _house(matrix, ledger, providers) as house:
        return house.execute(task, **options)


async def aexecute(
    task: str | Task,
    *,
    matrix: MatrixSource = None,
    ledger: str | Path | Archive | None = None,
    providers: Providers = None,
    **options: Unpack[RunOptions],
) -> Outcome:
    """`execute` for async code: the event loop is never blocked, and cancelling leaves nothing running."""
    check_names(options.keys() - {"prompt"}, TASK_FIELDS | LISTENERS | WIRING)
    with _house(matrix, ledger, providers) as house:
        return await house.aexecute(task, **options)


def resume(
    task_id: str,
    *,
    matrix: MatrixSource = None,
    ledger: str | Path | Archive | None = None,
    providers: Providers = None,
    **options: Unpack[ResumeOptions],
) -> Outcome:
    """Go on with a task the ledger knows: after a crash, a budget stop or an approval.

    Answers already paid for are read from the ledger. `budget` (USD) and `deadline` (seconds from now) replace the
    task's own. Raises `TaskError` if the ledger does not know the task.
    """
    check_names(options, LIMITS | LISTENERS | WIRING)
    with _house(matrix, ledger, providers) as house:
        return house.resume(task_id, **options)


async def aresume(
    task_id: str,
    *,
    matrix: MatrixSource = None,
    ledger: str | Path | Archive | None = None,
    providers: Providers = None,
    **options: Unpack[ResumeOptions],
) -> Outcome:
    """`resume` for async code."""
    check_names(options, LIMITS | LISTENERS | WIRING)
    with _house(matrix, ledger, providers) as house:
        return await house.aresume(task_id, **options)


def classify(task: str | Task, *, matrix: MatrixSource = None, **options: Unpack[TaskOptions]) -> Classification:
    """What kind of work a task is: type, complexity 0 to 10, confidence 0 to 1, and the reasons."""
    check_names(options.keys() - {"prompt"}, TASK_FIELDS | {"matrix"})
    with _house(matrix) as house:
        return house.classify(task, **options)


def validate(
    answer_or_files: str | Mapping[str, str | None] | ChangeSet,
    task: str | Task = "Judge these files.",
    *,
    matrix: MatrixSource = None,
    **options: Unpack[TaskOptions],
) -> tuple[Verdict, ...]:
    """Judge an answer (model text) or files ({path: content}) without asking any model for one.

    `validators`: names, {name: options} or callables; default those of the task's type, the semantic checker
    left out. A model is called only if "semantic" is named. Returns one verdict each; a text no change set can
    be taken from gives a single failed verdict of "answer".
    """
    check_names(options.keys() - {"prompt"}, TASK_FIELDS | {"matrix"})
    with _house(matrix) as house:
        return house.validate(answer_or_files, task, **options)
