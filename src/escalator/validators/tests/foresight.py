"""What the tests' run on the untouched project tells of every answer: that none could be judged. Pure.

An answer changes the task's own files or adds others, so only what neither can mend is foreseen: pytest does not
run at all, or every test fails in what the machine lacks, in code that the task does not give.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from escalator.records import Brief, Candidate, ChangeSet, Verdict
from escalator.validators.protocol import unavailable
from escalator.validators.tests.decision import of_machine
from escalator.validators.tests.feedback import tidy
from escalator.validators.tests.hearing import LIST_THEM, Case, Hearing, did_not_start, no_such_test
from escalator.validators.tests.lacking import own_modules
from escalator.validators.tests.nodes import absent, has_plain_rows
from escalator.validators.tests.rerun import NAME
from escalator.validators.tests.session import Session

_DECLARED_IN = ("pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "noxfile.py")
_NOBODYS = frozenset({"pytest", "conftest", "tests", "test", "py", "src"})
_MOST = 1_000_000
_FRAME = re.compile(r"^(\S+?):\d+: in ", re.MULTILINE)
_RAISED = re.compile(r"^E   (\w+)(?:: (.*))?$", re.MULTILINE)
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")


def foreseen(case: Case, brief: Brief) -> Verdict | None:
    """The verdict of reason "unavailable" that every answer would get, or None where that is open."""
    base = case.base
    if base is None or base.result.killed:
        return None
    hearing = Hearing(Candidate(brief=brief, changes=ChangeSet()), case, base, expected=None)
    told = hearing.unrunnable()
    if told is not None:
        return replace(told, reason="unavailable")
    why = _whole_run(case, brief, base) or _no_such_test(case, base) or _every_test(case, brief, base)
    return None if why is None else unavailable(NAME, *why)


def _no_such_test(case: Case, base: Session) -> tuple[str, str] | None:
    """What is wrong where a test was named with parameters that it does not have."""
    suite, report = case.bench.suite, base.report
    for test in absent(suite.selected, report.collected) if base.sound else ():
        path = test.partition("::")[0]
        if path not in report.collect and has_plain_rows(test, suite.texts[path]):
            return no_such_test(test), LIST_THEM
    return None


def _every_test(case: Case, brief: Brief, base: Session) -> tuple[str, str] | None:
    """What is wrong where every test fails, each in what the machine lacks."""
    report = base.report
    if not report.intact or any(result != "failed" for result in base.tests.values()):
        return None
    errors = {test: report.imports.get(test, {}) for test, seen in report.collect.items() if seen.failed}
    for test in base.tests:
        detail = report.details.get(test, {})
        shown = f"{detail.get('message', '')}\n{detail.get('text', '')}"
        errors[test] = {**(detail.get("error") or {}), "shown": shown, "when": detail.get("when", "")}
    found = [_lacks(facts, case, brief) for facts in errors.values()]
    return found[0] if found and all(found) else None


def _whole_run(case: Case, brief: Brief, base: Session) -> tuple[str, str] | None:
    """What is wrong where pytest gave up before any test: over its settings, or a conftest.py it cannot import."""
    if did_not_start(base):
        shown = tidy(base.result.stderr, 600)
        own = own_modules(Candidate(brief=brief, changes=ChangeSet())) - _NOBODYS
        if any(re.search(rf"\b{re.escape(name)}\b", shown) for name in own if name):
            return None  # the settings name what may be the answer's to write
        return f"pytest does not start: {shown}", "See that it runs in the project by itself."
    if base.report.status != 4 or base.report.collected:
        return None
    said = base.result.stderr
    raised = _RAISED.findall(said)
    if not raised:
        return None
    (kind, message), module = raised[-1], _NO_MODULE.search(said)
    passed = [path.removeprefix("/workspace/") for path in _FRAME.findall(said)]
    facts = {
        "type": kind,
        "message": message,
        "passed": "\n".join(path for path in passed if not path.startswith(("/", "..", "<"))),
        "module": module[1] if module is not None else "",
        "where": f"/{passed[-1]}" if passed else "",
    }
    return _lacks(facts, case, brief)


def _lacks(facts: Mapping[str, object], case: Case, brief: Brief) -> tuple[str, str] | None:
    """What is wrong, and what mends it, where an error is the machine's and no answer could take it away."""
    passed = [path for path in str(facts.get("passed", "")).split("\n") if path]
    asks_for_fixture = facts.get("type") == "FixtureLookupError"
    if set(passed) & {str(PurePosixPath(path)) for path in brief.files} or not (passed or asks_for_fixture):
        return None
    if asks_for_fixture and _speaks_of_fixtures(brief):
        return None
    module = str(facts.get("module", "")).partition(".")[0]
    if facts.get("type") == "ModuleNotFoundError" and "." not in str(facts.get("module", "")):
        foreign = module and module not in own_modules(Candidate(brief=brief, changes=ChangeSet()))
        needed = passed[-1] not in case.bench.suite.given or _declares(brief, module)
        if not foreign or not needed or re.search(rf"\b{re.escape(module)}\b", brief.prompt):
            return None
    return of_machine(facts, Candidate(brief=brief, changes=ChangeSet()), case.bench.suite)


def _speaks_of_fixtures(brief: Brief) -> bool:
    """Whether an answer may be wanted that defines fixtures."""
    return any("fixture" in text for text in (brief.prompt, *brief.files.values()))


def _declares(brief: Brief, module: str) -> bool:
    """Whether the project says that it needs a module of this name."""
    word = re.compile(rf"(?<![\w.-]){re.escape(module).replace('_', '[-_]')}(?![\w-])", re.IGNORECASE)
    return any(word.search(text) for text in _declarations(brief.workspace))


def _declarations(root: Path | None) -> Iterator[str]:
    """The texts in which a project says what it needs."""
    if root is None:
        return
    for path in (*(root / name for name in _DECLARED_IN), *sorted(root.glob("*requirements*.txt"))):
        if path.is_file() and path.stat().st_size < _MOST:
            yield path.read_text("utf-8", "replace")
