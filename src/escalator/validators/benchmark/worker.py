"""The process that is measured: imports the module, prepares, and makes the calls it is told to make.

Its time is read from outside it. What it is asked comes on standard input, what it says goes to a copy of standard
output behind a word that was read before the module was imported. Standard library only, Python 3.8.
"""

from __future__ import annotations

import builtins
import gc
import json
import marshal
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from escalator.validators.encoding import Encoder

if TYPE_CHECKING:
    from types import CodeType

globals().update(vars(builtins))  # bound now, see `escalator.validators.encoding`

PLAIN = frozenset((type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset))
_LINE_OF = vars(type)["__mro__"].__get__
_CONTENTS_OF = vars(type)["__dict__"].__get__


def main(described: str) -> None:
    """Do as the spec and the lines on standard input say, until they end."""
    try:
        Worker(json.loads(described)).serve()
    except BaseException:  # noqa: BLE001  the measured code may raise anything
        traceback.print_exc(limit=-4)
        sys.stderr.flush()
        os._exit(1)


class Worker:
    """`once` makes one call as the setup prepared it, `load` takes inputs, `go` makes one call for each of them,
    `show` tells results of the last calls, `inputs` what the call uses.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.read, self.take = sys.stdin.buffer.readline, sys.stdin.buffer.read
        self.word = self.read().strip() + b" "
        self.out, self.write = os.dup(1), os.write
        self.encode, self.unpack = Encoder(objects=True), marshal.loads
        self.collect, self.freeze = gc.collect, gc.freeze
        os.dup2(2, 1)
        sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123  kept for good
        for name in [each for each in sys.modules if each.partition(".")[0] == "escalator"]:
            del sys.modules[name]
        self.call: str = spec["call"]
        self.names = prepared(spec)
        self.given: list[Any] = []
        self.results: list[Any] = []

    def serve(self) -> None:
        """Answer line after line."""
        self.say(b"ready")
        while True:
            word, _, rest = self.read().strip().partition(b" ")
            if not word:
                return
            if word == b"load":
                self.load(*rest.split(b" "))
            elif word == b"go":
                self.results = self.loop(self.given)
                self.say(b"done")
            elif word == b"show":
                self.say(self.encode([self.results[int(at)] for at in rest.split()]).encode("ascii"))
            else:
                self.say(self.inputs().encode("ascii"))

    def say(self, what: bytes) -> None:
        """Write one line."""
        line = self.word + what + b"\n"
        while line:
            line = line[self.write(self.out, line) :]

    def load(self, size: bytes, names: bytes) -> None:
        """Take inputs, and make the loop that uses them."""
        self.results = []
        self.given = self.unpack(self.take(int(size))) if int(size) else [()]
        self.loop = loop_over(self.call, names.decode().split(",") if names != b"-" else [], self.names)
        self.collect()
        self.freeze()
        self.say(b"loaded")

    def inputs(self) -> str:
        """The values of the names that the call uses, without functions, classes and modules."""
        used = names_in(compile(f"({self.call}\n)", "<call>", "eval"))
        values = {name: self.names[name] for name in sorted(used) if name in self.names}
        return Encoder()({name: value for name, value in values.items() if not callable(value)})


def prepared(spec: dict[str, Any]) -> dict[str, Any]:
    """The namespace of the call: the module's, the size, and what the setup makes."""
    root = Path(spec["root"])
    sys.path[:1] = [str(path) for path in (root, root / "src") if path.is_dir()]
    __import__(spec["module"])
    names: dict[str, Any] = {**vars(sys.modules[spec["module"]]), "n": spec["n"], "i": 0}
    exec(compile(spec["setup"], "<setup>", "exec"), names)  # noqa: S102  the task's own words
    return names


def loop_over(call: str, given: list[str], names: dict[str, Any]) -> Any:
    """A function that makes the call for each input, with its names, and uses up what is lazy."""
    target = ", ".join([*given, ""]) if given else "_none"
    lines = (
        "def _loop(_given, _type=_type, _plain=_plain, _used=_used):",
        " _results = []",
        " _keep = _results.append",
        f" for {target} in _given:",
        f"  _got = ({call}\n)",
        "  _keep(_got if _type(_got) in _plain else _used(_got))",
        " return _results",
    )
    space = {**names, "_type": type, "_plain": PLAIN, "_used": used_up}
    exec(compile("\n".join(lines), "<call>", "exec"), space)  # noqa: S102  the task's own words
    return space["_loop"]


def used_up(got: Any) -> Any:
    """What an iterator gives, in a form that no list is the same as; anything else as it is."""
    if any("__next__" in _CONTENTS_OF(each) for each in _LINE_OF(type(got))):
        return {"given one by one": list(got)}
    return got


def names_in(code: CodeType) -> set[str]:
    """Every name that code uses, that of functions inside it included."""
    inside = [names_in(each) for each in code.co_consts if hasattr(each, "co_names")]
    return {*code.co_names}.union(*inside)
