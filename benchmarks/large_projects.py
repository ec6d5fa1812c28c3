"""What a tree of 20,000 files and 340 MB adds to a verdict of tests, by the way in which the sandbox keeps apart.

Two projects have the same sources and tests; one has data, assets, packages and vendored code beside them. Each
round judges one answer to each, in turn. The first verdict of a process copies the tree; those after it find the
copy.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import table
from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet, RunResult
from escalator.sandbox import Sandbox
from escalator.steps import Run
from escalator.validators import judge
from escalator.validators.tests.suite import pytest_suite

TARGET, TEST = "src/app/calc.py", "tests/test_calc.py"
BROKEN, RIGHT = "def add(a, b):\n    return None\n", "def add(a, b):\n    return a + b\n"
TESTS = """import pytest
from app.calc import add


@pytest.mark.parametrize("n", range(20))
def test_it(n):
    assert add(n, 2) == n + 2
"""
MODULE = "def double(x):\n    return x * 2\n"
BULK: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "data/part{}/row{}.bin": (7000, 60, (2_000, 8_000, 30_000, 90_000)),
    "assets/a{}/item{}.json": (5000, 40, (450, 4_500, 27_000)),
    "web/packages/k{}/file{}.js": (6000, 300, (500, 5_000, 20_000)),
    "vendor/v{}/module{}.py": (2000, 200, (400, 4_000, 20_000)),
}
"""Files: how many, in how many folders, of which sizes."""


def main() -> None:
    """Print one row for each sandbox that works here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        for root in (small, large):
            sources(root)
        bulk(large)
        rows = []
        for name in ("bwrap", "landlock"):
            sandbox = Sandbox(isolation=name)  # type: ignore[arg-type]
            if sandbox.unavailable() is None:
                rows.append((name, *added(sandbox, small, large, chosen.rounds)))
    print(table(("", "without, s", "with, s", "added", "added to the first", "the first without"), rows))


def sources(root: Path) -> None:
    """Three hundred modules in twenty packages, and tests of one of them."""
    texts = {f"src/app/p{number % 20}/m{number}.py": MODULE * 20 for number in range(300)}
    texts |= {f"src/app/p{number}/__init__.py": "" for number in range(20)}
    for path, text in {**texts, "src/app/__init__.py": "", TARGET: BROKEN, TEST: TESTS}.items():
        _write(root / path, text.encode())


def bulk(root: Path) -> None:
    """What lies beside the sources of many a project, and no run of the tests needs."""
    chance = random.Random(5)
    noise, text = chance.randbytes(1 << 20), MODULE.encode() * 1000
    for pattern, (count, folders, sizes) in BULK.items():
        for number in range(count):
            size = chance.choice(sizes)
            begin = chance.randrange(len(noise) - size)
            content = noise[begin : begin + size] if pattern.startswith("data") else text[:size]
            _write(root / pattern.format(number % folders, number), content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def added(sandbox: Sandbox, small: Path, large: Path, rounds: int) -> tuple[float, float, float, float, float]:
    """Seconds: the medians without and with the tree, that of the differences, and the same of the first round."""

    def perform(step: object) -> RunResult:
        assert isinstance(step, Run)
        return sandbox.run(step.command)

    without, beside = [], []
    for _ in range(rounds + 1):
        without.append(seconds(lambda: verdict(small, perform)))
        beside.append(seconds(lambda: verdict(large, perform)))
    differences = [mine - plain for mine, plain in zip(beside, without, strict=True)]
    return (
        statistics.median(without[1:]),
        statistics.median(beside[1:]),
        statistics.median(differences[1:]),
        differences[0],
        without[0],
    )


def seconds(work: Callable[[], None]) -> float:
    """How long it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def verdict(root: Path, perform: Callable[[object], RunResult]) -> None:
    """Judge a right answer by a validator that has not seen the task: the run without the answer is made too."""
    files, tests = {TARGET: BROKEN}, {TEST: TESTS}
    brief = Brief(task_id="large", prompt="Make add() add.", workspace=root, files=files, tests=tests)
    candidate = Candidate(brief=brief, changes=ChangeSet(files={TARGET: RIGHT}))
    found = drive(judge(pytest_suite(), candidate), perform)
    assert found.passed, found


if __name__ == "__main__":
    main()
