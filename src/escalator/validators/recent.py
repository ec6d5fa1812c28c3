"""What was prepared for the tasks judged last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import sha256
from typing import Generic, TypeVar

from escalator.records import Brief

T = TypeVar("T")


class Recent(Generic[T]):
    """The last few of things kept by a key, shared between threads."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str) -> T | None:
        """What is kept by the key."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, value: T) -> None:
        """Keep it, and let go of the oldest where there are too many."""
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def key_of(brief: Brief, *more: str) -> str:
    """A key of the task as it was given."""
    told = [brief.task_id, str(brief.workspace), *more, *brief.selected, *brief.helpers]
    whole = sha256("\0".join(told).encode("utf-8", "surrogatepass"))
    for path, text in (*sorted(brief.files.items()), ("", ""), *sorted(brief.tests.items())):
        whole.update(f"\0{path}\0{text}".encode("utf-8", "surrogatepass"))
    return whole.hexdigest()
