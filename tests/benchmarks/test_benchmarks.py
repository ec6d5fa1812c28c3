"""Each benchmark at a tiny size: what it measures is really done. No time is asserted."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import sys
from decimal import Decimal
from pathlib import Path

import pytest


def test_imports_count_modules_and_compare_with_the_floor() -> None:
    """The floor is 1 by itself, and the package alone loads fewer modules than its entry point."""
    from benchmarks.imports import FLOOR, measure

    floor = FLOOR if importlib.util.find_spec("httpx") else "import httpx2"
    statements = (floor, "import escalator", "from escalator import execute")
    costs = {cost.statement: cost for cost in measure(rounds=1, statements=statements, floor=floor)}
    assert costs[floor].best_ratio == costs[floor].median_ratio == 1.0
    assert 0 < costs["import escalator"].modules < costs["from escalator import execute"].modules


def test_a_cold_start_is_held_against_other_fresh_processes() -> None:
    """The floors are 1 by themselves; every process took CPU, and the first answers were accepted ones."""
    pytest.importorskip("httpx", reason="the floor of the first answer is httpx")
    from benchmarks.cold_start import FLOOR, commands, first_answers

    found = [*commands(rounds=1, names=(FLOOR, "escalator --help")), *first_answers(rounds=1)]
    assert [start.wall_ratio for start in found if start.name == FLOOR or start.name.startswith("httpx")] == [1, 1]
    assert all(start.cpu > 0 for start in found)


def test_overhead_compares_accepted_calls_with_raw_ones() -> None:
    """Four comparisons, each with the raw floor at 1 and every `execute` accepted."""
    pytest.importorskip("httpx", reason="the raw floor is httpx")
    from benchmarks.overhead import measure

    found = measure(rounds=1, calls=1)
    assert len(found) == 4
    for ratios in found.values():
        assert ratios[0].name == "raw httpx"
        assert ratios[0].wall == 1.0
        assert any("execute" in ratio.name for ratio in ratios[1:])


def test_parts_of_a_task_are_timed_beside_a_raw_call() -> None:
    """The raw call is 1 by itself; every part takes time, alone and with a long prompt."""
    pytest.importorskip("httpx", reason="the raw floor is httpx")
    from benchmarks.micro import measure

    parts = measure(rounds=1)
    assert parts[0].ratio == 1.0
    assert all(part.microseconds > 0 for part in parts)
    assert {"extraction", "classification", "classification, 100 kB"} <= {part.name for part in parts}


def test_many_at_once_all_answer() -> None:
    """Eight tasks at a time on one loop make as many calls as were wanted, without an error."""
    from benchmarks.concurrency import apart
    from benchmarks.server import server

    with server(delay=0.005) as served:
        run = apart("escalator, memory", served.url, concurrent=8, calls=16)
        assert served.counts()["good"] >= 16 + 8
    assert run.errors == 0
    assert run.calls_per_second > 0


def test_growth_is_told_for_each_quarter() -> None:
    """As many figures as quarters."""
    from benchmarks.concurrency import growth

    assert len(asyncio.run(growth(40, quarters=2, warm_up=5))) == 2


@pytest.mark.parametrize("processes", [1, 2])
def test_scaling_counts_what_every_process_ended_in_time(tmp_path: Path, processes: int) -> None:
    """Tasks of all processes are on the one ledger: those counted, those that ended late, and the first of each."""
    from benchmarks.scaling import load

    from escalator.ledger import open_ledger

    file, seconds = tmp_path / "ledger.sqlite", 0.5
    while not (
        found := load("SQLite", str(file), "normal", processes=processes, seconds=seconds)
    ).tasks_per_second:
        seconds *= 2  # a busy machine ends none in so short a time
    with contextlib.closing(open_ledger(file)) as ledger:
        written = len(ledger.tasks())
    assert found.processes == processes
    assert 0 < found.tasks_per_second * seconds <= written - processes
    assert found.cpu_ms > 0


def test_scaling_says_what_went_wrong_in_a_process(tmp_path: Path) -> None:
    """A process that fails, or cannot begin, ends the measurement instead of keeping it waiting."""
    from benchmarks.scaling import load

    from escalator import LedgerError

    with pytest.raises(LedgerError):
        load("SQLite", str(tmp_path), "normal", processes=1, seconds=0.1)


def test_a_peer_that_is_not_installed_is_named_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is guessed for it, and nobody else is lost with it."""
    from benchmarks.peer_clients import IMPORTS, PEERS

    from benchmarks import peers

    usable = peers.usable("http://127.0.0.1:9")
    told = capsys.readouterr().err
    absent = {name for name in PEERS if importlib.util.find_spec(name.replace("-", "_")) is None}
    assert absent, "the project itself needs none of its peers"
    assert set(usable) == set(PEERS) - absent
    assert all(f"left out: {name}" in told for name in absent)
    assert all(f"{name} not installed" in peers.machine() for name in absent)
    assert set(IMPORTS) == set(PEERS)


