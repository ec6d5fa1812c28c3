"""Tables of values in a test: the rows of a loop or of `parametrize`, and what their names stand for."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from escalator.validators.tests.expectations import is_literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A name that takes one literal after another. `given`: as a parameter; `always`: every passing test does;
    `ids` are the names that the rows are given, by number.
    """

    name: str
    cells: tuple[ast.expr, ...]
    given: bool
    always: bool
    ids: Mapping[int, ast.Constant] = field(default_factory=dict)


def names_in(node: ast.expr) -> list[str]:
    """The names a `parametrize` or the target of a loop gives, in order; none where they are not plain."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [name.strip() for name in node.value.split(",")]
    if isinstance(node, ast.List | ast.Tuple):
        plain = [each.value if isinstance(each, ast.Constant) else getattr(each, "id", None) for each in node.elts]
        return [name for name in plain if isinstance(name, str)] if all(plain) else []
    return []


def columns_of(
    names: list[str],
    rows: list[ast.expr],
    *,
    given: bool,
    always: bool,
    alone: bool,
    ids: Mapping[int, ast.Constant] | None = None,
) -> list[Column]:
    """The columns of a table that hold nothing but literals. `alone`: a row is what the one name stands for."""
    cells = [_cells(row, alone=alone) for row in rows]
    if not rows or not all(len(row) == len(names) for row in cells):
        return []
    return [
        Column(name=name, cells=column, given=given, always=always, ids=ids or {})
        for name, column in zip(names, zip(*cells, strict=True), strict=True)
        if all(map(is_literal, column))
    ]


def _cells(row: ast.expr, *, alone: bool) -> list[ast.expr]:
    if isinstance(row, ast.Call) and ast.unparse(row.func).endswith("pytest.param"):
        return [] if "xfail" in ast.unparse(row) else row.args
    if alone:
        return [row]
    return row.elts if isinstance(row, ast.List | ast.Tuple) else []


def row_ids(parametrize: ast.Call, rows: list[ast.expr]) -> dict[int, ast.Constant] | None:
    """The names that rows of parameters are given, by their numbers; None where they are not plain texts."""
    given = {each.arg: each.value for each in parametrize.keywords}
    written = given.get("ids")
    if not given:
        own = {at: each.value for at, row in enumerate(rows) for each in _keywords(row) if each.arg == "id"}
    elif len(given) == 1 and isinstance(written, ast.List | ast.Tuple) and len(written.elts) == len(rows):
        own = dict(enumerate(written.elts))
    else:
        return None
    texts = {at: each for at, each in own.items() if isinstance(each, ast.Constant)}
    named = {at: each for at, each in texts.items() if isinstance(each.value, str)}
    return (
        named if all(texts[at].value is None for at in texts.keys() - named) and len(texts) == len(own) else None
    )


def _keywords(row: ast.expr) -> list[ast.keyword]:
    return row.keywords if isinstance(row, ast.Call) else []
