"""The task's own tests as sentinels: the same tests with other expected values, of which every one must fail.

What passes whatever it is compared with was not computed: an object equal to everything, a comparison replaced.
Code under test that could tell the two apart would behave in the twin alone. So both are written alike, and
another value looks like one that could be right.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any, TypeAlias

from escalator.validators.tests.assertions import TestFunction, functions_of
from escalator.validators.tests.blind import Blinded
from escalator.validators.tests.others import other_than
from escalator.validators.tests.sources import Edit, Source

_RAISED = ("ZeroDivisionError", "OverflowError", "EOFError", "PermissionError", "RecursionError")
_UNRAISED = "type('Unraised', (Exception,), {})"
_Change: TypeAlias = Callable[[Any], Any]


@dataclass(kw_only=True, slots=True)
class Twin:
    """Test modules with other expectations, and the ids without parameters of the tests that must fail in them."""

    form: Blinded = field(default_factory=Blinded)
    tests: frozenset[str] = frozenset()


def twin_of(tests: Mapping[str, str], chance: Random | None = None) -> Twin:
    """The twin of test modules by path; a module that cannot be read has none."""
    chance = chance or SystemRandom()
    return _rewritten(tests, lambda value: other_than(value, chance), lambda name: _unraised(name, chance))


def plain_of(tests: Mapping[str, str]) -> Blinded:
    """The test modules with their own expectations, written as their twin is."""
    return _rewritten(tests, lambda value: value, lambda name: name).form


def _rewritten(tests: Mapping[str, str], other: _Change, raised: Callable[[str], str]) -> Twin:
    twin, changed = Twin(), set()
    for path, text in tests.items():
        try:
            source = Source(text)
            read = [each for each in functions_of(source.tree) if each.is_test]
            edits = [(each.tests, list(_edits(each, source, other, raised))) for each in read]
            made = source.edited(edit for _, each in edits for edit in each)
            compile(made, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        twin.form.texts[path] = made
        changed |= {f"{path}::{test}" for tests, each in edits if each for test in tests}
    twin.tests = frozenset(changed)
    return twin


def _edits(function: TestFunction, source: Source, other: _Change, raised: Callable[[str], str]) -> Iterator[Edit]:
    """Change what a function expects wherever each passing run of it comes by."""
    for node in _expected(function):
        value = ast.literal_eval(node)
        changed = other(value)
        if _can_be_written(value) and _can_be_written(changed):
            yield Edit(node=node, text=f"({changed!r}\0)")
    for node in function.raises:
        yield Edit(node=node, text=f"({raised(source.segment(node))}\0)")


def _expected(function: TestFunction) -> Iterator[ast.expr]:
    columns = {column.name: column for column in function.columns if column.always}
    seen = set()
    for node in (node for each in function.expectations if each.always and each.hides for node in each.equated):
        if isinstance(node, ast.Name):
            column = columns.pop(node.id, None)
            yield from column.cells if column is not None else ()
        elif id(node) not in seen:
            seen.add(id(node))
            yield node


def _can_be_written(value: object) -> bool:
    """Whether a value is read again from how Python shows it; infinity is not."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False


def _unraised(name: str, chance: Random) -> str:
    """An exception that is not raised where this one is."""
    kind = getattr(builtins, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        return _UNRAISED
    others = [each for each in _RAISED if not issubclass(getattr(builtins, each), kind)]
    return chance.choice(others) if others and name not in _RAISED else _UNRAISED
