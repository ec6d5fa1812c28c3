"""How the benchmarks measure, on blocks of known cost; no time is asserted."""

from __future__ import annotations

import asyncio

import pytest


def test_every_block_runs_once_a_round_and_is_compared_with_the_floor_of_its_round() -> None:
    """A warm-up and then one turn a round for plain and asynchronous blocks; the floor's ratio is 1."""
    from benchmarks.measure import interleave

    ran: list[str] = []

    def plain() -> None:
        ran.append("plain")
        sum(range(20_000))

    async def asynchronous() -> None:
        ran.append("asynchronous")
        await asyncio.sleep(0)
        sum(range(20_000))

    blocks = {"plain": plain, "asynchronous": asynchronous}
    with asyncio.Runner() as runner:
        ratios = interleave(blocks, floor="plain", rounds=3, calls=1, runner=runner)
    assert (ran.count("plain"), ran.count("asynchronous")) == (4, 4)
    assert [ratio.name for ratio in ratios] == ["plain", "asynchronous"]
    assert ratios[0].wall == ratios[0].low == ratios[0].high == 1.0


def test_the_order_changes_from_round_to_round() -> None:
    """No contender always runs behind the same one."""
    from benchmarks.measure import interleave

    ran: list[str] = []

    def block(name: str) -> None:
        ran.append(name)
        sum(range(20_000))

    blocks = {name: lambda name=name: block(name) for name in ("a", "b", "c")}
    with asyncio.Runner() as runner:
        interleave(blocks, floor="a", rounds=3, calls=1, runner=runner)
    assert ["".join(ran[start : start + 3]) for start in range(0, 12, 3)] == ["abc", "abc", "bca", "cab"]


def test_a_table_is_markdown() -> None:
    """Numbers are cut to two decimals, everything else is written as it is."""
    from benchmarks.measure import table

    assert table(("name", "ratio"), [("x", 1.234)]) == "| name | ratio |\n| --- | --- |\n| x | 1.23 |"


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_without_a_name_the_benchmarks_are_listed(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Every benchmark is named with its first sentence, and nothing runs."""
    from benchmarks.__main__ import NAMES, main

    assert main(words) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in NAMES)


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt name does not run something else."""
    from benchmarks.__main__ import main

    assert main(["overheat"]) == 2
    assert "overhead" in capsys.readouterr().err
