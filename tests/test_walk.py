"""The walk, told by scripts of replies: what it asks for and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.errors import BudgetExceededError, ChainExhaustedError, ReviewNeededError, StoppedError
from escalator.flow import adrive, drive
from escalator.records import Attempt, Failure, Outcome, Plan, Policies, Rung, ValidatorSpec, Verdict
from escalator.steps import Admit, Check, Checked, Survey, Tell, Work
from escalator.walk import walk
from making import answered, brief, broken, failed, passed, plan, undecided, unusable

Worker = Callable[[Rung, int], Attempt]
Judge = Callable[[str, Attempt], Verdict]


class Script:
    """Answers the steps of a walk from plain functions and remembers what was asked."""

    def __init__(self, worker: Worker, judge: Judge = lambda name, _: passed(name), **more: Any) -> None:
        self.worker, self.judge = worker, judge
        self.admit: Callable[[Admit], Failure | None] = more.get("admit", lambda step: None)
        self.missing: tuple[Verdict, ...] = more.get("missing", ())
        self.steps: list[Any] = []

    def __call__(self, step: Any) -> Any:
        self.steps.append(step)
        match step:
            case Survey():
                return self.missing
            case Admit():
                return self.admit(step)
            case Work():
                return self.worker(step.rung, step.number)
            case Check():
                return Checked(verdict=self.judge(step.spec.name, step.attempt))
            case Tell():
                return None

    def worked(self) -> list[tuple[str, int]]:
        return [(s.rung.model.name, s.number) for s in self.steps if isinstance(s, Work)]


@pytest.fixture(params=["sync", "async"])
def walked(request: pytest.FixtureRequest) -> Callable[[Plan, Script], Outcome]:
    def sync(made: Plan, script: Script) -> Outcome:
        return drive(walk(brief(), made), script)

    def in_loop(made: Plan, script: Script) -> Outcome:
        async def perform(step: Any) -> Any:
            return script(step)

        return asyncio.run(adrive(walk(brief(), made), perform))

    return sync if request.param == "sync" else in_loop


def only(model: str, name: str = "tests") -> Judge:
    """Everything passes for `model`; for the others the validator `name` fails."""
    return lambda validator, attempt: (
        passed(validator) if attempt.model == model or validator != name else failed(validator)
    )


def different(rung: Rung, number: int) -> Attempt:
    return answered(rung, number, text=f"# {rung.model.name} {number}\n")


def moves(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [(move.kind, move.from_model, move.to_model) for move in outcome.transitions]


def test_an_answer_that_passes_at_once_ends_the_walk(walked: Any) -> None:
    """The first rung's answer passes every validator, and no other model is asked."""
    script = Script(different)
    outcome = walked(plan(), script)
    assert (outcome.status, outcome.model, len(outcome.attempts)) == ("accepted", "a", 1)
    assert moves(outcome) == []
    assert outcome.unwrap() == outcome.attempts[0].answer


def test_a_failed_answer_is_repaired_by_the_same_model_first(walked: Any) -> None:
    """A retry stays on the rung and sees the attempt that failed."""
    script = Script(different, lambda name, attempt: passed(name) if attempt.number == 2 else failed(name))
    outcome = walked(plan(), script)
    assert script.worked() == [("a", 1), ("a", 2)]
    assert moves(outcome) == [("retry", "a", "a")]
    second = [step for step in script.steps if isinstance(step, Work)][1]
    assert second.history == outcome.attempts[:1]


def test_a_rung_that_cannot_do_it_is_escalated_from(walked: Any) -> None:
    """When the verdict keeps failing the next rung is asked, and it is told everything that was tried."""
    script = Script(different, only("b"))
    outcome = walked(plan(), script)
    assert script.worked() == [("a", 1), ("a", 2), ("b", 1)]
    assert moves(outcome) == [("retry", "a", "a"), ("escalation", "a", "b")]
    assert (outcome.status, outcome.model) == ("accepted", "b")
    assert len([s for s in script.steps if isinstance(s, Work)][-1].history) == 2


def same_as_before(**evidence: list[str]) -> Judge:
    """Every answer fails; the tests' evidence says what failed as it did without an answer."""
    return lambda name, _: failed(name, evidence=evidence) if name == "tests" else passed(name)


