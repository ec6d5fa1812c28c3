"""Inputs are varied so that they stay what they are, and never come twice; the ground is clean for each process."""

import json
import marshal
import subprocess
import sys

import pytest

from escalator.validators.benchmark.children import same, same_text, worked
from escalator.validators.benchmark.ground import Ground
from escalator.validators.benchmark.inputs import KINDS, OWN, Source, decode, room
from escalator.validators.benchmark.worker import names_in, used_up
from escalator.validators.encoding import Encoder
from escalator.validators.values import parse

BY_NAME = {kind.name: kind for kind in KINDS}


def taken(own, kind="numbers and texts", number=50, *, counts=False, start=7):
    source = Source(own, BY_NAME.get(kind, OWN), counts=counts, start=start)
    inputs = source.take(number)
    return None if inputs is None else marshal.loads(inputs)


def test_numbers_keep_their_order_their_distances_and_their_types():
    """One number is added to all that stand in containers, a float grows by a little of itself."""
    for xs, few in taken({"xs": [3, 1, 2], "few": [(0.5, 0.25), {"a": 7}]}):
        assert [x - xs[1] for x in xs] == [2, 0, 1]
        assert few[0][0] > few[0][1] > 0.25
        assert few[0][0] < 0.51
        assert type(few[1]["a"]) is int


def test_texts_keep_their_length_and_the_sort_of_each_letter():
    """A letter becomes a letter of its case, a digit a digit that is not nought; signs and spaces stay."""
    own = "Ab c-109 \u00e9\n" * 20
    for (text,) in taken({"text": own}):
        pairs = [(old, new) for old, new in zip(own, text, strict=True) if old != new]
        assert 0 < len(pairs) <= 24
        assert all(old.islower() == new.islower() and old.isdigit() == new.isdigit() for old, new in pairs)
        assert all(new != "0" and old.isalnum() for old, new in pairs)


def test_digits_of_texts_leave_json_what_it_is():
    """Where letters mean something, digits alone are varied."""
    own = json.dumps([{"id": number, "on": True} for number in range(30)])
    for (text,) in taken({"text": own}, "digits of texts"):
        assert [sorted(each) for each in json.loads(text)] == [["id", "on"]] * 30


@pytest.mark.parametrize("own", [{"xs": [1, 2]}, {"text": "abcdefgh"}, {"xs": {"a": (1.5,)}}, {"xs": {1, 2}}])
def test_no_input_comes_twice(own):
    """Not within a block, and not in any block after it."""
    source = Source(own, KINDS[0], counts=False, start=99)
    made = [each for _ in range(5) for each in marshal.loads(source.take(500))]
    assert len({repr(each) for each in made}) == len(made) == 2500
    assert repr(tuple(own.values())) not in {repr(each) for each in made}


@pytest.mark.parametrize(
    ("own", "kind"),
    [
        ({"on": True, "none": None}, "numbers and texts"),
        ({"text": "a"}, "texts"),
        ({"xs": [1]}, "texts"),
        ({"n": 20}, "single numbers"),
        ({}, "the count of calls"),
        ({"n": 5}, "numbers"),
    ],
)
def test_where_there_are_not_enough_others_there_are_none(own, kind):
    """Too little to vary is said, rather than an input used again."""
    assert taken(own, kind) is None


def test_a_number_alone_stays_about_as_large():
    """The next numbers are tried, at most a quarter more."""
    assert {k for (k,) in taken({"k": 4000}, "single numbers", 1000)} == set(range(4001, 5001))
    assert room([4000, 8]) == 1000
    assert taken({"k": 4000}, "single numbers", 1001) is None


def test_the_count_of_calls_never_starts_anew():
    """`i` goes on from block to block."""
    source = Source({}, BY_NAME["the count of calls"], counts=True, start=0)
    assert [marshal.loads(source.take(3)) for _ in range(2)] == [[(0,), (1,), (2,)], [(3,), (4,), (5,)]]
    assert source.names == ["i"]


def test_the_own_values_may_come_as_often_as_wanted():
    """To see whether a call gives the same again."""
    assert taken({"xs": [1]}, "own", 3) == [([1],)] * 3


def test_inputs_share_no_objects():
    """What is loaded twice is two things, inside and out."""
    source = Source({"xs": [[1], [1]]}, KINDS[0], counts=False, start=3)
    inputs = source.take(2)
    one, two = marshal.loads(inputs), marshal.loads(inputs)
    parts = [part for block in (one, two) for (xs,) in block for part in (xs, *xs)]
    assert len({id(part) for part in parts}) == len(parts) == 12


