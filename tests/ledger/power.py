"""A disk that forgets on a power cut whatever was not flushed: a SQLite VFS that remembers every write and flush.

It belongs to apsw's own SQLite, so the ledger's statements run through apsw here, under the same settings.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from escalator.ledger import Held
from escalator.ledger.chain import Chains
from escalator.ledger.money import reserve, settle
from escalator.ledger.schema import APPLICATION_ID, SQLITE, STEPS
from escalator.ledger.tasks import open_task
from ledger.making import hold, paid, row

SECTOR = 512


@dataclass
class Disk:
    """What was asked of the disk, in order. `acknowledged`: after how many operations how many answers were settled."""

    operations: list[tuple[str, str, int, bytes]] = field(default_factory=list)
    acknowledged: list[tuple[int, int]] = field(default_factory=list)

    def promised(self, cut: int) -> int:
        """How many settlements had been acknowledged before that operation."""
        return max((count for position, count in self.acknowledged if position <= cut), default=0)

    def image(self, cut: int, folder: Path, dice: random.Random) -> Path:
        """The files as a power cut before operation `cut` may leave them: flushed writes whole, of the others some,
        in any combination of sectors.
        """
        folder.mkdir()
        files: dict[str, bytearray] = {}
        flushed = {name: i for i, (what, name, *_) in enumerate(self.operations[:cut]) if what == "sync"}
        for position, (what, name, offset, data) in enumerate(self.operations[:cut]):
            content = files.setdefault(name, bytearray())
            safe = position <= flushed.get(name, -1)
            if what == "truncate" and (safe or dice.random() < 0.5):
                del content[offset:]
            elif what == "delete":
                del files[name]
            elif what == "write":
                _write(content, offset, data, sectors=None if safe else dice)
        for name, content in files.items():
            (folder / Path(name).name).write_bytes(content)
        return folder / "ledger.sqlite3"


def _write(content: bytearray, offset: int, data: bytes, sectors: random.Random | None) -> None:
    for start in range(0, len(data), SECTOR):
        if sectors is None or sectors.random() < 0.5:
            piece = data[start : start + SECTOR]
            end = offset + start + len(piece)
            if len(content) < end:
                content.extend(bytes(end - len(content)))
            content[offset + start : end] = piece


class RecordingVFS(apsw.VFS):
    """The system's files, with every operation noted."""

    def __init__(self, disk: Disk) -> None:
        self.name = f"recording-{id(disk)}"
        self._disk = disk
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> RecordingFile:  # noqa: N802  # SQLite's name
        return RecordingFile(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self._disk.operations.append(("delete", filename, 0, b""))
        super().xDelete(filename, syncdir)


class RecordingFile(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.operations.append(("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._disk.operations.append(("truncate", self._name, size, b""))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.operations.append(("sync", self._name, 0, b""))
        super().xSync(flags)


class ApswSession:
    """The books' session over apsw."""

    owner, now = "me", 1_795_000_000.0

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.chains = Chains()

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return list(self._connection.execute(sql, values))

    def run(self, sql: str, *values: Any) -> None:
        self._connection.execute(sql, values)

    def insert(self, sql: str, *values: Any) -> int:
        self._connection.execute(sql, values)
        return self._connection.last_insert_rowid()

    def alive(self, owner: str) -> bool:
        return owner == self.owner


def buy_on(disk: Disk, path: Path, *, synchronous: str, calls: int) -> None:
    """Reserve and settle that many calls, a transaction each, with a checkpoint now and then."""
    vfs = RecordingVFS(disk)
    connection = apsw.Connection(str(path), vfs=vfs.name)
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "wal_autocheckpoint = 0"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    session = ApswSession(connection)
    with connection:
        for statement in (statement for step in STEPS for statement in step):
            if isinstance(statement, str):
                connection.execute(statement.format(**SQLITE))
            else:
                statement(session)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")
        open_task(session, row())
        session.chains.flush(session)
    for number in range(calls):
        with connection:
            held = reserve(session, hold(key=str(number)))
            session.chains.flush(session)
        assert isinstance(held, Held)
        with connection:
            settle(session, held.hold_id, paid(), keep=True)
            session.chains.flush(session)
        disk.acknowledged.append((len(disk.operations), number + 1))
        if number % 25 == 24:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
