"""Which functions of a test module pytest collects, and under which ids."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TypeAlias

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
