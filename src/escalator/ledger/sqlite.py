"""The ledger in one SQLite file: WAL, file-locked writes, checkpoints made by hand.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when a commit and a checkpoint of two processes coincide.
Automatic checkpoints are therefore off and both happen under the same file lock.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeVar

from escalator.errors import LedgerBusyError, LedgerError
from escalator.forking import never_finalise, undivided
from escalator.ledger import tally, tasks
from escalator.ledger.filesystems import check_file_system
from escalator.ledger.locks import FileLock, Presence
from escalator.ledger.migration import migrate
from escalator.ledger.owners import lock_holder
from escalator.ledger.readers import Readers
from escalator.ledger.schema import STEPS
from escalator.ledger.session import Reading, SqliteSession, teach
from escalator.ledger.sqlledger import SqlLedger
from escalator.ledger.writer import Writer
from escalator.ledger.writes import PATIENCE

_CHECKPOINT_EVERY, _CHECKPOINT_BYTES = 256, 16 * 1024 * 1024
_LOOK_EVERY = 16
_CLOSE_SECONDS = 5.0
"""How long closing waits for readers and for the lock; without them the log is left for the next to open it."""
_BUSY_MILLIS = 200
"""How long one try waits for another program that keeps the file locked; the writer tries again for a while."""
_CACHE_KB = 512  # of the writer, which goes to the end of a few trees; SQLite would take 2,000

T = TypeVar("T")

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


class MovedError(Exception):
    """The ledger's file is not where it was opened."""


