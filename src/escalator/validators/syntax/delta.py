"""What counts of what a grammar flags: all of it, or only what the answer newly broke."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from escalator.languages.faults import Fault
from escalator.languages.grammars import GrammarMissing
from escalator.validators.syntax.heavy import grammar_faults

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.languages.table import Language

_MOST_COMPARED = 20_000
"""Lines of two versions that are aligned; beyond that, a line the old file did not have counts as changed."""

_CONDITIONAL = re.compile(
    r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif|else|define[ \t]+\w+(?:\(|.*[\\{}()\[\];]))", re.MULTILINE
)
_UNKNOWN_TO_GRAMMARS = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b|\bnew\b[^;]{0,80}\*\s{0,8}\[|\boperator\(\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Unjudged:
    """Why a file was passed over; `install` names what would let it be judged."""

    why: str
    install: str = ""


def by_grammar(language: Language, text: str, old: str | None) -> Flow[list[Fault] | Unjudged]:
    """What its grammar can hold against a file, given the file as it was before, if it was there."""
    found = yield from grammar_faults(language, text)
    if isinstance(found, GrammarMissing):
        package = "escalator-router[all-grammars]" if found.extra else found.package
        return Unjudged(why=f"the grammar {found.package} is not installed", install=package)
    if all(fault.repeat for fault in found):
        return (yield from _new_repeats(language, found, old))
    if language.trust == "strict":
        return found
    if old is None:
        counted = _in_new_file(language, text, found)
    else:
        before = yield from grammar_faults(language, old)
        known = [] if isinstance(before, GrammarMissing) else before
        counted = _newly_broken(language, text, found, old=old, before=known)
    if counted or old is not None:
        return counted
    return Unjudged(
        why=f"the {language.name} grammar flags line {found[0].line} ({found[0].message}), "
        "but it also flags valid files, so this counts only against an older version of the file"
    )


def _new_repeats(language: Language, found: list[Fault], old: str | None) -> Flow[list[Fault]]:
    """Without the double declarations that the file had before."""
    before = (yield from grammar_faults(language, old)) if old and found else []
    had = Counter(_subject(fault) for fault in before) if isinstance(before, list) else Counter[str]()
    new = []
    for fault in found:
        if not had[_subject(fault)]:
            new.append(fault)
        had[_subject(fault)] -= 1
    return new


def _subject(fault: Fault) -> str:
    return fault.message.rpartition(",")[0] if fault.repeat else ""


def _in_new_file(language: Language, text: str, found: list[Fault]) -> list[Fault]:
    """What can be held against a file that has no older version to compare with."""
    if not language.conditional:
        return [fault for fault in found if fault.structural]
    return [] if _CONDITIONAL.search(text) else _unexcused(language, text, found)


def _newly_broken(
    language: Language, text: str, found: list[Fault], *, old: str, before: list[Fault]
) -> list[Fault]:
    """Faults on changed lines that the old file did not have; all of them if the old file had none."""
    found = _unexcused(language, text, found)
    if not before:
        return found
    had = Counter(_key(fault, old) for fault in before)
    changed = _changed_lines(old, text)
    return [fault for fault in found if fault.line in changed and not had[_key(fault, text)]]


def _unexcused(language: Language, text: str, found: list[Fault]) -> list[Fault]:
    """Without faults on lines that hold what these grammars cannot read: macros and two gaps in C++."""
    if not language.conditional:
        return found
    lines = text.split("\n")
    return [
        fault
        for fault in found
        if fault.line > len(lines) or not _UNKNOWN_TO_GRAMMARS.search(lines[fault.line - 1])
    ]


def _key(fault: Fault, text: str) -> tuple[str, str]:
    lines = text.split("\n")
    line = lines[fault.line - 1].strip() if fault.line <= len(lines) else ""
    return re.sub(r"\d+:\d+", "", fault.message), line


def _changed_lines(old: str, new: str) -> frozenset[int]:
    """1-based numbers of the lines of `new` that differ from `old`, and the neighbours of what was removed."""
    from difflib import SequenceMatcher

    before, after = old.split("\n"), new.split("\n")
    if len(before) + len(after) > _MOST_COMPARED:
        had = frozenset(before)
        return frozenset(number for number, line in enumerate(after, start=1) if line not in had)
    changed: set[int] = set()
    for tag, _, _, start, end in SequenceMatcher(None, before, after, autojunk=True).get_opcodes():
        if tag != "equal":
            changed.update(range(max(1, start), end + 2))
    return frozenset(changed)
