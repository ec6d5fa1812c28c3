"""Writes docs/reference/ from the code: matrix keys, command line, public API. `--check` only compares."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import escalator
import escalator.testing as kit
from escalator import errors, events
from escalator.matrix.explain import section_of
from escalator.matrix.schema import MatrixFile
from escalator.records import ValidatorSpec

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
NOTE = "<!-- Written by tools/write_reference.py; do not edit. -->\n"


def matrix_page() -> str:
    """Every key of the matrix file."""
    lines = ["# Matrix keys", "", NOTE]
    lines += ["Keys of `escalation_matrix.yaml`. A name in angle brackets is free. Unknown keys are errors.", ""]
    lines += _keys(MatrixFile, "")
    return "\n".join(lines) + "\n"


def _keys(model: type[Any], prefix: str) -> Iterator[str]:
    """A table for one section, then tables for the sections inside it."""
    title = f"`{prefix}`" if prefix else "Top level"
    yield from (f"## {title}", "", "| key | type | default | meaning |", "|---|---|---|---|")
    inner = []
    for field in dataclasses.fields(model):
        meaning = field.metadata.get("description", "")
        yield f"| `{field.name}` | {_type(field)} | {_default(field)} | {meaning} |"
        section = section_of(field.type)
        if section is not None:
            free = ".<name>" if str(field.type).startswith("dict") else ""
            inner.append((section, f"{prefix}.{field.name}{free}".removeprefix(".")))
    yield ""
    for section, path in inner:
        yield from _keys(section, path)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return ""
    value = field.default
    if value is dataclasses.MISSING:
        return "required"
    if value is None or value == "" or dataclasses.is_dataclass(value):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(field: dataclasses.Field[Any]) -> str:
    if "allow_inf_nan" in field.metadata:
        return "USD"
    if field.type is float and field.metadata.get("gt") == 0:
        return "number above 0"
    text = str(field.type).replace("typing.", "").replace("escalator.matrix.schema.", "")
    text = text.removeprefix("<class '").removesuffix("'>")
    text = text.replace("Literal[", "").replace("]", "") if text.startswith("Literal[") else text
    return text.replace("|", "or").replace("'", "`")


def cli_page() -> str:
    """Every command and option."""
    import typer.main

    from escalator.cli.app import app
    from escalator.cli.ending import EXIT, UNRECORDED

    root: Any = typer.main.get_command(app)
    lines = ["# Command line", "", NOTE, "Every command but `demo` finds the matrix as the library does.", ""]
    codes = ", ".join(f"{code} {status}" for status, code in EXIT.items()) + f", {UNRECORDED} not in the ledger"
    lines += [f"Exit status of `run`: {codes}, 2 error. `validate` and `matrix check`: 0 or 1.", ""]
    for name, command in root.commands.items():
        lines += _command(f"escalator {name}", command)
    return "\n".join(lines) + "\n"


def _command(path: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _command(f"{path} {name}", inner)
        return
    yield from (
        f"## `{path}`",
        "",
        inspect.cleandoc(command.help or ""),
        "",
        "| argument | meaning |",
        "|---|---|",
    )
    for parameter in command.params:
        if parameter.name == "help":
            continue
        names = ", ".join(f"`{option}`" for option in parameter.opts)
        yield f"| {names} | {getattr(parameter, 'help', '') or ''} |"
    yield ""


def api_page() -> str:
    """Every public name with its signature and docstring."""
    lines = ["# Python API", "", NOTE]
    groups = (
        ("escalator", escalator, escalator.__all__),
        ("escalator.testing", kit, kit.__all__),
        ("escalator.events", events, sorted(n for n in vars(events) if _own(events, n))),
        ("escalator.errors", errors, []),
    )
    for title, module, names in groups:
        lines += [f"## `{title}`", ""]
        if title == "escalator.errors":
            lines += ["```text", inspect.cleandoc(errors.__doc__ or ""), "```", ""]
        for name in names:
            lines += _entry(name, getattr(module, name))
    return "\n".join(lines) + "\n"


def _own(module: Any, name: str) -> bool:
    value = getattr(module, name)
    return inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")


def _entry(name: str, value: Any) -> Iterator[str]:
    yield from (f"### `{name}`", "")
    if inspect.isfunction(value):
        yield from ("```text", f"{name}{inspect.signature(value)}".replace("escalator.", ""), "```", "")
    yield from (inspect.cleandoc(value.__doc__ or ""), "")
    if dataclasses.is_dataclass(value):
        yield from ("| field | type |", "|---|---|")
        for field in dataclasses.fields(value):
            kind = str(field.type).replace("|", "or")
            yield f"| `{field.name}` | {kind} |"
        yield ""
    if inspect.isclass(value) and not issubclass(value, Exception):
        for attribute, method in vars(value).items():
            document = inspect.getdoc(getattr(method, "fget", method))
            if not attribute.startswith("_") and document and not isinstance(method, str | int):
                yield f"- `{attribute}`: {' '.join(document.split())}"
        yield ""


COSTS = {
    "instant": "fast: well under a second for files up to 100 kB, in this process",
    "process": "starts sandboxed processes; bounded by its `timeout`",
    "model": "asks a model; bounded by that model's timeouts and the budget",
}


def validators_page() -> str:
    """Every built-in validator with its options and what it spends."""
    from escalator.validators import cost_of, version_of
    from escalator.validators.plugins import BUILT_IN, build, resolve

    lines = ["# Validators", "", NOTE, "Cheapest first: a plan runs them in the order of what they spend.", ""]
    homes: dict[str, list[str]] = {}
    for name, home in BUILT_IN.items():
        homes.setdefault(home, []).append(name)
    for names in homes.values():
        factory = resolve(names[0])
        lines += [f"## {' or '.join(f'`{name}`' for name in names)}", ""]
        needed = {"command": {"run": "true"}, "python": {"call": "builtins:bool"}}
        validator = build(ValidatorSpec(name=names[0], options=needed.get(names[0], {})))
        lines += [f"{COSTS[cost_of(validator)]}. Version {version_of(validator)}.", ""]
        lines += ["```text", f"{names[0]}{inspect.signature(factory)}", "```", ""]
        lines += [inspect.cleandoc(factory.__doc__ or ""), ""]
    return "\n".join(lines) + "\n"


def providers_page() -> str:
    """Every built-in kind of provider, as the table of kinds has it."""
    from escalator.kinds import KINDS

    lines = ["# Kinds of provider", "", NOTE]
    lines += [
        "What `providers.<name>.kind` of a matrix may be, besides an entry point of `escalator.providers` and",
        "`package.module:attribute` ([how to add one](../how-to/add-a-provider.md)). A kind that can be local is",
        "local at a loopback or private address, where its price is zero. A gateway passes ids that can only be",
        "bought on to those who sell them: these are neither local nor free, unless the model has `local: true`.",
        "",
    ]
    lines += ["| kind | what it is | wire | default address | can be local | key | prices | in traces |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for name, row in KINDS.items():
        local, key = "yes" if row.can_be_local else "no", f"`{row.key_env}`" if row.key_env else ""
        prices = "price table" if row.price_id or row.price_family else "the matrix"
        prices = "price table, by the model's id" if row.gateway else prices
        cells = (f"`{name}`", row.title, row.wire, row.base_url, local, key, prices, f"`{row.otel_name}`")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


PAGES = {
    "matrix.md": matrix_page,
    "cli.md": cli_page,
    "api.md": api_page,
    "validators.md": validators_page,
    "providers.md": providers_page,
}


def main() -> int:
    """Write the pages, or say which are out of date."""
    stale = []
    for name, make in PAGES.items():
        path, text = REFERENCE / name, make()
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text)
    if "--check" in sys.argv and stale:
        print(f"out of date: {', '.join(stale)}; run `make docs`")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
