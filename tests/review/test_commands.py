"""`escalator review`, `resume` and `verify`, on the ledger of a project with a simulated fleet."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from escalator import Escalator
from escalator.cli.app import app
from escalator.errors import LedgerError, TaskError
from escalator.evidence import intact
from escalator.ledger import open_ledger
from escalator.simulation import Fleet, Question
from houses import BASE, BROKEN, RIGHT
from review.desk import Desk


class Project:
    """A folder with a file to change, a matrix that leads to a fleet, and a ledger."""

    def __init__(self, root: Path, fleet: Fleet) -> None:
        self.fleet = fleet
        self.root, self.ledger, self.matrix = root, root / "ledger.sqlite", root / "matrix.yaml"
        self.matrix.write_text(yaml.safe_dump(_matrix(fleet)))
        (root / "adding.py").write_text(BASE["adding.py"])

    def execute(self, task_type: str, task_id: str = "t1") -> Any:
        """Do a task, filing what needs a person."""
        archive = open_ledger(self.ledger, durability="normal")
        desk = Desk({}, ledger=archive)
        with Escalator(self.matrix, ledger=archive) as house:
            outcome = house.execute(
                "Fix add().",
                workspace=self.root,
                files=["adding.py"],
                task_type=task_type,
                task_id=task_id,
                on_event=desk.file,
            )
        archive.close()
        return outcome

    def run(self, *words: str) -> Result:
        env = {"ESCALATOR_LEDGER": str(self.ledger), "ESCALATOR_MATRIX": str(self.matrix), "COLUMNS": "80"}
        result = CliRunner().invoke(app, list(words), env=env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *words: str) -> Any:
        lines = [json.loads(line) for line in self.run(*words, "--json").output.splitlines()]
        return lines[0] if len(lines) == 1 else lines

    @property
    def text(self) -> str:
        return (self.root / "adding.py").read_text()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """The small model writes broken code on hard tasks, the large one is right and costs money."""

    def skill(question: Question) -> str:
        hinted = "A reviewer adds" in question.prompt
        return RIGHT if question.model == "large" or hinted else BROKEN

    with Fleet(skill) as fleet:
        yield Project(tmp_path, fleet)


def _matrix(fleet: Fleet) -> dict[str, Any]:
    types = {
        "paid": {"complexity": [0, 4], "chain": ["small", "large"]},
        "reviewed": {"complexity": [4, 8], "chain": ["large"], "review": True, "before_paid": "warn"},
        "small_only": {"complexity": [8, 10], "chain": ["small"], "at_end": "review"},
    }
    return {
        "version": 1,
        "providers": fleet.providers(),
        "models": {
            "small": {"provider": "ollama", "id": "small", "tier": "local_fast"},
            "large": {
                "provider": "lmstudio",
                "id": "large",
                "tier": "local_quality",
                "price": {"input": 1, "output": 2},
            },
        },
        "task_types": {name: {**section, "validators": ["syntax"]} for name, section in types.items()},
        "cost_guard": {"before_paid": "confirm"},
    }


def test_the_queue_is_listed_and_shown(project: Project) -> None:
    """The list says what waits and why; a case shows prompt, answer and verdicts."""
    project.execute("reviewed")
    listed = project.run("review", "list").output
    assert "reviewed" in listed
    assert "wait for a person" in " ".join(listed.split())
    shown = project.run("review", "show", "1").output
    assert "Fix add()." in shown
    assert "--- a/adding.py\n+++ b/adding.py\n@@ " in shown
    assert "-    return None\n+    return a + b\n" in shown
    assert "✓ syntax" in shown


def test_approving_writes_only_with_apply(project: Project) -> None:
    """Without the flag the workspace stays; the task can be applied later."""
    project.execute("reviewed")
    told = project.run("review", "approve", "1", "--by", "ann", "--note", "fine").output
    assert "Nothing was written" in told
    assert project.text == BASE["adding.py"]
    assert project.run("resume", "t1", "--apply").exit_code == 0
    assert "a + b" in project.text


def test_approving_with_apply_writes(project: Project) -> None:
    """The flag writes the answer at once and says where."""
    project.execute("reviewed")
    told = project.json("review", "approve", "1", "--apply", "--by", "ann")
    assert [Path(path).name for path in told["written"]] == ["adding.py"]
    assert "a + b" in project.text


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_commit_that_cannot_be_made_is_said_before_anything_is_decided(project: Project) -> None:
    """Neither is the case decided nor a model asked: as for `run`, the folder must take a commit first."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(project.root), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    project.execute("reviewed")
    project.execute("paid", "t2")
    asked = project.fleet.asked.total()
    approving = ("review", "approve", "1", "--apply", "--commit")
    for words in (approving, ("resume", "t2", "--apply", "--commit", "--yes")):
        with pytest.raises(TaskError, match="not in a git tree"):
            project.run(*words)
    git("init", "--quiet")
    git("config", "user.name", "Ann")
    git("config", "user.email", "ann@example.org")
    git("add", "adding.py")
    git("commit", "--quiet", "-m", "Begin")
    merging = project.root / ".git/MERGE_HEAD"
    merging.write_text(git("rev-parse", "HEAD"))
    with pytest.raises(TaskError, match="during a merge"):
        project.run("resume", "t2", "--apply", "--commit", "--yes")
    merging.unlink()
    (project.root / "adding.py").write_text("mine = 1\n")
    with pytest.raises(TaskError, match="has changes of its own"):
        project.run(*approving)
    assert project.json("review", "list")[0]["state"] == "waiting"
    assert project.fleet.asked.total() == asked
    git("checkout", "--", "adding.py")
    assert project.json(*approving)["commit"]


