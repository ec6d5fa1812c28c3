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
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from rich.console import Console

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


def start(*words: str, cwd: Path, text: bool = True) -> subprocess.Popen[Any]:
    return subprocess.Popen(
        [sys.executable, "-c", "from escalator.cli import main; main()", *words],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "80", "ESCALATOR_LEDGER": str(cwd / "ledger.sqlite")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=text,
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
    assert f"+{LONG}".rstrip("\n") in out.splitlines()


def test_what_is_printed_is_a_patch_that_git_takes(skill: Skill, tmp_path: Path) -> None:
    """The whole output can be piped into `git apply`: tabs, long lines and carriage returns stand in it as they are."""
    (tmp_path / "a b.py").write_bytes(b"if x:\r\n\ty = 1\r\n")
    skill.text = fenced(f"if x:\n\ty = 2\n\t{LONG}", path="a b.py")
    child = start("run", "Set y.", "-f", "a b.py", cwd=tmp_path, text=False)
    out, _ = child.communicate(timeout=200)
    assert child.returncode == 0
    assert out.count(b"--- a/a b.py\t\n+++ b/a b.py\t\n") == 1
    with TemporaryDirectory() as elsewhere:
        copy = Path(elsewhere) / "a b.py"
        copy.write_bytes((tmp_path / "a b.py").read_bytes())
        subprocess.run(["git", "apply", "-"], cwd=elsewhere, input=out, check=True, capture_output=True)
        assert copy.read_bytes() == f"if x:\n\ty = 2\n\t{LONG}".replace("\n", "\r\n").encode()


def test_a_change_is_shown_before_it_is_made(skill: Skill, tmp_path: Path) -> None:
    """With --apply too the patch is printed, and then that it was written."""
    (tmp_path / "a.py").write_text("x = 1\n")
    skill.text = fenced("x = 2\n", path="a.py")
    status, out, _ = run("run", "Set x.", "-f", "a.py", "--apply", cwd=tmp_path)
    assert status == 0
    assert out.index("-x = 1\n+x = 2") < out.index("written: a.py")


def test_on_a_terminal_a_patch_cannot_steer_it() -> None:
    """Escape sequences in what a model wrote are shown, not obeyed; the colours are ours."""
    leader, follower = os.openpty()
    code = "from escalator.cli.plain import show_patch; show_patch('+x\\x1b]0;owned\\x07\\u202e y\\tz\\n')"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=follower, env={**os.environ, "TERM": "xterm", "NO_COLOR": ""}
    ) as child:
        child.wait(timeout=100)
    os.close(follower)
    said = os.read(leader, 1000).decode()
    os.close(leader)
    assert "\x1b]0;" not in said
    assert r"\x1b]0;owned\x07\u202e y" in said
    assert said.startswith("\x1b[32m+x")


def test_commit_and_force_say_how_to_apply(skill: Skill, tmp_path: Path) -> None:
    """Either without --apply, or a commit where there is no git tree, is an error before any model is asked."""
    for option in ("--commit", "--force"):
        status, _, err = run("run", "Set x.", "-f", "a.py", option, cwd=tmp_path)
        assert (status, "add --apply" in err) == (2, True)
    status, _, err = run("run", "Set x.", "-f", "a.py", "--apply", "--commit", cwd=tmp_path)
    assert (status, "not in a git tree" in err) == (2, True)
    assert not skill.asked


def test_apply_and_commit_make_one_commit_and_say_how_to_undo_it(skill: Skill, tmp_path: Path) -> None:
    """The commit holds the file alone, with model, cost and task in its trailers; what is printed takes it back."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    (tmp_path / "a.py").write_text("x = 1\n")
    git("init", "--quiet")
    git("config", "user.name", "Ann")
    git("config", "user.email", "ann@example.org")
    git("add", "a.py")
    git("commit", "--quiet", "-m", "Begin")
    skill.text = fenced("x = 2\n", path="a.py")
    status, out, _ = run(
        *("run", "Set x to two.", "-f", "a.py", "--apply", "--commit", "--task-id", "one", "--json"), cwd=tmp_path
    )
    told = json.loads(out)
    assert (status, told["commit"]) == (0, git("rev-parse", "HEAD").strip())
    assert git("show", "--format=%s", "--name-only").split("\n\n") == ["Set x to two.", "a.py\n"]
    trailers = git("log", "-1", "--format=%(trailers:only)")
    assert "Escalator-Model: small (simulated)\nEscalator-Cost: 0 USD\nEscalator-Task: one\n" in trailers
    assert told["undo"] == f"git revert {told['commit']}"
    git(*told["undo"].split()[1:], "--no-edit")
    assert (tmp_path / "a.py").read_text() == "x = 1\n"


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
