"""What a verdict of tests costs over a bare pytest process on the same tests, while a model answers and after it.

The model takes `--answer` seconds, in which the run of the tests without the answer is made; what a person waits
for after it is the verdict. Interleaved: each round makes a bare run and every task once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.houses import PROMPT, house
from benchmarks.measure import table
from benchmarks.server import BASE, PATH, RIGHT, server

TESTS = """import pytest
from adding import add

@pytest.mark.parametrize("n", range(40))
def test_sum(n):
    {body}
"""
BARE = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Without what this environment adds to pytest, since the sandboxed runs load none of it either."""

BODIES = {
    "40 quick tests": "assert add(n, 1) == n + 1",
    "40 tests of 20 ms": "import time; time.sleep(0.02); assert add(n, 1) == n + 1",
}


def main() -> None:
    """Print one table for each suite."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--answer", type=float, default=3.0, help="seconds the model takes")
    chosen = parser.parse_args()
    for name, body in BODIES.items():
        print(f"\n{name}; the model answers after {chosen.answer:g} s\n")
        with tempfile.TemporaryDirectory() as folder:
            rows = asyncio.run(measure(Path(folder), TESTS.format(body=body), chosen.rounds, chosen.answer))
        bare = rows["bare pytest"]
        ratios = {
            row: [mine / plain for mine, plain in zip(times, bare, strict=True)] for row, times in rows.items()
        }
        cells = ((row, statistics.median(times), statistics.median(ratios[row])) for row, times in rows.items())
        print(table(("", "s, median", "to bare pytest"), cells))


async def measure(folder: Path, tests: str, rounds: int, answer: float) -> dict[str, list[float]]:
    """Seconds of each round: a bare run of the right code, and what two kinds of task take beyond the answer."""
    project, right = folder / "project", folder / "right"
    for place in (project, right):
        place.mkdir()
        (place / PATH).write_text(BASE)
        (place / "test_adding.py").write_text(tests)
    (right / PATH).write_text(RIGHT.split("```")[1].removeprefix("python\n"))

    with ExitStack() as stack:
        served = stack.enter_context(server(delay=answer))

        def judged(**options: object) -> Callable[[], Awaitable[None]]:
            validators = ("syntax", {"tests": options}) if options else ("syntax", "tests")
            escalator = stack.enter_context(house(served.url, folder, validators=validators))

            async def task() -> None:
                outcome = await escalator.aexecute(
                    PROMPT, workspace=project, files=[PATH], tests=["test_adding.py"]
                )
                assert outcome.status == "accepted", outcome.reason

            return task

        async def bare() -> None:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
            await asyncio.to_thread(subprocess.run, command, cwd=right, env=BARE, check=True, capture_output=True)

        contenders = {
            "bare pytest": (bare, 0.0),
            "a task's verdict": (judged(), answer),
            "the same, compared where the answer runs": (judged(blind=False), answer),
            "that, and sentinels": (judged(blind=False, sentinels="always"), answer),
        }
        return await interleaved(contenders, rounds)


async def interleaved(
    variants: dict[str, tuple[Callable[[], Awaitable[None]], float]], rounds: int
) -> dict[str, list[float]]:
    """Seconds beyond what is to be left out, by variant and round."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, (start, apart) in variants.items():
            begun = time.perf_counter()
            await start()
            if number:  # the first round warms the caches
                taken[name].append(time.perf_counter() - begun - apart)
    return taken


if __name__ == "__main__":
    main()
