"""The ledger on PostgreSQL, for a team: many machines, one set of books, the server's clock.

Writers take turns through one advisory lock, which the hot budget rows would make them do anyway; so nothing can
deadlock, and ids grow in the order of commits. A worker shows that it lives by a session's advisory lock, which
the server drops when the connection does; a worker that was cut off and comes back finds its tasks taken, and
every write but settling is refused.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from escalator.errors import LedgerError
from escalator.foreign import address, without
from escalator.forking import belongs_to_this_process, never_finalise, undivided
from escalator.ledger import tally
from escalator.ledger.chain import Chains
from escalator.ledger.readers import Readers
from escalator.ledger.schema import APPLICATION_ID, POSTGRES, STEPS, Statement
from escalator.ledger.session import Reading
from escalator.ledger.sqlledger import SqlLedger
from escalator.ledger.writer import Writer
from escalator.ledger.writes import PATIENCE

T = TypeVar("T")

_SETTINGS = {
    "idle_in_transaction_session_timeout": "15s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
"""So that a worker stopped or cut off in the middle of a write keeps the others waiting 15 s, not for ever."""

_LOOK_EVERY = 256
_AGAIN_SECONDS = 0.1
_CLOSE_SECONDS = 5.0

_NOW_AND_NUMBER = "SELECT extract(epoch FROM clock_timestamp())::float8, pg_current_xact_id()::text"

_ALIVE = (
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid::bigint = %s "
    "AND objid::bigint = %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@cache
def _dialect(sql: str) -> str:
    return sql.replace("?", "%s")


class PostgresSession:
    """A connection, inside a write transaction or for reading."""

    def __init__(self, connection: Any, owner: str, now: float = 0.0) -> None:
        self._connection, self.owner, self.now = connection, owner, now
        self.chains = Chains()

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Every row of a query."""
        return list(self._connection.execute(_dialect(sql), values).fetchall())

    def run(self, sql: str, *values: Any) -> None:
        """Execute a statement whose result is not needed; it is sent along with the next one."""
        self._connection.execute(_dialect(sql), values)

    def insert(self, sql: str, *values: Any) -> int:
        """Execute an INSERT and return the new row's id."""
        return int(self._connection.execute(_dialect(sql) + " RETURNING id", values).fetchone()[0])

    def alive(self, owner: str) -> bool:
        """Whether the worker of that name still has its session."""
        if owner == self.owner:
            return True
        key = int(owner)
        return bool(self._connection.execute(_ALIVE, (key >> 32, key & 0xFFFFFFFF)).fetchall())


