"""How a task ends on the command line: cleanly, completely, and without touching the code it shows."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from escalator.cli.ending import change
from escalator.cli.show import Live
from escalator.events import Judged
from escalator.simulation import Fleet, Question
from escalator.testing import fenced
from escalator.validators import passed

LONG = f'x = "{"word " * 40}"\n'


class Skill:
    """Answers with `text`; waits for `seconds` first, and appends to `meddle` as another program might."""

    def __init__(self) -> None:
        self.text, self.seconds, self.asked = "", 0.0, 0
        self.meddle: Path | None = None

    def __call__(self, question: Question) -> str:
        self.asked += 1
        if self.meddle is not None:
            self.meddle.write_text(self.meddle.read_text() + "# meanwhile\n")
        time.sleep(self.seconds)
        return self.text


@pytest.fixture
def skill(tmp_path: Path) -> Iterator[Skill]:
    """A project under `tmp_path` whose one model answers as the test says."""
    made = Skill()
    with Fleet(made) as fleet:
        matrix = {
            "version": 1,
            "providers": fleet.providers(),
            "models": {"small": {"provider": "ollama", "id": "small", "tier": "local_fast"}},
            "task_types": {"edit": {"complexity": [0, 10], "chain": ["small"], "validators": ["syntax"]}},
        }
        (tmp_path / "escalation_matrix.yaml").write_text(yaml.safe_dump(matrix))
        yield made


def start(*words: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from escalator.cli import main; main()", *words],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "80", "ESCALATOR_LEDGER": str(cwd / "ledger.sqlite")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*words: str, cwd: Path) -> tuple[int, str, str]:
    child = start(*words, cwd=cwd)
    out, err = child.communicate(timeout=200)
    return child.returncode, out, err


def test_code_is_shown_as_it_is_however_long_its_lines_are(skill: Skill, tmp_path: Path) -> None:
    """A line of code is never broken at the width of the terminal: what is copied must run."""
    skill.text = fenced(LONG, path="a.py")
    status, out, _ = run("run", "Write a.py.", "-f", "a.py", cwd=tmp_path)
    assert status == 0
    assert LONG.rstrip("\n") in out.splitlines()


def test_a_change_to_a_file_is_shown_as_a_diff() -> None:
    """What was there before is not printed again; a new file is printed whole."""
    assert change("a.py", "a\nb\n", "a\nc\n").plain.splitlines() == [
        "--- a.py",
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        "+c",
    ]
    assert change("a.py", "", "a\n").plain.splitlines() == ["+++ a.py (new)", "a"]
    assert change("a.py", "a\n", None).plain == "--- a.py (deleted)"


def test_an_answer_that_is_not_accepted_is_not_shown_as_if_it_were(skill: Skill, tmp_path: Path) -> None:
    """The best answer of a failed task is labelled, and --apply says that it wrote nothing."""
    skill.text = fenced("x = (\n", path="a.py")
    status, out, _ = run("run", "Write a.py.", "-f", "a.py", "--apply", cwd=tmp_path)
    assert status == 4
    assert "not accepted" in out
    assert "Nothing was written" in out
    assert not (tmp_path / "a.py").exists()


def test_a_change_that_cannot_be_written_does_not_hide_the_outcome(skill: Skill, tmp_path: Path) -> None:
    """The answer was paid for: it is shown, the reason stands on standard error, and the status is 2."""
    (tmp_path / "a.py").write_text("x = 1\n")
    skill.meddle = tmp_path / "a.py"
    skill.text = fenced("x = 2\n", path="a.py")
    status, out, err = run("run", "Set x.", "-f", "a.py", "--apply", cwd=tmp_path)
    assert (status, "accepted" in out, "+x = 2" in out) == (2, True, True)
    assert "the change was not written" in err
    status, out, _ = run("run", "Set x.", "-f", "a.py", "--apply", "--json", cwd=tmp_path)
    assert (status, json.loads(out)["written"]) == (2, [])


def test_applying_what_is_applied_already_is_no_error(skill: Skill, tmp_path: Path) -> None:
    """The same task with --apply twice: the second time there is nothing left to write, and that is said well."""
    (tmp_path / "a.py").write_text("x = 1\n")
    skill.text = fenced("x = 2\n", path="a.py")
    words = ("run", "Set x.", "-f", "a.py", "--apply", "--task-id", "one")
    assert run(*words, cwd=tmp_path)[0] == 0
    status, out, _ = run(*words, cwd=tmp_path)
    assert (status, "written: a.py" in out, skill.asked) == (0, True, 1)


def test_a_deadline_of_nothing_is_not_left_out(skill: Skill, tmp_path: Path) -> None:
    """Zero seconds is what was asked for, and is refused; it does not mean any time at all."""
    status, _, err = run("run", "Set x.", "-f", "a.py", "--deadline", "0", cwd=tmp_path)
    assert status == 2
    assert "leaves no time" in err
    assert not skill.asked


def test_complexity_zero_is_taken_at_its_word(skill: Skill, tmp_path: Path) -> None:
    """--complexity 0 is not classified away."""
    status, out, _ = run("plan", "Redesign the whole system.", "--complexity", "0", "--json", cwd=tmp_path)
    assert (status, json.loads(out)["complexity"]) == (0, 0)


def test_an_interruption_leaves_one_sentence_and_its_status(skill: Skill, tmp_path: Path) -> None:
    """Ctrl-C while a model answers: no traceback, the status shells expect, and the task can be resumed."""
    skill.seconds = 100.0
    child = start("run", "Set x.", "-f", "a.py", cwd=tmp_path)
    while not skill.asked:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=200)
    assert child.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err


def test_the_cursor_comes_back_however_the_task_ends() -> None:
    """A spinner hides the cursor; an exception in the middle of it must not leave it hidden."""
    screen = io.StringIO()

    def interrupted() -> None:
        with Live(Console(file=screen, force_terminal=True, width=80)) as live:
            live(Judged(task_id="t", model="small", verdict=passed("syntax")))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert screen.getvalue().rindex("\x1b[?25h") > screen.getvalue().rindex("\x1b[?25l")


def test_the_version_is_told(tmp_path: Path) -> None:
    """`--version` names the version that `escalator.__version__` has."""
    from escalator import __version__

    assert run("--version", cwd=tmp_path)[:2] == (0, f"escalator {__version__}\n")


def test_doctor_says_that_a_ledger_cannot_be_written(skill: Skill, tmp_path: Path) -> None:
    """A ledger in a place that cannot hold a file is found before the first task fails on it."""
    (tmp_path / "ledger.sqlite").mkdir()
    status, out, _ = run("doctor", "--json", cwd=tmp_path)
    found = {row["what"]: row for row in json.loads(out)}
    assert (status, found["ledger"]["ok"]) == (0, False)
    assert "ESCALATOR_LEDGER" in found["ledger"]["next"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """A full disk behind `>` is named; there is no traceback."""
    with Path("/dev/full").open("w") as full:
        shown = subprocess.run(
            [sys.executable, "-c", "from escalator.cli import main; main()", "plan", "Fix the typo."],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=200,
            check=False,
        )
    assert shown.returncode == 2
    assert "cannot be written" in shown.stderr
    assert "Traceback" not in shown.stderr
