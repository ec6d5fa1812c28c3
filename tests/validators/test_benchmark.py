"""The benchmark validator measures base and answer in the sandbox, from outside the measured process."""

import sys

import pytest

from escalator.errors import ValidatorError
from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.benchmark.measure import benchmark
from validators.sandboxed import no_process, perform

pytestmark = pytest.mark.clock  # what is judged here is time

BASE = "def total(xs):\n    t = 0\n    for x in xs:\n        t += x\n    return t\n"
BENCH = {
    "module": "m",
    "call": "total(xs)",
    "setup": "xs = list(range(n))",
    "sizes": [50, 1000],
    "budget_seconds": 6,
}


def judge(new, options=None, base=BASE, perform=perform, **given):
    brief = Brief(task_id="t", prompt="p", files={"m.py": base}, benchmark={**BENCH, **(options or {})})
    return drive(benchmark(**given)(Candidate(brief=brief, changes=ChangeSet(files={"m.py": new}))), perform)


@pytest.mark.slow
def test_much_slower_code_fails():
    """Code three times as slow fails, and the feedback names the size, the ratio and the limit."""
    verdict = judge(BASE.replace("t += x", "t += x; t += 0; t += 0; t += 0; t += 0"))
    assert verdict.failed, verdict
    assert "times as long as before" in verdict.feedback
    assert "at most 1.10 is allowed" in verdict.feedback


@pytest.mark.slow
def test_faster_code_meets_a_demand_for_speed():
    """An answer several times as fast passes `faster_than` at every size."""
    verdict = judge("def total(xs):\n    return sum(xs)\n", {"faster_than": 1.5})
    assert verdict.passed, verdict
    assert [each["size"] for each in verdict.evidence["sizes"]] == [50, 1000]
    assert all(each["ratio"] < 0.7 for each in verdict.evidence["sizes"])


@pytest.mark.slow
def test_unchanged_code_is_not_called_slower():
    """The same code measured against itself passes, or on a busy machine decides nothing; it never fails."""
    verdict = judge(BASE + "\n", {"sizes": [500], "tolerance": 0.3})
    assert not verdict.failed, verdict


def test_another_result_fails_before_anything_is_timed():
    """Speed does not matter when the output is wrong; both outputs are shown."""
    verdict = judge("def total(xs):\n    return 0\n")
    assert verdict.failed
    assert "1225" in verdict.feedback


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ("import os\ndef total(xs):\n    os._exit(0)\n", "stopped before its last call"),
        ("def total(xs):\n    raise ValueError('no luck')\n", "no luck"),
        ("def total(xs):\n    while True: pass\n", "did not end within"),
        ("def total(xs\n", "SyntaxError"),
        ("import sys\ndef total(xs):\n    print('ready'); sys.exit(0)\n", "exit status"),
    ],
)
def test_an_answer_that_breaks_or_leaves_early_fails(new, told):
    """Leaving, raising or hanging in the measured call fails the answer; it cannot look fast by stopping."""
    verdict = judge(new)
    assert verdict.failed
    assert told in verdict.feedback


def test_a_base_that_breaks_is_not_the_answers_fault():
    """A benchmark that does not even run on the base decides nothing."""
    verdict = judge("def total(xs):\n    return 0\n", {"call": "no_such_name(xs)"})
    assert verdict.reason == "error"
    assert "no_such_name" in verdict.hint


def test_a_faked_clock_changes_nothing():
    """An answer that patches the clocks and then dawdles is still seen to be slow: time is read outside it."""
    fake = "import time\ntime.perf_counter = time.time = time.monotonic = lambda: 0.0\n"
    slow = BASE.replace("    return t", "    for _ in range(40):\n        sum(xs)\n    return t")
    verdict = judge(fake + slow, {"sizes": [1000]})
    assert verdict.failed, verdict


@pytest.mark.slow
def test_waiting_is_time_too():
    """An answer that sleeps uses no processor time, and is judged by the clock on the wall instead."""
    verdict = judge("import time\n" + BASE.replace("return t", "time.sleep(0.00005); return t"), {"sizes": [1000]})
    assert verdict.failed, verdict
    assert {each["clock"] for each in verdict.evidence["sizes"]} == {"wall"}


@pytest.mark.slow
def test_a_command_is_measured_whole():
    """Programs in any language are timed from start to end, and their output is compared."""
    run = "import m; print(m.total(range({n})))"
    options = {"module": None, "call": None, "command": [sys.executable, "-c", run], "sizes": [10]}
    slow = BASE.replace("def total", "import time; time.sleep(0.3)\ndef total")
    assert judge(slow, options).failed
    assert judge("def total(xs):\n    return 1\n", options).failed


def test_without_a_benchmark_there_is_nothing_to_measure():
    """A task without a benchmark skips it, known before any money is spent."""
    brief = Brief(task_id="t", prompt="p")
    assert benchmark().inapplicable(brief)
    assert drive(benchmark()(Candidate(brief=brief, changes=ChangeSet())), no_process).reason == "skipped"


@pytest.mark.parametrize(
    "options",
    [{"sizes": []}, {"tolerance": 0}, {"faster_than": -1}, {"budget_seconds": 0}, {"call": "x", "command": ["x"]}],
)
def test_nonsense_is_refused_when_the_validator_is_made(options):
    """A benchmark that cannot be right is found when the matrix is read."""
    with pytest.raises(ValueError, match=next(iter(options))):
        benchmark(**options)


def test_an_unknown_option_of_the_task_is_named():
    """A misspelt option of the task's benchmark is told, with the known ones."""
    with pytest.raises(ValidatorError, match="modul"):
        judge(BASE, {"modul": "m"}, perform=no_process)
