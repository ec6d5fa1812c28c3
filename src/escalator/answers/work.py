"""One attempt of a worker as a flow: compose, ask, extract."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from escalator.answers.cleaning import clean, without_reasoning
from escalator.answers.extract import extract
from escalator.answers.prompts import compose, digest
from escalator.flow import Flow
from escalator.records import (
    Attempt,
    Brief,
    ChangeSet,
    Completion,
    Failure,
    FailureKind,
    Plan,
    Rejection,
    Request,
    Rung,
)
from escalator.steps import ask

TEST_DROPPED: Final = "a test of the project, its change was dropped"
"""What is noted of a test that an answer changes though it is not among the files of the task."""

_UNUSABLE: Final[Mapping[str, tuple[FailureKind, str]]] = {
    "truncated": ("truncated", "the answer was cut off"),
    "refusal": ("refusal", "the model declined"),
    "empty": ("empty", "the model answered nothing"),
    "incomplete": ("incomplete", "the model stopped in the middle of something"),
    "bad_output": ("bad_output", "the model's output could not be read"),
}
_FENCED: Final = re.compile(r"\A\s*(?:`{3,}|~{3,})\w*[ \t]*\n(.*?)\n?[ \t]*(?:`{3,}|~{3,})\s*\Z", re.DOTALL)


def work(
    brief: Brief,
    plan: Plan,
    rung: Rung,
    number: int,
    history: tuple[Attempt, ...],
    *,
    composed: Request | None = None,
) -> Flow[Attempt]:
    """Let a rung's model answer once and take its answer apart; the attempt that returns has no verdicts yet.

    Where the task has a response schema and the answer is JSON that names no files, the answer itself is the
    result: the change set is empty and `answer` is the bare JSON. `composed` is the request, where it is known.
    """
    request = composed or compose(brief, plan, rung, history)
    asked = yield from ask("worker", request)
    done = asked.completion
    answer, changes, rejection, failure = "", None, None, asked.failure
    if failure is None and done is None:
        failure = Failure(kind="empty", message="the model answered nothing")
    if failure is None and done is not None:
        answer, failure = done.text, _unusable(done)
    if failure is None and done is not None:
        answer, result = _taken(brief, done)
        changes, rejection = (result, None) if isinstance(result, ChangeSet) else (None, result)
    return Attempt(
        rung=rung.index,
        number=number,
        model=rung.model.name,
        answered_by=done.model if done is not None else "",
        effort=request.effort,
        answer=answer,
        changes=changes,
        rejection=rejection,
        failure=failure,
        calls=asked.calls,
        prompt_digest=asked.prompt_digest or digest(request),
    )


def _unusable(done: Completion) -> Failure | None:
    if done.condition not in _UNUSABLE:
        return None
    kind, message = _UNUSABLE[done.condition]
    return Failure(kind=kind, message=f"{message} (finish reason {done.finish!r})")


def _taken(brief: Brief, done: Completion) -> tuple[str, ChangeSet | Rejection]:
    if brief.response_schema is not None:
        return _taken_as_json(brief, done)
    taken = taken_for(brief, done.text, finish_reason=done.finish, thought_apart=bool(done.reasoning.strip()))
    return done.text, taken if isinstance(taken, Rejection) else _no_work(brief, taken) or taken


def taken_for(
    brief: Brief, text: str, *, finish_reason: str = "stop", thought_apart: bool = False
) -> ChangeSet | Rejection:
    """The change set of a model's answer to a task."""
    return extract(
        text,
        target=next(iter(brief.files)) if len(brief.files) == 1 else None,
        workspace=brief.files,
        finish_reason=finish_reason,
        protected=(*brief.protected, *brief.tests),
        named=brief.named,
        asked=asked_of(brief),
        thought_apart=thought_apart,
    )


def asked_of(brief: Brief) -> str:
    """All that the task says in words: its prompt and its requirements."""
    return "\n\n".join([brief.prompt, *brief.requirements])


def _no_work(brief: Brief, changes: ChangeSet) -> Rejection | None:
    """Why a change set is no answer at all: it leaves everything as it was, or empties a file that had content."""
    before = brief.files
    if changes.files and all(path in before and before[path] == text for path, text in changes.files.items()):
        names = ", ".join(changes.files)
        feedback = f"Your answer leaves {names} exactly as it was. Make the change the task asks for."
        return Rejection(kind="no_code", feedback=feedback)
    for path, text in changes.files.items():
        if text is not None and not text.strip() and before.get(path, "").strip():
            feedback = (
                f"Your answer leaves {path} empty. Give the whole file, or say plainly that it is to be deleted."
            )
            return Rejection(kind="elided", feedback=feedback)
    return None


def _taken_as_json(brief: Brief, done: Completion) -> tuple[str, ChangeSet | Rejection]:
    bare = without_reasoning(clean(done.text)) or ""
    fenced = _FENCED.match(bare)
    text = (fenced[1] if fenced else bare).strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
        return done.text, Rejection(
            kind="bad_format",
            feedback=f"Your answer is not valid JSON: {reason}. Write one JSON value that matches the schema and "
            "nothing around it.",
        )
    if brief.files and isinstance(value, dict) and ("files" in value or "edits" in value):
        return text, taken_for(brief, text, finish_reason=done.finish)
    return text, ChangeSet(files={})
