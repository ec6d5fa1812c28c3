"""What the functions of a test module assert, as far as its text says, and the literals behind it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from escalator.validators.tests.expectations import Expectation, expectations_of, is_literal

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_SWALLOWING = ("raises", "warns", "suppress", "assertRaises", "assertWarns", "assertLogs", "deprecated_call")
_LEAVING = ("skip", "xfail", "fail", "importorskip", "skipTest", "exit")
_PLAIN_DECORATORS = ("pytest.mark.", "mark.", "mock.patch", "patch", "unittest.mock.patch", "staticmethod")


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A name that takes one literal after another. `given`: as a parameter; `always`: every passing test does."""

    name: str
    cells: tuple[ast.expr, ...]
    given: bool
    always: bool


@dataclass(kw_only=True, slots=True)
class TestFunction:
    """A function of a test module. `definition` is its id without path, `raises` are the expressions that name
    what must be raised; `columns` are the names whose literals nothing but its expectations reads.
    """

    node: Function
    definition: str
    expectations: list[Expectation] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    raises: list[ast.expr] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)

    @property
    def is_test(self) -> bool:
        """Whether pytest collects it by its name."""
        return _is_test(self.node)


def functions_of(tree: ast.Module) -> list[TestFunction]:
    """The test functions of a module, and the helpers that they call once each on their straight way."""
    module = _Module(tree)
    tests = [module.read(node, definition) for node, definition in _tests(tree)]
    called = Counter(name for test in tests for name in test.helpers)
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    helpers = [
        node
        for node in defined
        if not node.decorator_list and 0 < called[node.name] == module.uses[node.name] and not _is_test(node)
    ]
    return [*tests, *(module.read(node, node.name) for node in helpers)]


