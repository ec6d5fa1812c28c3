"""A migration to versions that do not exist yet, which can be made to die at any statement. Run as a program."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from escalator.ledger.migration import migrate
from escalator.ledger.schema import STEPS

MORE_STEPS = (
    *STEPS,
    ("ALTER TABLE task ADD COLUMN colour TEXT NOT NULL DEFAULT ''", "UPDATE task SET colour = 'red'"),
    ("CREATE TABLE extra (id {serial}, name TEXT)", "INSERT INTO extra (name) VALUES ('one')"),
)
"""Two versions that do not exist yet."""


def killed_at(path: Path, statement: int) -> bool:
    """Migrate in a process of its own that dies at the nth statement; False if it came to its end."""
    status = subprocess.run([sys.executable, __file__, path, str(statement)], check=False, timeout=200).returncode
    assert status in (0, -signal.SIGKILL)
    return status != 0


def migrate_and_die(path: str, at: str) -> None:
    """Bring a ledger to a version that does not exist yet, and die at the nth statement."""
    connection = sqlite3.connect(path, isolation_level=None)
    left = int(at)

    def bomb(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    connection.set_trace_callback(bomb)
    migrate(connection, Path(path), steps=MORE_STEPS)


if __name__ == "__main__":
    migrate_and_die(*sys.argv[1:])
