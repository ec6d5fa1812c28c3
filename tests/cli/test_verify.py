"""`escalator verify`: what is told of a task as it was written, altered, erased, and of a bundle of it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from escalator.ledger import open_ledger
from houses import RIGHT, House


def _accepted(folder: Path) -> Path:
    """A ledger with one accepted task, whose model has a name that looks like markup."""
    path = folder / "ledger.sqlite"
    archive = open_ledger(path)
    house = House({"small": [f"[/red] {RIGHT}"]}, ledger=archive)
    house.execute("Fix add() [/red].", task_id="t1", validators=["syntax"])
    archive.close()
    return path


def test_a_task_as_it_was_written_holds(shell: Any) -> None:
    """The rows are counted, the check is executed again, and the bundle saved on the way holds too."""
    _accepted(shell.folder)
    shown = shell("verify", "t1", "--save", "bundle.json")
    assert shown.status == 0
    assert "parts of its rows, each as it was written" in shown.out
    assert shell("verify", "t1", "--bundle", "bundle.json").status == 0


def test_an_altered_row_is_named_on_a_screen_of_eighty_columns(shell: Any) -> None:
    """The row and what is wrong with it can be read, whatever else the texts look like."""
    path = _accepted(shell.folder)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE call SET cost = cost + 1, model = '[/red]'")
    connection.close()
    shown = shell("verify", "t1")
    assert shown.status == 1
    assert shown.widest <= 80
    assert "does not hold" in shown.out
    assert "the ledger: reply to call 1" in shown.out
    assert "was altered" in shown.out
    told = shell("verify", "t1", "--json").told
    assert (told["holds"], told["parts"], told["verdicts"]) == (False, None, [])


def test_a_bundle_with_anything_in_it_is_compared(shell: Any) -> None:
    """Text that looks like markup is shown as it is, and long values wrap."""
    _accepted(shell.folder)
    shell("verify", "t1", "--save", "bundle.json")
    bundle = json.loads((shell.folder / "bundle.json").read_text())
    bundle |= {"model": "[/red]", "reason": "because " * 40, "[/odd]": ["[bold]"]}
    shell.write("forged.json", json.dumps(bundle))
    shown = shell("verify", "t1", "--bundle", "forged.json")
    assert shown.status == 1
    assert "[/red]" in shown.out
    assert shown.widest <= 80


def test_erased_texts_are_said_to_be_gone(shell: Any) -> None:
    """Nothing can be executed again, and the figures hold."""
    path = _accepted(shell.folder)
    archive = open_ledger(path)
    archive.forget(archive.now() + 1).result()
    archive.close()
    shown = shell("verify", "t1")
    assert shown.status == 0
    assert "no check can be executed again" in shown.flat
