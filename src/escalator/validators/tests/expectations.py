"""One assertion of a test, taken apart: what is computed, what it is compared with, and how."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from escalator.validators.tests.words import ASSERTIONS, COMPUTED, PLAIN_WORDS, PURE, Words

_LARGE = 1000


@dataclass(kw_only=True, slots=True)
class Expectation:
    """`part` of a `statement` asserts that `template` holds: an expression over `operands` (a0, a1...), which are
    computed or names of the test, and `literals` (e0, e1...). `always`: a test that passes has come by here;
    `equated` are the literals and names that must equal something; `hides`: it holds a value to be hidden;
    `binds`: what is computed must be that value, so that no other passes.
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
    binds: bool = False

    @property
    def message(self) -> ast.expr | None:
        """What the statement says where it fails, of which nothing is left when it is rewritten."""
        return self.statement.msg if isinstance(self.statement, ast.Assert) else None

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
        self.binds = self.hides and _binds(self.template, {f"a{at}" for at in self.secret})
        return self.hides


def expectations_of(node: ast.Assert | ast.Expr, *, always: bool, words: Words = PLAIN_WORDS) -> list[Expectation]:
    """What a statement asserts, one expectation for each part of an `and`; none where it asserts nothing."""
    test = node.test if isinstance(node, ast.Assert) else _unittest(node.value, words)
    if test is None:
        return []
    found = []
    for part in _conjuncts(test):
        each = Expectation(statement=node, part=part, always=always)
        each.template = _Template(each, words).build(part)
        each.equated = _equated(part)
        found.append(each)
    return found


def _conjuncts(test: ast.expr) -> list[ast.expr]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [inner for part in test.values for inner in _conjuncts(part)]
    return [test]


def _equated(part: ast.expr) -> list[ast.expr]:
    """The sides of a comparison that can hold for no other value of theirs."""
    if not isinstance(part, ast.Compare) or len(part.ops) != 1:
        return []
    sides = [part.left, part.comparators[0]]
    if isinstance(part.ops[0], ast.Eq):
        return [side for side in sides if isinstance(side, ast.Name) or is_literal(side)]
    written = isinstance(part.ops[0], ast.Is) and hasattr(part, "lineno")
    return [side for side in sides if written and _is_singleton(side)]


def _unittest(call: ast.expr, words: Words) -> ast.expr | None:
    """A call of one of unittest's assertions as the expression it asserts."""
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    if not isinstance(call.func.value, ast.Name) or call.func.value.id != "self" or call.func.attr in words.own:
        return None
    if {each.arg for each in call.keywords} - {"msg"} or any(isinstance(each, ast.Starred) for each in call.args):
        return None
    return _asserted(call.func.attr, call.args)


def _asserted(name: str, given: list[ast.expr]) -> ast.expr | None:
    """What a method of unittest asserts of its arguments."""
    if name in ASSERTIONS and len(given) in {2, 3}:
        return ast.Compare(left=given[0], ops=[ASSERTIONS[name]()], comparators=[given[1]])
    if name in COMPUTED and len(given) == 2:
        return ast.Call(func=ast.Constant(value=COMPUTED[name]), args=given, keywords=[])
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

    def __init__(self, found: Expectation, words: Words) -> None:
        self.found, self.words = found, words

    def build(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Compare):
            return self._compare(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ast.UnaryOp(op=node.op, operand=self.build(node.operand))
        if is_literal(node):
            self.found.literals.append(node)
            return ast.Name(id=f"e{len(self.found.literals) - 1}", ctx=ast.Load())
        if isinstance(node, ast.BinOp) and _small(node) and self._holds_literal(node):
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
        built = [self.build(side) for side in sides]
        return ast.Compare(left=built[0], ops=node.ops, comparators=built[1:])

    def _call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Constant):
            return _called(str(node.func.value), list(map(self.build, node.args)), node.keywords)
        name = self._meant(node)
        plain = not node.keywords and not any(isinstance(each, ast.Starred) for each in node.args)
        if name in PURE and plain and node.args and self._holds_literal(node):
            return _called(name, list(map(self.build, node.args)))
        if name == "approx" and len(node.args) == 1 and _fixed(node, "rel", "abs", "nan_ok"):
            return _called("approx", [self.build(node.args[0])], node.keywords)
        if name == "isclose" and len(node.args) == 2 and _fixed(node, "rel_tol", "abs_tol"):
            return _called("isclose", list(map(self.build, node.args)), node.keywords)
        return self._operand(node)

    def _meant(self, node: ast.Call) -> str:
        """The function that is called, if it is one that can be computed apart."""
        written = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
        return self.words.functions.get(written, "")

    def _holds_literal(self, node: ast.expr) -> bool:
        """Whether a value is written out in it, calls of other functions apart."""
        if isinstance(node, ast.BinOp):
            return self._holds_literal(node.left) or self._holds_literal(node.right)
        if isinstance(node, ast.Call) and self._meant(node) in PURE:
            return any(map(self._holds_literal, node.args))
        return is_literal(node)


def _binds(template: ast.expr, secret: set[str]) -> bool:
    """Whether a template holds for one value, or few, of what is computed: those it is compared with."""
    if isinstance(template, ast.Call) and len(template.args) == 2 and ast.unparse(template.func) not in PURE:
        return _is_known(template.args[0], secret) != _is_known(template.args[1], secret)
    if not isinstance(template, ast.Compare):
        return False
    sides = [template.left, *template.comparators]
    return any(
        _binds_sides(sides[at], op, sides[at + 1], secret) for at, op in enumerate(template.ops) if _is_one(op)
    )


def _binds_sides(left: ast.expr, op: ast.cmpop, right: ast.expr, secret: set[str]) -> bool:
    known = (_is_known(left, secret), _is_known(right, secret))
    if isinstance(op, ast.Gt | ast.GtE):
        return _binds_sides(right, ast.Lt(), left, secret)
    if isinstance(op, ast.Lt | ast.LtE):
        near = left.args[0] if isinstance(left, ast.Call) and known == (False, True) else None
        if not isinstance(near, ast.BinOp) or not isinstance(near.op, ast.Sub):
            return False
        return _is_known(near.left, secret) != _is_known(near.right, secret)
    return known[0] != known[1] and not (isinstance(op, ast.In) and known[0])


def _is_one(op: ast.cmpop) -> bool:
    return isinstance(op, ast.Eq | ast.Is | ast.In | ast.Lt | ast.LtE | ast.Gt | ast.GtE)


def _is_known(node: ast.expr, secret: set[str]) -> bool:
    """Whether nothing in a template comes from where the answer runs."""
    names = (each.id for each in ast.walk(node) if isinstance(each, ast.Name) and each.id[1:].isdigit())
    return all(name[0] == "e" or name in secret for name in names)


def _called(name: str, arguments: list[ast.expr], keywords: list[ast.keyword] | None = None) -> ast.expr:
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=arguments, keywords=keywords or [])


def _fixed(node: ast.Call, *known: str) -> bool:
    return all(each.arg in known and is_literal(each.value) for each in node.keywords)


def _small(node: ast.BinOp) -> bool:
    """Whether computing it takes no more room than what it is computed from."""
    if isinstance(node.op, ast.Mult):
        return any(isinstance(each, ast.Constant) and _is_number(each.value) for each in (node.left, node.right))
    return isinstance(node.op, ast.Add | ast.Sub | ast.Div)


def _is_number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGE)


def _is_singleton(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is a value written out."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
