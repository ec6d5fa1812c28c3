"""The task's own tests as sentinels: the same tests with other expected values, of which every one must fail.

What passes whatever it is compared with was not computed: an object equal to everything, a comparison replaced.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from escalator.validators.tests.assertions import TestFunction, functions_of
from escalator.validators.tests.blind import Blinded
from escalator.validators.tests.sources import Edit, Source

_UNRAISED = "type('Unraised', (Exception,), {})"


@dataclass(kw_only=True, slots=True)
class Twin:
    """Test modules with other expectations, and the ids without parameters of the tests that must fail in them."""

    form: Blinded = field(default_factory=Blinded)
    tests: frozenset[str] = frozenset()


def twin_of(tests: Mapping[str, str]) -> Twin:
    """The twin of test modules by path; a module that cannot be read has none."""
    twin, changed = Twin(), set()
    for path, text in tests.items():
        try:
            source = Source(text)
            edits = [(each.tests, list(_edits(each))) for each in functions_of(source.tree) if each.is_test]
            made = source.edited(edit for _, each in edits for edit in each)
            compile(made, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        twin.form.texts[path] = made
        changed |= {f"{path}::{test}" for tests, each in edits if each for test in tests}
    twin.tests = frozenset(changed)
    return twin


def _edits(function: TestFunction) -> Iterator[Edit]:
    """Change what a function expects wherever each passing run of it comes by."""
    columns = {column.name: column for column in function.columns if column.always}
    seen = set()
    for node in (node for each in function.expectations if each.always and each.hides for node in each.equated):
        if isinstance(node, ast.Name):
            column = columns.pop(node.id, None)
            cells = column.cells if column is not None else ()
        else:
            cells = (node,) if id(node) not in seen else ()
            seen.add(id(node))
        for cell in cells:
            yield Edit(node=cell, text=f"({_other(ast.literal_eval(cell))!r}\0)")
    for raised in function.raises:
        yield Edit(node=raised, text=f"({_UNRAISED}\0)")


def _other(value: Any) -> Any:
    """A value of the same kind that is not equal to the given one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float | complex):
        return next(each for each in (value + 1, value / 2 + 1, 0) if each != value)
    if isinstance(value, str):
        return value + "~"
    if isinstance(value, bytes):
        return value + b"~"
    new = "~" * (len(max(map(str, value), key=len, default="")) + 1) if isinstance(value, set | dict) else "~"
    if isinstance(value, list):
        return [*value, new]
    if isinstance(value, tuple):
        return (*value, new)
    if isinstance(value, set):
        return {*value, new}
    return {**value, new: new} if isinstance(value, dict) else False
