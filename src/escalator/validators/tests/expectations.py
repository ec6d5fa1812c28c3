"""One assertion of a test, taken apart: what is computed, what it is compared with, and how."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_PURE = ("abs", "round")
_COMPARED = {
    **dict.fromkeys(("assertEqual", "assertEquals", "assertListEqual", "assertTupleEqual"), ast.Eq),
    **dict.fromkeys(("assertDictEqual", "assertSetEqual", "assertMultiLineEqual", "assertSequenceEqual"), ast.Eq),
    "assertNotEqual": ast.NotEq,
    "assertIn": ast.In,
    "assertNotIn": ast.NotIn,
    "assertLess": ast.Lt,
    "assertLessEqual": ast.LtE,
    "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE,
    "assertIs": ast.Is,
}


@dataclass(kw_only=True, slots=True)
class Expectation:
    """`part` of a `statement` asserts that `template` holds: an expression over `operands` (a0, a1...), which are
    computed or names of the test, and `literals` (e0, e1...). `always`: a test that passes has come by here;
    `equated` are the literals and names that must equal something; `hides`: it holds a value to be hidden.
    """

    statement: ast.Assert | ast.Expr
    part: ast.expr
    always: bool
    template: ast.expr = field(default_factory=lambda: ast.Constant(value=None))
    operands: list[ast.expr] = field(default_factory=list)
    literals: list[ast.expr] = field(default_factory=list)
    equated: list[ast.expr] = field(default_factory=list)
    secret: frozenset[int] = frozenset()
    hides: bool = False

    @property
    def names(self) -> list[ast.Name]:
        """Operands that are nothing but a name: what they stand for may be a literal of the test."""
        return [each for each in self.operands if isinstance(each, ast.Name)]

    def settle(self, hidden: set[str]) -> bool:
        """Note which operands are names of hidden literals; whether anything is hidden at all."""
        self.secret = frozenset(
            at for at, each in enumerate(self.operands) if isinstance(each, ast.Name) and each.id in hidden
        )
        computed = len(self.operands) > len(self.secret)
        self.hides = computed and bool(self.secret or self.literals)
        return self.hides


def expectations_of(node: ast.Assert | ast.Expr, *, always: bool) -> list[Expectation]:
    """What a statement asserts, one expectation for each part of an `and`; none where it asserts nothing."""
    test = node.test if isinstance(node, ast.Assert) else _unittest(node.value)
    if test is None:
        return []
    found = []
    for part in _conjuncts(test):
        each = Expectation(statement=node, part=part, always=always)
        each.template = _Template(each).build(part)
        found.append(each)
    return found


def _conjuncts(test: ast.expr) -> list[ast.expr]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [inner for part in test.values for inner in _conjuncts(part)]
    return [test]


def _unittest(call: ast.expr) -> ast.expr | None:
    """A call of one of unittest's assertions as the expression it asserts."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    if not isinstance(call.func.value, ast.Name) or call.func.value.id != "self":
        return None
    if {each.arg for each in call.keywords} - {"msg"} or any(isinstance(each, ast.Starred) for each in call.args):
        return None
    return _asserted(call.func.attr, call.args)


def _asserted(name: str, given: list[ast.expr]) -> ast.expr | None:
    """What a method of unittest asserts of its arguments."""
    if name in _COMPARED and len(given) in {2, 3}:
        return ast.Compare(left=given[0], ops=[_COMPARED[name]()], comparators=[given[1]])
    if name == "assertAlmostEqual" and len(given) == 2:
        return _called("almost", given)
    if len(given) not in {1, 2}:
        return None
    alone: dict[str, ast.expr] = {
        "assertTrue": given[0],
        "assertFalse": ast.UnaryOp(op=ast.Not(), operand=given[0]),
        "assertIsNone": ast.Compare(left=given[0], ops=[ast.Is()], comparators=[ast.Constant(value=None)]),
    }
    return alone.get(name)