def test_approving_over_a_conflict_is_said_and_can_be_forced(project: Project) -> None:
    """The decision stands when the answer cannot be written; the reason is told, and --force or resume writes it."""
    project.execute("reviewed")
    (project.root / "adding.py").write_text(project.text + "# mine\n")
    refused = project.run("review", "approve", "1", "--apply", "--by", "ann")
    assert (refused.exit_code, "is approved" in refused.output) == (2, True)
    assert "changed on disk" in " ".join(refused.output.split())
    assert project.text.endswith("# mine\n")
    assert project.run("resume", "t1", "--apply", "--force").exit_code == 0
    assert "a + b" in project.text


def test_an_approved_model_is_used_by_resume(project: Project) -> None:
    """Approve on one day, resume in another process: the paid model is asked and the task done."""
    assert project.execute("paid").cause == "pending"
    (found,) = [project.json("review", "list")]
    assert (found["kind"], found["model"]) == ("approval", "large")
    assert float(found["highest_cost"]) > 0
    assert project.run("resume", "t1").exit_code == 3
    assert "escalator resume t1" in project.run("review", "approve", "1").output
    resumed = project.json("resume", "t1")
    assert (resumed["status"], resumed["model"]) == ("accepted", "large")
    assert project.run("review", "list").output.strip() == "Nothing waits for a decision."


def test_resume_with_yes_asks_nobody(project: Project) -> None:
    """The flag approves what the queue has not decided."""
    project.execute("paid")
    assert project.run("resume", "t1", "--yes").exit_code == 0


def test_rejecting_ends_the_task(project: Project) -> None:
    """The decision, its author and the reason are in the list of all cases."""
    project.execute("reviewed")
    assert "t1 is over" in project.run("review", "reject", "1", "--by", "ann", "--note", "no tests").output
    found = project.json("review", "list", "--all")
    assert (found["state"], found["decided_by"], found["note"]) == ("rejected", "ann", "no tests")
    with pytest.raises(LedgerError, match="decided already"):
        project.run("review", "approve", "1")


def test_skipping_ends_the_task_too(project: Project) -> None:
    """Given up without a judgement."""
    project.execute("reviewed")
    assert project.json("review", "skip", "1")["note"] == "skipped"


def test_a_retry_with_a_hint_is_done_at_once(project: Project) -> None:
    """The hint reaches the model, whose answer now passes."""
    assert project.execute("small_only").status == "needs_review"
    told = project.json("review", "retry", "1", "--hint", "Close the bracket.")
    assert (told["task_id"], told["status"]) == ("t1.r1", "accepted")


def test_a_retry_can_be_left_for_later(project: Project) -> None:
    """It is prepared, and resume does it."""
    project.execute("small_only")
    assert project.json("review", "retry", "1", "--hint", "Close it.", "--later") == {"task_id": "t1.r1"}
    assert project.run("resume", "t1.r1").exit_code == 0


def test_an_accepted_task_is_verified(project: Project) -> None:
    """Its checks are executed again; the bundle that is saved can be compared later."""
    project.execute("reviewed")
    project.run("review", "approve", "1")
    bundle = project.root / "evidence.json"
    result = project.run("verify", "t1", "--save", str(bundle))
    assert result.exit_code == 0
    assert "task t1: holds" in result.output
    assert intact(json.loads(bundle.read_text()))
    assert project.json("verify", "t1", "--bundle", str(bundle))["holds"] is True


def test_a_forged_bundle_fails_the_verification(project: Project) -> None:
    """A bundle with another cost in it is found out, and the exit status says so."""
    project.execute("reviewed")
    project.run("review", "approve", "1")
    bundle = project.root / "evidence.json"
    project.run("verify", "t1", "--save", str(bundle))
    bundle.write_text(bundle.read_text().replace('"status": "accepted"', '"status": "skipped"'))
    result = project.run("verify", "t1", "--bundle", str(bundle))
    assert result.exit_code == 1
    assert "does not hold" in result.output
