"""What a run of the tests means: which tests count, what is the answer's fault and what is not. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from escalator.records import Candidate
from escalator.validators.tests.lacking import asked_for, lacking, own_modules
from escalator.validators.tests.layout import Suite
from escalator.validators.tests.naming import Naming
from escalator.validators.tests.nodes import absent
from escalator.validators.tests.session import Session

_SKIPS = frozenset({"Skipped", "SkipTest"})
_NETWORK = ("Network is unreachable", "Temporary failure in name resolution", "Name or service not known")


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """Which tests must pass. `ids` are test ids; `patterns` are definitions, each of which must appear as one or
    more tests; `excused` may be skipped or fail as expected, because the tests themselves say so;
    `chosen` are ids that the caller gave, of which each must be one test or more.
    """

    ids: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    excused: frozenset[str] = frozenset()
    chosen: tuple[str, ...] = ()

    def missing(self, collected: tuple[str, ...]) -> tuple[str, ...]:
        """What was expected and is not there."""
        there = set(collected)
        defined = {_definition(test) for test in collected}
        return tuple(test for test in self.ids if test not in there) + tuple(
            test for test in (*self.patterns, *absent(self.chosen, collected)) if test not in defined
        )

    def excuses(self, test: str) -> bool:
        """Whether this test may be skipped."""
        return test in self.excused or _definition(test) in self.excused


def expect(suite: Suite, base: Session | None, given: tuple[str, ...] | None) -> Expected:
    """The tests that must pass: the caller's list, else what the untouched project collected, else what the
    text of the tests defines. Nothing but what a test did in the untouched project excuses it, where it ran there.
    """
    usable = base is not None and base.report.intact and not base.hung
    known = base.tests if base is not None and usable else {}
    ids, patterns = list(given or ()), []
    excused = {test for test, result in known.items() if result in {"skipped", "xfailed"}}
    for path in suite.files:
        text = str(suite.trusted[path])
        defined, forgiven = _definitions(path, text, naming=suite.settings.naming, own=suite.project)
        defined = [test for test in defined if suite.takes(test)]
        seen = [test for test in known if test.partition("::")[0] == path]
        failing = _expected_to_fail(path, text, suite.settings.naming)
        excused |= {test for test in seen if known[test] == "failed" and _definition(test) in failing}
        if not seen:
            excused |= forgiven
        if given is None and seen:
            ids += seen
        elif given is None and not _skips_itself(base, path):
            patterns += defined
    chosen = suite.selected if given is None else ()
    return Expected(ids=tuple(ids), patterns=tuple(patterns), excused=frozenset(excused), chosen=chosen)


def _skips_itself(base: Session | None, path: str) -> bool:
    """Whether a test module stepped aside as a whole, as `pytest.importorskip` makes it do."""
    return base is not None and base.report.imports.get(path, {}).get("type") in _SKIPS


def not_passed(session: Session, expected: Expected) -> tuple[str, ...]:
    """Ids of tests that did not pass, those left out that are skipped by their own text."""
    wrong = []
    for test, result in session.tests.items():
        if result in {"failed", "unfinished"} or (result in {"skipped", "xfailed"} and not expected.excuses(test)):
            wrong.append(test)
    return tuple(wrong)


def trouble(
    session: Session, base: Session | None, candidate: Candidate, suite: Suite
) -> dict[str, tuple[str, str]]:
    """Tests (or test modules) that no answer could pass here: id -> what is wrong, and what a person can do.

    Only what the tests themselves need counts; what the answer's own code lacks is the answer's fault.
    """
    found = {}
    earlier = _errors(base) if base is not None else {}
    for test, facts in _errors(session).items():
        before = earlier.get(test)
        same = before is not None and all(before.get(key) == facts.get(key) for key in ("type", "module"))
        said = lacking(before, facts, candidate, suite) or _environment(facts, candidate, suite, same_before=same)
        if said is not None and (
            before is None
            or lacking(before, before, candidate, suite)
            or _environment(before, candidate, suite, same_before=same)
        ):
            found[test] = said
    if base is not None and base.tests.keys() & found.keys():
        passed_before = set(base.report.with_result("passed"))
        found = {test: said for test, said in found.items() if test not in passed_before}
    return found


def of_machine(facts: Mapping[str, object], candidate: Candidate, suite: Suite) -> tuple[str, str] | None:
    """What is wrong, and what a person can do, where an error of the untouched project is none of its own."""
    return lacking(facts, facts, candidate, suite) or _environment(facts, candidate, suite, same_before=True)


def _errors(session: Session) -> dict[str, Mapping[str, object]]:
    """What went wrong, by test or test module; a module that steps aside counts only where nothing else ran."""
    errors: dict[str, Mapping[str, object]] = dict(session.report.imports)
    if any(result == "passed" for result in session.tests.values()):
        errors = {test: error for test, error in errors.items() if error.get("type") not in _SKIPS}
    for test, detail in session.report.details.items():
        error = detail.get("error") or {}
        if test not in session.sentinels and error.get("type") not in _SKIPS:
            shown = f"{detail.get('message', '')}\n{detail.get('text', '')}"
            errors[test] = {**error, "shown": shown, "when": detail.get("when", "")}
    return errors


def _environment(
    facts: Mapping[str, object], candidate: Candidate, suite: Suite, *, same_before: bool
) -> tuple[str, str] | None:
    kind, message = str(facts.get("type", "")), str(facts.get("message", ""))
    shown, where = f"{message}\n{facts.get('shown', '')}", str(facts.get("where", ""))
    from_tests = any(where.endswith(f"/{path}") for path in suite.trusted)
    if kind == "ModuleNotFoundError":
        return _missing_module(str(facts.get("module", "")), candidate, blameless=from_tests or same_before)
    if kind == "SyntaxError" and any(str(facts.get("file", "")).endswith(f"/{path}") for path in suite.trusted):
        return f"The tests do not parse: {message}.", "Correct the test file."
    if kind in _SKIPS and same_before:
        return f"The tests step aside as a whole: {message}.", "Give them what they look for, or other tests."
    if kind == "FixtureLookupError":
        fixture = re.search(r"fixture '([^']+)' not found", shown)
        name = fixture.group(1) if fixture else "?"
        return (
            f"The tests ask for the fixture {name!r}, which no loaded plug-in or conftest.py defines.",
            "Name the plug-in that defines it in the option plugins of the validator tests.",
        )
    if "async def functions are not natively supported" in shown:
        return (
            "The tests are coroutines and no plug-in that runs them is loaded.",
            "Install pytest-asyncio or anyio beside pytest, or name another plug-in in the option plugins.",
        )
    if "[Errno 30]" in message:
        return "The project is written to, and is read-only in the sandbox.", "Set the option writable: true."
    if any(sign in message for sign in _NETWORK) or kind == "gaierror":
        return "The tests need a network, and the sandbox has none.", "Give tests that need no network."
    return None


def _missing_module(name: str, candidate: Candidate, *, blameless: bool) -> tuple[str, str] | None:
    top = name.partition(".")[0]
    if not blameless or top in own_modules(candidate) or asked_for(top, candidate.brief):
        return None
    return (
        f"The tests need {name!r}, which neither the project nor the answer nor the interpreter has.",
        "Install it beside pytest, or name the file the answer belongs in with files=.",
    )


def _definition(test: str) -> str:
    return test.partition("[")[0]


def _definitions(path: str, text: str, *, naming: Naming, own: Collection[str]) -> tuple[list[str], set[str]]:
    """The tests a module visibly defines, and those of them that it skips by a decorator which asks nothing of the
    project's `own` modules.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return [], set()
    defined: list[str] = []
    excused: set[str] = set()
    theirs = _imported_from(tree, own)
    blanket = any(
        _says_skip(node) for node in tree.body if isinstance(node, ast.Assign) and not _reads(node, theirs)
    )
    for node, prefix, forgiven in _test_functions(tree, path, blanket=blanket, naming=naming):
        decorators = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
        if "fixture" in decorators:
            continue
        defined.append(f"{prefix}::{node.name}")
        asks = any(_reads(decorator, theirs) for decorator in node.decorator_list)
        if forgiven or (_skips(decorators) and not asks):
            excused.add(defined[-1])
    return defined, excused


