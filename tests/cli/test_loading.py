"""What a command loads: counted, not timed, so that a slow machine says the same as a fast one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from escalator.cli.app import TABLE, app

HEAVY = {
    *("pydantic", "httpx2", "anthropic", "google.genai", "genai_prices", "tree_sitter", "sqlite3", "asyncio"),
    *("structlog", "tenacity", "jsonschema", "psycopg", "escalator.execution.performer", "escalator.ledger"),
    *("escalator.sandbox", "escalator.answers", "escalator.providers", "escalator.simulation", "escalator.report"),
}
SCRIPT = """
import json, sys
sys.argv[0] = "escalator"
from escalator.cli import main
status = 0
try:
    main()
except SystemExit as left:
    status = left.code
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""


def loaded(*words: str, cwd: Path) -> tuple[int, set[str]]:
    """The exit status of a command, and the modules it loaded."""
    shown = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], cwd=cwd, capture_output=True, text=True, timeout=200
    )
    status, modules = json.loads(shown.stderr.splitlines()[-1])
    return status or 0, set(modules)


def test_the_list_of_commands_says_what_the_commands_say() -> None:
    """The table is right: its names load, and its words are those of each command's own help, whole in 80 columns."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert list(commands) == list(TABLE)
    limit = 80 - 6 - max(map(len, TABLE))
    assert {name: command.get_short_help_str(limit) for name, command in commands.items()} == {
        name: listed.says for name, listed in TABLE.items()
    }


@pytest.mark.parametrize("words", [("--help",), (), ("--version",), ("clasify",)])
def test_help_loads_no_command(words: tuple[str, ...], tmp_path: Path) -> None:
    """To list the commands, or to say that there is none of a name, none is loaded, nor anything they need."""
    _, modules = loaded(*words, cwd=tmp_path)
    ours = {name for name in modules if name.startswith("escalator.")}
    errors = {"escalator.errors"} if words == () else set[str]()
    few = {f"escalator.{name}" for name in ("cli", "cli.app", "cli.loading", "errors", "foreign")}
    assert ours - errors <= few
    assert not modules & (HEAVY | {"rich", "yaml"})


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (("classify", "Fix the typo in README."), 70),
        (("plan", "Fix the typo in README."), 80),
        (("plan", "Fix the typo.", "--type", "quick_edit", "-f", "a.py", "--json"), 80),
    ],
)
def test_a_plan_needs_nothing_of_what_spends(words: tuple[str, ...], most: int, tmp_path: Path) -> None:
    """Neither pydantic nor rich, no SDK, no ledger, no sandbox; and a bounded number of our own modules."""
    status, modules = loaded(*words, cwd=tmp_path)
    assert status == 0
    assert not modules & (HEAVY | {"rich"})
    assert len([name for name in modules if name.startswith("escalator.")]) <= most
    assert len(modules) <= 380


@pytest.mark.parametrize("words", [("log",), ("log", "tasks"), ("report",), ("review", "list"), ("verify", "t")])
def test_that_there_is_no_ledger_is_said_before_anything_is_built(words: tuple[str, ...], tmp_path: Path) -> None:
    """The sentence that names the missing file takes no stack to find."""
    status, modules = loaded(*words, "--ledger", "nowhere.sqlite", cwd=tmp_path)
    assert status == 2
    assert not modules & HEAVY


@pytest.mark.parametrize("command", [name for name in TABLE if name not in {"matrix", "log", "review"}])
def test_help_of_a_command_loads_no_sdk(command: str, tmp_path: Path) -> None:
    """To read what a command does, nothing it might call is loaded."""
    status, modules = loaded(command, "--help", cwd=tmp_path)
    assert status == 0
    assert not modules & {"anthropic", "google.genai", "genai_prices", "httpx2", "sqlite3", "tree_sitter"}


def test_what_is_not_a_text_is_still_converted(tmp_path: Path) -> None:
    """Numbers are checked by typer as before; a text where a number belongs is a usage error."""
    status, _ = loaded("plan", "x", "--complexity", "much", cwd=tmp_path)
    assert status == 2
    status, _ = loaded("log", "--count", "0", "--ledger", "nowhere.sqlite", cwd=tmp_path)
    assert status == 2
    status, _ = loaded("plan", "x", "--complexity", "3", cwd=tmp_path)
    assert status == 0
