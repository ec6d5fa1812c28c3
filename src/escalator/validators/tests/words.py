"""What names mean in a test module, as far as its own text and imports say."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PURE = ("abs", "round")
"""Built-in functions that can be computed apart."""

ASSERTIONS = {
    **dict.fromkeys(("assertEqual", "assertEquals", "assertListEqual", "assertTupleEqual"), ast.Eq),
    **dict.fromkeys(("assertDictEqual", "assertSetEqual", "assertMultiLineEqual"), ast.Eq),
    "assertNotEqual": ast.NotEq,
    "assertIn": ast.In,
    "assertNotIn": ast.NotIn,
    "assertLess": ast.Lt,
    "assertLessEqual": ast.LtE,
    "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE,
    "assertIs": ast.Is,
}
"""Methods of unittest that compare two values, and how."""

COMPUTED = {"assertAlmostEqual": "almost", "assertSequenceEqual": "sequence"}
"""Methods of unittest that compare two values by a function."""

_IN_MODULES = {"math": "isclose", "pytest": "approx"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What names mean in a test module. `functions`: those that can be computed apart, as they are written there;
    `own`: the names it defines itself, so that they mean nothing else.
    """

    functions: Mapping[str, str]
    own: frozenset[str]


PLAIN_WORDS = Words(functions={"abs": "abs", "round": "round"}, own=frozenset())
"""The words of a module that imports nothing."""


def words_of(nodes: list[ast.AST]) -> Words:
    """The words of a module, by all its nodes. A name that it binds in another way than by the one import means
    something else.
    """
    bound = Counter(_bound(nodes))
    imported = Counter(_imported(nodes))
    functions = {name: name for name in PURE if not bound[name]}
    for (written, name), times in imported.items():
        if bound[written.partition(".")[0]] == times:
            functions[written] = name
    unlike = frozenset(ASSERTIONS) if bound["addTypeEqualityFunc"] else frozenset()
    return Words(functions=functions, own=frozenset(bound) | unlike)


def _imported(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """How a module writes the functions of others that can be computed apart, and what these are."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.name in _IN_MODULES:
                    yield f"{each.asname or each.name}.{_IN_MODULES[each.name]}", _IN_MODULES[each.name]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            name = _IN_MODULES.get(node.module or "")
            yield from ((each.asname or each.name, name) for each in node.names if name and each.name == name)


def _bound(nodes: list[ast.AST]) -> Iterator[str]:
    """The names that a module binds, once for every time; a method that changes what equal means counts as one."""
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (each.asname or each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.Attribute) and node.attr == "addTypeEqualityFunc":
            yield node.attr
