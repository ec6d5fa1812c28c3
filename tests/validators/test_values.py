"""A value is told by what it is, not by what it says, and compared where none of its own code runs."""

import collections
import dataclasses
import datetime as dt
import decimal
import fractions

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.validators.encoding import DEEPEST, Encoder
from escalator.validators.values import EncodingError, compare, parse, show, value_of


@dataclasses.dataclass
class Point:
    x: object
    _seen: int = 0


class Slotted:
    __slots__ = ("_hidden", "shown")

    def __init__(self, shown, hidden=0):
        self.shown, self._hidden = shown, hidden


class Everything(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


def tree(value, **options):
    return parse(Encoder(**options)(value))


PLAIN = [
    *(None, True, 0, -7, 2**80, -(2**60), 1.5, 0.1, 1e300, "", 'a\u00e9\n"\\', "\ud800", b"", b"\x00\xff"),
    *([], [1, [2, (3,)]], (), (1,), {}, {"a": [1], 2: None, (1, 2): b"x"}, set(), {1, "a"}, frozenset({2.5})),
]


@pytest.mark.parametrize("value", PLAIN)
def test_a_plain_value_is_itself(value):
    """Encoded twice it is the same, and it is the same as no other."""
    assert compare(tree(value), tree(value), exact=True) == "same"
    assert [each for each in PLAIN if compare(tree(value), tree(each), exact=True) == "same"] == [value]


@pytest.mark.parametrize(
    "value", [Everything(4), Point(1), decimal.Decimal(1), iter([]), len, int, object(), range(3)]
)
def test_what_is_no_plain_value_is_open(value):
    """It equals nothing, not even itself, and lies within what holds it."""
    assert compare(tree(value), tree(value)) == "unknown"
    assert compare(tree([value]), tree([4])) == "unknown"
    assert compare(tree({"a": value, "b": 1}), tree({"a": value, "b": 2})) == "other"


@pytest.mark.parametrize(
    ("one", "two"),
    [(4, 4.0), (True, 1), (2**70, 2.0**70), ({1: [True]}, {1.0: [1]}), ({1}, frozenset({1.0})), (0.0, -0.0)],
)
def test_numbers_are_compared_as_python_does_unless_the_type_counts(one, two):
    """4 is 4.0 to a person; where the exact type is wanted it is not."""
    assert compare(tree(one), tree(two)) == "same"
    assert compare(tree(one), tree(two), exact=True) == ("same" if one == 0 else "other")


def test_a_number_that_is_none_is_the_same_as_itself():
    """Or no result that holds one could ever be right."""
    assert compare(tree([float("nan")]), tree([float("nan")]), exact=True) == "same"
    assert compare(tree(float("nan")), tree(0.0)) == "other"


def test_the_order_of_a_dict_and_of_a_set_does_not_matter():
    """They are compared by what they hold."""
    assert compare(tree({"a": 1, "b": 2}), tree({"b": 2, "a": 1}), exact=True) == "same"
    assert compare(tree({"a": 1}), tree({"a": 1, "b": 2})) == "other"


OBJECTS = [
    *(Point(1), Slotted(2), decimal.Decimal("1.5"), dt.date(2020, 1, 2), fractions.Fraction(1, 3), range(3)),
    *(collections.deque([1]), collections.OrderedDict(a=1), collections.Counter("aab"), 1j, bytearray(b"x")),
    *(collections.defaultdict(list, {1: [2]}), Everything(4)),
]


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_objects_are_compared_by_what_they_hold_where_that_is_asked_for(value):
    """Two of one type that hold the same are the same, those of other types are open."""
    known = [tree(each, objects=True) for each in OBJECTS]
    found = [compare(tree(value, objects=True), each, exact=True) for each in known]
    assert found.count("same") == 1
    assert set(found) == {"same", "unknown"}


def test_what_is_public_of_an_object_decides_and_what_is_private_does_not():
    """A counter of its own use makes an object no other; another coordinate does."""
    for made in (Point, Slotted):
        one, other, used = (tree(each, objects=True) for each in (made(1), made(2), made(1, 9)))
        assert (compare(one, other), compare(one, used)) == ("other", "unknown")


class Lazy:
    """Everything that could be asked of it raises."""

    __slots__ = ("__dict__",)
    __slotnames__ = ("x",)

    def __getattribute__(self, name):
        raise AssertionError(name)

    __reduce__ = __reduce_ex__ = __getstate__ = __getnewargs__ = property(lambda self: 1 / 0)
    __iter__ = __len__ = __repr__ = __eq__ = __hash__ = x = property(lambda self: 1 / 0)


class LazyList(list):
    def __iter__(self):
        raise AssertionError

    __len__ = __getitem__ = copy = __iter__


def test_an_object_is_read_without_asking_it():
    """What it keeps is told as it lies there; it is not given a chance to make it up."""
    one = Lazy()
    object.__getattribute__(one, "__dict__")["x"] = 5
    assert compare(tree(one, objects=True), tree(one, objects=True)) == "same"
    assert tree(one, objects=True)[4] == ["d", "x", 5]
    assert tree(LazyList([1, 2]), objects=True)[3] == ["l", 1, 2]


def test_an_object_under_a_foreign_name_is_not_the_real_one():
    """A class can call itself what it likes; a compiled type is told in another way."""
    poser = type("Decimal", (), {"__module__": "decimal", "__reduce__": lambda self: (decimal.Decimal, ("1",))})
    assert compare(tree(decimal.Decimal(1), objects=True), tree(poser(), objects=True)) == "unknown"


def test_what_an_object_may_hold_beyond_its_fields_is_open():
    """A class of the project's upon a compiled one can keep more than is seen."""
    mine = type("Mine", (decimal.Decimal,), {})
    assert compare(tree(mine(1), objects=True), tree(mine(1), objects=True)) == "unknown"


def test_a_value_that_holds_itself_ends():
    """A ring is told as one."""
    ring = [1]
    ring.append(ring)
    assert compare(tree(ring), tree(ring)) == "same"
    assert show(tree(ring)) == "[1, ...]"


def test_what_is_too_deep_or_too_large_is_open():
    """Bounds make markers, never a wrong value."""
    deep = value = []
    for _ in range(2 * DEEPEST):
        value.append([])
        value = value[0]
    assert compare(tree(deep), tree(deep)) == "unknown"
    assert compare(tree(list(range(50)), values=20), tree(list(range(50)), values=20)) == "same"
    nested = [[number] for number in range(50)]
    assert compare(tree(nested, values=20), tree(nested, values=20)) == "unknown"
    assert compare(tree("x" * 5_000_000), tree("x" * 5_000_000)) == "unknown"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        '["q",1]',
        '["i",1]',
        '["f","z"]',
        '["b","1"]',
        '["d",1]',
        "1.5",
        '{"a":1}',
        '["c",1]',
        "[" * 99_999,
    ],
)
def test_what_is_no_encoding_is_refused(text):
    """An encoding may come from anybody."""
    with pytest.raises(EncodingError):
        parse(text)


