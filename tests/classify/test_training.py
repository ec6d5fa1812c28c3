"""The trainer: the shipped weights come from the shipped requests, and the published figures hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from escalator.classify.protocol import BANDS

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = [ROOT / "tools" / "classifier" / name for name in ("requests.jsonl", "second_author.jsonl")]


def train(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the trainer in a process of its own."""
    command = [sys.executable, str(ROOT / "tools" / "train_classifier.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")


def test_the_shipped_weights_come_from_the_shipped_requests() -> None:
    """Training again gives the packaged file to the last digit."""
    done = train("--check")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_published_figures_hold() -> None:
    """Cross-validation, and each author judged by the other's weights, give what the documentation says."""
    done = train("--report")
    page = (ROOT / "docs" / "explanation" / "classifier.md").read_text("utf-8")

    measured = [float(share) for share in re.findall(r"right: ([\d.]+)%", done.stdout)]
    wordings = (
        r"([\d.]+) % right in cross-validation",
        r"second author's requests by weights from the first: ([\d.]+) %",
        r"first author's by weights from the second: ([\d.]+) %",
        r"second half of the second author's: ([\d.]+) %",
    )
    published = [float(re.search(wording, page)[1]) for wording in wordings]
    assert len(measured) == len(published)
    assert all(abs(now - said) < 0.06 for now, said in zip(measured, published, strict=True))


def test_the_requests_are_usable() -> None:
    """Every request is labelled within its type's band, none occurs twice, and about half are misleading."""
    rows = [json.loads(line) for file in REQUESTS for line in file.read_text("utf-8").splitlines()]

    assert all(BANDS[row["task_type"]][0] <= row["complexity"] <= BANDS[row["task_type"]][1] for row in rows)
    assert len({row["text"] for row in rows}) == len(rows) > 700
    assert min(Counter(row["task_type"] for row in rows).values()) > 150
    assert 0.4 < sum(row["hard"] for row in rows) / len(rows) < 0.65


def test_another_labelled_file_can_be_judged(tmp_path: Path) -> None:
    """The shipped weights are scored on any labelled file, with a confusion matrix."""
    labelled = tmp_path / "mine.jsonl"
    row = {"text": "fix the typo in the README", "task_type": "quick_edit", "complexity": 0.5, "hard": False}
    labelled.write_text(json.dumps(row) + "\n", "utf-8")

    done = train("--eval", str(labelled))

    assert "right: 100.0%" in done.stdout, done.stderr