def test_a_test_that_two_models_cannot_have_a_say_in_is_reviewed(walked: Any) -> None:
    """No third model is asked, nor the second again: the test is named, and a person looks."""
    script = Script(different, same_as_before(unchanged=["t::one", "t::two"], independent=["t::two"]))
    outcome = walked(plan(), script)
    assert script.worked() == [("a", 1), ("a", 2), ("b", 1)]
    assert (outcome.status, outcome.cause) == ("needs_review", "suspect_test")
    assert "t::two fails in the same words without an answer, with those of a and of b" in outcome.reason


NO_SUSPECT: dict[str, tuple[Worker, Judge]] = {
    "only unchanged": (different, same_as_before(unchanged=["t::one"])),
    "another test before": (
        different,
        lambda name, attempt: failed(
            name,
            evidence={"unchanged": [f"t::{attempt.model}"], "independent": [f"t::{attempt.model}"]},
        ),
    ),
    "the same answer twice": (
        lambda rung, n: answered(rung, n, "x = 2\n"),
        same_as_before(unchanged=["t::one"], independent=["t::one"]),
    ),
}


@pytest.mark.parametrize("name", NO_SUSPECT)
def test_less_evidence_makes_no_test_suspect(walked: Any, name: str) -> None:
    """The chain is climbed to its end."""
    worker, judge = NO_SUSPECT[name]
    outcome = walked(plan(), Script(worker, judge))
    assert [attempt.model for attempt in outcome.attempts][-1] == "c"
    assert outcome.cause == "exhausted"


def test_a_provider_that_is_down_is_fallen_back_from(walked: Any) -> None:
    """A failed call is a fallback, not an escalation, and the same model is not asked again."""
    script = Script(lambda rung, n: broken(rung, "connection") if rung.model.name == "a" else different(rung, n))
    outcome = walked(plan(), script)
    assert script.worked() == [("a", 1), ("b", 1)]
    assert moves(outcome) == [("fallback", "a", "b")]
    assert outcome.transitions[0].cause == "connection"


def test_other_models_of_a_provider_that_is_down_are_passed_by(walked: Any) -> None:
    """A refused connection or a bad key speaks for every model of that provider."""
    made = plan("a", "b", "c")
    same = tuple(replace(rung, model=replace(rung.model, provider="p0")) for rung in made.chain[:2])
    script = Script(lambda rung, n: broken(rung, "auth") if rung.model.provider == "p0" else different(rung, n))
    outcome = walked(replace(made, chain=(*same, made.chain[2])), script)
    assert script.worked() == [("a", 1), ("c", 1)]
    assert [move[0] for move in moves(outcome)] == ["skip", "fallback"]


@pytest.mark.parametrize("kind", ["truncated", "empty", "incomplete", "bad_output", "bad_response", "stream_cut"])
def test_a_spoilt_answer_is_asked_for_once_more(walked: Any, kind: str) -> None:
    """An answer spoilt on the way is asked for again once; spoilt twice in the same way, the next model is asked."""
    script = Script(lambda rung, n: broken(rung, kind, n) if rung.model.name == "a" else different(rung, n))
    outcome = walked(plan(attempts=3), script)
    assert script.worked() == [("a", 1), ("a", 2), ("b", 1)]
    assert moves(outcome) == [("retry", "a", "a"), ("fallback", "a", "b")]


def test_an_answer_without_usable_code_is_asked_for_again(walked: Any) -> None:
    """A failure of format is repaired by its own feedback and never judged."""
    script = Script(lambda rung, n: unusable(rung, n) if n == 1 else different(rung, n))
    outcome = walked(plan(), script)
    assert (outcome.status, script.worked()) == ("accepted", [("a", 1), ("a", 2)])
    assert not outcome.attempts[0].verdicts


def test_format_failures_are_never_counted_as_escalations(walked: Any) -> None:
    """A model that only failed at the format is fallen back from: its ability was never judged."""
    script = Script(lambda rung, n: unusable(rung, n) if rung.model.name == "a" else different(rung, n))
    outcome = walked(plan(), script)
    assert (outcome.count("fallback"), outcome.count("escalation")) == (1, 0)