@pytest.mark.parametrize("value", [[1, (2,), {3}], {"a": b"x", 1.5: None}, "x", (1, 2), {}])
def test_a_value_is_shown_as_python_prints_it(value):
    """What a person reads is made from the tree; what is long is cut."""
    assert show(tree(value)) == repr(value)
    assert len(show(tree(list(range(999))))) == 300


def test_an_object_is_shown_by_its_type():
    """Its own words are not asked for."""
    assert show(tree([Everything(4)])).endswith("Everything object>]")


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.binary(max_size=20)
)
keys = st.recursive(
    scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5
)
plain = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(keys, inner, max_size=4)
        | st.sets(keys, max_size=4)
    ),
    max_leaves=12,
)


def typed(value):
    """A value together with the type of everything in it."""
    if isinstance(value, dict):
        return "dict", {typed(key): typed(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return type(value).__name__, frozenset(map(typed, value))
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(map(typed, value))
    return type(value).__name__, value


@given(plain)
def test_a_plain_value_arrives_as_it_was(value):
    """Nothing is lost on the way, not even whether a number was an int, a bool or a float."""
    assert typed(value_of(tree(value))) == typed(value)


@pytest.mark.parametrize("value", [Everything(4), [Point(1)], {"a": (1, {2: decimal.Decimal(1)})}, 1j])
def test_what_holds_an_object_is_no_value(value):
    """It cannot be made again here, and nobody should try."""
    with pytest.raises(EncodingError):
        value_of(tree(value))
