"""The queue of decisions that wait for a person, and what each decision does.

A task that ends as `needs_review` is filed here: an *answer* that nobody but a person may accept, or the
*approval* of a paid model. Nothing here writes to a workspace; an approved answer is written by
`case.outcome.apply()`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from escalator.errors import LedgerError, TaskError
from escalator.events import Substitution
from escalator.execution.filing import APPROVAL_SECONDS, file_review, granted, substitution_of
from escalator.execution.rows import closing
from escalator.ledger import Archive, TaskRow, to_nano
from escalator.ledger.log import Decision, LogQuery, Review, ReviewKind, ReviewState
from escalator.ledger.recall import Recalled, recall
from escalator.records import Outcome, Rung, Verdict
from escalator.records.codec import BRIEFS, OUTCOMES, PLANS

__all__ = [
    "APPROVAL_SECONDS",
    "Case",
    "approve",
    "file_review",
    "granted",
    "reject",
    "retry",
    "review",
    "reviews",
    "skip",
]

PERSON = "review"
"""The validator under whose name a person's verdict stands."""

SKIPPED = "skipped"
"""How the note of a case begins that was put aside without a judgement of its answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One decision, waiting or made, with what a person needs for it.

    `why`: the reason it waits, in one line. `outcome`: the task so far; its `best` attempt has the answer, the
    verdicts and their evidence. None where the ledger keeps no answers, or erased them. `wanted`: the paid model
    to be approved. `decided` is seconds since the epoch.
    """

    id: int
    task_id: str
    kind: ReviewKind
    state: ReviewState
    why: str
    created: float
    decided: float | None = None
    decided_by: str = ""
    note: str = ""
    outcome: Outcome | None = None
    wanted: Substitution | None = None


def reviews(ledger: Archive, *, state: ReviewState | None = "waiting", task_id: str = "") -> list[Case]:
    """Cases, oldest first; `state` None gives the decided ones too.

    Waiting are those whose task still waits for them: one that was resumed meanwhile has left the queue.
    """
    rows = ledger.reviews(state=state, task_id=task_id)
    return [_case(ledger, row) for row in rows if state != "waiting" or _current(ledger, row)]


def _current(ledger: Archive, row: Review) -> bool:
    (task,) = ledger.tasks(LogQuery(task_id=row.task_id))
    newest = max(other.id for other in ledger.reviews(task_id=row.task_id))
    return task.state == "needs_review" and row.id == newest


def review(ledger: Archive, review_id: int) -> Case:
    """One case. Raises `TaskError` if there is none of this number."""
    row = ledger.review(review_id)
    if row is None:
        raise TaskError(
            f"there is no review {review_id}", field="review", hint="`escalator review list` shows those waiting"
        )
    return _case(ledger, row)


def approve(ledger: Archive, review_id: int, *, by: str, note: str = "") -> Case:
    """Accept the best answer so far, or allow the paid model; `resume` then goes on with an allowed one.

    An approved answer makes the task final, with the person's verdict in it and the checks left as they were. An
    approved model may be used for this task up to the cost named, for 24 hours. Raises `LedgerError` if the case
    was decided already or there is no answer to accept.
    """
    case = review(ledger, review_id)
    if case.kind == "approval":
        _must_wait(case, "approved")
        if case.wanted is not None:  # written together with the decision
            amount, expires = to_nano(case.wanted.highest_cost), ledger.now() + APPROVAL_SECONDS
            ledger.allow(case.task_id, case.wanted.to_model, amount, expires=expires)
        ledger.review_decide(review_id, "approved", by=by, note=note).result()
        return review(ledger, review_id)
    outcome = _kept(case)
    if outcome.best is None:
        raise LedgerError(
            f"task {case.task_id!r} has no answer to approve (ledger.store_answers: false keeps none); "
            "retry it with a hint, or reject it"
        )
    reason = f"{by} approved the answer of {outcome.model}" + (f": {note}" if note else "")
    done = replace(_judged(outcome, case, "passed", by=by, note=note), status="accepted", cause="", reason=reason)
    return _settle(ledger, case, "approved", done, by=by, note=note)


def reject(ledger: Archive, review_id: int, *, by: str, note: str = "") -> Case:
    """Find the answer wrong, which counts as a failed verdict and ends the task; or decline the paid model."""
    case = review(ledger, review_id)
    outcome = _kept(case)
    tail = f": {note}" if note else ""
    if case.kind == "approval":
        model = case.wanted.to_model if case.wanted else "the paid model"
        done = replace(outcome, status="stopped", cause="declined", reason=f"{by} declined {model}{tail}")
    else:
        judged = _judged(outcome, case, "failed", by=by, note=note)
        done = replace(judged, status="skipped", cause="rejected", reason=f"{by} rejected the answer{tail}")
    return _settle(ledger, case, "rejected", done, by=by, note=note)


def skip(ledger: Archive, review_id: int, *, by: str, note: str = "") -> Case:
    """Give the task up without judging its answer; no model's record suffers."""
    case = review(ledger, review_id)
    said = f"{SKIPPED}: {note}" if note else SKIPPED
    reason = f"{by} gave the task up" + (f": {note}" if note else "")
    done = replace(_kept(case), status="skipped", cause="given_up", reason=reason)
    return _settle(ledger, case, "rejected", done, by=by, note=said)


