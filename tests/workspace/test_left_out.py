"""What leaves the machine is what was named: a pattern takes neither what git ignores nor what holds secrets."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from escalator import Escalator
from escalator.errors import TaskError
from escalator.events import Warned
from escalator.testing import ScriptedProvider
from escalator.workspace import LeftOut, read_files, read_tests
from escalator.workspace.ignored import ignored
from houses import RIGHT, chain_of, matrix

FILES = {
    ".gitignore": "*.log\n/out/\nsecret/\n!keep.log\n",
    ".env": "KEY=1\n",
    ".flake8": "[flake8]\n",
    "adding.py": "def add(a, b):\n    return None\n",
    "run.log": "x\n",
    "keep.log": "x\n",
    "out/made.py": "x = 1\n",
    "lib/out/kept.py": "x = 1\n",
    "lib/.gitignore": "local_*.py\n!local_but_kept.py\n*.log\n",
    "lib/local_a.py": "x = 1\n",
    "lib/local_but_kept.py": "x = 1\n",
    "lib/keep.log": "x\n",
    "secret/.gitignore": "!*\n",
    "secret/a.py": "x = 1\n",
}
GONE = {"run.log", "out/made.py", "lib/local_a.py", "lib/keep.log", "secret/a.py"}


@pytest.fixture(params=["git", "no git"])
def tree(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with nested .gitignore files, in a git tree and outside one."""
    root = tmp_path / "project"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    if request.param == "git":
        subprocess.run(["git", "init", "-q", str(root)], check=True)
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
    return root


def test_nested_rules_and_their_exceptions_hold(tree: Path) -> None:
    """A deeper file has the last word, but nothing comes back out of a folder that is ignored as a whole."""
    names = sorted(name for name in FILES if not name.endswith(".gitignore"))
    assert ignored(tree, names) == GONE
    assert ignored(tree / "lib", ["local_a.py", "out/kept.py", "keep.log"]) <= {"local_a.py", "keep.log"}


def test_a_pattern_says_how_many_it_left_out(tree: Path) -> None:
    """What might be missed is counted; names with a dot are not what a star means."""
    left = LeftOut()
    found = read_files(tree, ["**/*"], left=left)
    assert set(found) == {"adding.py", "keep.log", "lib/out/kept.py", "lib/local_but_kept.py"}
    assert left.sentence("files") == (
        "files leaves out what its patterns match: 5 that git ignores, 1 that may hold secrets; name those that are "
        "wanted"
    )
    assert list(read_files(tree, [".f*"])) == [".flake8"]
    assert list(read_files(tree, ["out/made.py", ".env"])) == [".env", "out/made.py"]
    with pytest.raises(TaskError, match="1 that git ignores"):
        read_files(tree, ["run.lo?"])


def test_a_folder_of_tests_takes_no_more_than_a_pattern(tree: Path) -> None:
    """What it leaves out is told in the same words."""
    left = LeftOut()
    assert set(read_tests(tree, ["lib"], left=left)) == {
        "lib/.gitignore",
        "lib/local_but_kept.py",
        "lib/out/kept.py",
    }
    assert "2 that git ignores" in left.sentence("tests")


def test_what_git_tracks_is_not_ignored(tmp_path: Path) -> None:
    """A file that was added by force belongs to the project."""
    (tmp_path / ".gitignore").write_text("*.log\n")
    for name in ("kept.log", "run.log"):
        (tmp_path / name).write_text("x\n")
    for words in (["init", "-q"], ["add", "-f", "kept.log"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    assert ignored(tmp_path, ["kept.log", "run.log"]) == {"run.log"}


def a_house(scripted: ScriptedProvider, events: list[Any], **changes: Any) -> Escalator:
    data = matrix(task_types=chain_of("haiku", "small"), **changes)
    return Escalator(data, ledger=":memory:", providers=scripted, on_event=events.append)


def test_no_prompt_holds_what_nobody_named_and_the_outcome_says_so(tree: Path) -> None:
    """The caller is told in the outcome, and whoever watches by an event."""
    scripted, events = ScriptedProvider(lambda _: RIGHT), list[Any]()
    with a_house(scripted, events) as house:
        outcome = house.execute("Fix add().", workspace=tree, files=["*"])
    told = [event.message for event in events if isinstance(event, Warned)]
    assert any("1 that git ignores, 1 that may hold secrets" in each for each in outcome.warnings)
    assert set(outcome.warnings) <= set(told)
    (request,) = scripted.requests
    assert "KEY=1" not in request.messages[0].text


@pytest.mark.parametrize("secrets", ["local", "any"])
def test_a_secret_that_was_named_stays_at_home(tree: Path, secrets: str) -> None:
    """Other machines are told of it only where the matrix says so; the rung is passed by, and why is told."""
    scripted = ScriptedProvider(lambda _: RIGHT)
    with a_house(scripted, [], privacy={"secrets": secrets}) as house:
        outcome = house.execute("Fix add().", workspace=tree, files=["adding.py", ".env"])
    asked = [request.model.name for request in scripted.requests]
    assert outcome.status == "accepted"
    assert asked == (["small"] if secrets == "local" else ["haiku"])
    skipped = [move.reason for move in outcome.transitions if move.kind == "skip"]
    assert any(".env may hold a secret" in reason for reason in skipped) == (secrets == "local")