@pytest.mark.parametrize("value", [None, 2**70, -1.5, "\u00e9", b"\xff", [(1, {2: {3}}), frozenset({"a"})]])
def test_what_the_call_uses_comes_over_as_it_was(value):
    """The base tells its values, and inputs are made from them here."""
    assert decode(parse(Encoder()(value))) == value


def test_the_names_that_a_call_uses_are_found_wherever_they_stand():
    """In a function inside it as well."""
    code = compile("f(xs, key=lambda x: [y + z for y in ys])", "<call>", "eval")
    assert {"f", "xs", "ys", "z"} <= names_in(code)


def test_an_iterator_is_used_up_and_is_no_list():
    """What gives its things later is made to, and nothing else is touched."""
    assert used_up(iter([1, 2])) == used_up(x for x in (1, 2)) == {"given one by one": [1, 2]}
    text = "as it is"
    assert used_up(text) is text


def results(*values):
    return Encoder(objects=True)(list(values))


def test_the_first_results_that_differ_are_shown():
    """The rest of a block is of no interest to who has to repair it."""
    found, shown = same(results(1, [2], 3), results(1, [4], 5))
    assert (found, shown) == ("other", {"base": "[2]", "answer": "[4]"})
    assert same(results(1, "a"), results(1, "a"))[0] == "same"
    assert same(results(1), results(1.0))[0] == "other"
    assert same(results(len), results(len))[0] == "unknown"


@pytest.mark.parametrize("text", ["", "nonsense", '"text"', "3", "[]", '["o"]'])
def test_what_an_answer_says_in_place_of_results_is_open(text):
    """It can write what it likes; it is shown and never believed."""
    assert same(results(1), text)[0] != "same"


def test_outputs_are_compared_as_they_are():
    """And shown as far as a person wants to read."""
    assert same_text("1\n", "1\n")[0] == "same"
    found, shown = same_text("1" * 999, "2")
    assert (found, len(shown["base"]), shown["answer"]) == ("other", 300, "2")


def test_time_is_that_of_the_processor_unless_the_block_waited():
    """Other work on the machine is not the code's; a sleep is."""
    assert worked({"cpu": 1.0, "wall": 3.0, "waits": 0}) == 1.0
    assert worked({"cpu": 1.0, "wall": 3.0, "waits": 50}) == 3.0
    assert worked({"cpu": 0.0, "wall": 3.0, "waits": -1}) == 3.0


@pytest.fixture
def ground(tmp_path):
    """A tree with one file, in a folder that is shared."""
    tree, shared = tmp_path / "shared" / "tree", tmp_path / "shared"

    def lay_out():
        tree.mkdir(parents=True)
        (tree / "m.py").write_text("x = 1\n")
        (tree / "folder").mkdir()

    lay_out()
    (shared / "old").write_text("old")
    return Ground({tree: lay_out}, [shared]), tree


def all_of(tree):
    return sorted(str(path.relative_to(tree.parent)) for path in tree.parent.rglob("*"))


@pytest.mark.parametrize(
    "deed",
    [
        "open('tree/kept', 'w').write('1')",
        "open('kept', 'w').write('1')",
        "os.makedirs('tree/folder/a/b'); open('tree/folder/a/b/kept', 'w').close()",
        "os.symlink('/etc', 'tree/link'); os.symlink('nowhere', 'link')",
        "open('tree/m.py', 'w').write('x = 2')",
        "s = os.stat('tree/m.py'); open('tree/m.py', 'w').write('x = 2\\n'); os.utime('tree/m.py', ns=(s.st_atime_ns, s.st_mtime_ns))",
        "os.remove('tree/m.py')",
        "os.rename('tree/m.py', 'tree/n.py')",
        "os.mkfifo('tree/pipe')",
    ],
)
def test_what_a_process_left_is_gone(ground, deed):
    """Whatever it made, changed, moved or took away, where it could write."""
    cleaned, tree = ground
    before = all_of(tree)
    subprocess.run([sys.executable, "-c", f"import os\n{deed}"], cwd=tree.parent, check=True)
    cleaned.tidy()
    cleaned.tidy()
    assert all_of(tree) == before
    assert (tree / "m.py").read_text() == "x = 1\n"


def test_a_place_that_cannot_be_written_is_left_alone(tmp_path):
    """There is nothing to take away from it."""
    assert Ground({}, [tmp_path / "nowhere"]).shared == []
    assert list(tmp_path.iterdir()) == []
