"""Which functions of a test module pytest collects, and under which ids."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TypeAlias

_WANTING = frozenset({"raises", "warns", "deprecated_call"})

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def tests_of(body: list[ast.stmt], prefix: str) -> dict[str, Function]:
    """The test functions of a module or class by their ids without path; of two of one name the last counts."""
    found: dict[str, Function] = {}
    for node in body:
        if isinstance(node, Function) and is_test(node):
            found[prefix + node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= tests_of(node.body, f"{prefix}{node.name}::")
    return found


def is_test(node: Function) -> bool:
    """Whether pytest collects a function by its name."""
    return node.name.startswith("test")


def inherited(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """The ids that a test has in the classes of its module that inherit it, by its own."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found: dict[str, tuple[str, ...]] = {}
    for name in classes:
        seen: set[str] = set()
        for owner in _line(name, classes):
            own = {each.name for each in classes[owner].body if isinstance(each, Function) and is_test(each)}
            for test in own - seen if owner != name else ():
                found[f"{owner}::{test}"] = (*found.get(f"{owner}::{test}", ()), f"{name}::{test}")
            seen |= own
    return found


def _line(name: str, classes: Mapping[str, ast.ClassDef], above: tuple[str, ...] = ()) -> Iterator[str]:
    """A class and those of its module that it inherits from, in the order in which names are looked up."""
    yield name
    for base in classes[name].bases:
        if isinstance(base, ast.Name) and base.id in classes and base.id not in (*above, name):
            yield from _line(base.id, classes, (*above, name))


def asserted(node: Function) -> int:
    """How many things a function asserts: parts of its assertions, what it wants raised, calls that assert."""
    return sum(map(_asserts, ast.walk(node)))


def _asserts(node: ast.AST) -> int:
    if isinstance(node, ast.Assert):
        return _parts(node.test)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        return 0
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    return int(name.startswith("assert") or name in _WANTING)


def _parts(test: ast.expr) -> int:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return sum(map(_parts, test.values))
    return 0 if isinstance(test, ast.Constant) else 1
