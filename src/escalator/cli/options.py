"""Options and arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from shlex import join
from typing import Annotated, TypeAlias

import typer


def command(*words: str, matrix: str | None = None, ledger: str | None = None) -> str:
    """A command to suggest, with the matrix and ledger this one was given, so that it can be pasted."""
    options = (("-m", matrix), ("--ledger", ledger))
    given = [part for option, value in options if value for part in (option, value)]
    return f"`{join(['escalator', *words, *given])}`"


Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
JsonLines: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs, one line each.")]
MatrixOption: TypeAlias = Annotated[
    str | None, typer.Option("--matrix", "-m", help="Matrix file; default: looked up.")
]
LedgerOption: TypeAlias = Annotated[
    str | None, typer.Option("--ledger", help="Ledger file or postgresql:// URL; default: the configured one.")
]

Prompt: TypeAlias = Annotated[str, typer.Argument(help="What should be done; - reads standard input.")]
Workspace: TypeAlias = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="Project directory; read, never written.")
]
Files: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--file", "-f", metavar="<path>", help="File or glob that may be changed; repeatable."),
]
Tests: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--test",
        "-t",
        metavar="<path>",
        help="Trusted test file, directory, or test in a file by pytest's id; repeatable.",
    ),
]
TypeOption: TypeAlias = Annotated[
    str | None, typer.Option("--type", metavar="<name>", help="Task type; default: classified.")
]
ComplexityOption: TypeAlias = Annotated[
    float | None, typer.Option("--complexity", help="0 to 10; default: classified.")
]
Validators: TypeAlias = Annotated[
    list[str] | None, typer.Option("--validator", metavar="<name>", help="Use these validators; repeatable.")
]
Apply: TypeAlias = Annotated[bool, typer.Option("--apply", help="Write the accepted change to the workspace.")]
Commit: TypeAlias = Annotated[
    bool, typer.Option("--commit", help="With --apply: make one git commit of exactly these files.")
]
Force: TypeAlias = Annotated[
    bool, typer.Option("--force", help="With --apply: write also where files changed since they were read.")
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Approve paid models without asking.")]

TypeFilter: TypeAlias = Annotated[str, typer.Option("--type", help="Only this task type.")]
ModelFilter: TypeAlias = Annotated[str, typer.Option("--model", help="Only this model.")]
StatusFilter: TypeAlias = Annotated[
    str, typer.Option("--status", help="Only this result: passed, failed, accepted, …")
]
TeamFilter: TypeAlias = Annotated[str, typer.Option("--team", help="Only this team.")]
Since: TypeAlias = Annotated[
    str, typer.Option("--since", help="From here on: 2026-11-21, 2026-11-21T08:00, 90m, 24h, 7d.")
]
Until: TypeAlias = Annotated[str, typer.Option("--until", help="Before this, written like --since.")]
TextFilter: TypeAlias = Annotated[
    str, typer.Option("--text", help="Only lines with this in description, cause or checks.")
]
