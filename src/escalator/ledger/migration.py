"""Bring a SQLite ledger forward, with a copy of the old file; never back, never a file that is not ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from escalator.errors import LedgerError
from escalator.ledger.schema import APPLICATION_ID, SQLITE, Statement
from escalator.ledger.session import SqliteSession


def migrate(connection: sqlite3.Connection, path: Path, *, steps: Sequence[Sequence[Statement]]) -> Path | None:
    """Run the steps the file has not seen, each in a transaction of its own; returns the copy made before.

    The caller holds the file lock. Raises `LedgerError` for a newer ledger and for another program's file.
    """
    version = _version(connection, path, newest=len(steps))
    backup = _copy(connection, path, version) if 0 < version < len(steps) else None
    for number in range(version, len(steps)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            run_step(connection, steps[number])
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return backup


def run_step(connection: sqlite3.Connection, step: Sequence[Statement]) -> None:
    """One step, inside the caller's transaction."""
    for statement in step:
        if isinstance(statement, str):
            connection.execute(statement.format(**SQLITE))
        else:
            statement(SqliteSession(connection, "", 0.0, lambda _: False))


def _version(connection: sqlite3.Connection, path: Path, *, newest: int) -> int:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    if tables and application != APPLICATION_ID:
        raise LedgerError(f"{path} is another program's database, not a ledger; name another file.")
    if version > newest:
        raise LedgerError(
            f"{path} was written by a newer escalator (ledger version {version}, this one knows {newest}); "
            "upgrade escalator, or name another file."
        )
    return version


def _copy(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    backup = path.with_name(f"{path.name}-before-version-{version + 1}")
    backup.unlink(missing_ok=True)
    os.close(os.open(backup, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    target = sqlite3.connect(backup)
    try:
        connection.backup(target)
    finally:
        target.close()
    return backup
