"""The semantic validator: a checker model reads the answer; what it says is checked, then counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from escalator.records import Tier, Verdict
from escalator.steps import ask
from escalator.validators.protocol import broke, failed, passed, skipped, suspicious, unavailable
from escalator.validators.semantic.prompt import LARGEST, Exhibit, exhibit, question
from escalator.validators.semantic.rubric import Item, rubric
from escalator.validators.semantic.trial import Judged, tried
from escalator.validators.semantic.vote import ReplyError, Vote, read_vote

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.records import Candidate, Completion, Failure, Model
    from escalator.validators.protocol import Validator

_CHEAP = frozenset({Tier.LOCAL_FAST, Tier.LOCAL_BALANCED, Tier.LOCAL_QUALITY, Tier.FLASH})
_AGREEING = 2
_LOW, _HIGH = 0.70, 0.85


def semantic(
    *,
    votes: int | None = None,
    threshold: float = 0.8,
    calibration: Sequence[Sequence[float]] | None = None,
) -> Validator:
    """Let the task's checker model judge whether the answer meets the task.

    The checker is given a rubric made from the task and answers, for each item, whether it is met and by which
    piece of code; the verdict is computed here. A quote counts if it says something (not a lone word, keyword or
    comment) and stands in the answer, and quotes count at all if one stands where the answer changed something.
    An item judged in two ways is open. A checker that lets a planted wrong piece of code pass is not believed. A
    defect it shows by a Python call is tried in the sandbox: the call's value is sent out of the process that runs
    the answer and compared here with what is expected, which that process never learns. The defect is dropped
    only if they are the same plain value (or the built-in error expected); what a trial cannot decide leaves it as
    it stood. Only failing requirements and blocking defects fail an answer; a checker that cannot be asked, or
    contradicts itself, decides nothing.

    `votes`: how often to ask at most; by default 1 for local and flash models, else 3, ending when two agree.
    `threshold`: the least confidence that passes. `calibration`: pairs (share of passing votes, how often such
    answers were right), measured on your own log. Without it a pass is marked as an `opinion`, which supports
    verdicts that ran something and accepts nothing alone, nor beside `syntax` only. A pass has confidence 0.70;
    0.85 if two or more votes agreed; with `calibration` what was measured, up to 0.85.
    """
    if votes is not None and not 1 <= votes <= 9:
        raise ValueError("votes: give 1 to 9")
    if not 0 < threshold <= 1:
        raise ValueError("threshold: give a number above 0 and up to 1")
    curve = None if calibration is None else tuple(sorted((float(x), float(y)) for x, y in calibration))
    if curve is not None and (len(curve) < 2 or not all(0 <= value <= 1 for pair in curve for value in pair)):
        raise ValueError("calibration: give two or more pairs of numbers from 0 to 1")
    return _Semantic(votes=votes, threshold=threshold, calibration=curve)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Semantic:
    votes: int | None
    threshold: float
    calibration: tuple[tuple[float, float], ...] | None
    name: ClassVar[str] = "semantic"
    cost: ClassVar[str] = "model"
    version: ClassVar[str] = "2"

    def __call__(self, candidate: Candidate) -> Flow[Verdict]:
        checker = candidate.checker
        if checker is None:
            return skipped(
                self.name, "The plan names no checker.", "Name a checker for this task type in the matrix."
            )
        shown = exhibit(candidate)
        if not any(file.get("content", "").strip() for file in shown.files):
            return skipped(self.name, "The answer holds nothing that could be read.")
        if shown.size > LARGEST:
            why = f"The answer has {shown.size:,} characters; one opinion covers at most {LARGEST:,}."
            return skipped(self.name, why, "Split the task, or judge it by tests.")
        items = rubric(candidate.brief)
        judged: list[Judged] = []
        for number in range(self.votes or (1 if checker.tier in _CHEAP else 3)):
            said = yield from _vote(candidate, checker, items, shown, number=number)
            if isinstance(said, Verdict):
                return said
            judged.append((yield from tried(said, candidate)))
            if _settled(judged):
                break
        return self._verdict(judged, items, shown, checker)

    def _verdict(self, judged: Sequence[Judged], items: Sequence[Item], shown: Exhibit, checker: Model) -> Verdict:
        ballots = [each.vote.ballot for each in judged]
        score = ballots.count("pass") / len(ballots)
        sure = score if self.calibration is None else _mapped(score, self.calibration)
        agreed = self.calibration is not None or (score == 1 and len(ballots) >= _AGREEING)
        confidence = min(sure, _HIGH if agreed else _LOW)
        evidence = _evidence(judged, shown, checker, score) | {"calibrated": self.calibration is not None}
        if ballots.count("fail") * 2 > len(ballots):
            verdict = failed(self.name, feedback=_feedback(judged, items), confidence=1 - score, evidence=evidence)
            return replace(verdict, opinion=True)
        if sure < self.threshold:
            return replace(self._undecided(ballots, judged, evidence), confidence=confidence, opinion=True)
        if shown.addresses:
            why = f"The answer speaks to whoever judges it: {shown.addresses[0]}."
            return replace(
                suspicious(self.name, why, "Read it before accepting it.", evidence=evidence), opinion=True
            )
        verdict = passed(self.name, confidence=confidence, evidence=evidence)
        return replace(verdict, opinion=self.calibration is None)

    def _undecided(self, ballots: Sequence[str], judged: Sequence[Judged], evidence: dict[str, object]) -> Verdict:
        void = sorted({key for each in judged for key in each.vote.void})
        why = f"The checker's votes ({', '.join(ballots)}) do not reach the threshold of {self.threshold:g}."
        if void:
            why += f" For {', '.join(void)} it quoted nothing in the changed code that shows the point."
        contradicted = sorted({key for each in judged for key in each.vote.contradicted})
        if contradicted:
            why += f" It contradicted itself on {', '.join(contradicted)}."
        return skipped(self.name, why, "Add tests, or name a stronger checker.", evidence=evidence)


def _vote(
    candidate: Candidate, checker: Model, items: Sequence[Item], shown: Exhibit, *, number: int
) -> Flow[Vote | Verdict]:
    """Ask once, and once more if the form of the reply is wrong; a verdict if no vote comes of it."""
    complaint = ""
    for _ in range(2):
        asked = yield from ask(
            "checker", question(candidate, checker, items, shown, vote=number, complaint=complaint)
        )
        if asked.completion is None:
            return _unasked(asked.failure, checker)
        if (unusable := _unusable(asked.completion, checker)) is not None:
            return unusable
        try:
            vote = read_vote(asked.completion.text, items, shown)
        except ReplyError as error:
            complaint = str(error)[:500]
            continue
        if vote.control != "no":
            why = f"{checker.name} let a planted wrong piece of code pass, so its judgement does not count."
            return broke("semantic", why, "Name a stronger checker.", evidence={"checker": checker.name})
        return vote
    why = f"{checker.name} did not keep to the form of the reply: {complaint}"
    return broke("semantic", why, "Name a checker that can write JSON.", evidence={"checker": checker.name})


def _unasked(failure: Failure | None, checker: Model) -> Verdict:
    why = failure.message if failure is not None else "no answer came"
    kind = failure.kind if failure is not None else "unavailable"
    return unavailable(
        "semantic",
        f"The checker {checker.name} could not be asked ({kind}): {why}",
        evidence={"checker": checker.name, "failure": kind},
    )


def _unusable(completion: Completion, checker: Model) -> Verdict | None:
    if completion.condition in {"ok", "unknown"}:
        return None
    why = f"The checker {checker.name} gave no usable reply ({completion.condition})."
    return broke("semantic", why, evidence={"checker": checker.name, "condition": completion.condition})


def _settled(judged: Sequence[Judged]) -> bool:
    ballots = [each.vote.ballot for each in judged]
    return any(ballots.count(ballot) >= _AGREEING for ballot in ballots)


def _mapped(score: float, curve: Sequence[tuple[float, float]]) -> float:
    """The calibrated probability of a score, straight between the points and flat beyond them."""
    if score <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if score <= x1:
            return y1 if x1 == x0 else y0 + (y1 - y0) * (score - x0) / (x1 - x0)
    return curve[-1][1]


def _evidence(judged: Sequence[Judged], shown: Exhibit, checker: Model, score: float) -> dict[str, object]:
    return {
        "grade": "opinion",
        "checker": checker.name,
        "score": score,
        "votes": [
            {
                "ballot": each.vote.ballot,
                "met": dict(each.vote.met),
                "void": list(each.vote.void),
                "contradicted": list(each.vote.contradicted),
            }
            for each in judged
        ],
        "tried": [dict(each) for vote in judged for each in vote.tried],
        "claims_removed": shown.claims,
        "addresses": list(shown.addresses),
    }


def _feedback(judged: Sequence[Judged], items: Sequence[Item]) -> str:
    """What the failing votes found, each thing once."""
    failing = [each.vote for each in judged if each.vote.ballot == "fail"]
    lines = [f"Not met: {item.text}" for item in items if any(vote.met[item.key] == "no" for vote in failing)]
    for vote in failing:
        worst_first = sorted(vote.defects, key=lambda each: each.severity)
        lines += [f"Defect at `{' '.join(defect.where.split())}`: {defect.what}" for defect in worst_first]
    return "\n".join(dict.fromkeys(lines[:12]))