class PostgresBackend:
    """One process's sessions on the server, opened anew after they were lost."""

    inline = loop_inline = False

    def __init__(
        self,
        url: str,
        *,
        schema: str,
        steps: Sequence[Sequence[Statement]] = STEPS,
        patience: float = PATIENCE,
    ) -> None:
        self._url, self._schema, self._steps, self._patience = url, schema, steps, patience
        self._owner = secrets.randbits(62)
        self._readers: Readers[Any] = Readers(self._connect, patience=patience)
        self._offset, self._unseen = 0.0, 0
        self._present = False
        self._writer: Any = None
        try:
            self._writer = self._connect()
            _migrate(self._writer, schema, steps=steps)
        except LedgerError:
            self.close()
            raise
        except self._errors() as error:
            self.close()
            raise LedgerError(
                f"The ledger {address(url)} cannot be opened: {without(_first_line(error), url)}. "
                "Check the address, the rights on its database, and that the server runs."
            ) from error
        self._appear()

    @property
    def _shown(self) -> str:
        return address(self._url)

    def writer(self) -> Writer:
        """A queue, and a thread for what must not keep the caller."""
        return Writer(self, chore=tally.fold, name=self._shown, patience=self._patience)

    def lock(self, within: float = 0.0) -> bool:
        """Always granted: writers take turns inside their transactions."""
        return True

    def wait_for_lock(self) -> None:
        """Nothing to wait for."""

    def unlock(self, *, waited: bool = False) -> None:
        """Nothing to let go of."""

    def holdup(self) -> str:
        """What keeps a transaction is not seen from here."""
        return "the server does not answer, or another writer holds its lock"

    @contextlib.contextmanager
    def transaction(self) -> Iterator[PostgresSession]:
        """One write transaction; statements travel together until an answer is needed.

        Where the connection is lost while the commit is under way, another one asks the server whether it was
        written.
        """
        if self._writer is None or self._writer.closed:
            self._writer = self._connect()
            self._present = False
        if not self._present:
            self._appear()
        connection, number, committing = self._writer, "", False
        try:
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute(
                    "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (APPLICATION_ID, self._schema)
                )
                now, number = connection.execute(_NOW_AND_NUMBER).fetchone()
                self._offset = now - time.monotonic()
                session = PostgresSession(connection, str(self._owner), now)
                yield session
                session.chains.flush(session)
                committing = True
                connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if not (committing and isinstance(error, self._errors()) and self._was_committed(number)):
                raise

    def _was_committed(self, number: str) -> bool:
        """Whether the transaction of that number was written, asked for as long as the ledger waits."""
        end = time.monotonic() + self._patience
        while True:
            try:
                if self._writer is None or self._writer.closed:
                    self._writer, self._present = self._connect(), False
                found = self._writer.execute("SELECT pg_xact_status(%s::xid8)", (number,)).fetchone()
            except self._errors():
                if time.monotonic() > end:
                    return False
                time.sleep(_AGAIN_SECONDS)
            else:
                if found[0] != "in progress" or time.monotonic() > end:
                    return bool(found[0] == "committed")
                time.sleep(_AGAIN_SECONDS)

    def trouble(self, error: BaseException) -> str:
        """A sentence if the server cannot be written to now."""
        from psycopg import errors

        lost = (errors.OperationalError, errors.InterfaceError, errors.ReadOnlySqlTransaction)
        if not isinstance(error, lost):
            return ""
        why = without(_first_line(error), self._url)
        return f"The ledger {address(self._url)} cannot be written: {why}. Nothing is bought meanwhile."

    def passing(self, error: BaseException) -> bool:
        """Whether the server may be back in a moment, as after a restart; it told that nothing was written."""
        from psycopg import errors

        return isinstance(error, (errors.OperationalError, errors.InterfaceError)) and not isinstance(
            error, errors.InsufficientResources
        )

    def upkeep(self, *, wanted_only: bool) -> bool:
        """The server looks after itself; the chore is due every few writes."""
        self._unseen += 1
        due = self._unseen >= _LOOK_EVERY
        if due or not wanted_only:
            self._unseen = 0
        return due

    def read(self, question: Callable[[Reading], T]) -> T:
        """The answer to a question, of one moment of the ledger; a server away for a moment is waited for."""
        end = time.monotonic() + self._patience
        while True:
            try:
                return self._asked(question)
            except self._errors() as error:
                if not self.passing(error) or time.monotonic() > end:
                    raise LedgerError(
                        f"The ledger {address(self._url)} cannot be read: "
                        f"{without(_first_line(error), self._url)}. Check that the server runs and can be reached."
                    ) from error
            time.sleep(_AGAIN_SECONDS)

    def _asked(self, question: Callable[[Reading], T]) -> T:
        with self._readers.lend(_open) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            return question(PostgresSession(connection, str(self._owner)))

    def now(self) -> float:
        """The server's clock, as far as the last write told it."""
        return time.monotonic() + self._offset

    def close(self) -> None:
        """End every session, and say first that this worker is gone: the server notices a hang-up only in time."""
        if self._writer is not None:
            with contextlib.suppress(self._errors()):
                self._writer.execute("SELECT pg_advisory_unlock_all()")
        for connection in [*self._readers.take_all(_CLOSE_SECONDS), self._writer]:
            if connection is not None:
                connection.close()

    def pause(self, seconds: float) -> bool:
        """Lend no connection until `go_on`; whether all were given back within so many seconds."""
        return self._readers.pause(seconds)

    def go_on(self) -> None:
        """Lend connections again."""
        self._readers.go_on()

    def abandon(self, *, at_rest: bool) -> None:
        """In a forked child: the sessions are the parent's, and nothing may be said on them."""
        never_finalise([self._writer, *self._readers.take_all()])

    def again(self) -> PostgresBackend:
        """The same database, with sessions and a name of its own."""
        return PostgresBackend(self._url, schema=self._schema, steps=self._steps, patience=self._patience)

    @staticmethod
    def _errors() -> type[Exception]:
        try:
            import psycopg
        except ImportError as error:
            raise LedgerError(
                "A ledger on PostgreSQL needs psycopg: install `escalator-router[postgres]`."
            ) from error
        return psycopg.Error

    def _connect(self) -> Any:
        self._errors()
        from escalator.ledger.pgconnection import PatientConnection

        connection = PatientConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=max(2, min(10, round(self._patience))),
            application_name="escalator",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=20_000,
        )
        connection.patience = self._patience
        belongs_to_this_process(connection)
        limits = dict.fromkeys(("statement_timeout", "lock_timeout"), f"{self._patience * 1000:.0f}")
        for name, value in {**_SETTINGS, **limits, "search_path": self._schema}.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        if connection.execute("SHOW synchronous_commit").fetchall() == [("off",)]:
            connection.execute("SET synchronous_commit = on")
        return connection

    def _appear(self) -> None:
        """Show that this worker lives. An own session the server has not given up yet does so as well."""
        row = self._writer.execute(
            "SELECT pg_try_advisory_lock(%s), extract(epoch FROM clock_timestamp())::float8", (self._owner,)
        ).fetchone()
        self._present = row[0]
        self._offset = row[1] - time.monotonic()

    def _roll_back(self) -> None:
        connection, self._writer = self._writer, None
        try:
            connection.execute("ROLLBACK")
        except self._errors():
            connection.close()
        else:
            self._writer = connection


