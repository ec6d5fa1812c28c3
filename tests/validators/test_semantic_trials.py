"""A checker's counter-example is tried apart from the answer: forgeries drop no defect, right answers do."""

import json

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet, Completion, Model, Tier
from escalator.steps import Ask, Asked
from escalator.validators.semantic.judge import semantic
from validators.sandboxed import perform as run_for_real

CHECKER = Model(name="checker", provider="p", kind="ollama", id="m", tier=Tier.LOCAL_BALANCED, local=True)
BRIEF = Brief(
    task_id="t",
    prompt="Write add(a, b), the sum of a and b.",
    files={"m.py": "def add(a, b):\n    return 0\n"},
)
WRONG = "def add(a, b):\n    return a - b\n"


def judged(code, *, call="add(2, 2)", expected="4", severity="blocking", path="m.py", changes=None):
    """The verdict where the checker finds all met but shows one defect by a call."""
    where = code.rstrip().split("\n")[-1].strip()
    said = {
        "requirements": [{"id": "R1", "met": "yes", "quote": where}],
        "defects": [{"severity": severity, "where": where, "what": "wrong", "call": call, "expected": expected}],
        "control": "no",
    }

    def perform(step):
        return (
            Asked(completion=Completion(text=json.dumps(said), model="m"))
            if isinstance(step, Ask)
            else run_for_real(step)
        )

    given = Candidate(brief=BRIEF, changes=ChangeSet(files=changes or {path: code}), checker=CHECKER)
    return drive(semantic()(given), perform)


def found(verdict):
    return verdict.evidence["tried"][0]["found"]