class SqliteBackend:
    """One process's connections to the file, its write lock and its sign of life."""

    inline = True

    def __init__(
        self,
        path: Path,
        *,
        durability: Literal["full", "normal"],
        clock: Callable[[], float],
        patience: float = PATIENCE,
    ) -> None:
        self.path, self._durability, self.clock, self._patience = path, durability, clock, patience
        self._wal = path.with_name(path.name + "-wal")
        self.loop_inline = durability == "normal"
        make_private(path)
        check_file_system(path)
        self._lock_file = path.with_name(path.name + "-lock")
        self._lock, self._queued = FileLock(self._lock_file), FileLock(self._lock_file)
        self._readers = Readers(self._connect_to_read, patience=patience)
        self._checkpoint_at, self._unseen = _CHECKPOINT_BYTES, 0
        try:
            self._writer = self._opened_alone()
        except BaseException:
            self._lock.close()
            self._queued.close()
            raise
        self._place = _identity(path), _identity(self._wal)
        self.presence = Presence(path)

    def _opened_alone(self) -> sqlite3.Connection:
        """Open under the lock, and bring an older ledger forward."""
        if not self._lock.acquire_within(self._patience):
            waited = f"{self._patience:.3g} s"
            raise LedgerBusyError(f"The ledger {self.path} could not be opened for {waited}: {self.holdup()}.")
        try:
            return self._open()
        finally:
            self._lock.release()

    def _open(self) -> sqlite3.Connection:
        connection = None
        try:
            connection = self._connect(self._patience)
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            migrate(connection, self.path, steps=STEPS)
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLIS}")
        except (sqlite3.Error, LedgerError) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, LedgerError):
                raise
            raise LedgerError(f"{self.trouble(error) or error} Name another file or repair this one.") from error
        return connection

    def writer(self) -> Writer:
        """A queue, and a thread for what must not keep the caller."""
        return Writer(self, chore=tally.fold, name=str(self.path), patience=self._patience)

    def lock(self, within: float = 0.0) -> bool:
        """Exclude other writers, of this process and others."""
        return self._lock.acquire_within(within) if within else self._lock.acquire(wait=False)

    def wait_for_lock(self) -> None:
        """The same for the writer's thread. Its lock is one of its own: who does not wait must not be kept."""
        self._queued.acquire(wait=True)

    def unlock(self, *, waited: bool = False) -> None:
        """Let other writers on."""
        (self._queued if waited else self._lock).release()

    def holdup(self) -> str:
        """Who holds the lock, as far as the system tells."""
        holder = lock_holder(self._lock_file)
        return f"{holder or 'another process'} holds the lock {self._lock_file}"

    @contextlib.contextmanager
    def transaction(self) -> Iterator[SqliteSession]:
        """One write transaction under the file lock."""
        self._check_place()
        self.presence.renew()
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

    def _check_place(self) -> None:
        """Raise `MovedError` if what is written now would not be found by anybody who opens the ledger."""
        here = _identity(self.path), _identity(self._wal)
        if here == self._place:
            return
        if here[0] == self._place[0] and self._place[1] is None:
            self._place = here  # the first write has made the log
            return
        which = self.path if here[0] != self._place[0] else self._wal
        there = here[0] if which == self.path else here[1]
        raise MovedError(f"{which} was {'deleted' if there is None else 'replaced by another file'} while in use")

    def trouble(self, error: BaseException) -> str:
        """A sentence if the file cannot be written now."""
        if isinstance(error, MovedError):
            return (
                f"The ledger {self.path} cannot be written: {error}. Nothing is bought meanwhile; put the file "
                "back, or end every program that uses it and start anew."
            )
        if isinstance(error, OSError):
            return f"The ledger {self.path} cannot be written: {error}. Nothing is bought meanwhile."
        if not isinstance(error, sqlite3.DatabaseError):
            return ""
        code = _code(error)
        if code not in _TROUBLE:
            return ""
        return (
            f"The ledger {self.path} cannot be written: {_TROUBLE[code]} ({error}). Nothing is bought meanwhile."
        )

    def passing(self, error: BaseException) -> bool:
        """Whether another program just keeps the file locked."""
        return isinstance(error, sqlite3.DatabaseError) and _code(error) == sqlite3.SQLITE_BUSY

    def upkeep(self, *, wanted_only: bool) -> bool:
        """Bring the write-ahead log into the database every so many writes, or once it has grown."""
        if wanted_only:
            self._unseen += 1
            return self._unseen >= _CHECKPOINT_EVERY or (
                self._unseen % _LOOK_EVERY == 0 and self._log_bytes() >= self._checkpoint_at
            )
        self._unseen = 0
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

    def read(self, question: Callable[[Reading], T]) -> T:
        """The answer to a question, of one moment of the ledger."""
        with self._readers.lend() as connection:
            try:
                connection.execute("BEGIN")
                return question(SqliteSession(connection, self.presence.name, 0.0, self.presence.alive))
            except sqlite3.Error as error:
                raise LedgerError(
                    f"The ledger {self.path} cannot be read: {error}. Run `escalator doctor`."
                ) from error
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def now(self) -> float:
        """The injected clock."""
        return self.clock()

    def close(self) -> None:
        """Bring the log into the database and let go of everything."""
        for reader in self._readers.take_all(_CLOSE_SECONDS):
            reader.close()
        tidy = False
        locked = self._lock.acquire_within(_CLOSE_SECONDS)
        try:
            if locked:
                tidy = self._left()
                self._checkpoint(last=True)
            self._writer.close()
        finally:
            self._lock.release()
            self.presence.leave(tidy=tidy)
            self._lock.close()
            self._queued.close()

    def _left(self) -> bool:
        """Whether nothing bears this worker's name any more."""
        session = SqliteSession(self._writer, self.presence.name, 0.0, self.presence.alive)
        try:
            if tasks.leaves_something(session, session.owner):
                with self.transaction() as session:
                    tasks.leave(session)
        except (sqlite3.Error, MovedError, OSError):
            return False
        return True

    def pause(self, seconds: float) -> bool:
        """Lend no connection until `go_on`; whether all were given back within so many seconds."""
        return self._readers.pause(seconds)

    def go_on(self) -> None:
        """Lend connections again."""
        self._readers.go_on()

    def abandon(self, *, at_rest: bool) -> None:
        """In a forked child: let go of locks and connections.

        SQLite keeps account of a file's locks in memory, and would take the parent's for the child's own: it
        would wait for a lock nobody holds, and hold none that others see. At rest, closing frees only the child's
        memory of them. Otherwise the connections are kept for ever, unused.
        """
        self.presence.disown()
        self._lock.close()
        self._queued.close()
        connections = [*self._readers.take_all(), self._writer]
        for connection in connections:
            if at_rest:
                connection.close()
            else:
                never_finalise(connection)

    def again(self) -> SqliteBackend:
        """The same file, opened anew."""
        return SqliteBackend(self.path, durability=self._durability, clock=self.clock, patience=self._patience)

    def _connect_to_read(self) -> sqlite3.Connection:
        connection = self._connect(self._patience)
        connection.execute("PRAGMA query_only = ON")
        teach(connection)
        return connection

    def _connect(self, busy: float) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            isolation_level=None,
            check_same_thread=False,
            timeout=busy,
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
    then a resume pays again for what it needs again. `patience`: seconds a lock that another process holds is
    waited for.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        durability: Literal["full", "normal"] = "full",
        clock: Callable[[], float] = time.time,
        store_answers: bool = True,
        patience: float = PATIENCE,
    ) -> None:
        if durability not in ("full", "normal"):
            raise LedgerError(f"Durability is 'full' or 'normal', not {durability!r}.")
        with undivided():
            backend = SqliteBackend(Path(path).expanduser(), durability=durability, clock=clock, patience=patience)
            super().__init__(backend, store_answers=store_answers)


def make_private(path: Path) -> None:
    """Create the file for its owner only, or take everybody else's rights away.

    A file that is there is not opened: closing it again would release the locks of this process's own connections.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        if not os.access(path, os.R_OK | os.W_OK) or not path.is_file():
            raise PermissionError(0, "it is no file that can be written")
    except OSError as error:
        raise LedgerError(f"The ledger {path} cannot be opened: {error.strerror}. Name another place.") from error


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path names; None for none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