def retry(ledger: Archive, review_id: int, *, by: str, hint: str = "", model: str = "") -> str:
    """Have the task done again with a hint, from the rung of `model` on; returns the id to `resume`.

    The retry is a task of its own, with the brief and plan of the first; the first one is closed as skipped. The
    hint is added to the prompt, so it should make sense to somebody who has not seen the earlier answer.
    """
    case = review(ledger, review_id)
    if case.kind == "approval":
        raise TaskError(
            f"review {review_id} asks for the approval of a paid model",
            field="review",
            hint="approve or reject it",
        )
    outcome, known = _kept(case), recall(ledger, case.task_id)
    new_id = f"{case.task_id}.r{review_id}"
    row = _again(known, new_id, hint=hint, chain=_from(known.plan.chain, model))
    if case.state == "waiting" and ledger.open_task(row).result().status != "running":
        ledger.release(new_id).result()
    reason = f"{by} had it done again as {new_id}" + (f": {hint}" if hint else "")
    done = replace(outcome, status="skipped", cause="retried", reason=reason)
    _settle(ledger, case, "retry", done, by=by, note=hint)
    return new_id


def _case(ledger: Archive, row: Review) -> Case:
    payload = json.loads(row.payload) if row.payload else {}
    outcome = None
    stored = ledger.look(row.task_id)
    if payload.get("outcome") and stored is not None and stored.row.brief:
        known = recall(ledger, row.task_id)
        outcome = known.outcome or OUTCOMES.load(payload["outcome"], brief=known.brief, plan=known.plan)
    return Case(
        id=row.id,
        task_id=row.task_id,
        kind=row.kind,
        state=row.state,
        why=row.summary,
        created=row.created,
        decided=row.decided,
        decided_by=row.decided_by,
        note=row.note,
        outcome=outcome,
        wanted=substitution_of(row),
    )


def _kept(case: Case) -> Outcome:
    if case.outcome is None:
        raise LedgerError(
            f"the texts of task {case.task_id!r} were erased, so nothing can be decided on them; run it again"
        )
    return case.outcome


def _must_wait(case: Case, decision: Decision) -> None:
    if case.state != "waiting":
        raise LedgerError(
            f"review {case.id} was decided already: {case.state} by {case.decided_by}; "
            f"it cannot become {decision} any more"
        )


def _judged(outcome: Outcome, case: Case, status: Literal["passed", "failed"], *, by: str, note: str) -> Outcome:
    """The outcome with the person's verdict on its best answer, beside those of the validators."""
    best = outcome.best
    verdict = Verdict(validator=PERSON, status=status, feedback=note, evidence={"by": by, "review": case.id})
    attempts = [
        replace(attempt, verdicts=(*attempt.verdicts, verdict)) if attempt is best else attempt
        for attempt in outcome.attempts
    ]
    return replace(outcome, attempts=tuple(attempts))


def _settle(ledger: Archive, case: Case, decision: Decision, done: Outcome, *, by: str, note: str) -> Case:
    """Claim the task, decide the case, close the task anew.

    A decision whose closing was cut off by a crash is finished by deciding the same again.
    """
    opened = ledger.open_task(recall(ledger, case.task_id).row).result()
    if opened.status == "running":
        raise LedgerError(f"somebody is working on task {case.task_id!r} right now; decide when that has ended")
    if opened.status == "closed":
        _must_wait(case, decision)
        raise LedgerError(f"task {case.task_id!r} is final already; there is nothing left to decide")
    now = ledger.review(case.id)
    if now is not None and now.state not in ("waiting", decision):
        before = case.outcome or done
        ledger.close_task(case.task_id, closing(before)).result()
        _must_wait(replace(case, state=now.state, decided_by=now.decided_by), decision)
    if now is not None and now.state == "waiting":
        ledger.review_decide(case.id, decision, by=by, note=note).result()
    ledger.close_task(case.task_id, closing(done)).result()
    return replace(review(ledger, case.id), outcome=done)


def _again(known: Recalled, new_id: str, *, hint: str, chain: tuple[Rung, ...]) -> TaskRow:
    brief = replace(known.brief, task_id=new_id, protected=tuple(known.brief.protected))
    if hint:
        brief = replace(brief, prompt=f"{brief.prompt}\n\nA reviewer adds: {hint}")
    return replace(
        known.row,
        task_id=new_id,
        brief=BRIEFS.dump(brief),
        plan=PLANS.dump(replace(known.plan, chain=chain)),
    )


def _from(chain: Sequence[Rung], model: str) -> tuple[Rung, ...]:
    """The chain from the rung of a model on; all of it where none is named."""
    if not model:
        return tuple(chain)
    for place, rung in enumerate(chain):
        if rung.model.name == model:
            return tuple(chain[place:])
    names = ", ".join(rung.model.name for rung in chain)
    raise TaskError(f"the task's chain has no model {model!r}", field="model", hint=f"it has {names}")
