"""The ledger in one SQLite file: WAL, file-locked writes, checkpoints made by hand.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when a commit and a checkpoint of two processes coincide.
Automatic checkpoints are therefore off and both happen under the same file lock.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from escalator.errors import LedgerError
from escalator.ledger import tally
from escalator.ledger.locks import FileLock, Presence, refuse_network_file_system
from escalator.ledger.migration import migrate
from escalator.ledger.schema import STEPS
from escalator.ledger.session import Reading, SqliteSession
from escalator.ledger.sqlledger import SqlLedger
from escalator.ledger.writer import Writer

_CHECKPOINT_EVERY, _CHECKPOINT_BYTES = 256, 16 * 1024 * 1024
_LOOK_EVERY = 16
_BUSY_MILLIS = 30_000
_CACHE_KB = 512  # of the writer, which goes to the end of a few trees; SQLite would take 2,000

_TROUBLE = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "reading or writing it failed",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_BUSY: "another program keeps it locked",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is damaged",
}


def database_warning() -> str:
    """What is known to be wrong with the SQLite this Python uses; empty if nothing. For `escalator doctor`."""
    if sqlite3.sqlite_version_info >= (3, 51, 3):
        return ""
    return (
        f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug (3.7.0 to 3.51.2). The ledger keeps clear of it "
        "by locking writes and checkpoints; let no other program write the file."
    )


class SqliteBackend:
    """One process's connections to the file, its write lock and its sign of life."""

    def __init__(self, path: Path, *, durability: Literal["full", "normal"], clock: Callable[[], float]) -> None:
        self.path, self._durability, self.clock = path, durability, clock
        self._wal = path.with_name(path.name + "-wal")
        self.loop_inline = durability == "normal"
        _make_private(path)
        refuse_network_file_system(path)
        self._lock = FileLock(path.with_name(path.name + "-lock"))
        self._readers: list[sqlite3.Connection] = []
        self._readers_mutex = threading.Lock()
        self._checkpoint_at, self._unseen = _CHECKPOINT_BYTES, 0
        try:
            with self._lock.held():
                self._writer = self._open()
        except BaseException:
            self._lock.close()
            raise
        self.presence = Presence(path)

    def _open(self) -> sqlite3.Connection:
        connection = None
        try:
            connection = self._connect()
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            migrate(connection, self.path, steps=STEPS)
        except (sqlite3.Error, LedgerError) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, LedgerError):
                raise
            raise LedgerError(f"{self.trouble(error) or error} Name another file or repair this one.") from error
        return connection

    def writer(self) -> Writer:
        """A queue, and a thread for what must not keep the caller."""
        return Writer(self, chore=tally.fold)

    def lock(self, *, wait: bool) -> bool:
        """Exclude writers of other processes."""
        return self._lock.acquire(wait=wait)

    def unlock(self) -> None:
        """Let other writers on."""
        self._lock.release()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[SqliteSession]:
        """One write transaction under the file lock."""
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            session = SqliteSession(self._writer, self.presence.name, self.clock(), self.presence.alive)
            yield session
            session.chains.flush(session)
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def trouble(self, error: BaseException) -> str:
        """A sentence if the file cannot be written now."""
        if not isinstance(error, sqlite3.DatabaseError):
            return ""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code not in _TROUBLE:
            return ""
        return (
            f"The ledger {self.path} cannot be written: {_TROUBLE[code]} ({error}). Nothing is bought meanwhile."
        )

    def upkeep(self, *, wanted_only: bool) -> bool:
        """Bring the write-ahead log into the database every so many writes, or once it has grown."""
        if wanted_only:
            self._unseen += 1
            return self._unseen >= _CHECKPOINT_EVERY or (
                self._unseen % _LOOK_EVERY == 0 and self._log_bytes() >= self._checkpoint_at
            )
        self._unseen = 0
        with self._lock.held():
            self._checkpoint()
        return True

    def _log_bytes(self) -> int:
        try:
            return self._wal.stat().st_size
        except FileNotFoundError:
            return 0

    def _checkpoint(self, *, last: bool = False) -> None:
        """Let the log be written from its start again, and emptied where it is long; a reader may prevent that."""
        size = self._log_bytes()
        how = "TRUNCATE" if last or size >= _CHECKPOINT_BYTES else "RESTART"
        self._writer.execute("PRAGMA busy_timeout = 0")
        try:
            busy = self._writer.execute(f"PRAGMA wal_checkpoint({how})").fetchone()[0]
        except sqlite3.OperationalError:
            busy = 1
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {_BUSY_MILLIS}")
        self._checkpoint_at = size + _CHECKPOINT_BYTES if busy else _CHECKPOINT_BYTES

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reading]:
        """A connection of one's own, which sees one moment of the ledger; it is kept for the next reader."""
        with self._readers_mutex:
            connection = self._readers.pop() if self._readers else None
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        try:
            connection.execute("BEGIN")
            yield SqliteSession(connection, self.presence.name, 0.0, self.presence.alive)
        except sqlite3.Error as error:
            raise LedgerError(
                f"The ledger {self.path} cannot be read: {error}. Run `escalator doctor`."
            ) from error
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            with self._readers_mutex:
                self._readers.append(connection)

    def now(self) -> float:
        """The injected clock."""
        return self.clock()

    def close(self) -> None:
        """Bring the log into the database and let go of everything."""
        with self._lock.held():
            for reader in self._readers:
                reader.close()
            self._checkpoint(last=True)
            self._writer.close()
        self.presence.leave()
        self._lock.close()

    def abandon(self) -> list[Any]:
        """In a forked child: let go of the locks; the connections must be kept, unused and never closed."""
        self.presence.disown()
        self._lock.close()
        return [self._writer, *self._readers]

    def again(self) -> SqliteBackend:
        """The same file, opened anew."""
        return SqliteBackend(self.path, durability=self._durability, clock=self.clock)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_MILLIS / 1000,
            cached_statements=256,
        )
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            connection.close()
            raise LedgerError(f"{self.path} lies where SQLite cannot keep a write-ahead log; use a local disk.")
        connection.execute(f"PRAGMA synchronous = {self._durability.upper()}")
        if sys.platform == "darwin":
            connection.execute("PRAGMA fullfsync = ON")
        return connection


class SqliteLedger(SqlLedger):
    """The ledger in one SQLite file, for one machine: threads, event loops and processes may share it.

    `durability` "full" survives a power cut; "normal" survives a killed process, but a power cut may take
    everything since the last checkpoint (up to some hundred writes). `store_answers` False keeps no model answers:
    then a resume pays again for what it needs again.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        durability: Literal["full", "normal"] = "full",
        clock: Callable[[], float] = time.time,
        store_answers: bool = True,
    ) -> None:
        if durability not in ("full", "normal"):
            raise LedgerError(f"Durability is 'full' or 'normal', not {durability!r}.")
        backend = SqliteBackend(Path(path).expanduser(), durability=durability, clock=clock)
        super().__init__(backend, store_answers=store_answers)


def _make_private(path: Path) -> None:
    """Create the file for its owner only, or take everybody else's rights away."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise LedgerError(f"The ledger {path} cannot be opened: {error.strerror}. Name another place.") from error
