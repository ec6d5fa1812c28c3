"""`escalator log` and `escalator report`, as a person or a program would use them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from escalator.cli.app import app
from escalator.errors import LedgerError, TaskError
from escalator.ledger import open_ledger
from escalator.testing import VirtualClock, failure
from houses import RIGHT, WRONG, House


class Shell:
    """The command line on one ledger file, 80 columns wide."""

    def __init__(self, ledger: Path) -> None:
        self.ledger = ledger

    def __call__(self, *words: str, width: int = 80) -> str:
        env = {"ESCALATOR_LEDGER": str(self.ledger), "COLUMNS": str(width)}
        result = CliRunner().invoke(app, list(words), env=env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    def add(self, task_id: str) -> None:
        """One more easy task."""
        ledger = open_ledger(self.ledger, durability="normal", clock=VirtualClock().clock)
        House({"small": [RIGHT]}, ledger=ledger).execute(task_id=task_id)
        ledger.close()

    def json(self, *words: str) -> list[Any]:
        return [json.loads(line) for line in self(*words, "--json").splitlines()]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A ledger with a day's work in it: an easy task, a climb, and one nobody could do."""
    path = tmp_path / "ledger.sqlite"
    ledger = open_ledger(path, durability="normal", clock=VirtualClock().clock)
    House({"small": [RIGHT]}, ledger=ledger).execute("Fix the typo.", task_type="quick_edit", task_id="easy-1")
    script = {"small": [WRONG, WRONG], "large": [failure("server")], "haiku": [RIGHT]}
    House(script, ledger=ledger).execute(task_id="climb-1")
    House({name: [WRONG] * 2 for name in ("small", "large", "haiku")}, ledger=ledger).execute(task_id="lost-1")
    ledger.close()
    return Shell(path)


def test_the_log_shows_the_newest_attempts_in_one_line_each(shell: Shell) -> None:
    """One row an attempt, none wider than the terminal."""
    lines = shell("log").splitlines()
    assert len(lines) == 1 + 1 + 4 + 6
    assert max(len(line) for line in lines) <= 80
    assert lines[1].split()[:4] == ["01-15", "08:00", "easy-1", "small"]


def test_the_log_is_filtered(shell: Shell) -> None:
    """By type, model, result, time and text."""
    assert {line["task_id"] for line in shell.json("log", "--type", "quick_edit")} == {"easy-1"}
    assert {line["worker"] for line in shell.json("log", "--model", "haiku")} == {"haiku"}
    assert len(shell.json("log", "--status", "passed")) == 2
    assert len(shell.json("log", "--text", "typo")) == 1
    assert shell.json("log", "--since", "2027-01-16") == []
    assert len(shell.json("log", "--until", "2027-01-16T00:00", "-n", "3")) == 3


def test_a_log_without_matches_says_so(shell: Shell) -> None:
    """Nothing found is a sentence, not an empty table."""
    assert shell("log", "--model", "nobody").strip() == "No attempt matches."


def test_a_task_s_story_is_shown_by_its_id_or_its_beginning(shell: Shell) -> None:
    """`escalator log TASK` tells what happened, in order."""
    text = shell("log", "climb-1")
    assert shell("log", "clim") == text
    words = ["opened", "retry", "escalation", "fallback", "closed"]
    places = [text.index(word) for word in words]
    assert places == sorted(places)
    assert "adds failed: assert add(2, 3) == 5" in " ".join(text.split())
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_story_is_json_for_programs(shell: Shell) -> None:
    """The same with every fact, one object."""
    (found,) = shell.json("log", "climb-1")
    assert found["task"]["status"] == "accepted"
    assert [moment["kind"] for moment in found["moments"]][:2] == ["opened", "call"]


def test_an_unknown_task_is_an_error(shell: Shell) -> None:
    """So is a beginning that several tasks share."""
    with pytest.raises(TaskError, match="knows no task"):
        shell("log", "zzz")
    for name in ("climb-2", "climb-3"):
        shell.add(name)
    with pytest.raises(TaskError, match="3 tasks begin with 'cl'"):
        shell("log", "cl")


