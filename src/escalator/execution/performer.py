"""Answers every step of a walk. What stands behind `Work` and `Check` are flows, interpreted right here."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from escalator import validators
from escalator.answers.prompts import compose
from escalator.answers.work import TEST_DROPPED, work
from escalator.errors import LedgerError
from escalator.events import Answered, AttemptStarted, Judged, Moved
from escalator.execution.beside import Beside
from escalator.execution.budgets import is_free
from escalator.execution.effects import BIG, Execute, attempted, computed, written
from escalator.execution.journal import JUDGEMENTS, Judgement, Record
from escalator.execution.repeats import TRANSIENT
from escalator.execution.spending import Place, Spender, unknown_price
from escalator.flow import Done, Flow, Next, advance
from escalator.ledger import Entry
from escalator.pricing import token_estimate
from escalator.records import (
    Attempt,
    Brief,
    Candidate,
    Command,
    Failure,
    Limits,
    Plan,
    Rejection,
    Request,
    Rung,
    RunResult,
    ValidatorSpec,
    Verdict,
)
from escalator.records.codec import plain_values
from escalator.redaction import Veil, veil_of
from escalator.steps import Admit, Ask, Asked, Check, Checked, Run, Step, Survey, Tell, Work
from escalator.story import PROVIDER_DOWN
from escalator.workspace import is_test

if TYPE_CHECKING:
    from concurrent.futures import Future

    from escalator.execution.context import TaskContext
    from escalator.execution.foresight import Foresight
    from escalator.validators import Validator

T = TypeVar("T")

NOBODY = frozenset[str]()

COPIED = 20
"""How many characters are copied into a prompt in the time in which one is parsed, at least."""

SMALLEST_ANSWER = 256
"""Tokens that must be left for the answer, else the prompt does not fit."""


class Performer:
    """Performs the steps of one task; every method is a flow of effects."""

    def __init__(
        self,
        context: TaskContext,
        brief: Brief,
        plan: Plan,
        *,
        judges: Mapping[str, Validator],
        spender: Spender,
        record: Record,
    ) -> None:
        self._context, self._brief, self._plan, self._judges = context, brief, plan, judges
        self._spender, self._record = spender, record
        self._known: dict[str, Verdict] = {}
        self._writes: list[Future[None]] = []
        self._beside: dict[str, Beside] | None = None
        self._draft: tuple[tuple[int, int], Request] | None = None
        self._veil: Veil | None = None
        self._foresight: Foresight | None = None
        spender.under(plan)

    def interpret(self, flow: Flow[T], place: Place, *, size: int = 0) -> Flow[T]:
        """Run a flow of steps to its end as a flow of effects. `size`: characters its pure part chews on."""
        return (yield from interpret(flow, self.handle, place, size=size))

    def handle(self, step: Step, place: Place) -> Flow[Any]:
        """The reply to one step."""
        match step:
            case Survey():
                return self.survey(step.specs)
            case Admit():
                return (yield from self.admit(step))
            case Work():
                return (yield from self.work(step))
            case Check():
                return (yield from self.check(step))
            case Tell():
                return self._context.publish(Moved(task_id=self._brief.task_id, transition=step.transition))
            case Ask():
                return (yield from self._spender.spend(step, place))
            case Run():
                return (yield from self.run(step))
            case _:
                assert_never(step)

    def survey(self, specs: tuple[ValidatorSpec, ...]) -> tuple[Verdict, ...]:
        """The required validators that cannot run here, as inconclusive verdicts."""
        found = []
        for spec in specs:
            if not spec.required:
                continue
            validator = self._judges[spec.name]
            why = validators.why_inapplicable(validator, self._brief)
            if why is not None:
                continue
            why = validators.why_unavailable(validator, self._brief)
            if why is None and validators.cost_of(validator) == "process":
                why = self._context.sandbox.unavailable()
            if why is not None:
                found.append(validators.unavailable(spec.name, why))
        return tuple(found)

    def admit(self, step: Admit) -> Flow[Failure | None]:
        """Whether a rung may be tried: deadline, locality, sight, context window, price, judges, consent."""
        rung = step.rung
        failure = self._spender.overdue() or self._spender.locality.forbidden(rung.model) or self._blind(rung)
        if failure is not None:
            return failure
        request = yield from self._composed(rung, step.history)
        failure = self._too_long(rung, request, step.history)
        if failure is not None or is_free(rung.model):
            return failure
        price = self._spender.tariff.price(rung.model)
        if price is None:
            return unknown_price(rung.model)
        if self._record.began(f"r{rung.index}."):
            return None  # a resumed task was let through here before; a new call is asked for when it is made
        failure = yield from self._unjudgeable(rung)
        if failure is not None:
            return failure
        yield from self._spender.written()
        before = step.history[-1].model if step.history else ""
        most = rung.model.max_output
        highest = self._spender.tariff.highest(price, request, output=most, times=rung.attempts)
        self._spender.compare(rung.model, highest, self._plan.classification.task_type)
        return (
            yield from self._spender.consents.ask(
                rung.model, self._plan.before_paid, from_model=before, reason=step.reason, highest=highest
            )
        )

    def _composed(self, rung: Rung, history: tuple[Attempt, ...]) -> Flow[Request]:
        """The next request of a rung; written once for its admission and for the attempt that follows."""
        key = (rung.index, len(history))
        if self._draft is None or self._draft[0] != key:
            request = yield from computed(
                lambda: compose(self._brief, self._plan, rung, history), self._size() // COPIED
            )
            self._draft = (key, request)
        return self._draft[1]

    def _blind(self, rung: Rung) -> Failure | None:
        if not self._brief.images or rung.model.vision:
            return None
        return Failure(kind="no_vision", message=f"the task has images and {rung.model.name} sees none")

    def _too_long(self, rung: Rung, request: Request, history: tuple[Attempt, ...]) -> Failure | None:
        """Why the prompt does not fit the model's window; a count another server gave beats our estimate."""
        if rung.model.context is None:
            return None
        counted = [a.failure.needed for a in history if a.failure is not None and a.failure.needed is not None]
        needed = max([token_estimate(request), *counted]) + SMALLEST_ANSWER
        if needed <= rung.model.context:
            return None
        text = f"the prompt needs about {needed:,} tokens and {rung.model.name} sees {rung.model.context:,}"
        return Failure(kind="context_overflow", message=text, needed=needed, limit=rung.model.context)

    def work(self, step: Work) -> Flow[Attempt]:
        """One answer of a rung."""
        self._context.publish(AttemptStarted(task_id=self._brief.task_id, rung=step.rung, number=step.number))
        composed = yield from self._composed(step.rung, step.history)
        if self._brief.tests or self._size() > composed.max_tokens:
            from escalator.execution.said import narrowed

            for message in narrowed(self._brief, composed):
                self._spender.note(message)
        place = self._place(step.rung, step.number, "worker")
        if not self._record.has(place.key):
            self._begin()
            failure = yield from self._unjudgeable(step.rung)
            if failure is not None:
                return Attempt(
                    rung=step.rung.index, number=step.number, model=step.rung.model.name, failure=failure
                )
        flow = work(self._brief, self._plan, step.rung, step.number, step.history, composed=composed)
        size = sum(len(text) for text in self._brief.files.values())
        attempt: Attempt = yield from self.interpret(flow, place, size=size)
        attempt = self._within_reach(attempt)
        self._context.publish(Answered(task_id=self._brief.task_id, attempt=attempt))
        return attempt

    def _begin(self) -> None:
        """Start what validators can do without an answer; once a task, before its first call that is made anew."""
        if self._beside is not None:
            return
        self._beside = {}
        for spec in self._plan.validators:
            flow = validators.preparation(self._judges[spec.name], self._brief)
            if flow is not None and self._context.sandbox.unavailable() is None:
                self._beside[spec.name] = Beside(flow, self._context.sandbox, within=self._within_deadline)

    def _unjudgeable(self, rung: Rung) -> Flow[Failure | None]:
        """Why a model that costs money need not be asked, by what runs beside the task; a free one never waits."""
        if is_free(rung.model) or self._plan.before_paid == "deny":
            return None
        if not any(map(validators.has_foresight, self._judges.values())):
            return None
        self._begin()
        if self._foresight is None:
            from escalator.execution.foresight import Foresight

            self._foresight = Foresight(self._brief, self._plan, self._judges)
        return (yield from self._foresight.hopeless(self._beside or {}, self._spender.remaining()))

    def stop(self) -> None:
        """End what still runs beside the task."""
        for beside in (self._beside or {}).values():
            beside.stop()
        self._beside = {}

    def _within_reach(self, attempt: Attempt) -> Attempt:
        """The attempt, refused if it overwrites a file of the project that the task did not give to be changed; a
        test beside what may be changed is left out with a note, and the rest is judged.
        """
        workspace, changes = self._brief.workspace, attempt.changes
        if workspace is None or changes is None:
            return attempt
        beyond = [path for path in changes.files if path not in self._brief.files and (workspace / path).exists()]
        if not beyond:
            return attempt
        if all(is_test(path) for path in beyond) and len(beyond) < len(changes.files):
            kept = {path: text for path, text in changes.files.items() if path not in beyond}
            notes = (*changes.notes, *(f"{path}: {TEST_DROPPED}" for path in beyond))
            return replace(attempt, changes=replace(changes, files=kept, notes=notes))
        allowed = ", ".join(self._brief.files) or "new files"
        text = f"{beyond[0]} exists in the project and is not yours to change. Change {allowed}, or add new files."
        return replace(attempt, changes=None, rejection=Rejection(kind="protected", feedback=text))

    def check(self, step: Check) -> Flow[Checked]:
        """One verdict: from the journal, from the cache, or by letting the validator judge."""
        spec, attempt = step.spec, step.attempt
        changes = attempt.changes
        if changes is None:
            raise TypeError("an attempt without a change set cannot be judged")
        candidate = Candidate(
            brief=self._brief,
            changes=changes,
            answer=attempt.answer,
            checker=step.rung.checker,
            verdicts=attempt.verdicts,
            task_type=self._plan.classification.task_type,
        )
        place = self._place(step.rung, attempt.number, spec.name)
        digest = _candidate_digest(spec, candidate, validators.version_of(self._judges[spec.name]))
        kept = self._record.judgement(f"{place.key}.verdict", digest)
        if kept is not None:
            checked = Checked(verdict=kept.verdict, calls=kept.calls)
        else:
            checked = yield from self._judged(spec, candidate, place, digest)
            if checked.verdict is None:
                return checked
            if not validators.is_quick(self._judges[spec.name]):  # a quick one is asked again by a resume
                payload = JUDGEMENTS.dump(Judgement(verdict=checked.verdict, calls=checked.calls))
                self._keep(Entry(key=f"{place.key}.verdict", kind="verdict", digest=digest, payload=payload))
        if checked.verdict is not None:
            self._context.publish(
                Judged(task_id=self._brief.task_id, model=attempt.model, verdict=checked.verdict)
            )
        return checked

    def _keep(self, entry: Entry) -> None:
        entry = replace(entry, key=self._record.fresh(entry.key))
        self._writes.append(self._context.ledger.record(self._brief.task_id, entry))

    def _judged(self, spec: ValidatorSpec, candidate: Candidate, place: Place, digest: str) -> Flow[Checked]:
        validator = self._judges[spec.name]
        known = self._known.get(digest)
        if known is not None:
            return Checked(verdict=replace(known, required=spec.required, seconds=0.0))
        late = self._spender.overdue()
        if late is not None:
            return Checked(failure=late)
        if not validators.is_quick(validator):
            yield from self._spender.written()
        started, paid = self._context.timer(), _Purse()
        beside = self._beside.pop(spec.name, None) if self._beside else None
        if beside is not None:
            try:
                yield from written(beside.ended)
            finally:
                beside.stop()
        size = sum(len(text or "") for text in candidate.changes.files.values()) + len(candidate.answer)
        flow = paid.watch(validators.judge(validator, candidate))
        verdict: Verdict = yield from self.interpret(flow, place, size=size)
        late = self._spender.overdue()
        if late is not None and not verdict.passed:
            return Checked(failure=late, calls=paid.calls)  # what the deadline left it may have been too little
        verdict = yield from self._veiled(verdict)
        verdict = replace(
            verdict,
            validator=spec.name,
            evidence=plain_values(verdict.evidence),
            seconds=self._context.timer() - started,
            required=spec.required,
        )
        if validators.cost_of(validator) == "model":
            verdict = replace(verdict, opinion=verdict.opinion or verdict.status == "inconclusive")
        elif verdict.status != "inconclusive":
            self._known[digest] = verdict
        return Checked(verdict=verdict, calls=paid.calls)

    def _veiled(self, verdict: Verdict) -> Flow[Verdict]:
        """The verdict without the project's secrets: one that is not a pass is told to the next model."""
        if verdict.passed:
            return verdict
        if self._veil is None:
            size = 0 if self._brief.workspace is None else BIG  # a project is looked through, which takes a while
            self._veil = yield from computed(lambda: veil_of(self._brief, os.environ), size)
        return self._veil.verdict(verdict)

    def run(self, step: Run) -> Flow[RunResult | Failure]:
        """One process in the sandbox, within what the deadline leaves."""
        command = self._within_deadline(step.command)
        yield from self._spender.written()
        result = yield Execute(self._context.sandbox, command)
        if isinstance(result, RunResult):
            return result
        return Failure(kind="unavailable", message=str(result))

    def _within_deadline(self, command: Command) -> Command:
        """The command, given no more time than the task's deadline leaves."""
        remaining = self._spender.remaining()
        if remaining is None or remaining >= command.limits.wall:
            return command
        limits: Limits = replace(command.limits, wall=max(remaining, 0.05))
        return replace(command, limits=limits)

    def settled(self) -> Flow[str]:
        """Wait until every settlement and verdict is written; says why one of them could not be, else nothing."""
        yield from self._spender.written()
        told = ""
        while self._writes:
            done = yield from attempted(self._writes.pop(), self._spender.remaining_with_grace())
            told = str(done) if isinstance(done, LedgerError) else told
        return told

    def _place(self, rung: Rung, number: int, what: str) -> Place:
        return Place(
            key=f"r{rung.index}.a{number}.{what}",
            rung=rung.index,
            number=number,
            alone=self._alone(rung) if what == "worker" else TRANSIENT,
            task_type=self._plan.classification.task_type,
        )

    def _alone(self, rung: Rung) -> frozenset[str]:
        """The failures of a rung after which no later one could answer."""
        if rung.last:
            return TRANSIENT
        later = self._plan.chain[rung.index + 1 :]
        elsewhere = any(other.model.provider != rung.model.provider for other in later)
        return NOBODY if elsewhere else PROVIDER_DOWN

    def _size(self) -> int:
        return len(self._brief.prompt) + sum(len(text) for text in self._brief.files.values())