def test_a_model_that_repeats_itself_is_not_asked_a_third_time(walked: Any) -> None:
    """The same wrong answer twice means that the same question will not help."""
    script = Script(lambda rung, n: answered(rung, n, text=rung.model.name), only("b"))
    walked(plan(attempts=5), script)
    assert script.worked() == [("a", 1), ("a", 2), ("b", 1)]


def test_the_first_failed_required_validator_ends_the_judging(walked: Any) -> None:
    """Dearer validators are not run on an answer that is known to be wrong."""
    script = Script(different, lambda name, _: failed(name) if name == "syntax" else passed(name))
    walked(plan("a", attempts=1), script)
    assert [step.spec.name for step in script.steps if isinstance(step, Check)] == ["syntax"]


def test_an_advisory_validator_never_decides(walked: Any) -> None:
    """What is only advice is recorded and changes nothing."""
    made = plan("a")
    specs = (replace(made.validators[0], required=False), made.validators[1])
    script = Script(different, lambda name, _: failed(name) if name == "syntax" else passed(name))
    outcome = walked(replace(made, validators=specs), script)
    assert outcome.status == "accepted"
    assert [verdict.status for verdict in outcome.attempts[0].verdicts] == ["failed", "passed"]


def test_the_last_rung_is_judged_like_every_other(walked: Any) -> None:
    """No answer is accepted because nobody is left to ask."""
    outcome = walked(plan("a"), Script(different, lambda name, _: failed(name)))
    assert (outcome.status, outcome.cause) == ("skipped", "exhausted")
    with pytest.raises(ChainExhaustedError):
        outcome.unwrap()


def test_an_exhausted_chain_may_end_in_review(walked: Any) -> None:
    """With at_end: review a person is asked, and the best answer so far is there to look at."""
    outcome = walked(plan("a", at_end="review"), Script(different, lambda name, _: failed(name)))
    assert outcome.status == "needs_review"
    assert outcome.files
    with pytest.raises(ReviewNeededError):
        outcome.unwrap()


def test_tasks_that_need_a_person_wait_even_when_everything_passed(walked: Any) -> None:
    """A critical task is never accepted by machines alone."""
    outcome = walked(plan(review_accepted=True), Script(different))
    assert (outcome.status, outcome.cause) == ("needs_review", "review")


@pytest.mark.parametrize(
    ("reason", "policy", "status"),
    [
        ("unavailable", "stop", "stopped"),
        ("unavailable", "review", "needs_review"),
        ("unavailable", "advisory", "accepted"),
        ("skipped", "review", "needs_review"),
        ("skipped", "advisory", "accepted"),
        ("error", "stop", "stopped"),
        ("suspicious", "review", "needs_review"),
    ],
)
def test_an_inconclusive_verdict_is_never_a_pass(walked: Any, reason: str, policy: str, status: str) -> None:
    """What an undecided validator leads to is the matrix's policy, and never silently acceptance."""
    field = reason if reason != "suspicious" else "skipped"
    made = plan(policies=replace(Policies(), **{field: policy}))
    script = Script(different, lambda name, _: undecided(name, reason) if name == "tests" else passed(name))
    outcome = walked(made, script)
    assert outcome.status == status
    assert script.worked() == [("a", 1)]


def test_nothing_is_accepted_when_no_validator_decided(walked: Any) -> None:
    """Even with every policy set to advisory, an answer that nobody judged waits for a person."""
    policies = Policies(unavailable="advisory", skipped="advisory", error="advisory")
    outcome = walked(plan(policies=policies), Script(different, lambda name, _: undecided(name)))
    assert outcome.status == "needs_review"


def test_a_missing_opinion_stops_nothing(walked: Any) -> None:
    """A checker that could not be asked leaves the decision to a person, whatever the policy for validators."""
    made = plan("a", validators=("tests", "semantic"))
    script = Script(different, lambda n, _: undecided(n, "error", opinion=True) if n == "semantic" else passed(n))
    assert walked(made, script).status == "needs_review"
    advisory = replace(made, policies=Policies(error="advisory"))
    assert walked(advisory, Script(different, script.judge)).status == "accepted"


