"""How strong the tests are, asked through the public API and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from escalator import Escalator
from houses import TESTS, matrix

pytestmark = pytest.mark.needs_bwrap

RIGHT = {"adding.py": "def add(a, b):\n    if a is None:\n        return b\n    return a + b\n"}


def test_weak_tests_let_faults_through_and_the_report_names_them() -> None:
    """A suite that never tries None cannot notice that the branch for it is gone."""
    with Escalator(matrix(), ledger=":memory:") as house:
        report = house.strength(RIGHT, tests=TESTS, limit=8)
    assert report.killed
    assert report.survived
    assert 0 < (report.score or 0) < 1
    assert "let through: adding.py" in report.summary()


def test_the_command_line_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`escalator validate --strength` prints what was noticed and what was let through."""
    from typer.testing import CliRunner

    from escalator.cli.app import app

    (tmp_path / "adding.py").write_text(RIGHT["adding.py"])
    (tmp_path / "test_adding.py").write_text(TESTS["test_adding.py"])
    words = [
        "validate",
        str(tmp_path / "adding.py"),
        "-w",
        str(tmp_path),
        "-t",
        "test_adding.py",
        "--strength",
        "--json",
    ]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert set(told) == {"score", "killed", "survived", "unjudged", "left_out"}
