"""A connection to PostgreSQL that does not wait for ever for a server that is there and says nothing.

Imports psycopg, so import this module only to open a connection.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")


class PatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """Gives up on the server, and on itself, when one question was not answered within `patience` seconds.

    The server's own limits end a statement that takes long; a server that is stopped keeps no limits.
    """

    patience = 30.0

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """See `psycopg.Connection.wait`, of which this is the one way every question goes."""
        try:
            return super().wait(_bounded(gen, self.patience), *args, **kwargs)
        except _SilentError:
            self.close()
            raise


class _SilentError(psycopg.OperationalError):
    """The server said nothing for too long."""


def _bounded(steps: Generator[Any, Any, T], seconds: float) -> Generator[Any, Any, T]:
    """The same steps, each of which waits for the socket; a look at the clock after each."""
    end = time.monotonic() + seconds
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > end:
                raise _SilentError(f"the server did not answer for {seconds:.3g} s")
            wanted = steps.send(ready)
    except StopIteration as stop:
        value: T = stop.value
        return value
