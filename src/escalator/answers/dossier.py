"""What the next model is told of the attempts before it: compact, deduplicated, from evidence only.

The models' own words about their answers are left out; what counts is what a check saw.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from escalator.answers.texts import capped, fenced, safe, tokens_in
from escalator.records import Attempt, Brief, Tier, Verdict

FINDINGS_TOKENS: Final = 1_500
"""What findings of one answer may take in a repair prompt."""

DOSSIER_TOKENS: Final = 2_000
"""What all earlier attempts together may take in an escalation prompt."""

_EVIDENT = re.compile(
    r"^(?:E  |>  )|\b\w*(?:Error|Exception|assert)\b|\bFAILED\b|^\s*\^+\s*$|:\d+: ", re.MULTILINE
)


def findings(verdicts: Iterable[Verdict], *, tokens: int = FINDINGS_TOKENS) -> str:
    """What the failed verdicts of an answer say, each in a fence, in as many tokens as are allowed."""
    failed = [verdict for verdict in verdicts if verdict.failed]
    parts: list[str] = []
    seen: set[str] = set()
    for verdict in failed:
        said = safe(verdict.feedback).strip() or "failed without saying why"
        if said not in seen:
            seen.add(said)
            shown = fenced(capped(said, tokens // len(failed)))
            parts.append(f"The check `{verdict.validator}` failed:\n{shown}")
    return "\n\n".join(parts)


def dossier(
    brief: Brief, history: Sequence[Attempt], tiers: Mapping[int, Tier], *, tokens: int = DOSSIER_TOKENS
) -> str:
    """What was tried and how it failed, "" if nothing was judged. `tiers` gives the class of each rung's model.

    Equal failures are told once; the last ones are told in full, earlier ones get what room is left; the best
    draft so far is shown as a diff against the files.
    """
    entries = _entries(history, tiers)
    if not entries:
        return ""
    draft = _draft(brief, history, tokens // 3)
    room = tokens - tokens_in(draft) - 60
    told: list[str] = []
    for heading, evidence in reversed(entries):
        share = max(80, room // (2 if len(entries) > 1 else 1))
        entry = f"- {heading}\n{fenced(trimmed(evidence, share))}" if evidence else f"- {heading}"
        if tokens_in(entry) > room:
            break
        room -= tokens_in(entry)
        told.insert(0, entry)
    if len(told) < len(entries):
        told.insert(0, f"- {len(entries) - len(told)} earlier attempts failed as well")
    return "\n".join([*told, *([draft] if draft else [])])


def trimmed(text: str, tokens: int) -> str:
    """A report reduced to the lines around its first piece of evidence: an assertion, an error, a position."""
    text = safe(text).strip()
    if tokens_in(text) <= tokens:
        return text
    lines = text.split("\n")
    wanted = {0}
    for number, line in enumerate(lines):
        if _EVIDENT.search(line[:400]):
            wanted.update(range(max(0, number - 2), min(len(lines), number + 3)))
        if len(wanted) > tokens // 6:
            break
    kept = [lines[number][:300] for number in sorted(wanted)]
    return capped("\n".join(kept), tokens)


def _entries(history: Sequence[Attempt], tiers: Mapping[int, Tier]) -> list[tuple[str, str]]:
    """A heading and the evidence of each distinct failure; the same failure again only counts up."""
    counted: dict[tuple[str, str], int] = {}
    classes: dict[tuple[str, str], str] = {}
    for attempt in history:
        what, evidence = _failure(attempt)
        if what:
            counted[what, evidence] = counted.get((what, evidence), 0) + 1
            classes[what, evidence] = _class(tiers.get(attempt.rung))
    return [
        (f"{classes[key]}: {key[0]}{f' ({count} times)' if count > 1 else ''}", key[1])
        for key, count in counted.items()
    ]


def _failure(attempt: Attempt) -> tuple[str, str]:
    if attempt.failure is not None:
        told = {"truncated": "the answer was cut off", "refusal": "declined", "empty": "answered nothing"}
        return told.get(attempt.failure.kind, ""), ""
    if attempt.rejection is not None:
        return f"the answer could not be used ({attempt.rejection.kind})", ""
    failed = attempt.failed_verdict
    if failed is None:
        return "", ""
    return f"the check `{failed.validator}` failed", _stable(failed.feedback)


def _draft(brief: Brief, history: Sequence[Attempt], tokens: int) -> str:
    """The best draft so far as a diff: the latest among those that passed most checks."""
    drafts = [attempt for attempt in history if attempt.changes is not None and attempt.failed_verdict is not None]
    if not drafts:
        return ""
    best = max(enumerate(drafts), key=lambda item: (sum(v.passed for v in item[1].verdicts), item[0]))[1]
    changes = best.changes.files if best.changes is not None else {}
    diff = "".join(_diff(path, brief.files.get(path, ""), text or "") for path, text in changes.items())
    return f"The draft that came farthest:\n{fenced(capped(diff, max(60, tokens - 30)), 'diff')}" if diff else ""


def _diff(path: str, old: str, new: str) -> str:
    if len(old) + len(new) > 400_000:
        return f"--- {path}: too large to show\n"
    before, after = safe(old).splitlines(keepends=True), safe(new).splitlines(keepends=True)
    lines = difflib.unified_diff(before, after, f"a/{path}", f"b/{path}", n=2)
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def _stable(text: str) -> str:
    """Without addresses and durations, so that the same failure reads the same twice."""
    return re.sub(r"\b\d+(?:\.\d+)? ?(?:ms|s|seconds)\b", "N s", re.sub(r"0x[0-9a-f]{4,16}", "0x…", text))


def _class(tier: Tier | None) -> str:
    if tier is None:
        return "another model"
    if tier.rank < 0:
        return "a local model"
    return "a light cloud model" if tier.rank <= 1 else "a strong cloud model"