def _expected_to_fail(path: str, text: str, naming: Naming) -> set[str]:
    """The tests that a module marks as failing: that they failed in another way before is no promise to pass."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return set()
    return {
        f"{prefix}::{node.name}"
        for node, prefix, _ in _test_functions(tree, path, blanket=False, naming=naming)
        if any("mark.xfail" in ast.unparse(decorator) for decorator in node.decorator_list)
    }


def _imported_from(tree: ast.Module, own: Collection[str]) -> frozenset[str]:
    """The names under which a module has what it imports from these top-level modules."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] in own):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            tops = {
                alias.asname or alias.name.partition(".")[0]: alias.name.partition(".")[0] for alias in node.names
            }
            names |= {name for name, top in tops.items() if top in own}
    return frozenset(names)


def _reads(node: ast.AST, names: frozenset[str]) -> bool:
    return any(isinstance(each, ast.Name) and each.id in names for each in ast.walk(node))


def _test_functions(
    tree: ast.Module, path: str, *, blanket: bool, naming: Naming
) -> list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str, bool]]:
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and naming.takes_function(node.name):
            found.append((node, path, blanket))
        elif isinstance(node, ast.ClassDef) and _is_test_class(node, naming):
            forgiven = blanket or _skips(" ".join(ast.unparse(each) for each in node.decorator_list))
            takes = Naming().takes_function if _is_unittest(node) else naming.takes_function
            found += [
                (inner, f"{path}::{node.name}", forgiven)
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and takes(inner.name)
            ]
    return found


def _is_test_class(node: ast.ClassDef, naming: Naming) -> bool:
    body = {inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)}
    switched_off = any(isinstance(inner, ast.Assign) and "__test__" in ast.unparse(inner) for inner in node.body)
    if switched_off:
        return False
    return _is_unittest(node) or (naming.takes_class(node.name) and "__init__" not in body)


def _is_unittest(node: ast.ClassDef) -> bool:
    return "TestCase" in " ".join(ast.unparse(base) for base in node.bases)


def _says_skip(node: ast.Assign) -> bool:
    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    return "pytestmark" in names and _skips(ast.unparse(node.value))


def _skips(decorators: str) -> bool:
    return any(word in decorators for word in ("skip", "xfail", "expectedFailure"))
