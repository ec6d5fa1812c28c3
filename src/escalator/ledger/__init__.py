"""Journal, holds, budgets, log and reviews in one durable store."""

from escalator.ledger.log import Archive
from escalator.ledger.memory import MemoryLedger
from escalator.ledger.opening import open_ledger
from escalator.ledger.protocol import (
    NANO,
    Closing,
    Entry,
    Held,
    Hold,
    Ledger,
    Opened,
    Refused,
    Scope,
    Settlement,
    TaskRow,
    TaskState,
    Tried,
    TryResult,
    approval_scope,
    to_nano,
    to_usd,
)

__all__ = [
    "NANO",
    "Archive",
    "Closing",
    "Entry",
    "Held",
    "Hold",
    "Ledger",
    "MemoryLedger",
    "Opened",
    "Refused",
    "Scope",
    "Settlement",
    "TaskRow",
    "TaskState",
    "Tried",
    "TryResult",
    "approval_scope",
    "open_ledger",
    "to_nano",
    "to_usd",
]
