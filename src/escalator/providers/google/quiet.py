"""Keeps google-genai quiet about words it does not know, which are no trouble: we read them as they come."""

from __future__ import annotations

import warnings
from contextlib import suppress
from types import TracebackType

from escalator.forking import ForkLock


class _Quiet:
    """Ignores that one warning of that one package while any answer is being read.

    `warnings.catch_warnings` would swap the filters of the whole process, and of other threads with them.
    """

    def __init__(self) -> None:
        self._lock = ForkLock()
        self._readers = 0
        self._filter: object = None

    def __enter__(self) -> None:
        with self._lock:
            self._readers += 1
            if self._readers == 1:
                pattern, module = r".* is not a valid \w+$", r"google\.genai\."
                warnings.filterwarnings("ignore", message=pattern, category=UserWarning, module=module)
                self._filter = warnings.filters[0]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                with suppress(ValueError):
                    list.remove(warnings.filters, self._filter)  # type: ignore[arg-type]


quiet = _Quiet()