def test_every_fault_is_named_and_the_next_model_asked() -> None:
    """One request to the broken model, one to the next, a typed cause, an accepted answer, nothing kept quiet."""
    from benchmarks.faults import measure
    from benchmarks.server import FAULTS

    found = {finding.fault: finding for finding in measure(timeout=1.5)}
    assert set(found) == set(FAULTS)
    for finding in found.values():
        assert (finding.first, finding.second) == (1, 1), finding
        assert finding.status == "accepted from m1", finding
        assert finding.move in {"fallback", "escalation"}, finding
    assert {fault: finding.cause for fault, finding in found.items()} == {
        "500 always": "server",
        "503 always": "overloaded",
        "429, Retry-After 60": "rate_limit",
        "401": "auth",
        "hang": "timeout",
        "stall in the body": "timeout",
        "truncated JSON": "bad_response",
        "200 with HTML": "bad_response",
        "no choices": "empty",
        "content null": "empty",
        "Python that does not parse": "syntax",
        "I don't know": "no_code",
    }
    assert all(found[fault].charged == 0 for fault in ("500 always", "503 always", "429, Retry-After 60", "401"))


def test_a_budget_is_never_passed_and_nearly_used_up() -> None:
    """From threads, from a loop and from processes: spent at most the limit, and all of it that one hold leaves."""
    from benchmarks.budgets import COST, measure

    for spending in measure(concurrent=6, processes=2, affordable=12):
        assert Decimal(0) < spending.spent <= spending.limit, spending
        assert spending.spent == COST * spending.done, spending
        assert spending.stopped > 0, spending


def test_the_solutions_are_right_and_the_other_answers_are_not() -> None:
    """Each right solution meets its checks; one kind does not compile; `pass` and None fail the checks."""
    from benchmarks.gate_problems import KINDS, PROBLEMS, answers

    assert len({problem.name for problem in PROBLEMS}) == len(PROBLEMS) == 25
    for problem in PROBLEMS:
        assert tuple(answers(problem)) == KINDS
        assert _meets(problem, problem.code(problem.body)), problem.name
        assert not _meets(problem, problem.code("    return None\n")), problem.name


def _meets(problem: object, code: str) -> bool:
    names: dict[str, object] = {}
    exec(code, names)  # our own code, from this repository
    checks = problem.checks.strip().splitlines()  # type: ignore[attr-defined]
    try:
        return all(eval(check.strip(), names) for check in checks)
    except TypeError:
        return False


@pytest.mark.needs_bwrap
def test_our_gate_takes_the_right_answer_and_no_other() -> None:
    """With tests only the right answer passes; by syntax alone all that parses and is a change."""
    from benchmarks.gate_problems import PROBLEMS
    from benchmarks.gate_quality import ours

    from escalator.sandbox import Sandbox

    why = Sandbox().unavailable()
    if why is not None:
        pytest.skip(f"tests of answers need a sandbox: {why}")
    counts = ours(PROBLEMS[:1])
    assert counts["escalator, syntax and tests"] == {
        "right": 1,
        "does not parse": 0,
        "only `pass`": 0,
        "returns None": 0,
        "cut at 60 %": 0,
    }
    assert counts["escalator, syntax alone"]["returns None"] == 1
    assert counts["escalator, syntax alone"]["only `pass`"] == 0
    assert counts["escalator, syntax alone"]["does not parse"] == 0


def test_an_interpreter_without_peers_has_no_rows() -> None:
    """The driver runs under any interpreter and names only the gates it found."""
    from benchmarks.gate_peers import GATES
    from benchmarks.gate_problems import PROBLEMS
    from benchmarks.gate_quality import peers

    if any(importlib.util.find_spec(name) for name in ("cascadeflow", "cascade", "litellm")):
        pytest.skip("a peer is installed here")
    assert GATES
    assert peers(sys.executable, PROBLEMS[:1]) == {}


def test_nothing_is_accepted_to_a_task_that_cannot_be_done_but_its_answer_by_name() -> None:
    """One problem of the benchmark, every kind of forgery; a sandbox is needed."""
    from benchmarks.gate_problems import PROBLEMS
    from benchmarks.impossible import accepted, impossible

    from escalator.sandbox import Sandbox

    if Sandbox().unavailable():
        pytest.skip("no sandbox here")
    counts = accepted([next(problem for problem in PROBLEMS if impossible(problem))])

    assert {kind for kind, (some, _) in counts.items() if some} == {"names the value"}
    assert len(counts) > 10


@pytest.mark.slow
@pytest.mark.clock
def test_a_soak_ends_with_sums_that_agree() -> None:
    """Forty tasks, two processes, a kill or two: nothing billed that is not booked, nothing held, all ended once."""
    from benchmarks.soak import measure

    sums = measure(tasks=40, processes=2, between=15)
    assert sums.agree, sums
    assert sums.requests >= 40
    assert sums.kills > 0
