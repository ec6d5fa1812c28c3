"""What has happened so far in a walk, and what an attempt means for what comes next.

Pure bookkeeping for `escalator.walk`: a `Story` grows by attempts and moves, `meaning` reads one attempt, and
`Story.ending` turns it all into the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from escalator.records import (
    Attempt,
    Brief,
    Failure,
    Outcome,
    OutcomeStatus,
    Plan,
    Rung,
    Transition,
    TransitionKind,
    Verdict,
)
from escalator.records.facts import cause, why, why_undecided

Meaning: TypeAlias = Literal["accept", "review", "stop", "retry", "fallback", "escalate", "skip"]

HALTS = frozenset({"deadline", "cancelled", "declined", "pending", "unjudgeable"})
"""The caller or the clock ended the task, or no answer could be judged; no other rung may be tried."""

NOT_MADE = frozenset({"budget", "unknown_price", "denied", "local_only", "no_vision"})
"""The call was not made; a cheaper or allowed rung may still be tried."""

WORTH_A_REPEAT = frozenset({"truncated", "empty", "incomplete", "bad_output", "bad_response", "stream_cut"})
"""An answer was spoilt on the way; the same model is asked once more."""

PROVIDER_DOWN = frozenset({"auth", "quota", "connection", "network_blocked"})
"""No other model of this provider can answer during this task either."""

CERTAIN = 2
"""Requests whose connection failed until a provider is taken to be down: one may have been reset by chance."""

FORM_ONLY = frozenset({"syntax"})
"""Validators that judge whether an answer is well formed, and not what it does."""

MODEL_DOWN = frozenset({"out_of_memory", "model_not_found", "model_not_loaded", "capability_missing"})
"""This model cannot answer during this task, however hard it tries."""

AWAY = (
    PROVIDER_DOWN
    | MODEL_DOWN
    | {"busy", "model_loading", "overloaded", "rate_limit", "server", "server_timeout", "timeout", "unavailable"}
)
"""Whoever failed so may answer another time: what is left of the chain waits for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """Everything a walk has seen. `left` is the move away from the last rung, told once the next is entered."""

    brief: Brief
    plan: Plan
    attempts: tuple[Attempt, ...] = ()
    transitions: tuple[Transition, ...] = ()
    left: Transition | None = None

    @property
    def last(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    def attempted(self, attempt: Attempt) -> Story:
        """The story with one more attempt."""
        return replace(self, attempts=(*self.attempts, attempt))

    def moved(self, transition: Transition) -> Story:
        """The story with one more move."""
        return replace(self, transitions=(*self.transitions, transition))

    def leaving(self, rung: Rung) -> Story:
        """The story as it leaves a rung, remembering why."""
        last = self.last
        if last is None or last.rung != rung.index:
            return self
        kind: TransitionKind = "escalation" if last.failed_verdict else "fallback"
        move = Transition(kind=kind, from_model=rung.model.name, cause=cause(last), reason=why(last))
        return replace(self, left=move)

    def bars(self, rung: Rung) -> Failure | None:
        """Why this rung need not even be asked: its provider or model already failed for good."""
        for attempt in self.attempts:
            failure = attempt.failure
            if failure is None:
                continue
            if failure.provider == rung.model.provider and self._is_down(failure):
                text = f"provider {rung.model.provider} already failed in this task: {failure.message}"
                return Failure(kind=failure.kind, message=text, provider=failure.provider)
            if failure.kind in MODEL_DOWN and attempt.model == rung.model.name:
                return Failure(kind=failure.kind, message=f"already failed in this task: {failure.message}")
        return None

    def _is_down(self, failure: Failure) -> bool:
        """Whether what failed here would fail for every model of its provider."""
        if failure.kind != "connection":
            return failure.kind in PROVIDER_DOWN
        calls = (call for attempt in self.attempts for call in attempt.calls if call.provider == failure.provider)
        return sum(call.error == "connection" for call in calls) >= CERTAIN

    def outcome(self, status: OutcomeStatus, reason: str, why_code: str = "") -> Outcome:
        """The outcome of this story, with its end said in one line."""
        return Outcome(
            status=status,
            reason=reason,
            cause=why_code,
            brief=self.brief,
            plan=self.plan,
            attempts=self.attempts,
            transitions=self.transitions,
        )

    def halted(self, failure: Failure) -> Outcome:
        """The outcome when the caller, the clock or a pending approval ends the task."""
        status: OutcomeStatus = "needs_review" if failure.kind == "pending" else "stopped"
        return self.outcome(status, failure.message, failure.kind)

    def unready(self, missing: tuple[Verdict, ...]) -> Outcome:
        """The outcome when a required validator cannot run here: nothing is spent on what nobody can judge."""
        reason = "; ".join(why_undecided(verdict) for verdict in missing)
        return self.outcome("stopped", reason, missing[0].validator)

    def ending(self) -> Outcome:
        """The outcome once no rung is left or the last attempt settled the matter."""
        last = self.last
        if last is not None:
            settled = self._settled(last)
            if settled is not None:
                return settled
        refused = [move for move in self.transitions if move.kind == "skip" and move.cause == "budget"]
        if refused:
            return self.outcome("stopped", refused[0].reason, "budget")
        if not any(attempt.failure is None for attempt in self.attempts):
            text = f"no model could answer: {self._obstacles()}. {self._advice()}{self._waits()}"
            return self.outcome("stopped", text, self._first_cause())
        away = self._away()
        if away:
            models = ", ".join(dict.fromkeys(model for model, _, _ in away))
            text = f"{self._tried()}, and {models} could not be asked: {away[0][2].rstrip('.')}{self._waits()}"
            return self.outcome("stopped", text, away[0][1])
        reason = f"every rung was tried and none passed; last, {last.model}: {why(last)}" if last else ""
        return self.outcome("needs_review" if self.plan.at_end == "review" else "skipped", reason, "exhausted")

    def _settled(self, last: Attempt) -> Outcome | None:
        what = meaning(last, self)
        if what == "accept":
            judges = ", ".join(verdict.validator for verdict in last.verdicts if verdict.passed)
            reason = f"{last.model} passed {judges}"
            if self.plan.review_accepted:
                task_type = self.plan.classification.task_type
                text = f"{reason}; {task_type} tasks wait for a person before they are accepted"
                return self.outcome("needs_review", text, "review")
            return self.outcome("accepted", reason)
        if what == "review":
            test, earlier = suspect(last, self)
            if test and earlier is not None:
                text = (
                    f"{test} fails in the same words without an answer, with those of {earlier.model} and of "
                    f"{last.model}, and without the task's files: it may be wrong, or need a file not given"
                )
                return self.outcome("needs_review", text, "suspect_test")
            return self.outcome("needs_review", why(last), cause(last))
        if what == "stop":
            return self.outcome("stopped", why(last), cause(last))
        return None

    def _away(self) -> list[tuple[str, str, str]]:
        """Who could not be reached since a model answered last: model, cause and reason."""
        answered = max((at for at, a in enumerate(self.attempts) if a.failure is None), default=-1)
        since = self.attempts[answered + 1 :]
        tried = {attempt.model for attempt in self.attempts}
        failed = [(a.model, a.failure.kind, why(a)) for a in since if a.failure is not None]
        moves = (move for move in self.transitions if move.kind == "skip" and move.from_model not in tried)
        skipped = [(move.from_model, move.cause, move.reason) for move in moves]
        last = self.attempts[answered].rung if answered >= 0 else -1
        above = {rung.model.name for rung in self.plan.chain if rung.index > last}
        return [each for each in (*failed, *(s for s in skipped if s[0] in above)) if each[1] in AWAY]

    def _tried(self) -> str:
        answered = [attempt for attempt in self.attempts if attempt.failure is None]
        return f"{answered[-1].model} did not pass ({why(answered[-1])})"

    def _waits(self) -> str:
        """What a person can do once whoever was away is back."""
        if not self._away():
            return ""
        return f". The task waits: `escalator resume {self.brief.task_id}` asks again"

    def _obstacles(self) -> str:
        seen = {attempt.model: why(attempt) for attempt in self.attempts}
        seen |= {move.from_model: move.reason for move in self.transitions if move.kind == "skip"}
        said = (
            reason.rstrip(".") if model in reason else f"{model}: {reason.rstrip('.')}"
            for model, reason in seen.items()
        )
        return "; ".join(said) or "the chain is empty"

    def _advice(self) -> str:
        """What a person can do where no model could answer."""
        if self.brief.local_only and not any(rung.model.local for rung in self.plan.chain):
            task_type = self.plan.classification.task_type
            return f"Put a local model into the chain of {task_type}, or name another task type"
        return "`escalator doctor` shows what can be reached, `escalator demo` a simulated run"

    def _first_cause(self) -> str:
        causes = [move.cause for move in self.transitions if move.kind == "skip"]
        causes += [cause(attempt) for attempt in self.attempts]
        return causes[0] if causes else ""


def meaning(attempt: Attempt, story: Story) -> Meaning:
    """What one attempt leads to, were it the last of its rung. `retry` where the same model deserves another."""
    policies = story.plan.policies
    if attempt.failure is not None:
        return _failure_meaning(attempt.failure, policies.refusal)
    if attempt.rejection is not None:
        return "fallback"
    if attempt.failed_verdict is not None:
        return "review" if suspect(attempt, story)[0] else "escalate"
    actions = {inconclusive_action(verdict, story.plan) for verdict in attempt.undecided}
    if "stop" in actions:
        return "stop"
    return "review" if "review" in actions or not _proven(attempt) else "accept"


def suspect(attempt: Attempt, story: Story) -> tuple[str, Attempt | None]:
    """A test that no change of the task's files makes pass, and the attempt of another model that met it before.

    The validator says which tests fail in the same words without an answer (`unchanged`), and which of these do so
    whatever the task's files hold (`independent`). Two models must have changed these files, each in its own way.
    """
    verdict = attempt.failed_verdict
    for test in verdict.evidence.get("independent", ()) if verdict is not None else ():
        for earlier in story.attempts:
            other = earlier.failed_verdict
            if (
                other is None
                or earlier.model == attempt.model
                or earlier.changes is None
                or attempt.changes is None
            ):
                continue
            if earlier.changes.files != attempt.changes.files and test in other.evidence.get("unchanged", ()):
                return str(test), earlier
    return "", None


def _proven(attempt: Attempt) -> bool:
    """Whether something that counts passed.

    An opinion proves nothing, whatever it is; and where one was wanted, being well formed is not enough beside it.
    """
    required = [verdict for verdict in attempt.verdicts if verdict.required]
    too_little = FORM_ONLY if any(verdict.opinion for verdict in required) else frozenset[str]()
    return any(v.passed and not v.opinion and v.validator not in too_little for v in required)


def _failure_meaning(failure: Failure, refusal: str) -> Meaning:
    if failure.kind in HALTS:
        return "review" if failure.kind == "pending" else "stop"
    if failure.kind == "refusal" and refusal == "stop":
        return "stop"
    return "skip" if failure.kind in NOT_MADE else "fallback"


def inconclusive_action(verdict: Verdict, plan: Plan) -> str:
    """What the plan wants done about a required verdict that decided nothing: stop, review or advisory.

    A model that could not give its opinion stops nothing: a person is asked for one instead.
    """
    if verdict.reason == "suspicious":
        return "review"
    policies = {
        "unavailable": plan.policies.unavailable,
        "error": plan.policies.error,
        "skipped": plan.policies.skipped,
    }
    action = policies[verdict.reason or "error"]
    return "review" if verdict.opinion and action == "stop" else action


def deserves_retry(story: Story) -> bool:
    """Whether the same rung should answer again: findings to repair by, or an answer spoilt on the way.

    A model that repeats its own answer, or whose answer is spoilt twice in the same way, is not asked again.
    """
    last = story.attempts[-1]
    earlier = [a for a in story.attempts[:-1] if a.rung == last.rung]
    if last.failure is not None:
        repeated = any(a.failure is not None and a.failure.kind == last.failure.kind for a in earlier)
        return last.failure.kind in WORTH_A_REPEAT and not repeated
    if last.rejection is not None:
        return True
    if suspect(last, story)[0]:
        return False
    repeated = any(
        a.changes is not None and a.changes.files == (last.changes and last.changes.files) for a in earlier
    )
    return last.failed_verdict is not None and not (
        repeated and last.changes is not None and bool(last.changes.files)
    )
