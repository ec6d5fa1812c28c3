"""The command line, run as a person or a program would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from escalator.simulation import Fleet, Question
from houses import BASE, RIGHT, TESTS, WRONG


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project with a matrix that leads to a simulated fleet: the small model is wrong, the large one right."""

    def skill(question: Question) -> str:
        return RIGHT if question.model == "large" else WRONG

    with Fleet(skill) as fleet:
        matrix = {
            "version": 1,
            "providers": fleet.providers(),
            "models": {
                "small": {"provider": "ollama", "id": "small", "tier": "local_fast"},
                "large": {"provider": "lmstudio", "id": "large", "tier": "local_quality"},
            },
            "task_types": {
                "standard_development": {
                    "complexity": [0, 10],
                    "chain": ["small", "large"],
                    "validators": ["syntax", "tests"],
                    "max_attempts": 1,
                }
            },
        }
        (tmp_path / "escalation_matrix.yaml").write_text(yaml.safe_dump(matrix))
        (tmp_path / "adding.py").write_text(BASE["adding.py"])
        (tmp_path / "tests").mkdir()
        (tmp_path / "tests" / "test_adding.py").write_text(TESTS["test_adding.py"])
        yield tmp_path


def run(*words: str, cwd: Path, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "80", "ESCALATOR_LEDGER": str(cwd / "ledger.sqlite"), **env}
    return subprocess.run(
        [sys.executable, "-c", "from escalator.cli import main; main()", *words],
        cwd=cwd,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_without_arguments_the_commands_are_listed(tmp_path: Path) -> None:
    """A newcomer who types the name alone sees what there is."""
    shown = run(cwd=tmp_path)
    for command in ("run", "plan", "classify", "validate", "doctor", "demo", "matrix"):
        assert f" {command} " in shown.stdout + shown.stderr


@pytest.mark.needs_bwrap
def test_run_climbs_and_writes_only_when_told_to(project: Path) -> None:
    """`run` shows the escalation and the change, writes nothing; with --apply it writes the accepted change."""
    words = ("run", "Fix add().", "--file", "adding.py", "--test", "tests")
    shown = run(*words, cwd=project)
    assert shown.returncode == 0, shown.stderr
    assert "escalate to large" in shown.stdout
    assert "accepted (simulated)" in shown.stdout
    assert "add --apply" in shown.stdout
    assert (project / "adding.py").read_text() == BASE["adding.py"]
    assert max(len(line.rstrip()) for line in shown.stdout.splitlines()) <= 80
    shown = run(*words, "--apply", cwd=project)
    assert "a + b" in (project / "adding.py").read_text()
    assert "written: adding.py" in shown.stdout


@pytest.mark.needs_bwrap
def test_run_json_tells_everything_in_one_object(project: Path) -> None:
    """Programs get status, files, attempts with verdicts, moves and money, and nothing else on standard output."""
    shown = run("run", "Fix add().", "-f", "adding.py", "-t", "tests", "--json", cwd=project)
    told: dict[str, Any] = json.loads(shown.stdout)
    assert (told["status"], told["model"], told["simulated"]) == ("accepted", "large", True)
    assert [attempt["model"] for attempt in told["attempts"]] == ["small", "large"]
    assert told["transitions"][0]["kind"] == "escalation"
    assert told["attempts"][1]["verdicts"][1]["isolation"]


def test_run_reports_how_it_ended_by_its_exit_status(project: Path) -> None:
    """A task that nobody could do, and one that nobody could judge, end with statuses of their own."""
    skipped = run("run", "Fix add().", "-f", "adding.py", "--validator", "command", cwd=project)
    assert skipped.returncode == 2
    review = run("run", "Fix add().", "-f", "adding.py", cwd=project)
    assert review.returncode == 3
    assert "tests could not decide (skipped)" in " ".join(review.stdout.split())


def test_nobody_home_is_explained_without_a_traceback(tmp_path: Path) -> None:
    """With no server, no key and no matrix the reason names each obstacle and the next command."""
    shown = run("run", "Rename x to y.", "--type", "quick_edit", "--validator", "syntax", cwd=tmp_path)
    assert shown.returncode == 5
    flat = " ".join(shown.stdout.split())
    assert "GEMINI_API_KEY" in flat
    assert "escalator doctor" in flat
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", " "), "the prompt is empty"),
        (("run", "x", "--workspace", "nowhere"), "does not exist"),
        (("run", "x", "--matrix", "nowhere.yaml"), "no such matrix file"),
        (("run", "x", "--type", "critcal"), "critical"),
        (("run", "x", "--validator", "sintax"), "syntax"),
        (("run", "x", "--budget", "much"), "not an amount"),
        (("validate", "nowhere.py"), "cannot be read"),
    ],
)
def test_bad_input_is_one_line_on_standard_error(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    """A mistake is answered with one sentence and exit status 2."""
    shown = run(*words, cwd=tmp_path)
    assert shown.returncode == 2
    assert says in " ".join(shown.stderr.split())
    assert "Traceback" not in shown.stderr


def test_plan_shows_the_chain_without_asking_anybody(tmp_path: Path) -> None:
    """The plan of a typo under the default matrix: local first, Gemini Flash behind it."""
    shown = run("plan", "Fix the typo in the docstring of f().", "--json", cwd=tmp_path)
    told = json.loads(shown.stdout)
    assert [rung["model"] for rung in told["chain"]] == ["local-14b", "gemini-flash"]
    assert told["task_type"] == "quick_edit"
    assert run("plan", "Fix the typo in the docstring of f().", cwd=tmp_path).stdout.startswith("quick_edit")


def test_classify_reads_and_writes_json_lines(tmp_path: Path) -> None:
    """One JSON line in, one JSON line out, in order, with the ids kept."""
    lines = [
        {"id": "a", "text": "fix typo in README"},
        {"id": "b", "text": "rotate the leaked signing key in prod"},
    ]
    shown = run("classify", "--json", cwd=tmp_path, given="\n".join(json.dumps(line) for line in lines))
    told = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [(item["id"], item["task_type"]) for item in told] == [("a", "quick_edit"), ("b", "critical")]
    assert set(told[0]) == {"id", "task_type", "complexity", "confidence", "reasons"}
    broken = run("classify", "--json", cwd=tmp_path, given='{"text": 1}\n')
    assert (broken.returncode, "line 1" in broken.stderr) == (2, True)


def test_validate_judges_files_and_answers(project: Path) -> None:
    """Files are judged as they lie there; an answer is taken apart first; the exit status says whether all passed."""
    good = run("validate", "adding.py", cwd=project)
    assert (good.returncode, "✓ syntax" in good.stdout) == (0, True)
    (project / "broken.py").write_text("def f(:\n")
    bad = run("validate", "broken.py", "--json", cwd=project)
    assert bad.returncode == 1
    assert json.loads(bad.stdout)[0]["status"] == "failed"
    (project / "answer.md").write_text("I am sorry, I cannot do that.")
    prose = run("validate", "answer.md", "--answer", "--file", "adding.py", cwd=project)
    assert (prose.returncode, "answer" in prose.stdout) == (1, True)


def test_matrix_check_finds_mistakes_with_their_line(tmp_path: Path) -> None:
    """A typo is an error with file and line; what is only doubtful is a warning."""
    file = tmp_path / "m.yaml"
    file.write_text("version: 1\nprovders: {}\n")
    assert "m.yaml:2" in run("matrix", "check", "m.yaml", cwd=tmp_path).stderr
    file.write_text(
        "extends: default\nversion: 1\nmodels:\n  haiku: {id: claude-unheard-of-1}\n"
        "task_types:\n  quick_edit: {chain: [local-14b, local-14b]}\n"
    )
    shown = run("matrix", "check", "m.yaml", "--json", cwd=tmp_path)
    told = json.loads(shown.stdout)
    assert shown.returncode == 1
    assert any(f["severity"] == "error" and f["line"] == 4 and "price" in f["message"] for f in told)
    assert any(f["severity"] == "warning" and f["line"] == 6 for f in told)


def test_matrix_show_prints_a_file_that_can_be_used(tmp_path: Path) -> None:
    """The default matrix is shown with its comments, and the output is itself a matrix."""
    shown = run("matrix", "show", cwd=tmp_path)
    assert "# " in shown.stdout
    (tmp_path / "escalation_matrix.yaml").write_text(shown.stdout)
    assert run("matrix", "check", cwd=tmp_path).returncode == 0


def test_matrix_schema_is_json_schema(tmp_path: Path) -> None:
    """Editors can read it."""
    assert json.loads(run("matrix", "schema", cwd=tmp_path).stdout)["type"] == "object"


def test_doctor_names_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    """On a machine without servers and keys the doctor says so, and does not call it healthy."""
    shown = run("doctor", "--json", cwd=tmp_path)
    told = {finding["what"]: finding for finding in json.loads(shown.stdout)}
    assert shown.returncode == 1
    assert told["provider anthropic"]["ok"] is False
    assert "ANTHROPIC_API_KEY" in told["provider anthropic"]["next"]
    assert "SQLite" in told["sqlite"]["detail"]
    assert not (tmp_path / "ledger.sqlite").exists()


@pytest.mark.needs_bwrap
def test_the_demo_shows_every_kind_of_path(tmp_path: Path) -> None:
    """One pass, one retry, one escalation, one fallback with a paid rung, one review; all of it labelled simulated."""
    shown = run("demo", "--json", cwd=tmp_path)
    told = json.loads(shown.stdout)
    assert [task["status"] for task in told] == ["accepted"] * 4 + ["needs_review"]
    assert all(task["simulated"] for task in told)
    kinds = [{move["kind"] for move in task["transitions"]} for task in told]
    assert kinds == [set(), {"retry"}, {"retry", "escalation"}, {"fallback"}, {"retry", "escalation"}]
    types = {task["classification"]["task_type"] for task in told}
    assert types == {"quick_edit", "standard_development", "complex_architecture", "critical"}
    assert not (tmp_path / "ledger.sqlite").exists()
