"""Honest answers that are faster are found to be, whatever they take and give."""

import sys

import pytest

from validators.test_benchmark_forgeries import judged

pytestmark = [pytest.mark.clock, pytest.mark.slow]

LOOPED = "def f(xs):\n    for _ in range(30):\n        got = g(xs)\n    return got\n\n\n"
LIST = {"setup": "xs = list(range(n))", "call": "f(xs)"}
WORDS = {"setup": "xs = ('Ab c ' * n)", "call": "f(xs)"}


def slower(code):
    """The function `g` of some code, done thirty times over by `f`."""
    return LOOPED + code


def once(code):
    """The same function, done once."""
    return "def f(xs):\n    return g(xs)\n\n\n" + code


SPAN = "from dataclasses import dataclass\n\n\n@dataclass\nclass Span:\n    low: int\n    high: int\n\n\n"
PLAIN = {
    "a sum": (LIST, "def g(xs):\n    return sum(xs)\n"),
    "a list turned round": (LIST, "def g(xs):\n    return xs[::-1]\n"),
    "a tuple of both ends": (LIST, "def g(xs):\n    return min(xs), max(xs)\n"),
    "a set": (LIST, "def g(xs):\n    return {x % 7 for x in xs}\n"),
    "a dict": (WORDS, "def g(xs):\n    return {x: xs.count(x) for x in sorted(set(xs))}\n"),
    "a text": (WORDS, "def g(xs):\n    return '-'.join(xs.lower().split())\n"),
    "bytes": (WORDS, "def g(xs):\n    return xs.encode()[::-1]\n"),
    "floats": (
        {**LIST, "setup": "xs = [k / 7 for k in range(n)]"},
        "def g(xs):\n    return sorted(xs, reverse=True)\n",
    ),
    "rows and columns": (
        {**LIST, "setup": "xs = [[k, k + 1] for k in range(n)]"},
        "def g(xs):\n    return [list(row) for row in zip(*xs)]\n",
    ),
    "text that must stay JSON": (
        {**LIST, "setup": "import json\nxs = json.dumps([{'id': k, 'on': True} for k in range(n)])"},
        "import json\n\n\ndef g(xs):\n    return [each['id'] for each in json.loads(xs)]\n",
    ),
    "days that must stay days": (
        {**LIST, "setup": "xs = ['2024-01-%02d' % (1 + k % 28) for k in range(n)]"},
        "import datetime\n\n\ndef g(xs):\n    return [datetime.date.fromisoformat(x) for x in xs]\n",
    ),
    "a graph whose nodes must stay": (
        {**LIST, "setup": "xs = {k: [(k + 1) % n] for k in range(n)}", "sizes": [2000]},
        "def g(xs):\n    at, seen = 0, []\n    while at not in seen[:1]:\n        seen.append(at)\n        at = xs[at][0]\n    return len(seen)\n",
    ),
    "things given one by one": (LIST, "def g(xs):\n    return iter([x * x for x in xs])\n"),
    "exact fractions": (
        LIST,
        "from decimal import Decimal\n\n\ndef g(xs):\n    return [Decimal(x) / 8 for x in xs[:40]]\n",
    ),
    "an object of the project": (
        LIST,
        SPAN + "def g(xs):\n    return Span(min(xs), max(xs))\n",
    ),
    "a class with slots": (
        LIST,
        "class Span:\n    __slots__ = ('low',)\n\n\ndef g(xs):\n    got = Span()\n    got.low = min(xs)\n    return got\n",
    ),
    "objects taken and no plain value": (
        {"setup": "import collections\nxs = collections.deque(range(200 * n))", "call": "f(xs)"},
        "def g(xs):\n    return sum(xs)\n",
    ),
    "a change of what was given": (LIST, "def g(xs):\n    xs.sort(key=lambda x: -x)\n    return xs[:3]\n"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_less_work_for_the_same_result_passes(name):
    """The same done once in place of thirty times is faster by every measure."""
    options, code = PLAIN[name]
    verdict = judged(once(code), base=slower(code), faster_than=3, **options)
    assert verdict.passed, verdict


def test_a_better_way_passes():
    """Halving a sorted list in place of walking it, counting once in place of once a word."""
    walk = "def f(xs, x):\n    for at, each in enumerate(xs):\n        if each >= x:\n            return at\n    return -1\n"
    halve = (
        "from bisect import bisect_left\n\n\ndef f(xs, x):\n    at = bisect_left(xs, x)\n"
        "    return at if at < len(xs) else -1\n"
    )
    verdict = judged(halve, base=walk, setup="xs = list(range(n))\nx = 10 ** 9", call="f(xs, x)", sizes=[3000])
    assert verdict.passed, verdict


def test_a_number_alone_is_varied_a_little():
    """Where a call takes nothing but a number, the next numbers are its inputs."""
    slow = "def f(k):\n    return [d for d in range(1, k + 1) if k % d == 0]\n"
    fast = "def f(k):\n    low = [d for d in range(1, int(k**0.5) + 1) if k % d == 0]\n    return sorted({*low, *(k // d for d in low)})\n"
    verdict = judged(fast, base=slow, setup="", call="f(n)", sizes=[20_000])
    assert verdict.passed, verdict
    assert verdict.evidence["sizes"][0]["inputs"] == "single numbers"


def test_a_memo_within_one_call_is_no_cache():
    """Not to compute the same twice inside a call is the better way, and passes."""
    slow = "def f(k):\n    return k if k < 2 else f(k - 1) + f(k - 2)\n"
    verdict = judged(
        "from functools import cache\n\n\n@cache\n" + slow, base=slow, setup="", call="f(n)", sizes=[21]
    )
    assert verdict.passed, verdict


def test_a_call_may_count_for_itself():
    """With `i` the task says how inputs vary; it never has a value twice."""
    base = "def f(k):\n    return [sum(range(k % 5 + 300)) + k for _ in range(30)][0]\n"
    fast = "def f(k):\n    return sum(range(k % 5 + 300)) + k\n"
    verdict = judged(fast, base=base, setup="", call="f(i)", faster_than=3)
    assert verdict.passed, verdict
    cached = (
        "known = {}\n\n\ndef f(k):\n    if k not in known:\n        known[k] = slow(k)\n    return known[k]\n\n\n"
    )
    assert not judged(cached + base.replace("def f", "def slow"), base=base, setup="", call="f(i)").passed


def test_a_faster_command_passes():
    """A program is measured whole, and may write its files where it runs."""
    run = [sys.executable, "-c", "import m; open('out', 'w').write(str(m.f(list(range({n})))))"]
    slow = slower("def g(xs):\n    return sum(x * x for x in xs)\n").replace("range(30)", "range(2000)")
    fast = once("def g(xs):\n    return sum(x * x for x in xs)\n")
    verdict = judged(fast, base=slow, faster_than=2, module=None, call=None, command=run, sizes=[3000])
    assert verdict.passed, verdict


def test_another_result_fails_with_both_shown():
    """Values are compared exactly, and with their types."""
    for wrong in ("float(sum(xs))", "sum(xs) + 1", "True", "[sum(xs)]"):
        verdict = judged(
            f"def g(xs):\n    return {wrong}\n", base="def g(xs):\n    return sum(xs)\n", call="g(xs)"
        )
        assert verdict.failed, verdict
        assert "19900" in verdict.feedback


def test_what_cannot_be_compared_or_timed_is_left_open():
    """A function for a result, or a short call on things that cannot be varied, decides nothing and says so."""
    base = "def f(xs):\n    return lambda: xs\n"
    opaque = judged(base + "\n", base=base, **LIST)
    assert opaque.reason == "skipped"
    assert "compared by value" in opaque.hint
    short = judged(
        "def f(xs):\n    return 1\n", base="def f(xs):\n    return 1 + 0\n", setup="xs = object()", call="f(xs)"
    )
    assert short.reason == "skipped"
    assert "too short" in short.hint


def test_a_call_timed_alone_is_short_by_the_clock_that_times_it():
    """A wait of a moment, as any loaded machine makes one, is no work: nothing is said of such a call."""
    base = "import time\n\n\ndef f(xs):\n    time.sleep(0.002)\n    return 1\n"
    verdict = judged(base + "\n", base=base, setup="xs = object()", call="f(xs)")
    assert verdict.reason == "skipped"
    assert "too short" in verdict.hint
