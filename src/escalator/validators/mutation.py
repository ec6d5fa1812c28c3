"""How strong the tests are: small faults are put into an accepted answer, and the tests should notice each."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from escalator.flow import Flow
from escalator.records import Candidate, ChangeSet
from escalator.validators.protocol import Validator, judge

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_SWAPS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """The answer with one fault: `what` was done, in which `function` (empty at module level), at which line."""

    file: str
    line: int
    function: str
    what: str
    text: str

    def __str__(self) -> str:
        where = f" in {self.function}()" if self.function else ""
        return f"{self.file}:{self.line}{where}: {self.what}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StrengthReport:
    """Which faults the tests noticed (`killed`), which they let through, and which could not be judged.

    `left_out` counts faults that were not tried because of the limit.
    """

    killed: tuple[Mutant, ...]
    survived: tuple[Mutant, ...]
    unjudged: tuple[Mutant, ...] = ()
    left_out: int = 0

    @property
    def score(self) -> float | None:
        """The share of judged faults the tests noticed, 0 to 1; None if none could be judged."""
        judged = len(self.killed) + len(self.survived)
        return len(self.killed) / judged if judged else None

    def summary(self) -> str:
        """One line, and one more for each fault that was let through."""
        judged = len(self.killed) + len(self.survived)
        lines = [f"The tests noticed {len(self.killed)} of {judged} faults."]
        return "\n".join([*lines, *(f"let through: {mutant}" for mutant in self.survived)])


def strength(candidate: Candidate, validator: Validator, *, limit: int = 24) -> Flow[StrengthReport]:
    """Run the validator on up to `limit` faulty versions of an accepted Python answer.

    Costs one run of the tests a fault, and no model call; give a validator made with `rerun_flaky=False`, or each
    noticed fault costs two. Faults are spread over the functions the answer changed. Some are harmless by nature
    (the code means the same), so a score of 1 is not always to be had.
    """
    found = mutants_of(candidate)
    chosen = _spread(found, limit)
    killed: list[Mutant] = []
    survived: list[Mutant] = []
    unjudged: list[Mutant] = []
    for mutant in chosen:
        files = {**candidate.changes.files, mutant.file: mutant.text}
        verdict = yield from judge(validator, replace(candidate, changes=ChangeSet(files=files)))
        passes = verdict.passed or verdict.reason == "suspicious"
        (killed if verdict.failed else survived if passes else unjudged).append(mutant)
    return StrengthReport(
        killed=tuple(killed),
        survived=tuple(survived),
        unjudged=tuple(unjudged),
        left_out=len(found) - len(chosen),
    )


def mutants_of(candidate: Candidate) -> tuple[Mutant, ...]:
    """Every faulty version of the answer's Python files, in functions that the answer wrote or changed."""
    found: list[Mutant] = []
    for path, text in candidate.changes.files.items():
        if text is None or not path.endswith(".py") or path in candidate.brief.tests:
            continue
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        known = _functions_as_text(candidate.brief.files.get(path, ""))
        found += [
            mutant for mutant in _mutants(tree, path) if known.get(mutant.function) != _own(tree, mutant.function)
        ]
    unique = {(mutant.file, mutant.text): mutant for mutant in reversed(found)}
    return tuple(reversed(unique.values()))


def _own(tree: ast.Module, name: str) -> str | None:
    return {named: ast.unparse(function) for named, function in _functions(tree)}.get(name)


def _functions_as_text(text: str) -> dict[str, str]:
    try:
        return {name: ast.unparse(function) for name, function in _functions(ast.parse(text))}
    except (SyntaxError, ValueError):
        return {}


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, _Function]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
            yield from _functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _mutants(tree: ast.Module, path: str) -> Iterator[Mutant]:
    """One mutant a place and kind of fault; each is made on a copy of its own."""
    functions = [name for name, _ in _functions(tree)]
    for name in functions:
        original = dict(_functions(tree))[name]
        nodes = list(_inside(original))
        for fault in _FAULTS:
            for index in range(len(nodes)):
                mutated = copy.deepcopy(tree)
                node = list(_inside(dict(_functions(mutated))[name]))[index]
                what = fault(node)
                if what:
                    text = ast.unparse(ast.fix_missing_locations(mutated)) + "\n"
                    yield Mutant(file=path, line=getattr(node, "lineno", 1), function=name, what=what, text=text)


def _inside(function: _Function) -> Iterator[ast.AST]:
    """The function and everything in it, but for the functions and classes inside it."""
    yield function
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        yield node
        pending = [*ast.iter_child_nodes(node), *pending]


def _empty_body(node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not isinstance(node.body[0], ast.Pass):
        node.body = [ast.Pass()]
        return "the body is gone"
    return ""


def _return_none(node: ast.AST) -> str:
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        node.value = ast.Constant(None)
        return "returns None"
    return ""


def _return_constant(node: ast.AST) -> str:
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        node.value = ast.Constant(1)
        return "returns 1"
    return ""


def _negate(node: ast.AST) -> str:
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not isinstance(node.test, ast.Constant):
        node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)
        return "the condition is negated"
    return ""


def _drop_branch(node: ast.AST) -> str:
    if isinstance(node, ast.If):
        node.test = ast.Constant(value=False)
        return "the branch is never taken"
    return ""


def _shift_number(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        node.value += 1
        return f"{node.value - 1} is {node.value}"
    return ""


def _shift_bound(node: ast.AST) -> str:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OPPOSITES:
        before = ast.unparse(node)
        node.ops[0] = _OPPOSITES[type(node.ops[0])]()
        return f"{before} is {ast.unparse(node)}"
    return ""


def _swap_operator(node: ast.AST) -> str:
    if isinstance(node, ast.BinOp) and type(node.op) in _SWAPS:
        before = ast.unparse(node)
        node.op = _SWAPS[type(node.op)]()
        return f"{before} is {ast.unparse(node)}"
    return ""


_FAULTS: tuple[Callable[[ast.AST], str], ...] = (
    _empty_body,
    _return_none,
    _negate,
    _drop_branch,
    _shift_bound,
    _shift_number,
    _swap_operator,
    _return_constant,
)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _spread(found: tuple[Mutant, ...], limit: int) -> tuple[Mutant, ...]:
    """At most `limit` mutants, taken in turn from each function."""
    queues: dict[tuple[str, str], list[Mutant]] = {}
    for mutant in found:
        queues.setdefault((mutant.file, mutant.function), []).append(mutant)
    chosen: list[Mutant] = []
    while len(chosen) < limit and any(queues.values()):
        for queue in queues.values():
            if queue and len(chosen) < limit:
                chosen.append(queue.pop(0))
    return tuple(chosen)