def interpret(flow: Flow[T], handle: Callable[[Any, Place], Flow[Any]], place: Place, *, size: int = 0) -> Flow[T]:
    """Run a flow of steps to its end as a flow of effects. `handle` answers one step, asked at its place;
    `size`: characters the flow's pure part chews on.
    """
    asks, reply = 0, None
    with closing(flow):
        while True:
            state = yield from computed(partial(advance, flow, reply), size)
            if isinstance(state, Done):
                return state.value
            here = replace(place, key=f"{place.key}.{asks}") if asks else place
            asks += isinstance(state.step, Ask)
            reply = yield from handle(state.step, here)


class _Purse:
    """Remembers what a validator's questions cost while its flow is interpreted."""

    def __init__(self) -> None:
        self.calls: tuple[Any, ...] = ()

    def watch(self, flow: Flow[T]) -> Flow[T]:
        with closing(flow):
            state = advance(flow)
            while isinstance(state, Next):
                reply = yield state.step
                if isinstance(reply, Asked):
                    self.calls += reply.calls
                state = advance(flow, reply)
            return state.value


def _candidate_digest(spec: ValidatorSpec, candidate: Candidate, version: str) -> str:
    """Identifies what was judged, by whom and with which options; within one task, whose brief never changes."""
    said: list[Any] = [
        spec.name,
        dict(spec.options),
        dict(candidate.changes.files),
        candidate.checker and candidate.checker.name,
    ]
    if not candidate.changes.files:
        said.append(candidate.answer)
    if version != validators.FIRST_VERSION:
        said.append({"version": version})
    return sha256(json.dumps(said, sort_keys=True, default=repr).encode("utf-8", "surrogatepass")).hexdigest()[:32]
