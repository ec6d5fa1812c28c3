"""Values as data, so that what an answer computed can be compared where none of its code runs.

This file is also copied into sandboxes, beside the programs there that use it: it imports nothing of escalator and
keeps to Python 3.8. It takes exact built-in types alone, since an object of any other class could say that it is
equal to everything, and binds what it needs before the answer's code is imported.
"""

from __future__ import annotations

from typing import Any, Callable  # noqa: UP035  Python 3.8

MOST_NODES = 50_000
MOST_TEXT = 1_000_000
DEEPEST = 60


class OpaqueError(Exception):
    """The value is not made of exact built-in types, or is too large; the message names its type."""


def encode_text(text: str) -> Any:
    """A text as it is, or in hexadecimal if it has halves of characters, of which JSON would make whole ones."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return ["u", text.encode("utf-8", "surrogatepass").hex()]
    return text


def make_encode() -> Callable[[Any], Any]:  # noqa: C901  one closure, in which nothing is looked up later
    """A function that turns a value into what JSON can hold; it raises `OpaqueError`."""
    kind, length, text_of, hexadecimal, opaque = type, len, repr, hex, OpaqueError
    plain, joined = (bool, kind(None)), ((list, "l"), (tuple, "t"), (set, "s"), (frozenset, "z"))
    names, raw, whole, fraction, imaginary, table = str, bytes, int, float, complex, dict
    most_nodes, most_text, deepest, text_data = MOST_NODES, MOST_TEXT, DEEPEST, encode_text

    def encode(value: Any) -> Any:  # noqa: C901
        room = [most_nodes, most_text]

        def of(value: Any, depth: int) -> Any:
            exact = kind(value)
            room[0] -= 1
            if room[0] < 0 or depth > deepest:
                raise opaque("a value too large to compare")
            if exact in plain:
                return value
            if exact is whole:
                return ["i", hexadecimal(value)]
            if exact is fraction or exact is imaginary:
                return ["f" if exact is fraction else "c", text_of(value)]
            if exact is names or exact is raw:
                room[1] -= length(value)
                if room[1] < 0:
                    raise opaque("a text too long to compare")
                return text_data(value) if exact is names else ["b", value.hex()]
            for collection, sign in joined:
                if exact is collection:
                    return [sign, [of(each, depth + 1) for each in value]]
            if exact is table:
                return ["d", [[of(key, depth + 1), of(each, depth + 1)] for key, each in value.items()]]
            raise opaque(exact.__name__)

        return of(value, 0)

    return encode


encode = make_encode()


def decode(data: Any) -> Any:
    """The value that `encode` turned into data. Raises `ValueError` for anything else."""
    if data is None or isinstance(data, (bool, str)):
        return data
    kind, content = _pair(data)
    if kind in _JOINED and isinstance(content, list):
        return _JOINED[kind](map(decode, content))
    if kind == "d" and isinstance(content, list):
        return {decode(key): decode(value) for key, value in map(_pair, content)}
    if kind in _SINGLE and isinstance(content, str):
        return _SINGLE[kind](content)
    raise ValueError("not an encoded value")


def _pair(data: Any) -> list[Any]:
    if not isinstance(data, list) or len(data) != 2:
        raise ValueError("not an encoded value")
    return data


def _hexadecimal(text: str) -> int:
    return int(text, 16)


def _halves(text: str) -> str:
    return bytes.fromhex(text).decode("utf-8", "surrogatepass")


_JOINED: dict[str, Callable[[Any], Any]] = {"l": list, "t": tuple, "s": set, "z": frozenset}
_SINGLE: dict[str, Callable[[str], Any]] = {
    "i": _hexadecimal,
    "f": float,
    "c": complex,
    "b": bytes.fromhex,
    "u": _halves,
}
