"""How a task looks while it runs and when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from escalator.cli.console import BAD, DIM, GOOD, NOTE, money
from escalator.events import (
    Answered,
    AttemptStarted,
    CallFinished,
    Event,
    Judged,
    Moved,
    PaidModelAhead,
    Planned,
    Warned,
)
from escalator.records.flat import flat, gist

if TYPE_CHECKING:
    from types import TracebackType

    from rich.status import Status

    from escalator.records import Attempt, Outcome, Verdict

MARKS = {"passed": ("✓", GOOD), "failed": ("✗", BAD), "inconclusive": ("?", NOTE)}
MOVES = {
    "retry": ("↻", "again with findings"),
    "fallback": ("⤳", "fall back to"),
    "escalation": ("↑", "escalate to"),
    "skip": ("–", "skip"),
}
STATUSES = {"accepted": GOOD, "needs_review": NOTE, "skipped": BAD, "stopped": BAD}


class Live:
    """A sink that prints one line for each thing that happens, and a spinner while a model answers.

    As a context manager it takes the spinner away and shows the cursor again, however the task ends.
    """

    def __init__(self, out: Console) -> None:
        self._out = out
        self._status: Status | None = None
        self._trouble = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pause()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Planned():
                kind = event.classification
                sure = "" if kind.source == "caller" else f" · {kind.confidence:.0%} sure"
                chain = " → ".join(rung.model.name for rung in event.plan.chain)
                self._print(Text(f"  {kind.task_type} · complexity {kind.complexity:g}{sure}", DIM))
                self._print(Text(f"  chain {chain}", DIM))
            case AttemptStarted():
                self._wait(f"  {event.rung.model.name} is answering")
            case CallFinished():
                self._wait("  judging")
            case Answered():
                self.pause()
                self._answered(event.attempt)
            case Judged():
                self.pause()
                self._print(verdict_line(event.verdict))
                self._wait("  judging")
            case Moved():
                self.pause()
                self._moved(event)
            case PaidModelAhead():
                self.pause()
                self._paid(event)
            case Warned():
                self._print(Text(f"  ! {event.message}", NOTE))
            case _:
                self.pause()

    def _wait(self, what: str) -> None:
        if not self._out.is_terminal:
            return
        if self._status is None:
            self._status = self._out.status(what, spinner="dots")
            self._status.start()
        else:
            self._status.update(what)

    def pause(self) -> None:
        """Take the spinner away until there is something to wait for again."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _print(self, line: Text) -> None:
        self._out.print(hanging(line))

    def _answered(self, attempt: Attempt) -> None:
        seconds = sum(call.seconds for call in attempt.calls)
        what = f"answer {attempt.number}" if attempt.failure is None else "no answer"
        head = Text.assemble(("  ● ", "bold"), (attempt.model, "bold"), (f" {what}", DIM))
        head.append(f" · {seconds:.1f} s · {money(attempt.cost)}", DIM)
        self._print(head)
        if attempt.failure is not None:
            self._trouble = attempt.failure.message
            self._print(Text(f"      ✗ {self._trouble}", BAD))
        if attempt.rejection is not None:
            why = gist(attempt.rejection.feedback, 200)
            self._print(Text(f"      ✗ unusable answer ({attempt.rejection.kind}): {why}", BAD))

    def _moved(self, event: Moved) -> None:
        move = event.transition
        mark, words = MOVES[move.kind]
        if move.kind == "skip":
            if move.reason == self._trouble:
                return  # said just before
            self._print(Text(f"  {mark} {move.from_model} passed by: {move.reason}", NOTE))
            return
        name = "" if move.kind == "retry" else f" {move.to_model}"
        self._print(Text(f"    {mark} {words}{name}", NOTE))

    def _paid(self, event: PaidModelAhead) -> None:
        wanted = event.substitution
        if event.approved:
            return  # whoever approved has just seen it
        answers = {True: "approved", False: "declined", None: "paid model ahead"}
        text = f"    $ {wanted.to_model}, up to {money(wanted.highest_cost)}: {answers[event.approved]}"
        self._print(Text(text, NOTE))


def hanging(line: Text) -> Padding:
    """A line whose continuation stands under its text, not under the margin."""
    indent = len(line.plain) - len(line.plain.lstrip())
    return Padding(line[indent:], (0, 0, 0, indent), expand=False)


def verdict_line(verdict: Verdict) -> Text:
    """One verdict: mark, name, and what was found."""
    mark, colour = MARKS[verdict.status]
    line = Text.assemble(("      " + mark, colour), f" {verdict.validator}")
    if verdict.failed:
        line.append(f": {gist(verdict.feedback, 200)}", colour)
    elif verdict.status == "inconclusive":
        line.append(f" ({verdict.reason}): {verdict.hint or gist(verdict.feedback, 200)}", colour)
    elif verdict.passed and verdict.hint:
        line.append(f": {verdict.hint}", NOTE)
    elif verdict.evidence.get("passed"):
        line.append(f" ({verdict.evidence['passed']} passed)", DIM)
    return line


def outcome_lines(outcome: Outcome) -> list[Text]:
    """How it ended, in two or three lines."""
    colour = BAD if outcome.unrecorded else STATUSES[outcome.status]
    lines = [Text.assemble(("  ", ""), (outcome.label, f"bold {colour}"), f": {outcome.reason}")]
    count = sum(attempt.failure is None for attempt in outcome.attempts)
    paid = f"  cost {money(outcome.cost)} · {count} answer{'' if count == 1 else 's'} · {outcome.seconds:.1f} s"
    if outcome.baseline is not None and outcome.status == "accepted":
        paid += f" · saved {money(outcome.saved)} against {outcome.baseline.model} alone"
    return [*lines, Text(paid, DIM)]


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """An outcome as plain data for `--json`."""
    from escalator.records.facts import task_facts

    task = task_facts(outcome)
    return {
        **flat(task, "task_id", "status", "reason", "cause", "simulated"),
        "classification": flat(outcome.classification, "task_type", "complexity", "confidence", "reasons"),
        "model": task.worker,
        "answer": outcome.answer,
        "files": dict(outcome.files),
        "diff": outcome.diff,
        **flat(task, "cost", "cache_saved", "saved"),
        **flat(outcome, "running_cost"),
        "baseline": task.baseline or None,
        "attempts": [attempt_json(attempt) for attempt in outcome.attempts],
        "transitions": [
            {"kind": m.kind, "from": m.from_model, "to": m.to_model, "cause": m.cause, "reason": m.reason}
            for m in outcome.transitions
        ],
        "warnings": list(outcome.warnings),
        "unrecorded": outcome.unrecorded,
        **flat(task, "seconds", "input_tokens", "output_tokens"),
    }


def attempt_json(attempt: Attempt) -> dict[str, object]:
    """An attempt as plain data."""
    from escalator.records.facts import attempt_facts

    facts = attempt_facts(attempt)
    return {
        "model": facts.worker,
        **flat(facts, "answered_by", "rung", "number", "failure", "rejection"),
        "message": attempt.failure.message if attempt.failure else "",
        "verdicts": [verdict_json(verdict) for verdict in attempt.verdicts],
        **flat(facts, "cost", "seconds", "input_tokens", "output_tokens"),
    }


def verdict_json(verdict: Verdict) -> dict[str, object]:
    """A verdict as plain data."""
    said = ("validator", "status", "reason", "required", "confidence", "feedback", "hint")
    return flat(verdict, *said, "evidence", "isolation", "seconds")
