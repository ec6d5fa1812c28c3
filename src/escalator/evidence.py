"""What an outcome rests on, as a bundle anybody can check, and the checks executed again later.

A bundle holds hashes, commands, versions, verdicts and costs. Prompt, answers and files are in it as hashes only;
a checker's evidence may quote the lines it rests on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from escalator.errors import ConfigError, EscalatorError, LedgerError
from escalator.ledger.log import LogQuery
from escalator.ledger.recall import recall
from escalator.records import Attempt, Brief, Call, ChangeSet, Outcome, Task, ValidatorSpec, Verdict
from escalator.records.codec import paired, plain_values
from escalator.records.facts import attempt_facts, task_facts
from escalator.records.flat import flat

if TYPE_CHECKING:
    from escalator.client import Escalator
    from escalator.ledger import Archive
    from escalator.ledger.examining import Fault

FORMAT = "escalator-evidence/1"

REVIEW = "review"
"""The verdict of a person; nothing that could be executed again."""

_VERSION = re.compile(r"\A\d+(\.\d+)+\S*\Z")
_COUNTED = ("counts", "collected", "expected", "tests")


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Something that is not as it was. `matters`: the answer would not be accepted on it today."""

    what: str
    before: str
    now: str
    validator: str = ""
    matters: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What comparing the ledger's rows with their chain, and executing the checks again, gave.

    `holds`: no row was altered, every check that was executed again says what it said then, and at least one of
    them executed; once the texts of a task were erased, its rows alone decide. `left_out` names checks that were
    not repeated: where a row was altered none is, because what it would execute may be altered too. `parts`: how
    many parts of rows are as they were written; None where no chain was kept for the task, or it is broken.
    `erased`: the task's texts are not there.
    """

    task_id: str
    holds: bool
    verdicts: tuple[Verdict, ...] = ()
    left_out: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    parts: int | None = None
    erased: bool = False


def bundle(outcome: Outcome) -> dict[str, Any]:
    """The evidence of an outcome as JSON values; `digest` is the SHA-256 of everything else in it."""
    brief, best, task = outcome.brief, outcome.best, task_facts(outcome)
    facts: dict[str, Any] = {
        "format": FORMAT,
        **flat(task, "task_id", "task_type", "complexity", "status", "reason", "simulated"),
        "model": task.worker,
        "matrix": outcome.plan.matrix,
        "prompt": sha256(brief.prompt),
        "requirements": [sha256(text) for text in brief.requirements],
        "files_before": {path: sha256(text) for path, text in sorted(brief.files.items())},
        "tests": {path: sha256(text) for path, text in sorted(brief.tests.items())},
        "answer": sha256(outcome.answer) if best else None,
        "files_after": {path: text and sha256(text) for path, text in sorted(outcome.files.items())},
        "attempts": [_attempt(attempt) for attempt in outcome.attempts],
        "moves": [asdict(move) for move in outcome.transitions],
        "overhead": [_call(call) for call in outcome.overhead],
        "baseline": task.baseline or None,
        **flat(task, "cost", "saved", "seconds"),
    }
    facts = plain_values(facts)
    return {**facts, "digest": _digest(facts)}


def intact(found: Mapping[str, Any]) -> bool:
    """Whether a bundle is as it was made: its digest fits everything else in it."""
    rest = {name: value for name, value in found.items() if name != "digest"}
    return found.get("format") == FORMAT and found.get("digest") == _digest(rest)


def sha256(text: str) -> str:
    """The SHA-256 of a text in UTF-8, as it can be stored."""
    return hashlib.sha256(paired(text).encode()).hexdigest()


def _digest(facts: Mapping[str, Any]) -> str:
    return sha256(_canonical(facts))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _attempt(attempt: Attempt) -> dict[str, Any]:
    facts = attempt_facts(attempt)
    return {
        "model": facts.worker,
        "effort": facts.effort or None,
        "prompt": facts.prompt_digest,
        "answer": sha256(attempt.answer) if attempt.answer else None,
        **flat(facts, "answered_by", "rung", "number", "failure", "rejection", "cost"),
        "verdicts": [_verdict(verdict) for verdict in attempt.verdicts],
        "calls": [_call(call) for call in attempt.calls],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        **flat(verdict, "validator", "status", "reason", "required", "opinion", "confidence"),
        "feedback": sha256(verdict.feedback) if verdict.feedback else None,
        "versions": versions_of(verdict),
        "isolation": asdict(verdict.isolation) if verdict.isolation else None,
        "evidence": verdict.evidence,
    }


def _call(call: Call) -> dict[str, Any]:
    return {**flat(call, "purpose", "model", "answered_by", "finish", "error", "cost"), **flat(call.usage)}


def versions_of(verdict: Verdict) -> dict[str, str]:
    """The tools whose versions a verdict's evidence names."""
    return {
        name: text for name, text in verdict.evidence.items() if isinstance(text, str) and _VERSION.match(text)
    }


