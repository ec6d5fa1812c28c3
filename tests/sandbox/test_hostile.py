"""Forty-nine ways to misbehave, tried in every isolation mode that works on this machine.

Each mode runs them once, in a process of its own; where the tests run as root, also as an ordinary user.
What a mode does not stop is written down in GAPS, and closing a gap fails a test as much as opening one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import escalator
from open_python import as_nobody

pytestmark = pytest.mark.clock  # much of it is about what happens at a limit, and when

RUNNER = Path(__file__).with_name("hostile_runner.py")
NUMBERS = range(1, 50)
SETTINGS = (
    [
        pytest.param("bwrap", marks=pytest.mark.needs_bwrap),
        pytest.param("bwrap as nobody", marks=pytest.mark.needs_bwrap),
        "landlock",
        "landlock as nobody",
        "none as nobody",  # never tried with the rights of root
    ]
    if os.getuid() == 0
    else [pytest.param("bwrap", marks=pytest.mark.needs_bwrap), "landlock", "none"]
)

NOT_OURS = "text is given back as it was printed; whoever shows it to a judge has to fence it"
OLD_LANDLOCK = dict.fromkeys((19, 42, 49), "Landlock before version 6 does not hold signals inside")
GAPS: dict[str, dict[int, str]] = {
    "bwrap": {32: NOT_OURS},
    "landlock": {32: NOT_OURS},
    "none": {
        2: "/proc is the machine's",
        3: "all files of the user are readable",
        4: "the network is the machine's",
        5: "the network is the machine's",
        6: "the network is the machine's",
        7: "the network is the machine's",
        19: "processes of the same user can be signalled",
        20: "processes of the same user can be traced",
        21: "all files of the user are writable",
        24: "the workspace lies in the same file system",
        32: NOT_OURS,
        36: "the project itself is writable by its path",
        42: "signals and devices are the machine's",
        44: "all files of the user can be changed",
        46: "every kind of socket is there",
        47: "limits of processes of the same user can be lowered",
        48: "nothing is mounted read-only",
        49: "the launcher can be killed, and a child in a session of its own lives on",
    },
}
DEPENDS_ON_KERNEL = {"none": {35, 38, 45}, "landlock": set[int](), "bwrap": set[int]()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    stopped: bool | None
    expected: bool
    evidence: str


@pytest.fixture(scope="session", params=SETTINGS)
def outcomes(request: pytest.FixtureRequest, python_for_all: str) -> Iterator[tuple[str, dict[int, Outcome]]]:
    mode, _, other = str(request.param).partition(" as ")
    if mode == "bwrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    folder = Path(tempfile.mkdtemp(prefix="hostile-"))
    python = sys.executable if request.param == "bwrap" else python_for_all
    try:
        yield mode, _attack(mode, folder, python, as_nobody if other else _as_we_are)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_we_are(argv: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, **options)


def _attack(
    mode: str, folder: Path, python: str, run: Callable[..., subprocess.CompletedProcess[str]]
) -> dict[int, Outcome]:
    package = folder / "escalator"
    package.mkdir()
    (package / "__init__.py").touch()
    for room in ("foreign.py", "errors.py", "remedies.py", "forking.py", "records", "workspace", "sandbox"):
        source = Path(escalator.__file__).parent / room
        (shutil.copytree if source.is_dir() else shutil.copy)(source, package / room)
    shutil.copy(RUNNER, folder)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    ran = run(
        [python, str(folder / RUNNER.name), mode],
        env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        cwd=folder,
        timeout=280,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    if not lines:
        last = (ran.stderr.splitlines() or ["no output"])[-1]
        if "Nothing here can run" in last:
            pytest.skip(last)
        pytest.fail(ran.stderr)
    old = mode == "landlock" and lines[0]["processes"] == "shared"
    return {
        line["number"]: Outcome(
            stopped=line["stopped"],
            evidence=f"{line['name']}: {line['evidence']}",
            expected=line["number"] not in (GAPS[mode].keys() | (OLD_LANDLOCK if old else {}).keys()),
        )
        for line in lines[1:]
    }


@pytest.mark.parametrize("number", NUMBERS)
def test_hostile_behaviour(number: int, outcomes: tuple[str, dict[int, Outcome]]) -> None:
    """Each hostile behaviour is stopped, unless the table of gaps says that this mode does not stop it."""
    mode, found = outcomes
    outcome = found[number]
    if number in DEPENDS_ON_KERNEL[mode]:
        assert outcome.stopped is not None, outcome
        return
    assert outcome.stopped is outcome.expected, outcome


PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "sandbox.md"


def test_the_page_tells_the_gaps() -> None:
    """The table users read says of each behaviour and mode what these tests hold it to."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines()]
    told = {int(row[0]): row[2:] for row in rows if row[0].isdigit()}
    assert told == {number: [_word(mode, number) for mode in ("bwrap", "landlock", "none")] for number in NUMBERS}


def _word(mode: str, number: int) -> str:
    if number in DEPENDS_ON_KERNEL[mode]:
        return "depends"
    return "open" if number in GAPS[mode] else "stopped"
