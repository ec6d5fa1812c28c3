"""Finds classes that compare without looking at what they compare with."""

from __future__ import annotations

import ast

EQUALS = frozenset({"__eq__", "__ne__"})
"""The methods that say whether two objects are equal."""


def equal_to_all(node: ast.ClassDef) -> str:
    """What is suspicious about how a class compares; empty if nothing is."""
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef) and inner.name in EQUALS and _ignores_other(inner):
            return f"an {inner.name} that does not look at what it compares"
        if isinstance(inner, ast.Assign) and _blind_lambda(inner):
            return "an __eq__ that does not look at what it compares"
    return ""


def _blind_lambda(node: ast.Assign) -> bool:
    named = {target.id for target in node.targets if isinstance(target, ast.Name)}
    return (
        bool(named & EQUALS) and isinstance(node.value, ast.Lambda) and _blind(node.value.args, [node.value.body])
    )


def _ignores_other(function: ast.FunctionDef) -> bool:
    body = [
        part for part in function.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
    ]
    honest = all(
        isinstance(part, ast.Raise)
        or (
            isinstance(part, ast.Return) and isinstance(part.value, ast.Name) and part.value.id == "NotImplemented"
        )
        for part in body
    )
    return not honest and _blind(function.args, list(body))


def _blind(arguments: ast.arguments, body: list[ast.AST]) -> bool:
    """Whether nothing in the body reads the second parameter."""
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    if len(names) < 2:
        return arguments.vararg is not None
    used = {node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name)}
    return names[1] not in used