def verify(
    house: Escalator,
    ledger: Archive,
    task_id: str,
    *,
    semantic: bool = False,
    against: Mapping[str, Any] | None = None,
) -> Verification:
    """Compare what the ledger kept of an accepted answer with its chain, execute its checks again, and say what
    differs.

    No model is called unless `semantic` asks for a checker's opinion too. `against` is a bundle made earlier; the
    ledger must still say what it says. Raises `LedgerError` for a task that has no accepted answer, and for one
    without its texts that has no chain either.
    """
    examined = ledger.examine(task_id)
    altered = [_altered(fault) for fault in examined.faults] if examined is not None else []
    unchained = [_UNCHAINED] if examined is not None and not examined.kept and not altered else []
    outcome: Outcome | None = None
    try:
        outcome = _accepted(ledger, task_id)
    except (EscalatorError, ValueError, TypeError, AttributeError, LookupError):
        if not altered and not (examined is not None and examined.kept and _erased(ledger, task_id)):
            raise
    parts = examined.parts if examined is not None and examined.kept and not altered else None
    if outcome is None:
        return Verification(
            task_id=task_id, holds=not altered, differences=tuple(altered), parts=parts, erased=not altered
        )
    best = cast("Attempt", outcome.best)
    differences = [
        *altered,
        *unchained,
        *_stored(outcome, best),
        *_bundled(outcome, against),
        *_place(outcome.brief),
    ]
    if altered:
        names = tuple(spec.name for spec in outcome.plan.validators)
        return Verification(task_id=task_id, holds=False, left_out=names, differences=tuple(differences))
    verdicts, left_out = _repeated(house, outcome, best, differences, semantic=semantic)
    holds = bool(verdicts) and not any(difference.matters for difference in differences)
    return Verification(
        task_id=task_id,
        holds=holds,
        verdicts=tuple(verdicts),
        left_out=tuple(left_out),
        differences=tuple(differences),
        parts=parts,
    )


def _accepted(ledger: Archive, task_id: str) -> Outcome:
    outcome = recall(ledger, task_id).outcome
    if outcome is None or outcome.status != "accepted" or outcome.best is None:
        raise LedgerError(f"task {task_id!r} has no accepted answer, so there is nothing to verify")
    return outcome


def _erased(ledger: Archive, task_id: str) -> bool:
    """Whether an answer was accepted whose texts are not there any more, or never were."""
    (task,) = ledger.tasks(LogQuery(task_id=task_id))
    known = ledger.look(task_id)
    return task.state == "accepted" and known is not None and not (known.row.brief and known.outcome)


def _altered(fault: Fault) -> Difference:
    return Difference(what=f"the ledger: {fault.row}", before="as it was written", now=fault.what, matters=True)


_UNCHAINED = Difference(what="the ledger", before="no chain was kept", now="not known: older than chains")


def _repeated(
    house: Escalator, outcome: Outcome, best: Attempt, differences: list[Difference], *, semantic: bool
) -> tuple[list[Verdict], list[str]]:
    """The verdicts of the checks executed again, and the names of the others; what differs is added."""
    verdicts, left_out = [], []
    given = {verdict.validator: verdict for verdict in best.verdicts}
    for spec in outcome.plan.validators:
        if spec.name == "semantic" and not semantic:
            left_out.append(spec.name)
            continue
        try:
            verdict = _again(house, outcome, best, spec)
        except ConfigError as error:
            left_out.append(spec.name)
            differences.append(_lost(spec, given.get(spec.name), str(error)))
            continue
        verdicts.append(verdict)
        differences += _compared(spec, given.get(spec.name), verdict)
    left_out += [REVIEW] if REVIEW in given else []
    return verdicts, left_out


