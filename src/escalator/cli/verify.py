"""`escalator verify`: execute the checks of an accepted answer again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from escalator import TaskError
from escalator.cli.books import books
from escalator.cli.console import BAD, DIM, GOOD, NOTE, console, print_json, table
from escalator.cli.loading import PlainCommand, command_app
from escalator.cli.options import JsonLines, LedgerOption, MatrixOption
from escalator.cli.show import verdict_json, verdict_line
from escalator.records.flat import flat

if TYPE_CHECKING:
    from escalator.evidence import Verification


app = command_app()


@app.command(cls=PlainCommand, short_help="Execute the checks of an accepted answer again.")
def verify(
    *,
    task: Annotated[str, typer.Argument(help="Id of an accepted task.")],
    semantic: Annotated[bool, typer.Option("--semantic", help="Also ask the checker again; this costs.")] = False,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Compare with a bundle saved earlier.")] = None,
    save: Annotated[Path | None, typer.Option("--save", help="Write the evidence bundle to a file.")] = None,
    matrix: MatrixOption = None,
    ledger: LedgerOption = None,
    as_json: JsonLines = False,
) -> None:
    """Compare the rows of an accepted answer with their chain, execute its checks again, without a model, and say
    what differs.

    Exit status 0 if no row was altered and everything that was executed again says what it said then, else 1.
    """
    against = _read(bundle) if bundle is not None else None
    with books(matrix, ledger) as house:
        from escalator.evidence import bundle as made_from
        from escalator.evidence import verify as again
        from escalator.ledger.recall import recall

        archive = house.ledger
        found = again(house, archive, task, semantic=semantic, against=against)
        outcome = recall(archive, task).outcome if save is not None else None
        if save is not None and outcome is not None:
            text = json.dumps(made_from(outcome), indent=2, ensure_ascii=False) + "\n"
            save.write_text(text, encoding="utf-8")
    if as_json:
        differences = [asdict(difference) for difference in found.differences]
        shown = {**flat(found, "task_id", "holds", "parts", "erased", "left_out"), "differences": differences}
        print_json({**shown, "verdicts": [verdict_json(verdict) for verdict in found.verdicts]})
    else:
        _print(found)
    raise typer.Exit(0 if found.holds else 1)


def _read(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TaskError(
            f"{path} cannot be read: {error}", field="--bundle", hint="name a file of --save"
        ) from None
    if not isinstance(found, dict):
        raise TaskError(f"{path} is no bundle", field="--bundle", hint="name a file written with --save")
    return found


def _print(found: Verification) -> None:
    out = console()
    word, colour = ("holds", GOOD) if found.holds else ("does not hold", BAD)
    out.print(Text.assemble(f"task {found.task_id}: ", (word, f"bold {colour}")))
    if found.parts is not None:
        out.print(Text(f"      ledger: {found.parts} parts of its rows, each as it was written", DIM))
    if found.erased:
        out.print(Text("      its texts are erased or were never kept: no check can be executed again", DIM))
    for verdict in found.verdicts:
        out.print(verdict_line(verdict))
    if found.left_out:
        out.print(Text(f"      not repeated: {', '.join(found.left_out)}", DIM))
    if found.differences:
        rows = [
            (
                Text("!" if difference.matters else "·", BAD if difference.matters else NOTE),
                difference.validator or "–",
                difference.what,
                difference.before,
                difference.now,
            )
            for difference in found.differences
        ]
        out.print(table("", "check", "differs", "then", "now", rows=rows))
