"""`escalator validate`: judge files or an answer, or the tests themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from escalator import Escalator, TaskError
from escalator import validate as judge
from escalator.cli.asking import given
from escalator.cli.console import console, print_json
from escalator.cli.loading import PlainCommand, command_app
from escalator.cli.options import Files, Json, MatrixOption, Tests, TypeOption, Validators, Workspace
from escalator.cli.show import hanging, verdict_json, verdict_line

if TYPE_CHECKING:
    from escalator.records import TaskOptions

app = command_app()


@app.command(cls=PlainCommand)
def validate(
    *,
    paths: Annotated[list[Path], typer.Argument(help="Files to judge, or one model answer with --answer.")],
    workspace: Workspace = None,
    test: Tests = None,
    prompt: Annotated[str, typer.Option("--prompt", help="What was asked for.")] = "Judge these files.",
    answer: Annotated[bool, typer.Option("--answer", help="The file holds a model's answer, not code.")] = False,
    file: Files = None,
    validator: Validators = None,
    task_type: TypeOption = None,
    strength: Annotated[
        bool, typer.Option("--strength", help="Say how many small faults in these files the tests notice.")
    ] = False,
    matrix: MatrixOption = None,
    as_json: Json = False,
) -> None:
    """Judge files or a model's answer as `run` would. Exit status 0 if every validator passed, else 1."""
    if file and not answer:
        raise TaskError(
            "it says what an answer may change", field="--file", hint="add --answer, or name files as arguments"
        )
    root = (workspace or Path.cwd()).resolve()
    texts = {path: _read(path) for path in paths}
    judged = (
        next(iter(texts.values())) if answer else {_relative(path, root): text for path, text in texts.items()}
    )
    options = given(workspace=workspace, tests=test, files=file, task_type=task_type)
    if strength:
        _strength(judged, options, matrix, as_json=as_json)
        return
    options["validators"] = validator or (None if test or answer else ["syntax"])
    verdicts = judge(judged, prompt, matrix=matrix, **options)
    if as_json:
        print_json([verdict_json(verdict) for verdict in verdicts])
    else:
        out = console()
        for verdict in verdicts:
            out.print(hanging(verdict_line(verdict)))
            for line in verdict.feedback.strip().splitlines()[1:] if verdict.failed else ():
                out.print(hanging(Text(f"        {line}", "dim")))
    raise typer.Exit(0 if verdicts and all(verdict.passed for verdict in verdicts) else 1)


def _strength(files: str | dict[str, str], options: TaskOptions, matrix: str | None, *, as_json: bool) -> None:
    if isinstance(files, str) or "tests" not in options:
        raise TaskError("it needs files and --test", field="--strength", hint="name the tests that should notice")
    with Escalator(matrix) as house:
        report = house.strength(files, **options)
    if as_json:
        found = {"killed": report.killed, "survived": report.survived, "unjudged": report.unjudged}
        shown = {name: [str(mutant) for mutant in mutants] for name, mutants in found.items()}
        print_json({"score": report.score, **shown, "left_out": report.left_out})
        return
    console().print(Text(report.summary()))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise TaskError(f"{path} is not UTF-8 text", field="paths", hint="only text can be judged") from None
    except OSError as error:
        raise TaskError(f"{path} cannot be read: {error.strerror}", field="paths") from None


def _relative(path: Path, root: Path) -> str:
    full = path.resolve()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else path.name