class PostgresLedger(SqlLedger):
    """The ledger on a PostgreSQL server, in a schema of its own; made there if it is missing.

    `url` is a libpq address, as in "postgresql://user@host/database". Not for connection poolers that hand one
    session to several clients: a worker's session is its sign of life. `patience`: seconds a server that is
    away or does not answer is waited for.
    """

    def __init__(
        self, url: str, *, store_answers: bool = True, schema: str = "escalator", patience: float = PATIENCE
    ) -> None:
        with undivided():
            super().__init__(PostgresBackend(url, schema=schema, patience=patience), store_answers=store_answers)


def _migrate(connection: Any, schema: str, *, steps: Sequence[Sequence[Statement]]) -> None:
    """Run the steps the schema has not seen, all in one transaction. Raises `LedgerError` for a newer one."""
    from psycopg import sql

    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (APPLICATION_ID, schema))
        known = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone()
        if not known:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        connection.execute("CREATE TABLE IF NOT EXISTS ledger_version (version BIGINT NOT NULL)")
        row = connection.execute("SELECT version FROM ledger_version").fetchone()
        version = row[0] if row else 0
        if version > len(steps):
            raise LedgerError(
                f"The ledger in schema {schema!r} was written by a newer escalator (version {version}, this one "
                f"knows {len(steps)}); upgrade escalator, or use another database."
            )
        for step in steps[version:]:
            for statement in step:
                if isinstance(statement, str):
                    connection.execute(statement.format(**POSTGRES))
                else:
                    statement(PostgresSession(connection, ""))
        if version < len(steps):
            connection.execute("DELETE FROM ledger_version")
            connection.execute("INSERT INTO ledger_version VALUES (%s)", (len(steps),))


def _open(connection: Any) -> bool:
    """Whether a connection may be lent (again); that its server is still there shows when it is used."""
    return not connection.closed


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
