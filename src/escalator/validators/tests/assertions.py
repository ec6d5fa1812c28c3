"""What the functions of a test module assert, as far as its text says, and the literals behind it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from escalator.validators.tests.collected import Function, asserted, inherited, is_test, tests_of
from escalator.validators.tests.expectations import Expectation, expectations_of
from escalator.validators.tests.tables import Column, columns_of, names_in, row_ids
from escalator.validators.tests.words import words_of

_CALM = frozenset(
    {
        "open",
        "patch",
        "object",
        "dict",
        "subTest",
        "test",
        "context",
        "at_level",
        "disabled",
        "closing",
        "nullcontext",
        "chdir",
        "catch_warnings",
        "warns",
        "deprecated_call",
        "assertWarns",
        "assertLogs",
        "redirect_stdout",
        "redirect_stderr",
        "localcontext",
        "TemporaryDirectory",
        "TemporaryFile",
        "NamedTemporaryFile",
    }
)
_SWALLOWING = ("rais", "suppress", "fail", "error", "expect", "assert")
_LOOKING = ("locals", "vars", "eval", "exec")
_RAISES = ("raises", "pytest.raises", "self.assertRaises")
_LEAVING = ("skip", "xfail", "fail", "importorskip", "skipTest", "exit")
_PLAIN_DECORATORS = ("pytest.mark.", "mark.", "mock.patch", "patch", "unittest.mock.patch", "staticmethod")


@dataclass(kw_only=True, slots=True)
class TestFunction:
    """A function of a test module. `definition` is its id without path, `also` are those under which classes
    inherit it; `raises` are the expressions that name what must be raised; `columns` are the names whose literals
    nothing but its expectations reads. `asserted` counts what it asserts, also by functions that are not read,
    `rows` how many tests its parameters make of it at least.
    """

    node: Function
    definition: str
    also: tuple[str, ...] = ()
    expectations: list[Expectation] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    raises: list[ast.expr] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)
    asserted: int = 0
    rows: int = 1

    @property
    def is_test(self) -> bool:
        """Whether pytest collects it by its name."""
        return is_test(self.node)

    @property
    def tests(self) -> tuple[str, ...]:
        """All ids under which it is collected."""
        return (self.definition, *self.also) if self.is_test else ()

    @property
    def sure(self) -> frozenset[str]:
        """The names that are compared by every run of it that passes."""
        return frozenset(name.id for each in self.expectations if each.always for name in each.names)


def functions_of(tree: ast.Module) -> list[TestFunction]:
    """The test functions of a module, and the helpers that they call once each on their straight way."""
    module = _Module(tree)
    also = inherited(tree)
    tests = [module.read(node, name, also=also.get(name, ())) for name, node in tests_of(tree.body, "").items()]
    called = Counter(name for test in tests for name in test.helpers)
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    helpers = [
        node
        for node in defined
        if not node.decorator_list and 0 < called[node.name] == module.uses[node.name] and not is_test(node)
    ]
    found = [*tests, *(module.read(node, node.name) for node in helpers)]
    for each in found:
        each.asserted = asserted(each.node) + len(module.unread(each, {node.name for node in helpers}))
    return found


class _Module:
    def __init__(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        names = [node for node in nodes if isinstance(node, ast.Name)]
        self.uses = Counter(node.id for node in names if isinstance(node.ctx, ast.Load))
        self.uses.update(node.attr for node in nodes if isinstance(node, ast.Attribute))
        self.bound = Counter(node.id for node in names if not isinstance(node.ctx, ast.Load))
        self.defined = {node.name for node in tree.body if isinstance(node, Function | ast.ClassDef)}
        self.words = words_of(nodes)
        self.asserting = {
            node.name for node in nodes if isinstance(node, Function) and not is_test(node) and asserted(node)
        }
        self.tables = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }

    def read(self, node: Function, definition: str, *, also: tuple[str, ...] = ()) -> TestFunction:
        """What one function asserts; nothing where its decorators, or what calls it, may do anything with it."""
        found = TestFunction(node=node, definition=definition, also=also)
        decorators = [ast.unparse(each) for each in node.decorator_list]
        plain = all(each.startswith(_PLAIN_DECORATORS) and "xfail" not in each for each in decorators)
        if not plain or _yields(node) or (is_test(node) and self.uses[node.name]):
            return found
        tables = self._given(found)
        reader = _Body(self, found)
        reader.read(node.body, always=True)
        found.columns = _unread([*tables, *reader.columns], found)
        _settle(found)
        return found

    def unread(self, found: TestFunction, helpers: set[str]) -> list[str]:
        """The functions of the module that assert something, are used by one of its functions and not read."""
        names = (getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(found.node))
        return [
            name for name in names if name in self.asserting and not (name in helpers and name in found.helpers)
        ]

    def _given(self, test: TestFunction) -> list[Column]:
        """The columns of `parametrize` decorators."""
        found: list[Column] = []
        for decorator in test.node.decorator_list:
            if not isinstance(decorator, ast.Call) or len(decorator.args) != 2:
                continue
            if ast.unparse(decorator.func).endswith("mark.parametrize"):
                names, rows = names_in(decorator.args[0]), self.rows(decorator.args[1])
                test.rows *= max(sum(not isinstance(row, ast.Starred) for row in rows), 1)
                alone = isinstance(decorator.args[0], ast.Constant) and len(names) == 1
                ids = row_ids(decorator, rows)
                found += (
                    [] if ids is None else columns_of(names, rows, given=True, always=True, alone=alone, ids=ids)
                )
        return found

    def rows(self, node: ast.expr) -> list[ast.expr]:
        """The rows of a table: written here, or under a name of the module that nothing else reads."""
        if isinstance(node, ast.Name) and self.uses[node.id] == self.bound[node.id] == 1:
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
            self.found.expectations += expectations_of(node, always=always, words=self.module.words)
            self._helper(node, always=always)
        elif isinstance(node, ast.With | ast.AsyncWith):
            self._with(node, always=always)
        elif isinstance(node, ast.If):
            self.read(node.body, always=False)
            self.read(node.orelse, always=False)
        elif isinstance(node, ast.For):
            self._loop(node, always=always)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._named(node.target, node.value, always=always)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            self._named(node.targets[0], node.value, always=always)

    def _named(self, target: ast.expr, value: ast.expr, *, always: bool) -> None:
        """A name that is given a literal, or several names at once."""
        alone = isinstance(target, ast.Name)
        names = [target.id] if isinstance(target, ast.Name) else names_in(target)
        if names and not isinstance(target, ast.Constant):
            self.columns += columns_of(names, [value], given=False, always=always, alone=alone)

    def _with(self, node: ast.With | ast.AsyncWith, *, always: bool) -> None:
        """A context that may end its body without failing the test says nothing of what stands in it."""
        contexts = [item.context_expr for item in node.items]
        if not any(map(self._swallows, contexts)):
            self.read(node.body, always=always and all(map(_is_calm, contexts)))
        elif always and len(contexts) == 1 and isinstance(contexts[0], ast.Call) and contexts[0].args:
            self.found.raises += contexts[0].args[:1] if ast.unparse(contexts[0].func) in _RAISES else []

    def _swallows(self, context: ast.expr) -> bool:
        """Whether a context may want the assertions in it to fail."""
        if not isinstance(context, ast.Call):
            return True
        function = ast.unparse(context.func)
        return not _is_calm(context) and (
            function in self.module.defined or any(word in function.lower() for word in _SWALLOWING)
        )

    def _loop(self, node: ast.For, *, always: bool) -> None:
        rows = self.module.rows(node.iter)
        if not rows or any(isinstance(each, ast.Break | ast.Continue) for each in ast.walk(node)):
            return
        always = always and not _may_leave(node)
        alone = isinstance(node.target, ast.Name)
        names = [node.target.id] if isinstance(node.target, ast.Name) else names_in(node.target)
        self.columns += columns_of(names, rows, given=False, always=always, alone=alone)
        self.read(node.body, always=always)

    def _helper(self, node: ast.Assert | ast.Expr, *, always: bool) -> None:
        call = node.value if isinstance(node, ast.Expr) else None
        if always and isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            self.found.helpers.add(call.func.id)


def _is_calm(context: ast.expr) -> bool:
    """Whether a context is known to let every exception through, and to raise none for want of one."""
    return isinstance(context, ast.Call) and ast.unparse(context.func).rpartition(".")[2] in _CALM


def _unread(columns: list[Column], found: TestFunction) -> list[Column]:
    """The columns whose names are bound once, and read by nothing but expectations and their messages."""
    loads, stores = Counter[str](), Counter[str]()
    for node in ast.walk(found.node):
        if isinstance(node, ast.Name):
            (loads if isinstance(node.ctx, ast.Load) else stores)[node.id] += 1
        elif isinstance(node, ast.Global | ast.Nonlocal):
            stores.update(node.names)
    if any(loads[name] for name in _LOOKING):
        return []
    asked = Counter(name.id for each in found.expectations for name in each.names)
    messages = {id(each.statement): each.message for each in found.expectations if each.message is not None}
    told = Counter(node.id for each in messages.values() for node in ast.walk(each) if isinstance(node, ast.Name))
    return [
        column
        for column in columns
        if loads[column.name] == asked[column.name] + told[column.name]
        and asked[column.name] > 0
        and stores[column.name] == (0 if column.given else 1)
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
