"""The house as DESIGN fixes it: a room imports only rooms above it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "escalator"

ORDER = (
    "foreign",
    "errors",
    "remedies",
    "forking",
    "plugins",
    "languages",
    "workspace",
    "records",
    "kinds",
    "sellers",
    "flow",
    "steps",
    "story",
    "walk",
    "matrix",
    "pricing",
    "planning",
    "classify",
    "answers",
    "sandbox",
    "validators",
    "providers",
    "ledger",
    "redaction",
    "events",
    "execution",
    "review",
    "resources",
    "options",
    "client",
    "sinks",
    "report",
    "evidence",
    "lint",
    "testing",
    "simulation",
    "cli",
)


TOLD_APART = {("errors", "records")}
"""An error names the type of the outcome it is about, which itself may raise it."""


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Rooms of escalator that a file imports anywhere in it, for its types alone included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "escalator":
            parts = node.module.split(".")
            names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
            yield from ((name if name in ORDER else "client", node.lineno) for name in names)
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "escalator" and len(parts) > 1:
                    yield parts[1], node.lineno


FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_rooms_above_it(path: Path) -> None:
    """A room never reaches down: what is decided above cannot depend on what is performed below."""
    room = room_of(path)
    assert room in ORDER, f"{room} is a new room; give it a place in the order"
    above = ORDER[: ORDER.index(room) + 1]
    wrong = [(name, line) for name, line in imports_of(ast.parse(path.read_text())) if name not in above]
    assert [(name, line) for name, line in wrong if (room, name) not in TOLD_APART] == []


PUBLIC = {
    *(
        "foreign",
        "errors",
        "events",
        "remedies",
        "kinds",
        "records",
        "matrix",
        "pricing",
        "lint",
        "languages",
        "sandbox",
        "providers",
    ),
    *("validators", "ledger", "report", "review", "evidence", "simulation", "cli"),
}
"""Rooms a program of a user's may import from as well; the others are how `escalator` itself is made."""


@pytest.mark.parametrize("path", sorted((SOURCE / "cli").glob("*.py")), ids=lambda path: path.name)
def test_the_command_line_is_a_client_of_the_public_api(path: Path) -> None:
    """A command needs nothing that a program of a user's could not use: public rooms, and no private name."""
    from escalator import __all__ as exported

    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "escalator":
            parts, names = (node.module or "").split("."), [alias.name for alias in node.names]
            if len(parts) == 1:
                assert set(names) <= {*exported, "__version__"}, f"line {node.lineno}"
            else:
                assert parts[1] in PUBLIC, f"line {node.lineno}"
                assert not [name for name in (*parts, *names) if name.startswith("_")], f"line {node.lineno}"


def test_the_walk_knows_nothing_of_the_world() -> None:
    """The walk and its story import no clock, file, SDK, YAML, loop or chance."""
    for name in ("walk.py", "story.py", "steps.py", "flow.py"):
        tree = ast.parse((SOURCE / name).read_text())
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        outside = {module for module in modules if module and not module.startswith("escalator")}
        assert outside <= {"__future__", "collections.abc", "contextlib", "dataclasses", "typing"}, name


def test_the_walk_fits_on_one_screen() -> None:
    """Each function of the walk can be read without scrolling."""
    tree = ast.parse((SOURCE / "walk.py").read_text())
    lengths = {f.name: (f.end_lineno or 0) - f.lineno + 1 for f in tree.body if isinstance(f, ast.FunctionDef)}
    assert max(lengths.values()) <= 30, lengths
    assert len((SOURCE / "walk.py").read_text().splitlines()) <= 120


def test_importing_escalator_loads_nothing_heavy() -> None:
    """`from escalator import execute` loads no SDK, no HTTP, no YAML, no pydantic, no loop and no thread pool."""
    code = (
        "import sys, threading; from escalator import execute; "
        "heavy = {'anthropic', 'google.genai', 'httpx2', 'pydantic', 'yaml', 'tree_sitter', 'asyncio', 'structlog',"
        " 'sqlite3', 'tenacity', 'genai_prices', 'typer', 'rich', 'psycopg'}; "
        "print(sorted(heavy & set(sys.modules)), threading.active_count())"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[] 1"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_stay_small(path: Path) -> None:
    """A file that outgrows 450 lines wants to be two rooms."""
    assert len(path.read_text().splitlines()) <= 450


MOST_ANY = 10.0
"""`Any` in a thousand lines; each is a place where the type checker looks away."""

MOST_LONG_CALLS = 14
"""Functions with more than four positional parameters: their calls cannot be read without looking them up."""


def test_the_type_checker_looks_away_seldom() -> None:
    """What is only handed on or looked at with isinstance is an object; `Any` is for what third parties leave open."""
    lines = sum(len(path.read_text().splitlines()) for path in FILES)
    names = [
        node for path in FILES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)
    ]
    assert sum(node.id == "Any" for node in names) / lines * 1000 < MOST_ANY


def test_calls_say_what_their_arguments_are() -> None:
    """From the fifth argument on, with few exceptions, an argument is passed by name; a command takes names only."""
    long = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                places = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
                if len([name for name in places if name not in {"self", "cls"}]) > 4:
                    long.append(f"{path.relative_to(SOURCE)}: {node.name}")
    assert len(long) <= MOST_LONG_CALLS, "\n".join(long)
    assert not [each for each in long if each.startswith("cli/")]
