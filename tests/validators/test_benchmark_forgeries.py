"""Nothing an answer keeps, postpones, pretends or leaves on the disk makes it look fast."""

import sys

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.benchmark.measure import benchmark
from validators.sandboxed import perform

pytestmark = [pytest.mark.clock, pytest.mark.slow]

SLOW = (
    "    t = 0\n    for _ in range(20):\n        t = 0\n        for x in xs:\n            t += x\n    return t\n"
)
BASE = "def total(xs):\n" + SLOW
BENCH = {"module": "m", "call": "total(xs)", "setup": "xs = list(range(n))", "sizes": [200], "budget_seconds": 2}


def judged(new, base=BASE, faster_than=4, **options):
    given = {**BENCH, "faster_than": faster_than, **options}
    brief = Brief(task_id="t", prompt="p", files={"m.py": base}, benchmark=given)
    return drive(benchmark()(Candidate(brief=brief, changes=ChangeSet(files={"m.py": new}))), perform)


def inputs(verdict):
    return {each["inputs"] for each in verdict.evidence["sizes"]}


HARD = "def slow(xs):\n" + SLOW
LATER = (
    "import threading\nimport time\n\n\ndef fill(got, xs):\n    time.sleep(0.002)\n    got.append(slow(xs))\n\n\n"
    "def total(xs):\n    got = []\n    threading.Thread(target=fill, args=(got, xs)).start()\n    return got\n\n\n"
)
FORGERIES = {
    "lru_cache": "from functools import lru_cache\n\nslow_cached = lru_cache(None)(lambda xs: slow(list(xs)))\n\n\n"
    "def total(xs):\n    return slow_cached(tuple(xs))\n\n\n" + HARD,
    "a dict of the module": "known = {}\n\n\ndef total(xs):\n    key = (len(xs), xs[0], xs[-1])\n"
    "    if key not in known:\n        known[key] = slow(xs)\n    return known[key]\n\n\n" + HARD,
    "a memo by identity": "known = {}\n\n\ndef total(xs):\n    if id(xs) not in known:\n"
    "        known[id(xs)] = slow(xs)\n    return known[id(xs)]\n\n\n" + HARD,
    "the last result once more": "last = []\n\n\ndef total(xs):\n    if not last:\n        last.append(slow(xs))\n"
    "    return last[0]\n\n\n" + HARD,
    "a file beside the module": "import os\nimport pathlib\n\nkept = pathlib.Path(__file__).with_name('kept')\n\n\n"
    "def total(xs):\n    if not kept.exists():\n        kept.write_text(str(slow(xs)))\n    return int(kept.read_text())\n\n\n"
    + HARD,
    "made for the benchmark's own input": "def total(xs):\n    return 19900 if xs == list(range(200)) else slow(xs)\n\n\n"
    + HARD,
    "right only now and then": "count = [0]\n\n\ndef total(xs):\n    count[0] += 1\n"
    "    return slow(xs) if count[0] % 10 == 1 else 0\n\n\n" + HARD,
    "an object that equals everything": "class Any:\n    def __eq__(self, other):\n        return True\n"
    "    __hash__ = None\n    def __repr__(self):\n        return '19900'\n\n\ndef total(xs):\n    return Any()\n",
    "an int with another face": "class Num(int):\n    def __eq__(self, other):\n        return True\n    __hash__ = int.__hash__\n"
    "    def __repr__(self):\n        return '19900'\n\n\ndef total(xs):\n    return Num(0)\n",
    "built-in names replaced": "import builtins\nimport json\nimport marshal\n\nbuiltins.repr = builtins.str = lambda *a: '19900'\n"
    "marshal.loads = json.dumps = lambda *a: None\nbuiltins.type = lambda *a: int\n\n\ndef total(xs):\n    return 0\n",
    "the measuring process told what to report": "import os\n\nfor number in range(3, 40):\n    try:\n"
    "        with open(f'/proc/{os.getppid()}/fd/{number}', 'wb') as out:\n            out.write(b'{\"sizes\": []}')\n"
    "    except OSError:\n        pass\n\n\ndef total(xs):\n    return slow(xs)\n\n\n" + HARD,
    "the base made slower": "import os\nimport pathlib\n\nfor place in (f'/proc/{os.getppid()}/cwd', '/workspace'):\n    try:\n"
    "        pathlib.Path(place, 'm.py').write_text('import time\\n\\n\\ndef total(xs):\\n    time.sleep(1)\\n')\n"
    "    except OSError:\n        pass\n\n\ndef total(xs):\n    return slow(xs)\n\n\n" + HARD,
    "work done while inputs are laid out": "import gc\nimport sys\n\nknown = {}\n\n\ndef ahead(phase, info):\n"
    "    frame = sys._getframe(1)\n    while frame and phase == 'stop':\n        me = frame.f_locals.get('self')\n"
    "        for given in getattr(me, 'given', ()):\n            for xs in given:\n                known[id(xs)] = slow(xs)\n"
    "        frame = None if me is not None else frame.f_back\n\n\ngc.callbacks.append(ahead)\n\n\n"
    "def total(xs):\n    return known[id(xs)] if id(xs) in known else slow(xs)\n\n\n" + HARD,
    "a word too early": "import os\nimport sys\n\nfor number in range(3, 12):\n    try:\n        os.write(number, b'done\\n')\n"
    "    except OSError:\n        pass\n\n\ndef total(xs):\n    return slow(xs)\n\n\n" + HARD,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_no_trick_meets_a_demand_for_speed(name):
    """The same work made to look four times as fast is not taken for it."""
    verdict = judged(FORGERIES[name])
    assert not verdict.passed, verdict


def test_a_result_that_is_right_at_first_only_fails():
    """The benchmark's own input is tried more than once, and some results of every block are looked at."""
    verdict = judged(FORGERIES["right only now and then"])
    assert verdict.failed, verdict
    assert "another one" in verdict.feedback


@pytest.mark.parametrize("name", ["the last result once more", "a file beside the module"])
def test_what_is_right_for_the_benchmarks_own_input_only_is_left_to_a_person(name):
    """The hint shows what differs; whether the input or the answer is at fault, a person sees.

    On a machine too busy to find inputs that take as long, each call has a process of its own and is slow.
    """
    verdict = judged(FORGERIES[name])
    assert verdict.failed or "differ for others: before the change:" in verdict.hint, verdict


LIST_BASE = "def total(xs):\n    return [slow(xs)]\n\n\n" + HARD
LAZY = {
    "a generator in place of a list": "def total(xs):\n    yield slow(xs)\n\n\n" + HARD,
    "a list that works when it is read": "class Later(list):\n    def __iter__(self):\n        yield slow(self.xs)\n\n\n"
    "def total(xs):\n    got = Later()\n    got.xs = xs\n    return got\n\n\n" + HARD,
    "a list that a thread fills later": LATER + HARD,
    "an object that works when it is looked at": "class Decimal:\n    __module__ = 'decimal'\n\n    def __init__(self, xs):\n"
    "        self.xs = xs\n\n    def __reduce__(self):\n        import decimal\n        return decimal.Decimal, (str(slow(self.xs)),)\n\n\n"
    "def total(xs):\n    return Decimal(xs)\n\n\n" + HARD,
    "a generator inside a list": "def total(xs):\n    return [slow(each) for each in [xs] if False] or [(slow(each) for each in [xs])]\n\n\n"
    + HARD,
}


@pytest.mark.parametrize("name", LAZY)
def test_work_put_off_is_still_work(name):
    """A result that is not there yet when the call returns saves nothing."""
    base = LIST_BASE
    if "looked at" in name:
        base = "from decimal import Decimal\n\n\n" + LIST_BASE.replace("[slow(xs)]", "Decimal(slow(xs))")
    verdict = judged(LAZY[name], base=base)
    assert not verdict.passed, verdict


def test_a_generator_is_timed_with_what_it_gives():
    """Where base and answer both give things one by one, doing it later is no gain, and doing less is."""
    base = "def total(xs):\n    return iter([slow(xs)])\n\n\n" + HARD
    assert not judged("def total(xs):\n    yield slow(xs)\n\n\n" + HARD, base=base).passed
    assert judged("def total(xs):\n    yield sum(xs)\n", base=base, faster_than=2).status != "failed"


OBJECT = {"setup": "xs = type('Bag', (), {'all': list(range(n))})()", "call": "total(xs.all)", "sizes": [3000]}
DISK = (
    "import os\nimport pathlib\nimport tempfile\n\nPLACES\n\n\ndef total(xs):\n    for kept in places:\n        if kept.exists():\n"
    "            return int(kept.read_text())\n    got = slow(xs)\n    for kept in places:\n        try:\n"
    "            kept.parent.mkdir(parents=True, exist_ok=True)\n            kept.write_text(str(got))\n"
    "        except OSError:\n            pass\n    return got\n\n\n"
) + HARD
KEPT = "places = [pathlib.Path(place, 'kept') for place in ({})]"


@pytest.mark.parametrize(
    "places",
    ["tempfile.gettempdir(), os.environ.get('HOME', '/tmp')", "os.path.dirname(__file__), '.', './new/folder'"],
)
def test_what_is_left_on_the_disk_is_gone_before_the_next_call(places):
    """Where inputs cannot be varied each call has a process and a clean disk of its own."""
    verdict = judged(DISK.replace("PLACES", KEPT.format(places)), **OBJECT)
    assert not verdict.passed, verdict
    assert verdict.failed or inputs(verdict) == {"the same"}


def test_a_cache_in_the_process_helps_no_call_with_a_process_of_its_own():
    """With inputs that cannot be varied, a memo is as empty as at the start."""
    verdict = judged(FORGERIES["a dict of the module"], **OBJECT)
    assert not verdict.passed, verdict


def test_a_command_finds_nothing_of_the_run_before():
    """A program that keeps its output beside itself is as slow as the first time."""
    run = [sys.executable, "-c", "import m; print(m.total(list(range({n}))))"]
    base = BASE.replace("range(20)", "range(2000)")
    kept = DISK.replace("PLACES", KEPT.format("'.', tempfile.gettempdir()")).replace("range(20)", "range(2000)")
    options = {"module": None, "call": None, "command": run, "sizes": [1500]}
    assert not judged(kept, base=base, faster_than=2, **options).passed