def _tests(tree: ast.Module) -> Iterator[tuple[Function, str]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_test(node):
            yield node, node.name
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and _is_test(inner):
                    yield inner, f"{node.name}::{inner.name}"


def _is_test(node: Function) -> bool:
    return node.name.startswith("test")


class _Module:
    def __init__(self, tree: ast.Module) -> None:
        self.uses = Counter(
            node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        )
        self.tables = {
            node.targets[0].id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        }

    def read(self, node: Function, definition: str) -> TestFunction:
        """What one function asserts; nothing where its decorators may do anything with it."""
        found = TestFunction(node=node, definition=definition)
        decorators = [ast.unparse(each) for each in node.decorator_list]
        plain = all(each.startswith(_PLAIN_DECORATORS) and "xfail" not in each for each in decorators)
        if not plain or _yields(node):
            return found
        tables = self._given(node)
        reader = _Body(self, found)
        reader.read(node.body, always=True)
        found.columns = _unread([*tables, *reader.columns], found)
        _settle(found)
        return found

    def _given(self, node: Function) -> list[Column]:
        """The columns of `parametrize` decorators."""
        found = []
        for decorator in node.decorator_list:
            if not isinstance(decorator, ast.Call) or len(decorator.args) != 2 or decorator.keywords:
                continue
            if ast.unparse(decorator.func).endswith("mark.parametrize"):
                names, rows = _names(decorator.args[0]), self.rows(decorator.args[1])
                found += _columns(names, rows, given=True, always=True)
        return found

    def rows(self, node: ast.expr) -> list[ast.expr]:
        """The rows of a table: written here, or under a name of the module that nothing else reads."""
        if isinstance(node, ast.Name) and self.uses[node.id] == 1:
            node = self.tables.get(node.id, node)
        return node.elts if isinstance(node, ast.List | ast.Tuple) else []


class _Body:
    """Reads the statements of a function on its straight way."""

    def __init__(self, module: _Module, found: TestFunction) -> None:
        self.module, self.found, self.columns = module, found, list[Column]()

    def read(self, body: Iterable[ast.stmt], *, always: bool) -> None:
        """`always`: whether every passing test comes by here."""
        for statement in body:
            self._statement(statement, always=always)
            always = always and not _may_leave(statement)

    def _statement(self, node: ast.stmt, *, always: bool) -> None:
        if isinstance(node, ast.Assert | ast.Expr):
            self.found.expectations += expectations_of(node, always=always)
            self._helper(node, always=always)
        elif isinstance(node, ast.With | ast.AsyncWith):
            self._with(node, always=always)
        elif isinstance(node, ast.If):
            self.read(node.body, always=False)
            self.read(node.orelse, always=False)
        elif isinstance(node, ast.For):
            self._loop(node, always=always)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self.columns += _columns([node.targets[0].id], [node.value], given=False, always=always)

    def _with(self, node: ast.With | ast.AsyncWith, *, always: bool) -> None:
        contexts = [item.context_expr for item in node.items]
        swallowing = [each for each in contexts if any(word in ast.unparse(each) for word in _SWALLOWING)]
        if not swallowing:
            self.read(node.body, always=always)
        for context in swallowing:
            named = isinstance(context, ast.Call) and ast.unparse(context.func).endswith(
                ("raises", "assertRaises")
            )
            if always and named and isinstance(context, ast.Call) and context.args:
                self.found.raises.append(context.args[0])

    def _loop(self, node: ast.For, *, always: bool) -> None:
        rows = self.module.rows(node.iter)
        if not rows or any(isinstance(each, ast.Break | ast.Continue) for each in ast.walk(node)):
            return
        names = _names(node.target) if not isinstance(node.target, ast.Name) else [node.target.id]
        self.columns += _columns(names, rows, given=False, always=always)
        self.read(node.body, always=always)

    def _helper(self, node: ast.Assert | ast.Expr, *, always: bool) -> None:
        call = node.value if isinstance(node, ast.Expr) else None
        if always and isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            self.found.helpers.add(call.func.id)


def _names(node: ast.expr) -> list[str]:
    """The names a `parametrize` or the target of a loop gives, in order; none where they are not plain."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [name.strip() for name in node.value.split(",")]
    if isinstance(node, ast.List | ast.Tuple):
        plain = [each.value if isinstance(each, ast.Constant) else getattr(each, "id", None) for each in node.elts]
        return [name for name in plain if isinstance(name, str)] if all(plain) else []
    return []


def _columns(names: list[str], rows: list[ast.expr], *, given: bool, always: bool) -> list[Column]:
    """The columns of a table that hold nothing but literals."""
    cells = [_cells(row, len(names)) for row in rows]
    if not rows or not all(len(row) == len(names) for row in cells):
        return []
    return [
        Column(name=name, cells=column, given=given, always=always)
        for name, column in zip(names, zip(*cells, strict=True), strict=True)
        if all(map(is_literal, column))
    ]


def _cells(row: ast.expr, width: int) -> list[ast.expr]:
    if isinstance(row, ast.Call) and ast.unparse(row.func).endswith("pytest.param"):
        return [] if "xfail" in ast.unparse(row) else row.args
    if width == 1:
        return [row]
    return row.elts if isinstance(row, ast.List | ast.Tuple) else []


def _unread(columns: list[Column], found: TestFunction) -> list[Column]:
    """The columns whose names are bound once, and read by nothing but expectations."""
    names = [node for node in ast.walk(found.node) if isinstance(node, ast.Name)]
    loads = Counter(node.id for node in names if isinstance(node.ctx, ast.Load))
    stores = Counter(node.id for node in names if not isinstance(node.ctx, ast.Load))
    asked = Counter(name.id for each in found.expectations for name in each.names)
    return [
        column
        for column in columns
        if loads[column.name] == asked[column.name] > 0 and stores[column.name] == (0 if column.given else 1)
    ]


def _settle(found: TestFunction) -> None:
    """Note which expectations hide something, and keep the columns that only those read."""
    while True:
        hidden = {column.name for column in found.columns}
        left = {name.id for each in found.expectations if not each.settle(hidden) for name in each.names}
        if not left & hidden:
            return
        found.columns = [column for column in found.columns if column.name not in left]


def _may_leave(statement: ast.stmt) -> bool:
    """Whether a statement may end the function before its last line is reached, without failing it."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Return):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _LEAVING:
                return True
    return False


def _yields(node: Function) -> bool:
    return any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node))
