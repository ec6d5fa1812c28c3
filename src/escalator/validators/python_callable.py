"""The python validator: any function of the user's own judges the answer."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from inspect import isasyncgenfunction, iscoroutine, iscoroutinefunction, isfunction
from types import GeneratorType
from typing import TYPE_CHECKING, ClassVar

from escalator.errors import TaskError
from escalator.records import Verdict
from escalator.validators.protocol import FIRST_VERSION, broke, failed, passed, unavailable, version_of

if TYPE_CHECKING:
    from escalator.flow import Flow
    from escalator.records import Brief, Candidate
    from escalator.validators.protocol import Validator


def python(*, call: Callable[[Candidate], object] | str, name: str = "") -> Validator:
    """Judge by a function that takes the candidate, given itself or as "package.module:function".

    It returns True (passed), False (failed), a text (failed, with that feedback), an empty text (passed), or a
    `Verdict`; it may also be a flow that yields steps and returns one of these. What it raises makes the verdict
    inconclusive. It runs in this process with all its rights: it is your code, and must not run the answer's.
    `name`: what verdicts call it; its own name otherwise.
    """
    if isinstance(call, str) and ":" not in call:
        raise ValueError(f'call: {call!r} is not "package.module:function"')
    if not isinstance(call, str) and not callable(call):
        raise TypeError(f"call: {type(call).__name__} cannot be called; give a function of one Candidate")
    own = call.rpartition(":")[2] if isinstance(call, str) else getattr(call, "__name__", type(call).__name__)
    return _Python(call=call, name=name or own)


def as_validator(function: Callable[[Candidate], object], *, taken: Container[str] = ()) -> Validator:
    """A function of the caller's own as a validator, under a name that is not `taken` yet.

    What it says of itself (see `Validator`) stays; what it returns is taken as `python` takes it. A `name` that it
    gives itself is never changed. Raises `TaskError` for a function that must be awaited.
    """
    called = _innermost(function)
    if iscoroutinefunction(called) or isasyncgenfunction(called):
        text = f"{_name_of(function)} is a coroutine function, and validators are called without await"
        raise TaskError(text, field="validators", hint="pass a plain function; run what must be awaited inside it")
    name, number = getattr(function, "name", None) or _name_of(function), 1
    while name in taken and not getattr(function, "name", None):
        number += 1
        name = f"{_name_of(function)}_{number}"
    if any(hasattr(function, attribute) for attribute in _OWN):
        return _Own(judge=function, name=str(name))
    return python(call=function, name=str(name))


_OWN = ("name", "version", "cost", "quick", "unavailable", "inapplicable", "prepare", "foresees")


@dataclass(frozen=True, kw_only=True)
class _Own:
    """A callable that says something of itself: everything but its name and its verdict is asked of it."""

    judge: Callable[[Candidate], object]
    name: str

    def __getattr__(self, attribute: str) -> object:
        if attribute in _OWN:
            return getattr(self.judge, attribute)
        raise AttributeError(attribute)

    def __call__(self, candidate: Candidate) -> Flow[Verdict]:
        said = self.judge(candidate)
        if isinstance(said, GeneratorType):
            said = yield from said
        return _verdict(self.name, said)


def _innermost(function: object) -> object:
    """The function that runs in the end: under partials, behind a bound method, or an object's `__call__`."""
    while isinstance(function, partial):
        function = function.func
    function = getattr(function, "__func__", function)
    return function if isfunction(function) else type(function).__call__


def _name_of(function: object) -> str:
    while isinstance(function, partial):
        function = function.func
    name: str = getattr(function, "__name__", type(function).__name__)
    return name.strip("<>")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Python:
    call: Callable[[Candidate], object] | str
    name: str
    cost: ClassVar[str] = "instant"

    @property
    def version(self) -> str:
        """The function's own `version`; the first where it has none or cannot be found."""
        try:
            return version_of(_found(self.call))
        except Exception:  # noqa: BLE001  why it cannot be loaded is what `unavailable` says
            return FIRST_VERSION

    def unavailable(self, brief: Brief) -> str | None:
        """Why the function cannot be found, or None."""
        try:
            _found(self.call)
        except Exception as error:  # noqa: BLE001  importing a user's module may raise anything
            return f"{self.call!r} cannot be loaded: {type(error).__name__}: {error}."
        return None

    def __call__(self, candidate: Candidate) -> Flow[Verdict]:
        if (why := self.unavailable(candidate.brief)) is not None:
            return unavailable(self.name, why, "Correct `call` in the matrix, or install what it needs.")
        try:
            said = _found(self.call)(candidate)
            if isinstance(said, GeneratorType):
                said = yield from said
        except Exception as error:  # noqa: BLE001  a user's function may raise anything; it becomes a verdict
            return broke(self.name, error, "Correct the function; the answer is not to blame.")
        return _verdict(self.name, said)


def _found(call: Callable[[Candidate], object] | str) -> Callable[[Candidate], object]:
    if not isinstance(call, str):
        return call
    module, _, attribute = call.partition(":")
    found: object = import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError(f"{call} is not a function")
    return found


def _verdict(name: str, said: object) -> Verdict:
    if isinstance(said, Verdict):
        return said
    if said is True or said == "":
        return passed(name)
    if said is False:
        return failed(name, feedback=f"The check {name!r} does not hold for this answer.")
    if isinstance(said, str):
        return failed(name, feedback=said)
    if iscoroutine(said):
        said.close()
    return broke(name, f"It returned {type(said).__name__}.", "Return True, False, a text or a Verdict.")
