"""The syntax validator: is every file the answer touched well formed? Milliseconds, nothing is run."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from escalator.languages.faults import Fault, bounded, describe, position
from escalator.languages.files import language_of
from escalator.languages.table import LANGUAGES, Language, named
from escalator.records import Verdict
from escalator.validators.project import base_text
from escalator.validators.protocol import failed, passed, skipped
from escalator.validators.syntax.change import left_undone
from escalator.validators.syntax.delta import Unjudged, by_grammar
from escalator.validators.syntax.heavy import python_fault
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
_PYTHON = sys.version.split()[0]

_DOUBT = ("#", '"""', "'''", "\\\n", "//", "/*", "*/", "--", "<!--", "{-", "(*", "pass", "...")
"""What a change is looked at more closely for: it may stand in a comment or a text, or do nothing."""

_AT_THE_START = re.compile(r"^[ \t]*(?:[rRuUbBfF]*[\"'`]|\*|\d+[ \t]*$)", re.MULTILINE)
_LIGHT = str.maketrans(dict.fromkeys(" \t\r\n()'\",;"))


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
        unjudged: dict[str, Unjudged] = {}
        reports: list[str] = []
        for path, text in candidate.changes.files.items():
            if text is None or text == brief.files.get(path):
                continue
            if path not in brief.files and (meant := looks_like(path, brief)) is not None:
                reports.append(told(path, meant))
            language = language_of(path, text, brief.language)
            found = yield from self._read(path, text, language, candidate)
            if isinstance(found, Unjudged):
                unjudged[path] = found
                continue
            judged[path] = language.name if language else ""
            if found:
                reports.append(describe(path, text, found))
        if not reports and not _plainly_done(candidate, judged) and (undone := left_undone(candidate, judged)):
            reports.append(undone)
        return _verdict(judged, unjudged, reports)

    def _read(
        self, path: str, text: str, language: Language | None, candidate: Candidate
    ) -> Flow[list[Fault] | Unjudged]:
        if language is None:
            return Unjudged(why="its language is not known")
        if not self._wants(language):
            return Unjudged(why=f"{language.name} was not asked for")
        most = _LARGEST_TOML if language.reader == "toml" else LARGEST
        if len(text) > most:
            return Unjudged(why=f"it has {len(text):,} characters; the syntax check reads at most {most:,}")
        if (broken := _not_text(text)) is not None:
            return [broken]
        if language.reader == "python":
            faults = yield from self._python(path, text)
            return faults or _disguised(path, text, language, candidate)
        if language.reader in READERS:
            fault = READERS[language.reader](text)
            if fault is not None and fault.repeat:
                return repeated_keys(language.reader, text, base_text(candidate.brief, path))
            return [fault] if fault else []
        found = yield from by_grammar(language, text, base_text(candidate.brief, path))
        return found or _disguised(path, text, language, candidate)

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


def _disguised(path: str, text: str, language: Language, candidate: Candidate) -> list[Fault]:
    return [] if text.isascii() else disguised(path, text, language, candidate.brief)


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


def _plainly_done(candidate: Candidate, languages: Mapping[str, str]) -> bool:
    """Whether it takes no parsing to see that a file of the task says something else."""
    old, new = candidate.brief.files, candidate.changes.files
    return any(
        name not in {"markdown", ""}
        and path in old
        and _plainly_other(old[path], new[path] or "", python=name == "python")
        for path, name in languages.items()
    )


def _plainly_other(old: str, new: str, *, python: bool) -> bool:
    """Whether it takes no parsing to see that code differs: other words, with no comment or docstring near."""
    start = _common(old, new)
    end = _common_end(old, new, min(len(old), len(new)) - start)
    start = new.rfind("\n", 0, start) + 1
    before, after = (text[start : _line_end(text, len(text) - end)] for text in (old, new))
    both = f"{before}\n{after}"
    if any(mark in both for mark in _DOUBT) or _AT_THE_START.search(both):
        return False
    pairs = (('"""', '"""'), ("'''", "'''")) if python else (("/*", "*/"), ('"""', '"""'))
    if any(_is_open(new, start, *pair) for pair in pairs):
        return False
    return before.translate(_LIGHT) != after.translate(_LIGHT)


def _is_open(text: str, at: int, opens: str, closes: str) -> bool:
    """Whether a comment or text that goes over lines may be open at a place."""
    count = text.count(opens, 0, at)
    return bool(count) and (count % 2 == 1 if opens == closes else count != text.count(closes, 0, at))


def _common(old: str, new: str) -> int:
    """How many characters two texts begin with in common."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if old[low:middle] == new[low:middle] else (low, middle - 1)
    return low


def _common_end(old: str, new: str, most: int) -> int:
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        same = old[len(old) - middle : len(old) - low] == new[len(new) - middle : len(new) - low]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _verdict(judged: Mapping[str, str], unjudged: Mapping[str, Unjudged], reports: list[str]) -> Verdict:
    evidence: dict[str, object] = {
        "judged": dict(judged),
        "not_judged": {path: left.why for path, left in unjudged.items()},
    }
    if "python" in judged.values():
        evidence["python"] = _PYTHON
    if reports:
        return failed("syntax", feedback=bounded(reports), evidence=evidence)
    if judged:
        return passed("syntax", evidence=evidence)
    return skipped("syntax", _nothing(unjudged), _installing(unjudged), evidence=evidence)


def _nothing(unjudged: Mapping[str, Unjudged]) -> str:
    if not unjudged:
        return "The answer changes no file."
    return (
        "No changed file could be judged: " + "; ".join(f"{p}: {left.why}" for p, left in unjudged.items()) + "."
    )


def _installing(unjudged: Mapping[str, Unjudged]) -> str:
    needed = sorted({left.install for left in unjudged.values() if left.install})
    return f"Install {', '.join(needed)} to have it judged." if needed else ""
