"""Journal, holds, budgets, log and reviews in one durable store."""

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
    to_nano,
    to_usd,
)

__all__ = [
    "NANO",
    "Closing",
    "Entry",
    "Held",
    "Hold",
    "Ledger",
    "Opened",
    "Refused",
    "Scope",
    "Settlement",
    "TaskRow",
    "TaskState",
    "to_nano",
    "to_usd",
]
