"""The story of a task: climb the chain until an answer passes, and say truthfully how it ended.

Nothing here knows a clock, a file, an SDK, a price or a thread. The walk yields steps and is sent replies, so
the same text serves threads, asyncio, a resume from the journal and a replay of somebody else's log.
"""

from __future__ import annotations

from dataclasses import replace

from escalator.flow import Flow
from escalator.records import Attempt, Brief, Failure, Outcome, Plan, Rung, Transition, TransitionKind
from escalator.steps import Admit, Check, Checked, Survey, Tell, Work
from escalator.story import HALTS, NOT_MADE, Story, deserves_retry, inconclusive_action, meaning


def walk(brief: Brief, plan: Plan) -> Flow[Outcome]:
    """Try the rungs in order; retry, fall back or escalate; end with the truth."""
    story = Story(brief=brief, plan=plan)
    missing = yield Survey(specs=plan.validators)
    if any(inconclusive_action(verdict, plan) == "stop" for verdict in missing):
        return story.unready(missing)
    for rung in plan.chain:
        barred = story.bars(rung) or (yield Admit(rung=rung, history=story.attempts, reason=_reason(story)))
        if barred is not None and barred.kind in HALTS:
            return story.halted(barred)
        if barred is not None:
            story = yield from skip(rung, barred, story)
            continue
        story = yield from enter(rung, story)
        story = yield from climb(rung, story)
        last = story.last
        if last is not None and meaning(last, story) in {"accept", "review", "stop"}:
            break
        story = story.leaving(rung)
    return story.ending()


def climb(rung: Rung, story: Story) -> Flow[Story]:
    """Let one rung answer until an answer passes, its attempts are used up, or asking again is pointless."""
    for number in range(1, rung.attempts + 1):
        attempt: Attempt = yield Work(rung=rung, number=number, history=story.attempts)
        if attempt.failure is not None and attempt.failure.kind in NOT_MADE and not attempt.calls:
            return (yield from skip(rung, attempt.failure, story))
        if attempt.changes is not None:
            attempt = yield from judge(rung, attempt, story.plan)
        story = story.attempted(attempt)
        if number == rung.attempts or not deserves_retry(story):
            break
        story = yield from tell("retry", rung, rung, story.leaving(rung))
    return story


def judge(rung: Rung, attempt: Attempt, plan: Plan) -> Flow[Attempt]:
    """Let the validators judge an answer, cheapest first, until one finds it wrong or a missing one ends it."""
    for spec in plan.validators:
        checked: Checked = yield Check(spec=spec, rung=rung, attempt=attempt)
        calls, verdict = (*attempt.calls, *checked.calls), checked.verdict
        if verdict is None:
            return replace(attempt, calls=calls, failure=checked.failure)
        if verdict.required != spec.required:
            verdict = replace(verdict, required=spec.required)
        attempt = replace(attempt, calls=calls, verdicts=(*attempt.verdicts, verdict))
        undecided = verdict.status == "inconclusive" and inconclusive_action(verdict, plan) == "stop"
        if spec.required and (verdict.failed or undecided):
            break
    return attempt


def enter(rung: Rung, story: Story) -> Flow[Story]:
    """Go to a rung, telling whether by fallback or escalation; the first rung is entered in silence."""
    if story.left is None:
        return story
    return (yield from tell(story.left.kind, None, rung, story))


def skip(rung: Rung, barred: Failure, story: Story) -> Flow[Story]:
    """Pass a rung by, telling why."""
    move = Transition(kind="skip", from_model=rung.model.name, cause=barred.kind, reason=barred.message)
    yield Tell(transition=move)
    return story.moved(move)


def tell(kind: TransitionKind, leave: Rung | None, rung: Rung, story: Story) -> Flow[Story]:
    """Record a move to a rung, with the reason the last attempt gave."""
    left = story.left or Transition(kind=kind, from_model=leave.model.name if leave else "")
    move = replace(left, kind=kind, to_model=rung.model.name)
    yield Tell(transition=move)
    return replace(story.moved(move), left=None)


def _reason(story: Story) -> str:
    return story.left.reason if story.left is not None else ""
