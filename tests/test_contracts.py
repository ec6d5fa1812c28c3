"""Conventions that a reviewer would otherwise have to repeat."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from pathlib import Path

import pytest

import escalator
from escalator import errors, records, steps

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "escalator"
FILES = sorted(SOURCE.rglob("*.py"))


def test_every_exported_name_exists_and_is_sorted() -> None:
    """`__all__` is the public surface: sorted, without duplicates, and every name can be had."""
    assert escalator.__all__ == sorted(set(escalator.__all__))
    for name in escalator.__all__:
        assert getattr(escalator, name) is not None


def test_the_public_contract_is_exported() -> None:
    """The names that other tools import are the ones promised."""
    promised = {"execute", "aexecute", "resume", "aresume", "classify", "validate", "Escalator", "Task", "Outcome"}
    assert promised | {"load_matrix"} <= set(escalator.__all__)


def test_unknown_names_raise_attribute_error() -> None:
    """A typo in an import fails like in any other module."""
    with pytest.raises(AttributeError, match="no attribute 'exceute'"):
        _ = escalator.exceute  # type: ignore[attr-defined]


def test_the_version_has_one_source() -> None:
    """The version is the distribution's, stated once in pyproject.toml."""
    stated = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert stated is not None
    assert escalator.__version__ == stated[1]


RECORDS = [name for name in records.__all__ if dataclasses.is_dataclass(getattr(records, name))]


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_frozen_and_keyword_only(name: str) -> None:
    """A record cannot be changed after it was made, nor be built from arguments in the wrong order."""
    record = getattr(records, name)
    assert record.__dataclass_params__.frozen  # type: ignore[union-attr]
    assert all(field.kw_only for field in dataclasses.fields(record))


def test_every_error_is_in_the_tree_drawn_at_the_top() -> None:
    """The picture of the error tree shows every class, and every class comes from one root."""
    found = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert errors.__doc__ is not None
    for name in found:
        assert name in errors.__doc__
        assert issubclass(getattr(errors, name), errors.EscalatorError)


def _public_definitions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    for owner in [node for node in found if isinstance(node, ast.ClassDef)]:
        found += [n for n in owner.body if isinstance(n, kinds) and not n.name.startswith("_")]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_public_name_has_a_docstring(path: Path) -> None:
    """Every module and every public function, class and method says in a sentence what it is."""
    tree = ast.parse(path.read_text())
    missing = [node.name for node in _public_definitions(tree) if ast.get_docstring(node) is None]
    assert ast.get_docstring(tree) is not None
    assert missing == []


UNFINISHED = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "for " + "now", "place" + "holder")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_is_left_unfinished(path: Path) -> None:
    """No file promises what it does not do."""
    text = path.read_text()
    assert [word for word in UNFINISHED if word in text] == []


TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_every_test_is_a_sentence(path: Path) -> None:
    """Every test says in a docstring which behaviour it holds us to."""
    tree = ast.parse(path.read_text())
    tests = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    silent = [t.name for t in tests if t.name.startswith("test_") and ast.get_docstring(t) is None]
    assert silent == []


def test_steps_are_frozen() -> None:
    """What a walk asks for cannot be changed on the way."""
    kinds = [value for value in vars(steps).values() if dataclasses.is_dataclass(value) and inspect.isclass(value)]
    assert len(kinds) >= 9
    assert all(kind.__dataclass_params__.frozen for kind in kinds)
