"""The chain of a task: a digest of every row as it was written, each link over the one before.

The chain stands in the task's row: its head, then one item for every time a row was written. An item names the row
and has a digest of its figures and, apart from it, one of its texts, so that a task whose texts were erased can
still be checked. The head covers all items in their order. What is told of a row that was taken away is `GONE`.

Whoever changes a row and rewrites the whole chain after it is not seen here; a bundle kept elsewhere tells.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from escalator.ledger.session import Session

GONE = "-"

LENGTH = 22
"""Characters of a digest: 132 bits, so that no second text can be found for one."""

KindName: TypeAlias = Literal[
    "task",
    "type",
    "state",
    "erased",
    "end",
    "brief",
    "plan",
    "call",
    "reply",
    "saving",
    "entry",
    "attempt",
    "review",
    "decision",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """The columns of a table that are written together; every column of evidence is in one kind.

    `figures` stay for ever, `texts` may be erased; the first figure tells one row of a task from another. `owned`:
    which rows of a task have been written so. `shown` is what a person calls it.
    """

    letter: str
    shown: str
    table: str
    figures: tuple[str, ...]
    texts: tuple[str, ...] = ()
    owned: str = "task_id = ?"

    @property
    def columns(self) -> str:
        """What a statement that writes such a row returns."""
        return ", ".join((*self.figures, *self.texts))


def _kind(said: str, figures: str, *texts: str, owned: str = "") -> Kind:
    letter, table, shown = said.split(maxsplit=2)
    where = f"task_id = ? AND {owned}" if owned else "task_id = ?"
    if table == "paper":
        where = "id = (SELECT id FROM task WHERE task_id = ?)"
    return Kind(letter=letter, shown=shown, table=table, figures=tuple(figures.split()), texts=texts, owned=where)


KINDS: Mapping[KindName, Kind] = {
    "task": _kind("t task task", "task_id description team tags opened"),
    "type": _kind("y task type of the task", "task_id task_type complexity"),
    "state": _kind("s task state of the task", "task_id state"),
    "erased": _kind("f task erasure of the texts", "task_id forgotten", owned="forgotten <> 0"),
    "end": _kind(
        "o task outcome",
        "task_id closed status reason worker checker attempts retries fallbacks escalations validation seconds "
        "cost baseline",
        "outcome",
        owned="closed IS NOT NULL",
    ),
    "brief": _kind("b paper prompt and files", "id", "brief"),
    "plan": _kind("p paper plan", "id", "plan"),
    "call": _kind(
        "c call call",
        "id task_id step digest purpose model provider rung number effort local prompt_digest details scopes "
        "amount sent",
    ),
    "reply": _kind(
        "d call reply to call",
        "id state held cost ended input_tokens output_tokens cache_read_tokens cache_write_tokens "
        "cache_write_1h_tokens reasoning_tokens estimated answered_by finish error seconds",
        "payload",
        owned="state <> 'sent'",
    ),
    "saving": _kind("h call saving on call", "id cache_saved", owned="cache_saved <> 0"),
    "entry": _kind("e entry entry", "id task_id step kind digest state at", "payload"),
    "attempt": _kind(
        "a attempt attempt",
        "id task_id at task_type team model result rung number answered_by checker effort cause validation cost "
        "seconds input_tokens output_tokens",
    ),
    "review": _kind("r review review", "id task_id kind summary created", "payload"),
    "decision": _kind(
        "j review decision on review", "id state decided decided_by note", owned="state <> 'waiting'"
    ),
}
"""What evidence rests on. Roll-ups and budgets are sums over many tasks, `pending` and `prompt` are queues.

The columns of a kind never change, or chains of before would not fit: a new column is a kind of its own.
"""

COLUMNS: Mapping[KindName, str] = {name: kind.columns for name, kind in KINDS.items()}
_ALONE = frozenset(name for name, kind in KINDS.items() if kind.table in ("task", "paper"))


class Chains:
    """The chains of the tasks one transaction writes to: each is read once and written once, before the commit."""

    def __init__(self) -> None:
        self._touched: dict[str, Chain | None] = {}

    def start(self, task_id: str) -> None:
        """A task that is stored for the first time."""
        self._touched[task_id] = Chain("", [])

    def written(self, session: Session, task_id: str, kind: KindName, rows: Iterable[Sequence[Any]]) -> None:
        """Rows of a task, in the columns of their kind, as they have just been written."""
        rows = list(rows)
        chain = self._chain(session, task_id) if rows else None
        if chain is not None:
            for row in rows:
                chain.add(_item(kind, row))

    def removed(self, session: Session, task_id: str, kind: KindName, ids: Iterable[Any]) -> None:
        """Rows of a task that have just been taken away, as they must be."""
        chain = self._chain(session, task_id) if (ids := list(ids)) else None
        if chain is not None:
            for number in ids:
                chain.add(f"{row_name(kind, number)}:{GONE}")

    def flush(self, session: Session) -> None:
        """Write what has grown."""
        for task_id, chain in self._touched.items():
            if chain is not None:
                session.run("UPDATE task SET chain = ? WHERE task_id = ?", chain.text(), task_id)
        self._touched.clear()

    def _chain(self, session: Session, task_id: str) -> Chain | None:
        """None for a task that is unknown, or older than chains."""
        if task_id not in self._touched:
            found = session.rows("SELECT chain FROM task WHERE task_id = ?", task_id)
            self._touched[task_id] = Chain.read(found[0][0]) if found and found[0][0] else None
        return self._touched[task_id]


class Chain:
    """One task's chain: its head, and what it has of every row that was written."""

    def __init__(self, head: str, items: list[str]) -> None:
        self.head, self.items = head, items

    @classmethod
    def read(cls, text: str) -> Chain:
        """The chain as it is stored."""
        head, *items = text.split(" ")
        return cls(head, items)

    def add(self, item: str) -> None:
        """One more row."""
        self.items.append(item)
        self.head = link(self.head, item)

    def text(self) -> str:
        """As it is stored."""
        return " ".join((self.head, *self.items))


def row_name(kind: KindName, number: Any) -> str:
    """How a chain names a row; what a task has once goes without a number."""
    return KINDS[kind].letter if kind in _ALONE else f"{KINDS[kind].letter}{number}"


def _item(kind: KindName, row: Sequence[Any]) -> str:
    figures, texts = digests(kind, row)
    name = row_name(kind, row[0])
    return f"{name}:{figures}:{texts}" if texts else f"{name}:{figures}"


def digests(kind: KindName, row: Sequence[Any]) -> tuple[str, str]:
    """Of the figures, and of the texts; empty where the row has none, or none any more."""
    cut = len(KINDS[kind].figures)
    figures, texts = row[:cut], row[cut:]
    return _digest(figures), _digest(texts) if any(texts) else ""


_CANONICAL = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=repr)


def _digest(values: Sequence[Any]) -> str:
    """Of numbers, texts and None. SQLite gives a whole REAL back as an integer, or not: here they are the same."""
    same = [int(value) if type(value) is float and value.is_integer() else value for value in values]
    return _short(sha256(_CANONICAL.encode(same).encode()).digest())


def link(head: str, item: str) -> str:
    """The head of a chain with one item more."""
    return _short(sha256(f"{head} {item}".encode()).digest())


def _short(digest: bytes) -> str:
    return urlsafe_b64encode(digest)[:LENGTH].decode()
