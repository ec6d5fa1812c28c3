"""The syntax validator: is every file the answer touched well formed? Milliseconds, nothing is run."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from escalator.languages.faults import Fault, bounded, describe, position
from escalator.languages.files import language_of
from escalator.languages.grammars import GrammarMissing
from escalator.languages.table import LANGUAGES, Language, named
from escalator.records import Verdict
from escalator.validators.project import base_text
from escalator.validators.protocol import failed, passed, skipped
from escalator.validators.syntax.change import left_undone
from escalator.validators.syntax.heavy import grammar_faults, python_fault
from escalator.validators.syntax.keys import repeated_keys
from escalator.validators.syntax.names import disguised, looks_like, told
from escalator.validators.syntax.readers import READERS, TooHeavyError, read_python

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.records import Candidate
    from escalator.validators.protocol import Validator

LARGEST = 4_000_000
"""Characters of one file that are judged; a larger file is skipped with this said."""

_LARGEST_TOML = 1_000_000
_MOST_COMPARED = 20_000
"""Lines of two versions that are aligned; beyond that, a line the old file did not have counts as changed."""

_CONDITIONAL = re.compile(
    r"^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif|else|define[ \t]+\w+(?:\(|.*[\\{}()\[\];]))", re.MULTILINE
)
_UNKNOWN_TO_GRAMMARS = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b|\bnew\b[^;]{0,80}\*\s{0,8}\[|\boperator\(\)")


def syntax(*, languages: Iterable[str] | None = None, interpreter: str | None = None) -> Validator:
    """Judge whether the files an answer changed are well formed, and whether it changes what it was to change.

    Python is compiled, JSON, TOML and YAML are read by their own parsers, the rest by tree-sitter. Where a
    grammar is known to flag valid files (C, C++, C#, Bash, CSS and others), only what the answer newly broke
    counts. Deleted and unchanged files are not judged; a file in no known language is passed over and named
    under `not_judged` in the evidence. Nothing to judge at all gives "skipped", never a pass.

    An answer fails that changes no file of the task, or only white space, comments and docstrings there, unless
    the task asks for these or for a new file. So does a path or an identifier that only looks like a known one,
    and a key or declaration that stands twice where the language takes one; what the file had before is let pass.

    `languages`: judge only these, by name; SQL and HTML are judged only if named here. `interpreter`: path of
    the Python whose syntax counts, where it is not the one running escalator; it is started in the sandbox.
    """
    wanted = None if languages is None else frozenset(_known(name).name for name in languages)
    return _Syntax(languages=wanted, interpreter=interpreter)


def _known(name: str) -> Language:
    language = named(name)
    if language is None:
        raise ValueError(f"languages: {name!r} is not one of {', '.join(sorted(LANGUAGES))}")
    return language


@dataclass(frozen=True, kw_only=True, slots=True)
class _Unjudged:
    """Why a file was passed over; `install` names what would let it be judged."""

    why: str
    install: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Syntax:
    languages: frozenset[str] | None
    interpreter: str | None
    name: ClassVar[str] = "syntax"
    version: ClassVar[str] = "2"
    cost: ClassVar[str] = "instant"
    quick: ClassVar[bool] = True

    def __call__(self, candidate: Candidate) -> Flow[Verdict]:
        brief = candidate.brief
        judged: dict[str, str] = {}
        unjudged: dict[str, _Unjudged] = {}
        reports: list[str] = []
        for path, text in candidate.changes.files.items():
            if text is None or text == brief.files.get(path):
                continue
            if (meant := looks_like(path, brief)) is not None:
                reports.append(told(path, meant))
            language = language_of(path, text, brief.language)
            found = yield from self._read(path, text, language, candidate)
            if isinstance(found, _Unjudged):
                unjudged[path] = found
                continue
            judged[path] = language.name if language else ""
            if found:
                reports.append(describe(path, text, found))
        if not reports and (undone := left_undone(candidate, judged)):
            reports.append(undone)
        return _verdict(judged, unjudged, reports)

    def _read(
        self, path: str, text: str, language: Language | None, candidate: Candidate
    ) -> Flow[list[Fault] | _Unjudged]:
        if language is None:
            return _Unjudged(why="its language is not known")
        if not self._wants(language):
            return _Unjudged(why=f"{language.name} was not asked for")
        most = _LARGEST_TOML if language.reader == "toml" else LARGEST
        if len(text) > most:
            return _Unjudged(why=f"it has {len(text):,} characters; the syntax check reads at most {most:,}")
        if (broken := _not_text(text)) is not None:
            return [broken]
        if language.reader == "python":
            return (yield from self._python(path, text)) or disguised(path, text, language, candidate.brief)
        if language.reader in READERS:
            fault = READERS[language.reader](text)
            if fault is not None and fault.repeat:
                return repeated_keys(language.reader, text, base_text(candidate.brief, path))
            return [fault] if fault else []
        found = yield from _by_grammar(language, text, base_text(candidate.brief, path))
        return found or disguised(path, text, language, candidate.brief)

    def _wants(self, language: Language) -> bool:
        if self.languages is None:
            return language.trust != "off"
        return language.name in self.languages

    def _python(self, path: str, text: str) -> Flow[list[Fault]]:
        if self.interpreter is None:
            try:
                fault = read_python(text, path)
            except TooHeavyError:
                fault = yield from python_fault(sys.executable, path, text)
        else:
            fault = yield from python_fault(self.interpreter, path, text)
        return [fault] if fault else []


def _not_text(text: str) -> Fault | None:
    """A null character or a lone surrogate, which no source file may hold."""
    at = text.find("\0")
    what = "a null character"
    if at < 0 and not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            at, what = error.start, "half of a surrogate pair, which cannot be written as UTF-8"
    if at < 0:
        return None
    line, column = position(text, at)
    return Fault(line=line, column=column, message=f"the text holds {what}", structural=True)


def _by_grammar(language: Language, text: str, old: str | None) -> Flow[list[Fault] | _Unjudged]:
    found = yield from grammar_faults(language, text)
    if isinstance(found, GrammarMissing):
        package = "escalator-router[all-grammars]" if found.extra else found.package
        return _Unjudged(why=f"the grammar {found.package} is not installed", install=package)
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
    return _Unjudged(
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


def _verdict(judged: Mapping[str, str], unjudged: Mapping[str, _Unjudged], reports: list[str]) -> Verdict:
    evidence = {"judged": dict(judged), "not_judged": {path: left.why for path, left in unjudged.items()}}
    if reports:
        verdict = failed("syntax", feedback=bounded(reports), evidence=evidence)
    elif judged:
        verdict = passed("syntax", evidence=evidence)
    else:
        verdict = skipped("syntax", _nothing(unjudged), _installing(unjudged), evidence=evidence)
    python = "python" in judged.values()
    return replace(verdict, evidence={**verdict.evidence, "python": sys.version.split()[0]}) if python else verdict


def _nothing(unjudged: Mapping[str, _Unjudged]) -> str:
    if not unjudged:
        return "The answer changes no file."
    return (
        "No changed file could be judged: " + "; ".join(f"{p}: {left.why}" for p, left in unjudged.items()) + "."
    )


def _installing(unjudged: Mapping[str, _Unjudged]) -> str:
    needed = sorted({left.install for left in unjudged.values() if left.install})
    return f"Install {', '.join(needed)} to have it judged." if needed else ""