def test_tasks_are_listed_with_how_they_ended(shell: Shell) -> None:
    """The ids are whole, so that they can be copied."""
    text = shell("log", "tasks")
    assert sorted(line.split()[2:4] for line in text.splitlines()[1:]) == [
        ["climb-1", "accepted"],
        ["easy-1", "accepted"],
        ["lost-1", "skipped"],
    ]
    assert [task["task_id"] for task in shell.json("log", "tasks", "--status", "skipped")] == ["lost-1"]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_the_form_of_an_export_follows_the_file(shell: Shell, tmp_path: Path, ending: str) -> None:
    """The ending decides; the count is told."""
    path = tmp_path / f"out.{ending}"
    (told,) = shell.json("log", "export", str(path))
    assert (told["written"], told["format"]) == (11, ending)
    if ending == "csv":
        assert len(list(csv.DictReader(path.read_text().splitlines()))) == 11


def test_calls_and_tasks_are_exported_too(shell: Shell, tmp_path: Path) -> None:
    """Each kind of row by its name."""
    assert "3 tasks written" in shell("log", "export", str(tmp_path / "t.jsonl"), "--kind", "tasks")
    assert "11 calls written" in shell("log", "export", str(tmp_path / "c.jsonl"), "--kind", "calls")


def test_old_texts_are_forgotten_and_figures_kept(shell: Shell) -> None:
    """After the retention period prompts and answers are gone; the log is not."""
    assert shell.json("log", "forget", "--older-than", "90d") == [{"forgotten": 0}]
    assert "texts of 3 tasks were erased" in shell("log", "forget", "--older-than", "2027-02-01")
    assert len(shell.json("log")) == 11


def test_a_time_that_is_none_is_refused(shell: Shell) -> None:
    """The message shows how times are written."""
    with pytest.raises(TaskError, match="24h or 7d"):
        shell("log", "--since", "tomorrow")


def test_reading_makes_no_ledger(tmp_path: Path) -> None:
    """A log that does not exist is an error; no empty file is left behind."""
    with pytest.raises(LedgerError, match="no ledger at"):
        Shell(tmp_path / "none.sqlite")("log")
    assert list(tmp_path.iterdir()) == []


def test_the_report_fits_80_columns(shell: Shell) -> None:
    """Every table is readable in an ordinary terminal, and nothing is cut."""
    text = shell("report")
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    for word in ("standard_development", "why not passed", "at least", "p95 s", "net"):
        assert word in text


def test_the_report_is_json_for_programs(shell: Shell) -> None:
    """Everything the tables show and more, money as text."""
    (found,) = shell.json("report")
    assert found["totals"]["tasks"] == 3
    assert Decimal(found["money"]["net"]) == Decimal(found["money"]["saved"]) - Decimal(
        found["money"]["unaccepted"]
    )
    assert {line["worker"] for line in found["workers"]} == {"small", "large", "haiku"}
    assert 0 < found["local"]["of_calls"] < 1


def test_a_report_of_a_period_without_tasks_says_so(shell: Shell) -> None:
    """An empty period is a sentence."""
    assert shell("report", "--since", "2028-01-01").strip() == "No task ended in this period."


def test_following_prints_attempts_of_other_processes_as_their_tasks_end(shell: Shell) -> None:
    """A follower in one process sees what is done in another, and ends when it is interrupted."""
    code = "from escalator.cli import main; main()"
    follower = subprocess.Popen(
        [sys.executable, "-c", code, "log", "-f", "--json", "-n", "1"],
        env={**os.environ, "ESCALATOR_LEDGER": str(shell.ledger)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout is not None
    try:
        assert json.loads(follower.stdout.readline())["task_id"] == "lost-1"
        shell.add("new-1")
        assert json.loads(follower.stdout.readline())["task_id"] == "new-1"
    finally:
        follower.kill()
        follower.communicate()
