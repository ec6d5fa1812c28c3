"""A suite that silently tries less than it seems to is worth little: skips are few, named, and loud."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
SUITE = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_landlock(number):
    pytest.skip("landlock: this kernel has no Landlock. Use another.")

def test_tool():
    pytest.skip("the tool is not installed")
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_it.py").write_text(SUITE)
    return tmp_path


def _run(suite: Path, **more: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    return subprocess.run(argv, cwd=suite, env={"HOME": str(suite), **more}, capture_output=True, text=True)


def test_skips_are_told_loudly_and_counted_by_their_reason(suite: Path) -> None:
    """The end of a run lists what was not tried on this machine."""
    ran = _run(suite)
    assert ran.returncode == 0, ran.stdout
    told = ran.stdout.partition("NOT TRIED ON THIS MACHINE")[2]
    assert "3 tests: landlock: this kernel has no Landlock." in told
    assert "1 tests: the tool is not installed" in told


def test_ci_fails_on_a_skip_that_nobody_expects(suite: Path) -> None:
    """The reasons listed in conftest.py may be there, another one is a failure."""
    ran = _run(suite, ESCALATOR_NO_SKIPS="1")
    assert ran.returncode == 1
    assert "1 failed, 3 skipped" in ran.stdout
    assert "skipped in CI, where everything must run" in ran.stdout


def test_nothing_is_said_where_nothing_was_skipped(suite: Path) -> None:
    """A run that tried everything ends as usual."""
    (suite / "test_it.py").write_text("def test_one():\n    pass\n")
    assert "NOT TRIED" not in _run(suite).stdout
