"""What the books need of a database: one open transaction that speaks SQL with `?` for parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from escalator.ledger.chain import Chains
from escalator.records.codec import paired

if TYPE_CHECKING:
    from sqlite3 import Connection

Row = Sequence[Any]


class Reading(Protocol):
    """A database that can be read."""

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Every row of a query."""
        ...

    def alive(self, owner: str) -> bool:
        """Whether the worker of that name still lives."""
        ...


class Session(Reading, Protocol):
    """A transaction that excludes every other writer. `owner` names this worker."""

    @property
    def owner(self) -> str:
        """The name under which this worker claims tasks."""
        ...

    @property
    def now(self) -> float:
        """The ledger's clock, in seconds since the epoch."""
        ...

    @property
    def chains(self) -> Chains:
        """The chains of the tasks this transaction writes to."""
        ...

    def run(self, sql: str, *values: Any) -> None:
        """Execute a statement whose result is not needed."""
        ...

    def insert(self, sql: str, *values: Any) -> int:
        """Execute an INSERT and return the new row's id."""
        ...


class SqliteSession:
    """A connection to SQLite, in a file or in memory: inside a write transaction at `now`, or for reading."""

    def __init__(self, connection: Connection, owner: str, now: float, alive: Callable[[str], bool]) -> None:
        self._connection, self._alive = connection, alive
        self.owner, self.now = owner, now
        self.chains = Chains()

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Every row of a query."""
        return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> None:
        """Execute a statement whose result is not needed."""
        self._connection.execute(sql, values)

    def insert(self, sql: str, *values: Any) -> int:
        """Execute an INSERT and return the new row's id."""
        return self._connection.execute(sql, values).lastrowid or 0

    def alive(self, owner: str) -> bool:
        """Whether the worker of that name still lives."""
        return self._alive(owner)


def clean(text: str) -> str:
    """The text without what databases refuse: NUL characters and lone surrogates become U+FFFD."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return paired(text.replace("\0", "\ufffd"))


def has(text: str) -> str:
    """A test whether an SQL expression has a text in it, given in lower case; letters of any case match."""
    return f"strpos(lower({text}), ?) > 0"


def teach(connection: Connection) -> None:
    """Let SQLite know what `has` needs: its own `lower` knows the letters of English only."""
    connection.create_function("lower", 1, str.lower, deterministic=True)
    connection.create_function("strpos", 2, lambda text, part: text.find(part) + 1, deterministic=True)


def marks(count: int) -> str:
    """That many parameter marks, as in "?, ?, ?"."""
    return ", ".join("?" * count)


@cache
def into(table: str, columns: str) -> str:
    """An INSERT of those columns, one parameter each."""
    return f"INSERT INTO {table} ({columns}) VALUES ({marks(columns.count(',') + 1)})"  # noqa: S608
