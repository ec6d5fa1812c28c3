"""Which runner takes which tests: by the files, what they import, and what the project has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from escalator.records import Brief
from escalator.validators.stacks import javascript, packages
from escalator.validators.stacks.golang import Go
from escalator.validators.stacks.node import JEST, NODE, VITEST
from escalator.validators.stacks.rust import Cargo, is_integration_test
from escalator.validators.stacks.stack import Lack, Share, Stack, nearest
from escalator.validators.stacks.stated import Stated

Runner: TypeAlias = Literal["pytest", "node", "vitest", "jest", "go", "cargo", "command"]
RUNNERS: tuple[str, ...] = get_args(Runner)

_BY_IMPORT: tuple[tuple[frozenset[str], Stack], ...] = (
    (frozenset({"vitest"}), VITEST),
    (frozenset({"@jest/globals"}), JEST),
    (frozenset({"node:test", "test"}), NODE),
)
_OTHERS = (
    "mocha",
    "ava",
    "tape",
    "tap",
    "uvu",
    "jasmine",
    "bun:test",
    "@std/testing",
    "qunit",
    "@playwright/test",
)
_ASSERTS = frozenset({"assert", "node:assert", "assert/strict", "node:assert/strict"})
_EXPORTS = re.compile(r"^\s*export\s|\bmodule\.exports\b|^exports\.", re.MULTILINE)
_BY_NAME: dict[str, Stack] = {"node": NODE, "vitest": VITEST, "jest": JEST, "go": Go(), "cargo": Cargo()}
_MANIFESTS = {"go": "go.mod", "cargo": "Cargo.toml"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """Tests and who runs them; `lack` instead of a stack where nobody here can."""

    stack: Stack | None
    share: Share
    lack: Lack | None = None


def chosen(brief: Brief, runner: str | None = None, stated: Stated | None = None) -> tuple[Chosen, ...]:
    """The tests of a task that are not pytest's, by runner and package. A named runner takes all it can."""
    if stated is not None:
        return (Chosen(stack=stated, share=Share(root="", tests=brief.tests)),) if brief.tests else ()
    found: dict[tuple[str, str], Chosen] = {}
    for path, text in brief.tests.items():
        for stack, lack in _takers(brief, path, text, runner):
            name = stack.name if stack is not None else ""
            root = nearest(brief, path, _MANIFESTS.get(name, "package.json")) or ""
            before = found.get((name, root))
            tests = {**(before.share.tests if before is not None else {}), path: text}
            found[name, root] = Chosen(stack=stack, share=Share(root=root, tests=tests), lack=lack)
    return tuple(found.values())


def _takers(brief: Brief, path: str, text: str, runner: str | None) -> Iterator[tuple[Stack | None, Lack | None]]:
    """The one runner of a file, none where the file holds no tests."""
    stack, lack = _of(brief, path, text)
    if (stack is None and lack is None) or runner == "pytest":
        return
    if runner is None:
        yield stack, lack
    elif runner in {"node", "vitest", "jest"} and javascript.language(path):
        yield _BY_NAME[runner], None
    elif stack is not None and stack.name == runner:
        yield stack, None


def _of(brief: Brief, path: str, text: str) -> tuple[Stack | None, Lack | None]:
    if path.endswith("_test.go"):
        return _BY_NAME["go"], None
    if is_integration_test(path):
        return _BY_NAME["cargo"], None
    return _of_javascript(brief, path, text) if javascript.language(path) else (None, None)


def _of_javascript(brief: Brief, path: str, text: str) -> tuple[Stack | None, Lack | None]:
    imported = javascript.imports(text)
    for names, stack in _BY_IMPORT:
        if imported & names:
            return stack, None
    other = next((name for name in _OTHERS if name in imported), None)
    if other is None and not javascript.calls_tests(text):
        is_script = bool(imported & _ASSERTS) and not _EXPORTS.search(text)
        return (NODE, None) if is_script else (None, None)
    root = nearest(brief, path, "package.json") or ""
    asked = packages.declared(brief, root)
    known = [] if other else [VITEST, JEST]
    has = [each for each in known if each.name in asked]
    has += [each for each in known if packages.installed(brief, root, each.bin)]
    if has:
        return has[0], None
    other = other or next((name for name in _OTHERS if name in asked), None)
    who = other or "a runner that gives them `test` and `expect`, and the project names none"
    mend = "Set the options command and format of the validator tests to what runs them and how it reports."
    if other is None:
        mend = "Write them for node:test, or install vitest or jest in the project."
    return None, Lack(why=f"The tests in {path} are written for {who}.", mend=mend)
