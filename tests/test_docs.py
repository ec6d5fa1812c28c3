"""The documentation is true: every block of Python in it runs offline, and so does every example."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from escalator import load_matrix
from escalator.matrix.reading import packaged_path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page in one language, those marked `not run` left out."""
    return [m[3] for m in BLOCK.finditer(page.read_text()) if m[1] == language and "not run" not in m[2]]


def run_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "ESCALATOR_LEDGER": str(folder / "ledger.sqlite"), "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=200,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_block_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    """The blocks of one page run one after the other in one process, without a network, and raise nothing."""
    code = blocks(page, "python")
    if not code:
        return
    shown = run_python("\n".join(code), tmp_path)
    assert shown.returncode == 0, shown.stderr[-3000:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_yaml_block_of_a_page_is_a_matrix_or_part_of_one(page: Path, tmp_path: Path) -> None:
    """A block of YAML loads as it stands, or laid over the default matrix."""
    for number, text in enumerate(blocks(page, "yaml")):
        data = yaml.safe_load(text)
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        if "version" in data:
            load_matrix(file)
        else:
            load_matrix(packaged_path(), file)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A relative link names a file that exists."""
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_example_runs_offline(example: Path, tmp_path: Path) -> None:
    """An example runs as it stands and prints something."""
    shown = run_python(example.read_text(), tmp_path)
    assert shown.returncode == 0, shown.stderr[-3000:]
    assert shown.stdout.strip()


def test_the_reference_is_up_to_date() -> None:
    """The generated pages are what `make docs` would write now."""
    shown = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "write_reference.py"), "--check"], capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stdout


def test_the_shipped_matrix_is_the_one_in_config() -> None:
    """The wheel ships config/escalation_matrix.yaml byte for byte."""
    assert packaged_path().read_text() == (ROOT / "config" / "escalation_matrix.yaml").read_text()
    assert json.loads(json.dumps(load_matrix(packaged_path()).document.data))["version"] == 1
