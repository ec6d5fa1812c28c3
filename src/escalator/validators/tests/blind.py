"""Takes the expected values out of a test: what runs sends what it got, and the comparison is made outside.

`assert add(2, 2) == 4` becomes `_escalator_check(0, (add(2, 2)))`. The process that runs the answer never holds
the 4, so whatever the answer does there, it passes only with the right value. A literal in a table becomes
`_escalator_hidden(1)`, which stands for it. A test that does anything else with that is run as it is written.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import PurePosixPath
from tokenize import TokenError
from typing import Any, TypeAlias

from escalator.validators.tests.assertions import TestFunction, functions_of
from escalator.validators.tests.expectations import Expectation
from escalator.validators.tests.sources import Edit, Source, without_comments
from escalator.validators.tests.tables import Column

CHECK, HIDDEN = "_escalator_check", "_escalator_hidden"
_STAND_IN = f'globals().get("{HIDDEN}", str)'
"""What makes one, and does no harm where the module is imported by a process that the tests start."""

_CONTROLS = {code: ascii(chr(code))[1:-1] for code in (*range(32), 127)}
_MARKED = re.compile(r"escalator-hidden-(\d+)\.")
_ROW = re.compile(r"-escalator-row-(\d+)\.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """A comparison made outside. `secret` are the operands that name a hidden literal, and which; `line` and
    `shown` are where and how the test writes it.
    """

    file: str
    line: int
    shown: str
    template: str
    code: Any
    operands: int
    literals: Mapping[str, object]
    secret: Mapping[int, frozenset[int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hidden:
    """A literal that was taken out, and the id pytest would give to a test that gets it as a parameter. `given`: a
    test does.
    """

    value: object
    name: str
    given: bool


@dataclass(kw_only=True, slots=True)
class Blinded:
    """Test modules without their expected values. `texts` are by path; `owed` are the checks, and `tables` the
    checks of hidden literals, by which a passing test has come, by its id without parameters; `shares` say how
    much of what it asserts is compared outside, and holds for the right value alone; `rows` how many tests its
    parameters make of it at least, and which hidden literals these get.
    """

    texts: dict[str, str] = field(default_factory=dict)
    checks: dict[int, Check] = field(default_factory=dict)
    hidden: dict[int, Hidden] = field(default_factory=dict)
    owed: dict[str, frozenset[int]] = field(default_factory=dict)
    tables: dict[str, frozenset[tuple[int, int]]] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    rows: dict[str, tuple[int, frozenset[int]]] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=count)
    documented: bool = True

    def take(self, path: str, text: str) -> None:
        """Blind one module; one that cannot be read, or would not compile any more, is left as it is."""
        made = Blinded(numbers=self.numbers, documented=self.documented)
        try:
            made.texts[path] = _Blinder(path, text, made).text()
            compile(made.texts[path], path, "exec", dont_inherit=True)
            if _names_itself(path, text):
                return
        except (SyntaxError, ValueError, RecursionError, MemoryError, TokenError):
            return
        if made.checks:
            self.texts |= made.texts
            self.checks |= made.checks
            self.hidden |= made.hidden
            self.owed |= made.owed
            self.tables |= made.tables
            self.shares |= made.shares
            self.rows |= made.rows

    def named(self, test: str) -> str:
        """The id of a test as pytest would give it without blinding."""
        return _MARKED.sub(lambda found: self.hidden[int(found[1])].name, _ROW.sub("", test))

    def given(self, test: str) -> frozenset[int]:
        """The hidden literals that a test gets as parameters, by its id."""
        return frozenset(map(int, (*_MARKED.findall(test), *_ROW.findall(test))))

    def lost(self, tests: Iterable[str]) -> tuple[str, ...]:
        """The functions of which tests are there, by their ids, but not one for every row of their parameters."""
        there: dict[str, list[frozenset[int]]] = {}
        for test in tests:
            there.setdefault(test.partition("[")[0], []).append(self.given(test))
        return tuple(
            test
            for test, each in there.items()
            for most, given in [self.rows.get(test, (0, frozenset[int]()))]
            if len(each) < most or (any(each) and not given <= frozenset().union(*each))
        )


def blinded(tests: Mapping[str, str], *, documented: bool = True) -> Blinded:
    """Test modules by path without their expected values, and without docstrings unless they are read."""
    made = Blinded(documented=documented)
    for path, text in tests.items():
        made.take(path, text)
    return made


def _names_itself(path: str, text: str) -> bool:
    """Whether a module speaks of its own file: whatever it starts with that must find its values there."""
    name = PurePosixPath(path).stem
    if name not in text:
        return False
    nodes = list(ast.walk(ast.parse(text)))
    told = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in told)
    return any(isinstance(node.value, str) and name in node.value for node in texts)


@dataclass(kw_only=True, slots=True)
class _Part:
    """What every passing call of a function comes by, checks and the literals they name; how many of the things it
    asserts hold for the right value alone.
    """

    asserted: int
    binding: int = 0
    given: frozenset[int] = frozenset()
    owed: set[int] = field(default_factory=set)
    rows: set[tuple[int, int]] = field(default_factory=set)


_Columns: TypeAlias = Mapping[str, tuple[Column, frozenset[int]]]


class _Blinder:
    def __init__(self, path: str, text: str, made: Blinded) -> None:
        self.path, self.made, self.source = path, made, Source(text)
        self.functions = functions_of(self.source.tree)
        self.edits: list[Edit] = []
        self.ids: dict[int, tuple[Any, str]] = {}

    def text(self) -> str:
        """The module as it is run; what it must come by is noted."""
        made = {each.definition: self._blind(each) for each in self.functions}
        for each in self.functions:
            parts = [made[each.definition], *(made[name] for name in each.helpers if name in made)]
            for test in (f"{self.path}::{name}" for name in each.tests):
                self.made.owed[test] = frozenset().union(*(part.owed for part in parts))
                self.made.tables[test] = frozenset().union(*(part.rows for part in parts))
                self.made.rows[test] = (each.rows, made[each.definition].given)
                known, asserted = sum(part.binding for part in parts), sum(part.asserted for part in parts)
                self.made.shares[test] = min(known / asserted, 1.0) if asserted else 0.0
        for node, marks in self.ids.values():
            self.edits.append(Edit(node=node, text=f"({node.value + marks!r}\0)"))
        return without_comments(self.source.edited(self.edits))

    def _blind(self, function: TestFunction) -> _Part:
        """Replace what one function expects."""
        by_statement: dict[int, list[Expectation]] = {}
        for each in function.expectations:
            by_statement.setdefault(id(each.statement), []).append(each)
        columns = {column.name: (column, self._hide(column)) for column in function.columns}
        part = _Part(asserted=function.asserted)
        part.given = frozenset().union(*(numbers for column, numbers in columns.values() if column.given))
        for parts in by_statement.values():
            if any(each.hides for each in parts):
                self._replace(parts, columns, part)
        if (
            part.owed
            and not self.made.documented
            and isinstance(function.node.body[0], ast.Expr)
            and ast.get_docstring(function.node)
        ):
            self.edits.append(Edit(node=function.node.body[0], text="(''\0)"))
        return part

    def _replace(self, parts: list[Expectation], columns: _Columns, part: _Part) -> None:
        texts = []
        for each in parts:
            if not each.hides:
                texts.append(f"assert ({self.source.segment(each.part)})")
                continue
            number = next(self.made.numbers)
            secret = {
                at: columns[name.id]
                for at, name in enumerate(each.operands)
                if isinstance(name, ast.Name) and at in each.secret
            }
            self.made.checks[number] = self._check(each, {at: numbers for at, (_, numbers) in secret.items()})
            operands = "".join(f", ({self.source.segment(operand)})" for operand in each.operands)
            texts.append(f"{CHECK}({number}{operands})")
            part.binding += each.binds
            if each.always:
                part.owed.add(number)
                due = (numbers for column, numbers in secret.values() if column.always and not column.given)
                part.rows |= {(number, hidden) for numbers in due for hidden in numbers}
        self.edits.append(Edit(node=parts[0].statement, text="; ".join(texts)[:-1] + "\0)"))

    def _check(self, each: Expectation, secret: Mapping[int, frozenset[int]]) -> Check:
        whole = ast.fix_missing_locations(ast.Expression(body=each.template))
        return Check(
            file=self.path,
            line=each.statement.lineno,
            shown=self.source.segment(each.statement),
            template=ast.unparse(each.template),
            code=compile(whole, self.path, "eval", dont_inherit=True),
            operands=len(each.operands),
            literals={f"e{at}": ast.literal_eval(literal) for at, literal in enumerate(each.literals)},
            secret=secret,
        )

    def _hide(self, column: Column) -> frozenset[int]:
        numbers = set()
        for row, cell in enumerate(column.cells):
            number, value = next(self.made.numbers), ast.literal_eval(cell)
            name = _id(value, column.name, row)
            self.made.hidden[number] = Hidden(value=value, name=name, given=column.given)
            self.edits.append(Edit(node=cell, text=f"{_STAND_IN}({number}\0)"))
            numbers.add(number)
            if row in column.ids:
                node = column.ids[row]
                self.ids[id(node)] = (node, self.ids.get(id(node), (node, ""))[1] + f"-escalator-row-{number}.")
        return frozenset(numbers)


def _id(value: object, name: str, row: int) -> str:
    """What pytest writes for a parameter in the id of a test."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "backslashreplace").translate(_CONTROLS)
    elif isinstance(value, str):
        value = value.encode("unicode_escape").decode("ascii")
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float | complex):
        return str(value)
    return f"{name}{row}"
