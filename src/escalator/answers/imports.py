"""Imports that come with a piece of a Python file, merged into those the file has."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import TypeAlias

_Import: TypeAlias = tuple[str | None, int, str, str | None]
"""The module (None for a plain import), its dots, the name and what it is bound as."""


def with_imports(lines: Sequence[str], imported: Sequence[str]) -> str | None:
    """The file with these import lines added where it does not have them; None if they bind a name of it anew."""
    text = "\n".join(lines)
    if not imported:
        return text
    try:
        tree, wanted = ast.parse(text), ast.parse("\n".join(imported))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    there = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    known = set(_all_names(there))
    missing = [name for name in dict.fromkeys(_all_names(wanted.body)) if name not in known]
    bound = {_bound(name): name for name in known}
    if any(bound.get(_bound(name), name) != name and "." not in name[2] for name in missing):
        return None
    future = [_statement(name) for name in missing if name[0] == "__future__"]
    others = [_statement(name) for name in missing if name[0] != "__future__"]
    rows = list(lines)
    start = _start(tree)
    end = max((node.end_lineno or 0 for node in there), default=start)
    rows[end:end] = others if there or not others else [*others, "", ""]
    rows[start:start] = ["", *future] if future and start else [*future, ""] if future else []
    return "\n".join(rows)


def _all_names(nodes: Iterable[ast.stmt]) -> list[_Import]:
    found: list[_Import] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [(None, 0, each.name, each.asname) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.module or "", node.level, each.name, each.asname) for each in node.names]
    return found


def _bound(name: _Import) -> str:
    return name[3] or (name[2].partition(".")[0] if name[0] is None else name[2])


def _statement(name: _Import) -> str:
    module, level, imported, bound = name
    alias = f" as {bound}" if bound else ""
    return (
        f"import {imported}{alias}" if module is None else f"from {'.' * level}{module} import {imported}{alias}"
    )


def _start(tree: ast.Module) -> int:
    """The line behind a docstring, or that of the first statement, decorators included."""
    if not tree.body:
        return 0
    first = tree.body[0]
    if ast.get_docstring(tree, clean=False) is not None:
        return first.end_lineno or 1
    return min(node.lineno for node in ast.walk(first) if isinstance(node, ast.expr | ast.stmt)) - 1
