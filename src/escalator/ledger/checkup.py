"""What can be wrong with a ledger's file, looked at without opening the ledger. For `escalator doctor`."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from escalator.ledger.filesystems import file_system_of, trust, why_not
from escalator.ledger.owners import lock_holder
from escalator.ledger.schema import APPLICATION_ID, STEPS


@dataclass(frozen=True, kw_only=True, slots=True)
class Symptom:
    """One thing looked at. `good` None: worth knowing. `remedy` says what to do next, empty if nothing."""

    what: str
    good: bool | None
    detail: str
    remedy: str = ""


def look_at(path: Path) -> Iterator[Symptom]:
    """File system, version, doubtful calls, and who holds the lock just now. Nothing is written."""
    there = next((place for place in (path, *path.parents) if place.exists()), None)
    if there is not None:
        yield _file_system(file_system_of(there))
    if path.is_file():
        yield from _content(path)
        holder = lock_holder(path.with_name(f"{path.name}-lock"))
        if holder:
            remedy = "end it if it does nothing: all others wait for it, within ledger.patience"
            yield Symptom(what="ledger lock", good=None, detail=f"held by {holder} just now", remedy=remedy)


def _file_system(kind: str) -> Symptom:
    known = trust(kind)
    good = {"local": True, "doubtful": None, "network": False}[known]
    detail = kind or "not told by this system"
    return Symptom(what="ledger disk", good=good, detail=detail, remedy=why_not(kind) and f"it is {why_not(kind)}")


def _content(path: Path) -> Iterator[Symptom]:
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=1)
        ) as books:
            (application,) = books.execute("PRAGMA application_id").fetchone()
            (version,) = books.execute("PRAGMA user_version").fetchone()
            doubt = 0
            if application == APPLICATION_ID and version <= len(STEPS):
                (doubt,) = books.execute("SELECT COUNT(*) FROM call WHERE state = 'doubt'").fetchone()
    except sqlite3.Error as error:
        remedy = "end what keeps it, or name another file; a copy of the file shows whether it is damaged"
        yield Symptom(what="ledger file", good=False, detail=f"cannot be read: {error}", remedy=remedy)
        return
    if application not in (0, APPLICATION_ID):
        yield Symptom(
            what="ledger file", good=False, detail="another program's database", remedy="name another file"
        )
    elif version > len(STEPS):
        detail = f"version {version}, written by a newer escalator; this one knows {len(STEPS)}"
        yield Symptom(what="ledger file", good=False, detail=detail, remedy="upgrade escalator")
    elif doubt:
        detail = f"{doubt} calls may have been billed and have no answer; they count in full"
        yield Symptom(
            what="ledger calls",
            good=None,
            detail=detail,
            remedy="`escalator log export --kind calls --status doubt`",
        )