class _Template:
    """Builds the expression that is evaluated outside; what it does not know is an operand as a whole."""

    def __init__(self, found: Expectation) -> None:
        self.found = found

    def build(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ast.UnaryOp(op=node.op, operand=self.build(node.operand))
        if is_literal(node):
            self.found.literals.append(node)
            return ast.Name(id=f"e{len(self.found.literals) - 1}", ctx=ast.Load())
        if isinstance(node, ast.BinOp) and isinstance(node.op, _ARITHMETIC) and _holds_literal(node):
            return ast.BinOp(left=self.build(node.left), op=node.op, right=self.build(node.right))
        if isinstance(node, ast.Call):
            return self._call(node)
        return self._operand(node)

    def _operand(self, node: ast.expr) -> ast.expr:
        self.found.operands.append(node)
        return ast.Name(id=f"a{len(self.found.operands) - 1}", ctx=ast.Load())

    def _compare(self, node: ast.Compare) -> ast.expr:
        sides = [node.left, *node.comparators]
        for at, op in enumerate(node.ops):
            if isinstance(op, ast.IsNot):
                return self._operand(node)
            if isinstance(op, ast.Is) and not any(_is_singleton(side) for side in sides[at : at + 2]):
                return self._operand(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            self.found.equated += [side for side in sides if isinstance(side, ast.Name) or is_literal(side)]
        built = [self.build(side) for side in sides]
        return ast.Compare(left=built[0], ops=node.ops, comparators=built[1:])

    def _call(self, node: ast.Call) -> ast.expr:
        name = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
        plain = not node.keywords and not any(isinstance(each, ast.Starred) for each in node.args)
        if name in _PURE and plain and node.args and _holds_literal(node):
            return _called(name, [self.build(node.args[0]), *map(self.build, node.args[1:])])
        if name == "almost":
            return _called(name, list(map(self.build, node.args)))
        if name in {"approx", "pytest.approx"} and len(node.args) == 1 and _fixed(node):
            return _called("approx", [self.build(node.args[0])], node.keywords)
        if name in {"isclose", "math.isclose"} and len(node.args) == 2 and _fixed(node):
            return _called("isclose", list(map(self.build, node.args)), node.keywords)
        return self._operand(node)


def _called(name: str, arguments: list[ast.expr], keywords: list[ast.keyword] | None = None) -> ast.expr:
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=arguments, keywords=keywords or [])


def _fixed(node: ast.Call) -> bool:
    return all(each.arg and is_literal(each.value) for each in node.keywords)


def _is_singleton(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def _holds_literal(node: ast.expr) -> bool:
    """Whether a value is written out in it, calls of other functions apart."""
    if isinstance(node, ast.BinOp):
        return _holds_literal(node.left) or _holds_literal(node.right)
    if isinstance(node, ast.Call) and ast.unparse(node.func) in _PURE:
        return any(_holds_literal(each) for each in node.args)
    return is_literal(node)


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is a value written out."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def holds(template: Any, values: Mapping[str, object]) -> bool:
    """Whether a compiled template holds of these values, which are exact built-in ones. Raises what it raises."""
    return bool(eval(template, {"__builtins__": {}, **_FUNCTIONS, **values}))  # noqa: S307  the task's own expression


class Approximately:
    """A number, or a list, tuple or dict of numbers, that others may be near: within 1e-6 of it, or 1e-12."""

    def __init__(self, expected: Any, rel: float | None = None, abs: float | None = None) -> None:  # noqa: A002
        self.expected, self.relative, self.absolute = expected, rel, abs

    def __eq__(self, other: object) -> bool:
        return self._near(other, self.expected)

    __hash__ = None  # type: ignore[assignment]

    def _near(self, actual: Any, expected: Any) -> bool:
        if isinstance(expected, dict):
            return (
                isinstance(actual, dict)
                and actual.keys() == expected.keys()
                and all(self._near(actual[key], expected[key]) for key in expected)
            )
        if isinstance(expected, list | tuple):
            return (
                isinstance(actual, list | tuple)
                and len(actual) == len(expected)
                and all(map(self._near, actual, expected))
            )
        if isinstance(expected, bool) or not isinstance(expected, int | float | complex):
            return bool(actual == expected)
        if not isinstance(actual, int | float | complex):
            return False
        absolute = 1e-12 if self.absolute is None else self.absolute
        relative = (0.0 if self.absolute is not None else 1e-6) if self.relative is None else self.relative
        return actual == expected or abs(actual - expected) <= max(absolute, relative * abs(expected))


def _isclose(first: float, second: float, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> bool:
    import math

    return math.isclose(first, second, rel_tol=rel_tol, abs_tol=abs_tol)


def _almost(first: Any, second: Any) -> bool:
    return bool(first == second) or round(abs(first - second), 7) == 0


_FUNCTIONS = {"abs": abs, "round": round, "approx": Approximately, "isclose": _isclose, "almost": _almost}