EQUALS = "    def __eq__(self, other):\n        return True\n    __hash__ = None\n\n"
WRITER = (
    "import os\n\nfor fd in range(3, 64):\n    try:\n        os.write(fd, {})\n    except OSError:\n        pass\n"
)
FORGERIES = {
    "an int that equals everything": "class Num(int):\n" + EQUALS + "def add(a, b):\n    return Num(a - b)\n",
    "a class of int's name": "Num = type('int', (int,), {'__eq__': lambda s, o: True, '__module__': 'builtins'})\n\n"
    "def add(a, b):\n    return Num(a - b)\n",
    "an object that says it is an int": "class Any:\n    __class__ = int\n"
    + EQUALS
    + "def add(a, b):\n    return Any()\n",
    "a module that writes the report": WRITER.format('b\'["same", ""]\'') + "    os._exit(0)\n" + WRONG,
    "a report written beside the real one": WRITER.format('b\'0\' * 32 + b\' ["gave","4",""]\\n\'') + WRONG,
    "an early exit": "import os\n\ndef add(a, b):\n    os._exit(0)\n",
    "an exit when imported": "raise SystemExit(0)\n\ndef add(a, b):\n    return a - b\n",
    "a fork whose child goes on": "import os\n\nif os.fork():\n    os._exit(0)\n\n" + WRONG,
    "os.write replaced": "import os\n\nreal = os.write\nos.write = lambda fd, data: real(fd, data.replace(b'0', b'4'))\n"
    + WRONG,
    "json and eval replaced": "import builtins\nimport json\n\nbuiltins.eval = lambda *a: 4\njson.loads = json.dumps = lambda *a: '4'\n\n"
    + WRONG,
    "type and repr replaced": "import builtins\n\nreal = type\nbuiltins.type = lambda *a: int if len(a) == 1 else real(*a)\n"
    "builtins.repr = builtins.str = lambda *a: '4'\n\n" + WRONG,
    "hashing replaced": "import _blake2\nimport hashlib\n\n_blake2.blake2b = hashlib.blake2b = None\n\n" + WRONG,
    "modules of its own in place of the encoder": "import sys\nimport types\n\nfor name in ('escalator', 'escalator.validators', 'escalator.validators.encoding'):\n"
    "    sys.modules[name] = types.ModuleType(name)\n\n" + WRONG,
    "the expected value looked for in every frame": "import sys\n\n\ndef add(a, b):\n    frame = sys._getframe()\n    while frame:\n"
    "        for value in frame.f_locals.values():\n            if isinstance(value, dict) and 'expected' in value:\n"
    "                return int(value['expected'])\n        frame = frame.f_back\n    return a - b\n",
    "the expected value looked for in memory": "import gc\n\n\ndef add(a, b):\n    for each in gc.get_objects():\n        if type(each) is dict and 'expected' in each:\n"
    "            return int(each['expected'])\n    return a - b\n",
    "an error that equals nothing": "class ValueError(Exception):\n    pass\n\n\ndef add(a, b):\n    raise ValueError(4)\n",
    "a generator": "def add(a, b):\n    yield a + b\n",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_trial_drops_no_blocking_defect(name):
    """Whatever the answer does in its process, a wrong value, no value or a foreign one leaves the defect blocking."""
    verdict = judged(FORGERIES[name], expected="ValueError" if "error" in name else "4")
    assert verdict.failed, verdict
    assert found(verdict) != "same"


RIGHT = "def add(a, b):\n    return a + b\n"
HONEST = {
    "a number": ("add(2, 2)", "4"),
    "a float for an int": ("add(2, 2.0)", "4"),
    "a truth for a number": ("add(True, 0)", "1"),
    "text": ("add('a', '\u00e9')", "'a\u00e9'"),
    "bytes": ("add(b'a', b'\\xff')", "b'a\\xff'"),
    "a list": ("add([1, [2.5]], [None])", "[1, [2.5], None]"),
    "a tuple": ("add((1,), ())", "(1,)"),
    "a dict in another order": ("{'a': add(1, 1), 'b': 3}", "{'b': 3, 'a': 2}"),
    "a set": ("{add(1, 1), 7}", "{7, 2}"),
    "a frozen set": ("frozenset({add(1, 1)})", "{2}"),
    "a large number": ("add(10**30, 1)", "10**30 + 1"),
    "not a number": ("add(float('nan'), 1)", "float('nan')"),
    "endless": ("add(float('inf'), 1)", "float('inf')"),
    "an expression for the expected value": ("add('a' * 3, 'b')", "'a' * 3 + 'b'"),
    "an empty set": ("{1} - {add(0, 1)}", "set()"),
    "an error that is expected": ("add(1, 'a')", "TypeError"),
    "an error in words": ("add(1, None)", "raises TypeError"),
}


@pytest.mark.parametrize("name", HONEST)
def test_a_right_value_drops_an_invented_defect(name):
    """Execution beats opinion: where the call gives what the checker expects, its defect is forgotten."""
    call, expected = HONEST[name]
    verdict = judged(RIGHT, call=call, expected=expected)
    assert verdict.passed, verdict
    assert found(verdict) == "same"


@pytest.mark.parametrize(
    ("call", "expected", "seen"),
    [
        ("add(2, 2)", "5", "other"),
        ("add([1], [2])", "(1, 2)", "other"),
        ("add(1, 'a')", "3", "raised"),
        ("add(1, 'a')", "ValueError", "raised"),
        ("sum_of(1, 2)", "3", "unknown"),
        ("add(", "3", "unknown"),
        ("add(1, 2)", "three", "unknown"),
        ("add(object(), 2) or", "3", "unknown"),
        ("[add] * 2", "[1, 2]", "unknown"),
        ("add", "3", "unknown"),
    ],
)
def test_what_a_trial_shows_and_what_it_leaves_open(call, expected, seen):
    """Another value or an error is proof; a call that names nothing, or a value of no plain type, is none."""
    verdict = judged(RIGHT, call=call, expected=expected)
    assert found(verdict) == seen
    assert verdict.failed


def test_a_trial_that_decides_nothing_makes_a_minor_defect_no_worse():
    """A checker's call that names what is not there is the checker's mistake, not the answer's."""
    assert judged(RIGHT, call="sum_of(1, 2)", severity="minor").passed


def test_a_trial_that_shows_the_defect_makes_a_minor_one_block():
    """What was seen to be wrong is no matter of taste."""
    assert judged(WRONG, severity="minor").failed


def test_the_value_is_told_as_it_was_and_not_as_it_says():
    """What the feedback shows of a value is printed here, from plain values."""
    verdict = judged(
        "class S(str):\n    def __repr__(self):\n        return '4'\n\ndef add(a, b):\n    return [S('x')]\n"
    )
    assert "S object" in verdict.evidence["tried"][0]["got"]
    assert "add(2, 2) gives 0, not 4" in judged(WRONG).feedback


def test_a_module_that_cannot_be_imported_leaves_the_defect():
    """No value, no proof either way."""
    assert judged("import nowhere_to_be_found\n\n" + RIGHT).failed


def test_what_the_answer_puts_in_place_of_the_standard_library_is_not_used():
    """Our own program has loaded what it needs before the project can be imported."""
    stand_in = "def loads(*a):\n    return ['gave', '4', '']\n\ndumps = loads\n"
    verdict = judged(WRONG, changes={"m.py": WRONG, "json.py": stand_in, "_blake2.py": "blake2b = None\n"})
    assert verdict.failed
    assert found(verdict) == "other"
