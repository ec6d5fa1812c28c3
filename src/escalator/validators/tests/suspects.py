"""Tests that fail in the same words whatever the task's files hold, so that no change of these makes them pass.

That a test fails as it did before proves little: a wrong answer often leaves a failure as it was. So the task's
files are taken away and the test is run again. What can be told of them (a call, a value, a text, an import) is
another failure then; only a test that does not come as far as these files still fails in its old words.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_hex
from typing import TypeAlias

from escalator.records import Brief, Candidate
from escalator.validators.tests.session import Session

Words: TypeAlias = tuple[str, ...]
"""When a test failed, over what, and what was said."""

_NAMES = (
    "call bool eq ne lt le gt ge hash iter next len contains getitem setitem delitem enter exit aenter aexit "
    "await aiter anext add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow and "
    "rand or ror xor rxor lshift rlshift rshift rrshift matmul rmatmul neg pos abs invert int float complex "
    "index round trunc floor ceil str repr bytes format fspath mro_entries instancecheck subclasscheck setattr "
    "delattr dir reversed divmod"
)
_REFUSING = f"""\
class Gone:
    def __getattr__(self, name):
        raise (AttributeError if name.startswith("__") else RuntimeError)("WORD")


def gone(self, *given, **named):
    raise RuntimeError("WORD")


for _name in "{_NAMES}".split():
    setattr(Gone, "__" + _name + "__", gone)
"""
"""Every use of it fails."""

_AGREEING = """\
class Gone:
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *given, **named):
        return self

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return 0

    def __str__(self):
        return "WORD"

    def __bool__(self):
        return True

    def __len__(self):
        return 1

    def __iter__(self):
        return iter((self,))

    def __exit__(self, *given):
        return False

    def __int__(self):
        return 1

    __repr__, __index__, __contains__ = __str__, __int__, __bool__
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    __enter__ = __getitem__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __mod__ = __call__
    __truediv__ = __rtruediv__ = __or__ = __ror__ = __and__ = __rand__ = __neg__ = __abs__ = __call__


print("WORD")
"""
"""Every use of it goes well, and it is heard of where it is started or imported."""

_MODULE = """

def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return Gone()
"""
"""A module that has every name."""


@dataclass(slots=True)
class Seen:
    """The answers to one task that failed so far, and which tests were found not to depend on its files."""

    answers: set[str] = field(default_factory=set)
    known: dict[str, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def again(self, candidate: Candidate) -> bool:
        """Note an answer; whether another one has failed before."""
        told = repr(sorted(candidate.changes.files.items())).encode("utf-8", "surrogatepass")
        with self._lock:
            self.answers.add(sha256(told).hexdigest())
            return len(self.answers) > 1


def taken_away(brief: Brief) -> tuple[dict[str, str | None], ...]:
    """The task's files with nothing of theirs left, in two ways: what they give refuses every use, or allows it.

    One alone is not enough: a test that only sees that something failed says the same when it fails otherwise.
    """
    return tuple(
        {
            path: (kind + _MODULE).replace("WORD", word) if path.endswith((".py", ".pyi")) else f"{word}\n"
            for path in brief.files
        }
        for kind in (_REFUSING, _AGREEING)
        for word in (f"taken away {token_hex(8)}",)
    )


def unchanged(before: Session, after: Session, tests: Iterable[str]) -> tuple[str, ...]:
    """Which of the tests, or modules of tests, fail in the same words in both runs."""
    if not (before.report.intact and after.report.intact) or before.result.killed or after.result.killed:
        return ()
    return tuple(test for test in tests if (words := _words(after, test)) and words == _words(before, test))


def _words(session: Session, test: str) -> Words:
    """The words in which a test failed, none if it did not or that cannot be told."""
    if test in session.report.imports:
        error, when, message = session.report.imports[test], "import", ""
    elif session.report.results.get(test) == "failed":
        detail = session.report.details.get(test, {})
        error, when, message = (
            detail.get("error") or {},
            str(detail.get("when", "")),
            str(detail.get("message", "")),
        )
    else:
        return ()
    said = (when, str(error.get("type", "")), str(error.get("message", "")), message)
    return said if any(said[1:]) else ()
