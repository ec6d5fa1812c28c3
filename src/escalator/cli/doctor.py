"""`escalator doctor`: each thing escalator needs, whether it is there, and what to do if not."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import typer
from rich.text import Text

from escalator import Escalator, EscalatorError, ProviderError, __version__
from escalator.cli.console import BAD, DIM, GOOD, NOTE, console, print_json, table
from escalator.cli.loading import PlainCommand, command_app
from escalator.cli.options import Json, MatrixOption, command
from escalator.kinds import kind_of
from escalator.lint import lint

if TYPE_CHECKING:
    from escalator import Matrix
    from escalator.kinds import ProviderKind
    from escalator.providers import Health, ModelInfo

app = command_app()


class Server(Protocol):
    """A provider that can be looked at without asking a model; all but the clouds' can."""

    def health(self) -> Health:
        """Whether it answers."""

    def models(self) -> list[ModelInfo]:
        """What it has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing looked at. `ok` None: not needed here. `remedy` says what to do next, empty if nothing."""

    what: str
    ok: bool | None
    detail: str
    remedy: str = ""


@app.command(cls=PlainCommand, short_help="Look at all escalator needs, and say what to do.")
def doctor(*, matrix: MatrixOption = None, as_json: Json = False) -> None:
    """Look at everything escalator needs: matrix, servers, keys, sandbox, tools, ledger."""
    findings = examine(matrix)
    if as_json:
        print_json([{"what": f.what, "ok": f.ok, "detail": f.detail, "next": f.remedy} for f in findings])
    else:
        marks = {True: Text("✓", GOOD), False: Text("✗", BAD), None: Text("–", DIM)}
        rows = [
            (marks[f.ok], f.what, Text.assemble(f.detail, (f"\n{f.remedy}", NOTE) if f.remedy else ""))
            for f in findings
        ]
        console().print(table("", "what", "found", rows=rows))
    raise typer.Exit(0 if any(f.what.startswith("model") and f.ok for f in findings) else 1)


def examine(source: str | None) -> list[Finding]:
    """Look at everything; nothing is written and no model is asked."""
    found = [Finding(what="escalator", ok=True, detail=f"{__version__}, Python {platform.python_version()}")]
    with Escalator(source) as house:
        try:
            matrix = house.matrix
        except EscalatorError as error:
            return [*found, Finding(what="matrix", ok=False, detail=str(error), remedy="correct the file")]
        providers = list(_providers(house))
        found += [_matrix(matrix, source), *providers, _models(matrix, providers)]
        return [*found, *_sandbox(), _pytest(), _grammars(), *_ledger(house)]


def _models(matrix: Matrix, providers: list[Finding]) -> Finding:
    usable = {finding.what.removeprefix("provider ") for finding in providers if finding.ok}
    remedy = "" if usable else "start LM Studio or Ollama, or export a cloud key; `escalator demo` needs neither"
    count = sum(model.provider in usable for model in matrix.models.values())
    detail = f"{count} of {len(matrix.models)} can be asked"
    return Finding(what="models", ok=bool(usable), detail=detail, remedy=remedy)


def _matrix(matrix: Matrix, source: str | None) -> Finding:
    errors = [finding for finding in lint(matrix) if finding.severity == "error"]
    remedy = f"run {command('matrix', 'check', *([source] if source else []))}" if errors else ""
    return Finding(what="matrix", ok=not errors, detail=f"{matrix.source}, {len(errors)} errors", remedy=remedy)


def _providers(house: Escalator) -> Iterator[Finding]:
    """All providers at once: a server that is not there costs its timeout only once."""
    names = list(house.matrix.file.providers)
    with ThreadPoolExecutor(max_workers=max(len(names), 1)) as pool:
        yield from pool.map(lambda name: _provider(house, name), names)


def _provider(house: Escalator, name: str) -> Finding:
    section, what = house.matrix.file.providers[name], f"provider {name}"
    if section.api_key_env and not os.environ.get(section.api_key_env):
        remedy = f"export {section.api_key_env}=… to use its models"
        return Finding(what=what, ok=False, detail=f"{section.api_key_env} is not set", remedy=remedy)
    kind = kind_of(section.kind)
    if kind.sdk and not (section.api_key_env or section.base_url or section.options.get("api_key")):
        return Finding(what=what, ok=False, detail="the matrix names no key", remedy=kind.remedy)
    try:
        provider = house.provider(name)
    except EscalatorError as error:
        return Finding(what=what, ok=False, detail=str(error))
    if kind.free_to_ask:
        return _server(what, kind, cast("Server", provider))
    return Finding(what=what, ok=True, detail="the key is set; it is not tried, for that would cost money")


def _server(what: str, kind: ProviderKind, provider: Server) -> Finding:
    health = provider.health()
    if not health.alive:
        return Finding(what=what, ok=False, detail=health.detail, remedy=kind.remedy)
    try:
        models = provider.models()
    except ProviderError as error:
        return Finding(what=what, ok=True, detail=f"{health.detail}; its models cannot be listed: {error.message}")
    loaded = [model.id for model in models if model.loaded]
    names = ", ".join(loaded or [model.id for model in models][:5])
    return Finding(what=what, ok=True, detail=f"{len(models)} models" + (f": {names}" if names else ""))


def _sandbox() -> Iterator[Finding]:
    from escalator.sandbox import Sandbox, probe

    sandbox = Sandbox()
    why = sandbox.unavailable()
    if why is not None:
        reasons = "; ".join(f"{result.mode}: {result.reason}" for result in probe() if result.reason)
        yield Finding(what="sandbox", ok=False, detail=f"no isolation works here ({reasons})", remedy=why)
        return
    isolation = sandbox.isolation
    yield Finding(
        what="sandbox", ok=True, detail=f"{isolation.kind}: network {isolation.network}, files {isolation.files}"
    )
    for gap in isolation.gaps:
        yield Finding(what="sandbox gap", ok=None, detail=gap)


def _pytest() -> Finding:
    here = find_spec("pytest") is not None
    remedy = "" if here else "pip install pytest, or give the project a .venv that has it"
    return Finding(what="pytest", ok=here, detail="importable" if here else "not importable", remedy=remedy)


def _grammars() -> Finding:
    from escalator.languages.table import LANGUAGES

    modules = {spec.module for spec in LANGUAGES.values() if getattr(spec, "module", None)}
    here = sorted(module for module in modules if find_spec(module))
    return Finding(
        what="grammars", ok=True, detail=f"{len(here)} of {len(modules)} tree-sitter grammars installed"
    )


def _ledger(house: Escalator) -> Iterator[Finding]:
    import sqlite3

    from escalator.ledger.sqlite import database_warning

    target = str(house.ledger_location)
    postgres = target.startswith("postgres")
    if postgres:
        yield Finding(what="ledger", ok=True, detail="PostgreSQL")
    else:
        yield _ledger_file(Path(target))
        detail = database_warning() or f"SQLite {sqlite3.sqlite_version}"
        yield Finding(what="sqlite", ok=True, detail=detail)


def _ledger_file(path: Path) -> Finding:
    """Whether the ledger's file can be written, or made; nothing is made here."""
    there = next((place for place in (path, *path.parents) if place.exists()), path)
    good = os.access(there, os.W_OK) and (there != path or path.is_file())
    remedy = "" if good else "set ledger.path in the matrix, or ESCALATOR_LEDGER, to a place that can be written"
    return Finding(
        what="ledger", ok=good, detail=f"{path}" if good else f"{path} cannot be written", remedy=remedy
    )
