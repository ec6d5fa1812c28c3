"""pytest's ids of single tests, such as `tests/test_x.py::TestC::test_b[1]`, held against the text of the file."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

_BASES = frozenset({"object", "TestCase", "unittest.TestCase"})
"""Classes from which no test is inherited."""


def parted(test: str) -> tuple[str, tuple[str, ...]]:
    """The path of a test id, and the names in it without parameters."""
    path, _, inner = test.partition("::")
    return path, tuple(inner.partition("[")[0].split("::"))


def takes(selected: frozenset[str], test: str) -> bool:
    """Whether a test is one of the selected, stands in a selected class, or is a row of a selected function."""
    path, names = parted(test)
    above = ("::".join([path, *names[:depth]]) for depth in range(1, len(names) + 1))
    return test in selected or any(each in selected for each in above)


def absent(selected: Iterable[str], collected: Iterable[str]) -> tuple[str, ...]:
    """Those of the selected that no collected test is, or is one of."""
    there = tuple(collected)
    return tuple(each for each in selected if not any(takes(frozenset({each}), test) for test in there))


def has_plain_rows(test: str, text: str) -> bool:
    """Whether a test is named with its parameters, and the text alone tells which there are."""
    name = parted(test)[1][-1]
    found = [
        decorator
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        for decorator in node.decorator_list
    ]
    names = {each.id for decorator in found for each in ast.walk(decorator) if isinstance(each, ast.Name)}
    return "[" in test and bool(found) and names <= {"pytest"}


def unknown_in(test: str, text: str) -> tuple[str, str] | None:
    """What of a test id the text of its file does not define, and the nearest name that it does, if there is one;
    None where all is there or that cannot be told.
    """
    try:
        body: list[ast.stmt] = ast.parse(text).body
    except (SyntaxError, ValueError):
        return None
    module = body
    for name in parted(test)[1]:
        nodes = list(_statements(body))
        if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in nodes):
            return None
        bound = dict(_bound(nodes))
        if name not in bound:
            close = get_close_matches(name, bound, n=1, cutoff=0.6)
            return name, close[0] if close else ""
        found = bound[name]
        if not isinstance(found, ast.ClassDef):
            return None
        known = _with_inherited(found, module)
        if known is None:
            return None
        body = known
    return None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, those in its branches included."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _bound(nodes: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """The names that statements bind, each with its statement."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((each.asname or each.name.partition(".")[0], node) for each in node.names)
        else:
            names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
            yield from ((each.id, node) for each in names if isinstance(each.ctx, ast.Store))


def _with_inherited(node: ast.ClassDef, module: list[ast.stmt]) -> list[ast.stmt] | None:
    """The body of a class with those of the module's classes that it inherits from; None where others give it
    tests, or something else may.
    """
    body, classes = list(node.body), dict(_bound(list(_statements(module))))
    if node.decorator_list or node.keywords:
        return None
    for base in map(ast.unparse, node.bases):
        known = classes.get(base)
        if isinstance(known, ast.ClassDef) and known is not node:
            inherited = _with_inherited(known, module)
            if inherited is None:
                return None
            body += inherited
        elif base not in _BASES:
            return None
    return body
