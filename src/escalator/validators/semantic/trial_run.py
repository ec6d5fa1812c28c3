"""Runs inside the sandbox: tries one call on the answer's code and sends what it gave. Not what it should give.

Called as `main(FD)` with the job as JSON on standard input. What is used later is bound before any of the
answer's code is imported. One record is sent, under a key, by this process alone: a fork, an early exit or words
written to the descriptor by others leave no record that counts. Standard library only, Python 3.8.
"""

from __future__ import annotations

import builtins
import json
import os
import sys
from _blake2 import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from escalator.validators.encoding import Encoder, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

globals().update(vars(builtins))  # bound now, see `escalator.validators.encoding`

_MESSAGE = 300
_KNOWN = frozenset(each for each in vars(builtins).values() if type(each) is type)


def main(descriptor: str) -> None:
    """Read the job, import the answer's modules, evaluate the call, send the record and leave at once."""
    job = json.loads(sys.stdin.buffer.read())
    send = sender(int(descriptor), bytes.fromhex(job["key"]))
    code, encode, evaluate, leave = compile(job["call"], "<call>", "eval"), Encoder(), eval, os._exit
    modules, names, loaded = job["modules"], {}, sys.modules
    root = str(Path.cwd())
    sys.path[:1] = [root, f"{root}/src"]
    for name in [each for each in loaded if each.partition(".")[0] == "escalator"]:
        del loaded[name]
    for module in modules:
        __import__(module)
        names.update(vars(loaded[module]))
    try:
        value = evaluate(code, names)
    except BaseException as error:  # noqa: BLE001  the answer's code may raise anything
        send(*raised(error))
    else:
        send("gave", encode(value))
    leave(0)


def sender(descriptor: int, key: bytes) -> Callable[..., None]:
    """A function that sends one record; the descriptor goes to no other program."""
    write, owner, getpid = os.write, os.getpid(), os.getpid
    os.set_inheritable(descriptor, False)

    def send(found: str, said: str, message: str = "") -> None:
        if getpid() != owner:
            return
        body = f"[{quoted(found)},{quoted(said)},{quoted(message)}]".encode("ascii")
        line = blake2b(body, key=key, digest_size=16).hexdigest().encode("ascii") + b" " + body + b"\n"
        while line:
            line = line[write(descriptor, line) :]

    return send


def raised(error: BaseException) -> tuple[str, str, str]:
    """How an error is told: "unnamed" where the call names what is not there; its type if built in."""
    kind = type(error)
    trace = error.__traceback__
    inside = trace is not None and trace.tb_next is not None and trace.tb_next.tb_next is not None
    try:
        message = str(str(error)[:_MESSAGE])
    except BaseException:  # noqa: BLE001  nor is its text to be trusted
        message = ""
    name = type.__getattribute__(kind, "__name__")
    found = "unnamed" if kind is NameError and not inside else "raised"
    return found, name if kind in _KNOWN else "", f"{name}: {message}"
