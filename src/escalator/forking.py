"""What becomes of locks, threads and connections when a process forks: one place for everything of ours.

A forked child has the parent's memory, but none of its threads: a lock that another thread held stays locked for
ever, and a connection is shared, so that parent and child read each other's answers. What must not be shared is
told here; the child then makes its own. Nothing is said on a shared connection: the child's copy of its descriptor
is turned into /dev/null, which the other side does not notice.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Lock, RLock, get_ident
from typing import Any, TypeVar
from weakref import WeakSet

T = TypeVar("T")

FORK_SECONDS = 5.0
"""How long a fork waits at most for what is being written or read."""
IMPORT_SECONDS = 30.0
"""How long it waits for a thread that loads a part of this library."""


class Forks:
    """Something that a forked child must begin anew. Call `look_after` once it is made."""

    def before_fork(self) -> None:
        """In the parent: come to rest, within seconds; nothing may be half done while the process is copied."""

    def after_fork(self) -> None:
        """In the parent: go on."""

    def begin_anew(self) -> None:
        """In the child, which has one thread: drop what belongs to the parent; make new locks."""


class ForkLock(Forks):
    """A lock, re-entrant, that nobody holds in a forked child, whoever held it in the parent.

    `early`: made while the library is loaded, which must not take longer for it; it hears of forks when used.
    """

    def __init__(self, *, early: bool = False) -> None:
        self._lock = RLock()
        _living.add(self)
        if not early:
            _hear_of_forks()

    def begin_anew(self) -> None:
        """In the child: a lock that is free."""
        self._lock = RLock()

    def __enter__(self) -> None:
        _hear_of_forks()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        with suppress(RuntimeError):  # taken before a fork, given back in the child
            self._lock.release()


_living: WeakSet[Forks] = WeakSet()
_descriptors: WeakSet[Any] = WeakSet()
_one_at_a_time = Lock()


def look_after(thing: Forks) -> None:
    """Tell it of every fork from now on, for as long as it lives."""
    _living.add(thing)
    _hear_of_forks()


def belongs_to_this_process(connection: Any) -> None:
    """A socket or a transport of asyncio that no forked child shall share; kept track of while it lives."""
    _descriptors.add(connection)


def never_finalise(thing: object) -> None:
    """In a child: keep what would say something to the world, or harm the parent, when Python cleans it up."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def cut(descriptor: int) -> None:
    """In a child: let go of a shared descriptor in silence. Its number stays taken: nothing else may get it."""
    if descriptor < 0:
        return
    nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.dup2(nowhere, descriptor, inheritable=False)
    finally:
        os.close(nowhere)


def _descriptor(connection: Any) -> int:
    """The number of an open connection, -1 of a closed one."""
    if hasattr(connection, "get_extra_info"):
        connection = connection.get_extra_info("socket")
    return -1 if connection is None else int(connection.fileno())


def _wait_for_imports() -> None:
    """Wait until no other thread is in the middle of an import, whose lock would stay locked in the child.

    What a task needs is imported when it is first needed, so a process may well fork just then. A module of
    somebody else's may be one that never ends, so those are not waited for as long.
    """
    begun = time.monotonic()
    while importing := _imported_elsewhere():
        ours = any(name.partition(".")[0] == __package__ for name in importing)
        if time.monotonic() - begun > (IMPORT_SECONDS if ours else FORK_SECONDS):
            return
        time.sleep(0.001)


_inside: Counter[int] = Counter()
_changed = Condition()


@contextmanager
def undivided() -> Iterator[None]:
    """While this block runs in one thread, no other thread forks; for a few seconds, then it does all the same."""
    _hear_of_forks()
    here = get_ident()
    with _changed:
        _inside[here] += 1
    try:
        yield
    finally:
        with _changed:
            _inside[here] -= 1
            _changed.notify_all()


def _wait_for_blocks() -> None:
    here = get_ident()
    with _changed:
        _changed.wait_for(lambda: not any(n for thread, n in _inside.items() if thread != here), FORK_SECONDS)


def _imported_elsewhere() -> list[str]:
    """The modules that other threads are importing."""
    from importlib import _bootstrap

    locks = list(getattr(_bootstrap, "_module_locks", {}).items())
    return [name for name, lock in locks if getattr(lock(), "owner", None) not in (None, get_ident())]


def _each(things: Iterable[T], what: Callable[[T], object]) -> None:
    """Do it to each of them, also where one fails; what failed first is raised at the end, for Python to show."""
    failed: Exception | None = None
    for thing in things:
        try:
            what(thing)
        except Exception as error:  # noqa: BLE001  # one that is half closed must not keep the others from it
            failed = failed or error
    if failed is not None:
        raise failed


def _before() -> None:
    _one_at_a_time.acquire()
    _wait_for_blocks()
    try:
        _each(list(_living), lambda thing: thing.before_fork())
    finally:
        _wait_for_imports()


def _in_parent() -> None:
    try:
        _each(list(_living), lambda thing: thing.after_fork())
    finally:
        _one_at_a_time.release()


def _in_child() -> None:
    global _one_at_a_time, _changed  # the parent's threads may hold the others
    _one_at_a_time, _changed = Lock(), Condition()
    here = get_ident()
    for thread in [thread for thread in _inside if thread != here]:
        del _inside[thread]
    connections = list(_descriptors)
    _descriptors.clear()
    try:
        _each(connections, lambda connection: cut(_descriptor(connection)))
    finally:
        _free_cached_properties()
        _each(list(_living), lambda thing: thing.begin_anew())


def _free_cached_properties() -> None:
    """Before Python 3.12 each `functools.cached_property` has a lock, held while a thread computes the value."""
    if sys.version_info >= (3, 12):
        return
    import gc
    from functools import cached_property

    for found in gc.get_objects():
        if type(found) is cached_property:
            found.lock = RLock()  # type: ignore[attr-defined]


_heard = False


def _hear_of_forks() -> None:
    """From the first use on. Who was told last is told first, so `logging` must come before us: it holds its own
    lock over a fork, and an import that waits for that lock would never end.
    """
    global _heard  # noqa: PLW0603  # once a process
    if _heard:
        return
    import logging  # noqa: F401

    with _one_at_a_time:
        if not _heard:
            os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
        _heard = True