def test_an_opinion_alone_accepts_nothing(walked: Any) -> None:
    """A model's good opinion is not proof; its bad opinion is a veto."""
    made = plan("a", validators=("semantic",))
    liked = walked(made, Script(different, lambda name, _: passed(name, opinion=True)))
    assert liked.status == "needs_review"
    disliked = walked(made, Script(different, lambda name, _: failed(name, opinion=True)))
    assert disliked.status == "skipped"


@pytest.mark.parametrize(
    ("beside", "status"), [("syntax", "needs_review"), ("compile", "accepted"), ("tests", "accepted")]
)
def test_an_opinion_beside_good_form_only_accepts_nothing(walked: Any, beside: str, status: str) -> None:
    """Well formed and well liked is not proven: something must have looked at what the answer does."""
    made = plan("a", validators=(beside, "semantic"))
    liked = walked(made, Script(different, lambda name, _: passed(name, opinion=name == "semantic")))
    assert liked.status == status


def test_good_form_accepts_where_nothing_more_was_wanted(walked: Any) -> None:
    """A team that lists only `syntax`, or takes the opinion as advice, gets what it asked for."""
    assert walked(plan("a", validators=("syntax",)), Script(different)).status == "accepted"
    specs = (ValidatorSpec(name="syntax"), ValidatorSpec(name="semantic", required=False))
    advised = replace(plan("a"), validators=specs)
    script = Script(different, lambda name, _: passed(name, opinion=name == "semantic"))
    assert walked(advised, script).status == "accepted"


def test_a_calibrated_opinion_counts_beside_good_form(walked: Any) -> None:
    """What was measured on the team's own log is no mere opinion any more."""
    made = plan("a", validators=("syntax", "semantic"))
    assert walked(made, Script(different, lambda name, _: passed(name))).status == "accepted"


def test_a_missing_opinion_beside_good_form_leaves_it_to_a_person(walked: Any) -> None:
    """An opinion that was wanted and did not come makes good form no better, whatever the policy says."""
    made = replace(plan("a", validators=("syntax", "semantic")), policies=Policies(error="advisory"))
    script = Script(different, lambda n, _: undecided(n, "error", opinion=True) if n == "semantic" else passed(n))
    assert walked(made, script).status == "needs_review"


def test_a_validator_that_cannot_run_stops_the_task_before_any_model_is_asked(walked: Any) -> None:
    """Nothing is spent on an answer that nobody here could judge."""
    script = Script(different, missing=(undecided("tests"),))
    outcome = walked(plan(), script)
    assert (outcome.status, script.worked()) == ("stopped", [])
    assert "install it" in outcome.reason


def test_rungs_whose_window_is_too_small_are_passed_by(walked: Any) -> None:
    """A rung that is barred is skipped with its reason, and the next one is tried."""
    small = Failure(kind="context_overflow", message="needs 9,000 tokens, sees 4,096")
    script = Script(different, admit=lambda step: small if step.rung.index == 0 else None)
    outcome = walked(plan(), script)
    assert (outcome.status, outcome.model) == ("accepted", "b")
    assert [(m.kind, m.from_model, m.cause) for m in outcome.transitions] == [("skip", "a", "context_overflow")]


def test_a_prompt_too_long_for_every_model_says_so(walked: Any) -> None:
    """When every rung is barred the outcome names each obstacle and what to do next."""
    small = Failure(kind="context_overflow", message="the prompt needs 9,000 tokens")
    outcome = walked(plan(), Script(different, admit=lambda step: small))
    assert (outcome.status, outcome.cause) == ("stopped", "context_overflow")
    assert "9,000" in outcome.reason
    with pytest.raises(StoppedError):
        outcome.unwrap()


def test_a_budget_refusal_pauses_the_task(walked: Any) -> None:
    """A refused reservation leaves no attempt behind, and the outcome can be resumed after a raise."""
    script = Script(
        lambda rung, n: broken(rung, "budget", sent=False) if rung.index else different(rung, n), only("z")
    )
    outcome = walked(plan("a", "b"), script)
    assert (outcome.status, outcome.cause) == ("stopped", "budget")
    assert [attempt.model for attempt in outcome.attempts] == ["a", "a"]
    with pytest.raises(BudgetExceededError):
        outcome.unwrap()