def _again(house: Escalator, outcome: Outcome, best: Attempt, spec: ValidatorSpec) -> Verdict:
    changes: ChangeSet | str = best.changes if best.changes is not None else best.answer
    (verdict,) = house.validate(changes, _task(outcome), validators=[spec])
    return verdict


def _task(outcome: Outcome) -> Task:
    """The task as it was, with the contents it had then."""
    brief, kind = outcome.brief, outcome.classification
    here = brief.workspace is not None and brief.workspace.is_dir()
    return Task(
        prompt=brief.prompt,
        workspace=brief.workspace if here else None,
        files=dict(brief.files),
        tests=_tests(brief),
        language=brief.language,
        requirements=brief.requirements,
        images=brief.images,
        response_schema=brief.response_schema,
        benchmark=brief.benchmark,
        task_type=kind.task_type,
        complexity=kind.complexity,
        local_only=brief.local_only,
    )


def _tests(brief: Brief) -> dict[str, str]:
    """The tests with their contents, single ones by their ids."""
    parted: dict[str, list[str]] = {}
    for test in brief.selected:
        parted.setdefault(test.partition("::")[0], []).append(test)
    return {test: text for path, text in brief.tests.items() for test in parted.get(path, [path])}


def _stored(outcome: Outcome, best: Attempt) -> Iterator[Difference]:
    """Does the stored answer still give the stored files?"""
    from escalator.answers import TEST_DROPPED, taken_for

    brief = outcome.brief
    if not best.answer or best.changes is None or not best.changes.files:
        return
    again = taken_for(brief, best.answer, thought_apart=True)
    said = " ".join(best.changes.notes)
    files = dict(again.files) if isinstance(again, ChangeSet) else {}
    files = {path: text for path, text in files.items() if f"{path}: {TEST_DROPPED}" not in said}
    if files != dict(best.changes.files):
        now = ", ".join(sorted(files)) or "no files"
        yield Difference(
            what="the files the answer gives", before=", ".join(sorted(best.changes.files)), now=now, matters=True
        )


def _bundled(outcome: Outcome, against: Mapping[str, Any] | None) -> Iterator[Difference]:
    if against is None:
        return
    if not intact(against):
        yield Difference(what="the bundle", before="its digest", now="does not fit its contents", matters=True)
    now = bundle(outcome)
    for name in sorted({*now, *against} - {"digest"}):
        if _canonical(now.get(name)) != _canonical(against.get(name)):
            yield Difference(
                what=f"the bundle's {name}",
                before=_short(against.get(name)),
                now=_short(now.get(name)),
                matters=True,
            )


def _place(brief: Brief) -> Iterator[Difference]:
    """The rest of the workspace may have changed since; a missing one certainly did."""
    if brief.workspace is not None and not brief.workspace.is_dir():
        yield Difference(what="the workspace", before=str(brief.workspace), now="is gone")


def _lost(spec: ValidatorSpec, before: Verdict | None, why: str) -> Difference:
    was = before.status if before is not None else "never given"
    return Difference(
        what="verdict", before=was, now=f"cannot run: {why}", validator=spec.name, matters=spec.required
    )


def _compared(spec: ValidatorSpec, before: Verdict | None, now: Verdict) -> Iterator[Difference]:
    if before is None:
        yield Difference(what="verdict", before="never given", now=now.status, validator=spec.name)
        return
    if before.status != now.status:
        why = f"{now.status}: {now.hint or now.feedback}".strip(": ").splitlines()[0]
        yield Difference(what="verdict", before=before.status, now=why, validator=spec.name, matters=spec.required)
    for name in _COUNTED:
        if before.evidence.get(name) != now.evidence.get(name):
            yield Difference(
                what=name,
                before=_short(before.evidence.get(name)),
                now=_short(now.evidence.get(name)),
                validator=spec.name,
                matters=name == "tests",
            )
    then, today = versions_of(before), versions_of(now)
    for tool in sorted(then.keys() | today.keys()):
        if then.get(tool) != today.get(tool):
            yield Difference(
                what=f"version of {tool}",
                before=then.get(tool, "unknown"),
                now=today.get(tool, "unknown"),
                validator=spec.name,
            )
    was, is_now = _kind(before), _kind(now)
    if was != is_now:
        yield Difference(what="isolation", before=was, now=is_now, validator=spec.name)


def _kind(verdict: Verdict) -> str:
    return verdict.isolation.kind if verdict.isolation is not None else "not run"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
    return text if len(text) <= 100 else text[:97] + "…"
