"""`escalator matrix`: check, show and describe the matrix in force."""

from __future__ import annotations

import json
import sys
from typing import Annotated, TypeAlias

import typer

from escalator import load_matrix
from escalator.cli.console import BAD, console, print_json
from escalator.cli.loading import PlainCommand, PlainGroup
from escalator.cli.options import Json
from escalator.foreign import shown, unlocked
from escalator.matrix import find_matrix, json_schema, packaged_path

Path: TypeAlias = Annotated[str | None, typer.Argument(help="Matrix file; default: looked up.")]

app = typer.Typer(
    cls=PlainGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check, show and describe the escalation matrix.",
)


@app.command("check", cls=PlainCommand, short_help="Find typos, gaps and what cannot run here.")
def check(
    *,
    path: Path = None,
    as_json: Json = False,
) -> None:
    """Find typos, unreachable rungs, missing prices and what cannot run here. Exit status 1 on errors."""
    from escalator.lint import lint

    loaded = load_matrix(path)
    findings = lint(loaded)
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        print_json([{name: getattr(f, name) for name in f.__dataclass_fields__} for f in findings])
    else:
        from rich.text import Text

        out = console()
        for finding in findings:
            colour = BAD if finding.severity == "error" else "yellow"
            where = f"{finding.file}:{finding.line}: " if finding.line else f"{finding.file}: "
            out.print(Text.assemble((f"{finding.severity}: ", colour), where, f"{finding.key}: {finding.message}"))
        types, models = len(loaded.file.task_types), len(loaded.models)
        counts = ((types, "task type"), (models, "model"), (errors, "error"), (len(findings) - errors, "warning"))
        told = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts)
        out.print(f"{loaded.source}: {told}")
    raise typer.Exit(1 if errors else 0)


@app.command("show", cls=PlainCommand, short_help="Print the matrix in force.")
def show(
    *,
    path: Path = None,
    as_json: Json = False,
) -> None:
    """Print the matrix in force: the file with everything it extends; the default one with its comments."""
    if path is None and find_matrix() is None and not as_json:
        sys.stdout.write(packaged_path().read_text(encoding="utf-8"))
        return
    data = _unlocked(load_matrix(path).document.data)
    if as_json:
        print_json(data)
    else:
        sys.stdout.write(_as_yaml(data))


def _unlocked(value: object) -> object:
    """Plain data with the passwords of its addresses masked."""
    if isinstance(value, dict):
        return {key: _unlocked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unlocked(item) for item in value]
    return unlocked(value) if isinstance(value, str) else value


def _as_yaml(data: object) -> str:
    """YAML that reads well, or where it would hold what steers a terminal, YAML in ASCII."""
    import yaml

    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)
    if shown(text, lines=True) == text:
        return text
    escaped: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=False, width=110)
    return escaped


@app.command("schema", cls=PlainCommand)
def schema() -> None:
    """Print the JSON Schema of the matrix file, for editors."""
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