def test_a_cheaper_rung_may_still_answer_after_a_budget_refusal(walked: Any) -> None:
    """The guard refuses a call, not a task: a rung it lets pass is still tried."""
    script = Script(lambda rung, n: broken(rung, "budget", sent=False) if rung.index == 0 else different(rung, n))
    assert walked(plan("a", "b"), script).model == "b"


@pytest.mark.parametrize(
    ("kind", "status"),
    [("declined", "stopped"), ("deadline", "stopped"), ("cancelled", "stopped"), ("pending", "needs_review")],
)
def test_the_caller_and_the_clock_end_the_task_at_once(walked: Any, kind: Any, status: str) -> None:
    """After a declined approval, a deadline or a cancellation nobody else is asked."""
    halt = Failure(kind=kind, message=f"{kind}!")
    script = Script(different, only("z"), admit=lambda step: halt if step.rung.index == 1 else None)
    outcome = walked(plan(), script)
    assert (outcome.status, outcome.cause, outcome.reason) == (status, kind, f"{kind}!")
    assert {name for name, _ in script.worked()} == {"a"}


def test_a_deadline_inside_an_attempt_ends_the_task(walked: Any) -> None:
    """The same holds when the clock runs out while a model is being asked."""
    outcome = walked(plan(), Script(lambda rung, n: broken(rung, "deadline", sent=False)))
    assert (outcome.status, outcome.cause) == ("stopped", "deadline")


def test_a_refusal_is_returned_and_not_shopped_around(walked: Any) -> None:
    """By default no other model is asked to do what one declined; a matrix may choose otherwise."""
    script = Script(lambda rung, n: broken(rung, "refusal") if rung.index == 0 else different(rung, n))
    assert walked(plan(), script).status == "stopped"
    open_minded = plan(policies=Policies(refusal="fallback"))
    assert walked(open_minded, Script(script.worker)).model == "b"


def test_rejected_attempts_still_cost_money(walked: Any) -> None:
    """The outcome's cost is the sum over every call, the rejected answers' included."""
    outcome = walked(plan(), Script(different, only("b")))
    assert outcome.cost == sum(call.cost for attempt in outcome.attempts for call in attempt.calls)
    assert str(outcome.cost) == "0.03"


KINDS = ["pass", "fail", "undecided", "server", "connection", "empty", "refusal", "budget", "unusable", "deadline"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=12), st.integers(1, 4), st.integers(1, 4))
def test_every_walk_ends_and_tells_the_truth(kinds: list[str], rungs: int, attempts: int) -> None:
    """Whatever models and validators do, the walk ends, never asks above its limits, and accepts only what passed."""
    made = plan(*"abcd"[:rungs], attempts=attempts)
    replies = iter(kinds)
    verdicts: list[str] = []

    def worker(rung: Rung, number: int) -> Attempt:
        kind = next(replies, "fail")
        verdicts.append(kind)
        if kind == "unusable":
            return unusable(rung, number)
        if kind in {"pass", "fail", "undecided"}:
            return answered(rung, number, text=str(len(verdicts)))
        return broken(rung, kind, number, sent=kind not in {"budget", "deadline"})

    def judge(name: str, attempt: Attempt) -> Verdict:
        said = {"pass": passed, "fail": failed, "undecided": undecided}[verdicts[-1]]
        return said(name)

    sync_script, async_script = Script(worker, judge), Script(worker, judge)
    outcome = drive(walk(brief(), made), sync_script)
    assert (outcome.status == "accepted") == bool(outcome.attempts and outcome.attempts[-1].passed)
    assert len(sync_script.worked()) <= rungs * attempts
    assert [attempt.rung for attempt in outcome.attempts] == sorted(attempt.rung for attempt in outcome.attempts)
    replies = iter(kinds)
    verdicts.clear()

    async def perform(step: Any) -> Any:
        return async_script(step)

    again = asyncio.run(adrive(walk(brief(), made), perform))
    assert again == outcome
    assert async_script.steps == sync_script.steps
