"""Values travel as data: exact built-in types arrive as they were, and nothing else arrives at all."""

import enum
import json
from collections import Counter, OrderedDict, namedtuple
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.validators.values import DEEPEST, MOST_NODES, MOST_TEXT, OpaqueError, decode, encode

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.binary(max_size=20)
    | st.complex_numbers(allow_nan=False)
)
hashable = st.recursive(
    scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.sets(hashable, max_size=4)
    ),
    max_leaves=12,
)


def exact(value: object) -> object:
    """A value together with the type of everything in it."""
    if isinstance(value, dict):
        return "dict", {(exact(key)): exact(each) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return type(value).__name__, frozenset(map(exact, value))
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(map(exact, value))
    return type(value).__name__, value


@given(values)
def test_a_value_of_built_in_types_arrives_as_it_was(value):
    """Through JSON and back nothing is lost, not even whether a number was an int, a bool or a float."""
    arrived = decode(json.loads(json.dumps(encode(value))))

    assert exact(arrived) == exact(value)


class Equal(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


class Colour(enum.IntEnum):
    RED = 1


class Mask(type):
    __name__ = "int"


class Masked(metaclass=Mask):
    __class__ = int  # type: ignore[assignment]


OTHERS = {
    "a number that equals everything": Equal(1),
    "an enumeration": Colour.RED,
    "a decimal": Decimal(1),
    "a counter": Counter("a"),
    "an ordered dict": OrderedDict(a=1),
    "a named tuple": namedtuple("Point", "x y")(1, 2),  # noqa: PYI024
    "an object that says it is an int": Masked(),
    "a function": print,
    "a type": int,
    "a generator": (each for each in ()),
    "one of them deep inside": [{"a": (1, [Equal(1)])}],
    "one of them as a key": {Equal(1): 1},
}


@pytest.mark.parametrize("value", OTHERS.values(), ids=OTHERS)
def test_anything_else_is_opaque(value):
    """Whatever may have code of its own in it does not travel."""
    with pytest.raises(OpaqueError):
        encode(value)


def test_what_is_too_large_or_too_deep_is_opaque():
    """A value without end, or one that holds itself, is given up early."""
    endless: list[object] = []
    endless.append(endless)
    deep: object = 0
    for _ in range(DEEPEST + 1):
        deep = [deep]

    for value in (endless, deep, [0] * (MOST_NODES + 1), "a" * (MOST_TEXT + 1)):
        with pytest.raises(OpaqueError):
            encode(value)


@pytest.mark.parametrize(
    "data", [[], ["i"], ["i", 1], ["q", "1"], ["l", 1], ["d", [["a"]]], {"a": 1}, 1, ["i", "x"]]
)
def test_data_that_encode_never_makes_is_refused(data):
    """Somebody else wrote it, and it means nothing."""
    with pytest.raises(ValueError, match=r".+"):
        decode(data)
