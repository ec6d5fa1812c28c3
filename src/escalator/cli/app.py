"""The commands: parse, call the public API, print."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from escalator.cli import log, report, resume, review, verify
from escalator.cli.console import BAD, GOOD, console, print_json, table
from escalator.cli.ending import approver, finish
from escalator.cli.show import Live, hanging, verdict_json, verdict_line
from escalator.errors import TaskError

app = typer.Typer(
    name="escalator",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
matrix_app = typer.Typer(no_args_is_help=True, help="Check, show and describe the escalation matrix.")
app.add_typer(matrix_app, name="matrix")


def _version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from escalator import __version__

        typer.echo(f"escalator {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Gets coding work done by the cheapest model that can prove it did it."""


Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
MatrixOption = Annotated[str | None, typer.Option("--matrix", "-m", help="Matrix file; default: looked up.")]
Workspace = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="Project directory; read, never written.")
]
Files = Annotated[
    list[str] | None,
    typer.Option("--file", "-f", metavar="<path>", help="File or glob that may be changed; repeatable."),
]
Tests = Annotated[
    list[str] | None,
    typer.Option("--test", "-t", metavar="<path>", help="Trusted test file or directory; repeatable."),
]
TypeOption = Annotated[
    str | None, typer.Option("--type", metavar="<name>", help="Task type; default: classified.")
]
ComplexityOption = Annotated[float | None, typer.Option("--complexity", help="0 to 10; default: classified.")]
Validators = Annotated[
    list[str] | None, typer.Option("--validator", metavar="<name>", help="Use these validators; repeatable.")
]
Requirements = Annotated[
    list[str] | None, typer.Option("--require", metavar="<sentence>", help="A requirement; repeatable.")
]


def _options(**given: Any) -> dict[str, Any]:
    """Options that were given, with a workspace for relative paths: the working directory."""
    options = {name: value for name, value in given.items() if value is not None and value != []}
    if "workspace" not in options and ("files" in options or "tests" in options):
        options["workspace"] = Path.cwd()
    return options


def _prompt(words: str) -> str:
    """The prompt; a single dash reads it from standard input."""
    return sys.stdin.read() if words == "-" else words


