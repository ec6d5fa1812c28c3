"""What blinded tests call in the sandbox: one name sends what is to be compared, one stands for what is not known.

This file is copied beside the runner and loaded by it before the answer's code is importable; like the runner it
keeps to Python 3.8 and imports nothing of escalator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SENT_LIMIT = 3000000
ASKED = {way for kind in (int, complex, str, list, dict) for way in dir(kind) if way[:2] == "__"} - set(
    dir(object)
)
ASKED |= {
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__hash__",
    "__str__",
    "__format__",
    "__call__",
}


def make_hidden(send: Callable[..., None], current: list[str]) -> Any:
    """The class of what stands for an expected value, which this process does not know. Whoever does anything with
    one but to compare it is told of; the test is then run as it is written.
    """

    def tell(hidden: Any, *, where: bool) -> None:
        if where:
            send(kind="used", id=current[0], number=hidden.number)

    def begin(hidden: Any, number: int) -> None:
        hidden.number, hidden.__name__ = number, f"escalator-hidden-{number}."

    def used(hidden: Any, *_: Any) -> Any:
        tell(hidden, where=True)
        raise TypeError("what is compared elsewhere was used")

    def missing(hidden: Any, name: str) -> Any:
        tell(hidden, where=bool(current[0]))
        raise AttributeError(name)

    def kind(hidden: Any) -> Any:
        tell(hidden, where=bool(current[0]))
        return made

    def shown(hidden: Any) -> str:
        tell(hidden, where=not current[0])
        return "hidden"

    ways: dict[str, Any] = dict.fromkeys(ASKED, used)
    ways.update(__test__=False, __init__=begin, __getattr__=missing, __class__=property(kind), __repr__=shown)
    made: Any = type("Hidden", (), ways)
    return made


def make_checks(send: Callable[..., None], encoding: Any, current: list[str]) -> dict[str, Any]:
    """The names that blinded tests call: one sends what is to be compared, one stands for what is not known here.

    `current` holds the id of the test that runs. A test that sends more than there is room for is compared here.
    """
    encode, kind, length, room = encoding.Encoder(), type, len, [SENT_LIMIT]
    stand_in = make_hidden(send, current)

    def sent(value: Any) -> list[Any]:
        if kind(value) is stand_in:
            return ["hidden", value.number]
        text = encode(value)
        room[0] -= length(text)
        return ["value", text if room[0] > 0 else '["o","too much to send"]']

    def check(number: int, *compared: Any) -> None:
        send(kind="check", id=current[0], number=number, values=[sent(value) for value in compared])

    return {"_escalator_check": check, "_escalator_hidden": stand_in}
