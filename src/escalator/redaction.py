"""Keeping secrets out of the ledger, the log and the next prompt: a hook for texts, and those who use it.

The hook is any `(text) -> text`. `secrets` masks what looks like a key; `mask(values)` masks exact texts; a `Veil`
masks what a project holds.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import quote

from escalator.errors import LedgerError
from escalator.ledger import Archive, Entry
from escalator.records import Brief, Verdict
from escalator.workspace import TOKEN, Holdings, secret_values

if TYPE_CHECKING:
    from escalator.ledger.log import ReviewKind
    from escalator.ledger.protocol import Closing, Hold, Opened, Settlement, TaskRow

Redact: TypeAlias = Callable[[str], str]
"""Gives the text as it may be stored."""

J = TypeVar("J")

MASK = "[redacted]"
MARK = "redacted"
"""The key of the note in the journal of a task whose texts were changed before they were stored."""

_SECRETS = re.compile(
    TOKEN.pattern + r"|(?i:bearer\s+)[A-Za-z0-9._~+/-]{20,}=*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)


def secrets(text: str) -> str:
    """The text with everything masked that has the form of a well-known key, token or private key."""
    return _SECRETS.sub(MASK, text)


def mask(values: Iterable[str]) -> Redact:
    """A hook that masks these exact texts, such as the values of key variables; shorter than 8 are left alone."""
    known = sorted({value for value in values if len(value) >= 8}, key=len, reverse=True)
    if not known:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(value) for value in known))
    return lambda text: pattern.sub(MASK, text)


def redacted(value: J, redact: Redact) -> J:
    """The same JSON value with every text in it redacted; keys are left alone."""
    found: Any = value
    if isinstance(value, str):
        found = redact(value)
    elif isinstance(value, dict):
        found = {key: redacted(item, redact) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        found = [redacted(item, redact) for item in value]
    return found  # type: ignore[no-any-return]


class Veil:
    """A hook for what runs of a project show: masks its secrets, also as JSON, in addresses, in base64 and in hex,
    and whatever has the form of a key.

    `given`: what the caller wrote for the models. A secret in it is told already, and hiding it would only make
    findings unreadable. A program that wants to can always spell a secret in a way that no mask knows; what keeps
    secrets from it is that they are not in its sandbox.
    """

    def __init__(self, holdings: Holdings, *, given: Iterable[str] = ()) -> None:
        self._forms = {form: value for value in holdings.values for form in _forms(value)}
        self._withheld = holdings.withheld
        self._given = tuple(given)

    def __call__(self, text: str) -> str:
        """The text as it may be told."""
        found = [form for form, value in self._forms.items() if form in text and not self._is_given(value)]
        return _SECRETS.sub(lambda match: match[0] if self._is_given(match[0]) else MASK, mask(found)(text))

    def _is_given(self, value: str) -> bool:
        return any(value in text for text in self._given)

    def verdict(self, verdict: Verdict) -> Verdict:
        """The verdict as it may be told, with a hint where it speaks of a file that stays out of the sandbox."""
        evidence = redacted(dict(verdict.evidence), self)
        hint, feedback = self(verdict.hint), self(verdict.feedback)
        missed = self._missed(f"{feedback}\n{hint}")
        if missed:
            feedback = f"{feedback}\n\n({missed} stays out of the sandbox.)".lstrip()
            hint = (
                f"{hint} {missed} stays out of the sandbox, for it may hold a secret. If a test needs it, name it "
                "in tests= or files=, or in sandbox.share of the matrix."
            ).lstrip()
        return replace(verdict, feedback=feedback, hint=hint, evidence=evidence)

    def _missed(self, text: str) -> str:
        for path in self._withheld:
            name = path.rpartition("/")[2]
            if name in text and re.search(rf"[/'\"]{re.escape(name)}(?![\w.-])", text):
                return path
        return ""


def _forms(value: str) -> set[str]:
    """How a value may be shown without anybody meaning to hide it."""
    raw = value.encode("utf-8", "surrogatepass")
    encoded = {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    return {value, json.dumps(value)[1:-1], repr(value)[1:-1], quote(raw, safe=""), raw.hex(), *encoded}


def veil_of(brief: Brief, environ: Mapping[str, str]) -> Veil:
    """The veil of a task: over the secrets of its workspace and of the environment."""
    given = (brief.prompt, *brief.requirements, *brief.files.values(), *brief.tests.values())
    return Veil(secret_values(brief.workspace, environ), given=given)


class RedactingLedger:
    """A ledger that stores texts only as the hook gives them; everything else goes straight to the one within.

    A task that lost something this way is marked: an open one cannot be resumed, because its prompt would be
    another one, and the answer of a finished one is kept without its files, so that nobody applies a masked file.
    """

    def __init__(self, within: Archive, redact: Redact) -> None:
        self._within, self._redact = within, redact
        self._tasks: dict[int, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._within, name)

    def open_task(self, row: TaskRow, *, new: bool = False) -> Future[Opened]:
        """Store the task as the hook gives it, or refuse to resume one that lost something."""
        known = None if new else self._within.look(row.task_id)
        if known is not None and known.status == "resumed" and any(e.key == MARK for e in known.entries):
            refused: Future[Opened] = Future()
            refused.set_exception(
                LedgerError(
                    f"the task {row.task_id!r} was stored with its texts redacted and cannot be resumed; "
                    "run it again under a new id"
                )
            )
            return refused
        brief = self._json(row.brief)
        kept = replace(row, brief=brief, plan=self._json(row.plan), description=self._redact(row.description))
        opened = self._within.open_task(kept, new=new)
        if known is None and brief != row.brief:
            self._mark(row.task_id)
        return opened

    def plan_task(self, row: TaskRow) -> Future[None]:
        """Store the plan as the hook gives it."""
        return self._within.plan_task(replace(row, plan=self._json(row.plan)))

    def reserve(self, hold: Hold) -> Future[Any]:
        """Hold money; what the log says of the call is redacted."""
        future = self._within.reserve(replace(hold, details=redacted(dict(hold.details), self._redact)))
        future.add_done_callback(lambda done: self._remember(hold.task_id, done))
        return future

    def _remember(self, task_id: str, done: Future[Any]) -> None:
        if not done.cancelled() and done.exception() is None:
            hold_id = getattr(done.result(), "hold_id", None)
            if hold_id is not None:
                self._tasks[hold_id] = task_id

    def settle(self, hold_id: int, settlement: Settlement) -> Future[None]:
        """Store the reply redacted."""
        payload, task_id = self._json(settlement.payload), self._tasks.pop(hold_id, "")
        if payload != settlement.payload and task_id:
            self._mark(task_id)
        return self._within.settle(hold_id, replace(settlement, payload=payload))

    def record(self, task_id: str, entry: Entry) -> Future[None]:
        """Store the reply redacted."""
        payload = self._json(entry.payload)
        if payload != entry.payload:
            self._mark(task_id)
        return self._within.record(task_id, replace(entry, payload=payload))

    def _mark(self, task_id: str) -> None:
        self._within.record(task_id, Entry(key=MARK, kind="note", digest="", payload=""))

    def close_task(self, task_id: str, closing: Closing) -> Future[None]:
        """Store the outcome redacted, without the files of answers that lost something."""
        kept = self._outcome(closing.outcome)
        return self._within.close_task(
            task_id, replace(closing, reason=self._redact(closing.reason), outcome=kept)
        )

    def review_add(self, task_id: str, kind: ReviewKind, summary: str, payload: str) -> Future[int]:
        """Ask for a decision, showing redacted texts."""
        shown = json.loads(payload) if payload else None
        if isinstance(shown, dict) and isinstance(shown.get("outcome"), str):
            shown["outcome"] = self._outcome(shown["outcome"])
            payload = json.dumps(shown, ensure_ascii=False)
        return self._within.review_add(task_id, kind, self._redact(summary), self._json(payload))

    def prompt_add(self, task_id: str, *, provider: str, model: str, reason: str, payload: str) -> Future[int]:
        """Queue a prompt redacted."""
        return self._within.prompt_add(
            task_id, provider=provider, model=model, reason=self._redact(reason), payload=self._json(payload)
        )

    def _json(self, text: str) -> str:
        if not text:
            return text
        value = json.loads(text)
        kept = redacted(value, self._redact)
        return text if kept == value else json.dumps(kept, ensure_ascii=False)

    def _outcome(self, text: str) -> str:
        if not text:
            return text
        value = json.loads(text)
        kept = redacted(value, self._redact)
        if kept == value:
            return text
        for before, after in zip(value.get("attempts", []), kept.get("attempts", []), strict=True):
            if after.get("changes") and after["changes"] != before["changes"]:
                after["changes"] = {"files": {}, "notes": ["the files were left out: they held redacted text"]}
        warning = "texts of this task were redacted before they were stored"
        kept["warnings"] = [*kept.get("warnings", []), warning]
        return json.dumps(kept, ensure_ascii=False)