@app.command()
def run(
    prompt: Annotated[str, typer.Argument(help="What should be done; - reads standard input.")],
    workspace: Workspace = None,
    file: Files = None,
    test: Tests = None,
    requirement: Requirements = None,
    image: Annotated[
        list[Path] | None, typer.Option("--image", metavar="<path>", help="Picture to send along; repeatable.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="Language of the answer.")] = None,
    task_type: TypeOption = None,
    complexity: ComplexityOption = None,
    validator: Validators = None,
    local_only: Annotated[bool, typer.Option("--local-only", help="Never reach a remote model.")] = False,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="<usd>", help="Most this task may cost, USD.")
    ] = None,
    deadline: Annotated[
        float | None, typer.Option("--deadline", metavar="<seconds>", help="Stop after this many seconds.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="<label>", help="Label for reports and budgets.")
    ] = None,
    task_id: Annotated[str | None, typer.Option("--task-id", help="Do not do the same task twice.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write the accepted change to the workspace.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve paid models without asking.")] = False,
    matrix: MatrixOption = None,
    as_json: Json = False,
) -> None:
    """Do a task: climb the chain until an answer passes.

    Exit status: 0 accepted, 3 needs review, 4 skipped, 5 stopped, 2 error.
    """
    from escalator import execute

    with Live(console()) as live:
        outcome = execute(
            _prompt(prompt),
            matrix=matrix,
            on_event=None if as_json else live,
            approve=approver(live, yes=yes, quiet=as_json),
            **_options(
                workspace=workspace,
                files=file,
                tests=test,
                requirements=requirement,
                images=image,
                language=language,
                task_type=task_type,
                complexity=complexity,
                validators=validator,
                local_only=local_only or None,
                budget=budget,
                deadline=deadline,
                tags=tag,
                task_id=task_id,
            ),
        )
    raise finish(outcome, apply=apply, as_json=as_json)


@app.command(short_help="Show what `run` would do, without doing it.")
def plan(
    prompt: Annotated[str, typer.Argument(help="What should be done; - reads standard input.")],
    workspace: Workspace = None,
    file: Files = None,
    test: Tests = None,
    task_type: TypeOption = None,
    complexity: ComplexityOption = None,
    validator: Validators = None,
    matrix: MatrixOption = None,
    as_json: Json = False,
) -> None:
    """Show what `run` would do, without asking any model for an answer."""
    from escalator import Escalator

    options = _options(
        workspace=workspace,
        files=file,
        tests=test,
        task_type=task_type,
        complexity=complexity,
        validators=validator,
    )
    with Escalator(matrix) as house:
        made = house.plan(_prompt(prompt), **options)
    kind = made.classification
    if as_json:
        print_json(
            {
                "task_type": kind.task_type,
                "complexity": kind.complexity,
                "confidence": kind.confidence,
                "reasons": kind.reasons,
                "chain": [
                    {
                        "model": rung.model.name,
                        "id": rung.model.id,
                        "tier": rung.model.tier.value,
                        "local": rung.model.local,
                        "attempts": rung.attempts,
                        "checker": rung.checker.name if rung.checker else None,
                    }
                    for rung in made.chain
                ],
                "validators": [
                    {"name": s.name, "options": s.options, "required": s.required} for s in made.validators
                ],
                "at_end": made.at_end,
                "review": made.review_accepted,
                "before_paid": made.before_paid,
                "notes": made.notes,
            }
        )
        return
    out = console()
    out.print(f"{kind.task_type}, complexity {kind.complexity:g} ({kind.confidence:.0%} sure)")
    for reason in kind.reasons:
        out.print(Text(f"  {reason}", "dim"))
    rows = [
        (
            str(rung.index + 1),
            rung.model.name,
            "local" if rung.model.local else "paid",
            str(rung.attempts),
            rung.checker.name if rung.checker else "–",
            rung.model.id,
        )
        for rung in made.chain
    ]
    out.print(table("rung", "model", "where", "answers", "checker", "id", rows=rows))
    out.print("validators: " + ", ".join(s.name + ("" if s.required else " (advice)") for s in made.validators))
    ending = "a person decides" if made.at_end == "review" else "the task is skipped"
    out.print(f"if nothing passes {ending}" + ("; a person decides in any case" if made.review_accepted else ""))
    for note in made.notes:
        out.print(Text(f"note: {note}", "yellow"))


@app.command()
def classify(
    prompt: Annotated[
        str | None, typer.Argument(help="The request; left out: JSON Lines on standard input.")
    ] = None,
    matrix: MatrixOption = None,
    as_json: Json = False,
) -> None:
    """Say what kind of work a request is.

    With --json and no argument, reads JSON Lines {"id", "text"} and writes one JSON line each.
    """
    from escalator import Escalator

    with Escalator(matrix) as house:
        if prompt is None:
            for number, line in enumerate(sys.stdin, 1):
                if line.strip():
                    item = _request(line, number)
                    print_json({"id": item.get("id", number), **_classification(house.classify(item["text"]))})
            return
        found = house.classify(_prompt(prompt))
    if as_json:
        print_json({"id": 1, **_classification(found)})
        return
    out = console()
    out.print(f"{found.task_type}, complexity {found.complexity:g} ({found.confidence:.0%} sure)")
    for reason in found.reasons:
        out.print(Text(f"  {reason}", "dim"))


def _request(line: str, number: int) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except ValueError:
        raise TaskError(
            f"line {number} is not JSON", field="standard input", hint='write {"id": 1, "text": "…"}'
        ) from None
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise TaskError(
            f'line {number} has no "text"', field="standard input", hint='write {"id": 1, "text": "…"}'
        )
    return item


def _classification(found: Any) -> dict[str, Any]:
    return {
        "task_type": found.task_type,
        "complexity": found.complexity,
        "confidence": round(found.confidence, 4),
        "reasons": list(found.reasons),
    }


@app.command()
def validate(
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
    from escalator import validate as judge

    if file and not answer:
        raise TaskError(
            "it says what an answer may change", field="--file", hint="add --answer, or name files as arguments"
        )
    root = (workspace or Path.cwd()).resolve()
    texts = {path: _read(path) for path in paths}
    given: Any = (
        next(iter(texts.values())) if answer else {_relative(path, root): text for path, text in texts.items()}
    )
    options = _options(workspace=workspace, tests=test, files=file, task_type=task_type)
    if strength:
        _strength(given, options, matrix, as_json=as_json)
        return
    chosen = validator or (None if test or answer else ["syntax"])
    verdicts = judge(given, prompt, validators=chosen, matrix=matrix, **options)
    if as_json:
        print_json([verdict_json(verdict) for verdict in verdicts])
    else:
        out = console()
        for verdict in verdicts:
            out.print(hanging(verdict_line(verdict)))
            for line in verdict.feedback.strip().splitlines()[1:] if verdict.failed else ():
                out.print(hanging(Text(f"        {line}", "dim")))
    raise typer.Exit(0 if verdicts and all(verdict.passed for verdict in verdicts) else 1)


def _strength(files: Any, options: dict[str, Any], matrix: str | None, *, as_json: bool) -> None:
    from escalator import Escalator

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


@app.command(short_help="Look at all escalator needs, and say what to do.")
def doctor(matrix: MatrixOption = None, as_json: Json = False) -> None:
    """Look at everything escalator needs: matrix, servers, keys, sandbox, tools, ledger."""
    from escalator.cli.doctor import examine

    findings = examine(matrix)
    if as_json:
        print_json([{"what": f.what, "ok": f.ok, "detail": f.detail, "next": f.remedy} for f in findings])
    else:
        out = console()
        marks = {True: Text("✓", GOOD), False: Text("✗", BAD), None: Text("–", "dim")}
        rows = [
            (marks[f.ok], f.what, Text.assemble(f.detail, (f"\n{f.remedy}", "yellow") if f.remedy else ""))
            for f in findings
        ]
        out.print(table("", "what", "found", rows=rows))
    raise typer.Exit(0 if any(f.what.startswith("model") and f.ok for f in findings) else 1)


@app.command(short_help="Watch simulated models do one task of each type.")
def demo(
    fast: Annotated[bool, typer.Option("--fast", help="Do not wait between answers.")] = False,
    as_json: Json = False,
) -> None:
    """Watch one task of each type being done by simulated models, with real validators, sandbox and ledger."""
    from escalator.cli.demo import play

    play(seconds=0.0 if fast or as_json else 0.4, as_json=as_json)


@matrix_app.command("check", short_help="Find typos, gaps and what cannot run here.")
def matrix_check(
    path: Annotated[str | None, typer.Argument(help="Matrix file; default: looked up.")] = None,
    as_json: Json = False,
) -> None:
    """Find typos, unreachable rungs, missing prices and what cannot run here. Exit status 1 on errors."""
    from escalator import load_matrix
    from escalator.lint import lint

    loaded = load_matrix(path)
    findings = lint(loaded)
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        print_json([{name: getattr(f, name) for name in f.__dataclass_fields__} for f in findings])
    else:
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


@matrix_app.command("show", short_help="Print the matrix in force.")
def matrix_show(
    path: Annotated[str | None, typer.Argument(help="Matrix file; default: looked up.")] = None,
    as_json: Json = False,
) -> None:
    """Print the matrix in force: the file with everything it extends; the default one with its comments."""
    import yaml

    from escalator import load_matrix
    from escalator.matrix import find_matrix, packaged_path

    if path is None and find_matrix() is None and not as_json:
        sys.stdout.write(packaged_path().read_text(encoding="utf-8"))
        return
    data = load_matrix(path).document.data
    if as_json:
        print_json(data)
    else:
        sys.stdout.write(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110))


@matrix_app.command("schema")
def matrix_schema() -> None:
    """Print the JSON Schema of the matrix file, for editors."""
    from escalator.matrix import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")


for _module in (log, report, resume, review, verify):
    _module.register(app)
