"""Whether the rows of a task are what was written: each is compared with what the task's chain has of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from escalator.ledger.chain import COLUMNS, GONE, KINDS, Chain, KindName, digests, link, row_name

if TYPE_CHECKING:
    from escalator.ledger.session import Reading

_SHOWN = {kind.letter: kind.shown for kind in KINDS.values()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A row that is not as it was written, as in "call 7", and what is wrong with it, as in "was altered"."""

    row: str
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    """Whether a task's rows are what was written. `kept`: whether it has a chain. `parts`: how many parts of rows,
    such as a call as it was sent and the reply to it, were compared with it.
    """

    kept: bool
    parts: int = 0
    faults: tuple[Fault, ...] = ()


def examine(session: Reading, task_id: str) -> Examined | None:
    """Compare every row of a task with its chain; None for a task nobody knows."""
    found = session.rows("SELECT id, chain, owner, state FROM task WHERE task_id = ?", task_id)
    if not found:
        return None
    number, text, owner, state = found[0]
    if not text:
        ((since,),) = session.rows("SELECT since FROM chained")
        gone = (Fault(row="the chain", what="is gone"),) if number > since else ()
        return Examined(kept=False, faults=gone)
    chain = Chain.read(str(text))
    faults = [*_headless(chain), *([_HELD] if owner and state in ("accepted", "skipped") else [])]
    newest = _newest(chain.items)
    erasable = KINDS["erased"].letter in newest
    parts = 0
    for kind in KINDS:
        for row in _rows(session, kind, task_id):
            parts += 1
            faults += _compared(kind, row, newest.pop(row_name(kind, row[0]), None), erasable=erasable)
    faults += [Fault(row=_shown(name), what="is missing") for name in newest]
    return Examined(kept=True, parts=parts, faults=tuple(faults))


_HELD = Fault(row="task", what="is claimed by a worker although it has ended")


def _rows(session: Reading, kind: KindName, task_id: str) -> list[Sequence[Any]]:
    first = KINDS[kind].figures[0]
    sql = f"SELECT {COLUMNS[kind]} FROM {KINDS[kind].table} WHERE {KINDS[kind].owned} ORDER BY {first}"  # noqa: S608
    return session.rows(sql, task_id)


def _headless(chain: Chain) -> Iterator[Fault]:
    head = ""
    for item in chain.items:
        head = link(head, item)
    if head != chain.head:
        yield Fault(row="the chain", what="does not fit its head")


def _newest(items: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The digests of figures and texts of every row that should be there, as written last."""
    newest: dict[str, tuple[str, str]] = {}
    for item in items:
        name, _, digests = item.partition(":")
        figures, _, texts = digests.partition(":")
        newest[name] = (figures, texts)
        if figures == GONE:
            del newest[name]
    return newest


def _compared(
    kind: KindName, row: Sequence[Any], written: tuple[str, str] | None, *, erasable: bool
) -> Iterator[Fault]:
    name = _shown(row_name(kind, row[0]))
    if written is None:
        yield Fault(row=name, what="was not written by the ledger")
        return
    figures, texts = digests(kind, row)
    if figures != written[0]:
        yield Fault(row=name, what="was altered")
    elif texts != written[1] and not (erasable and not texts):
        yield Fault(row=name, what="has a text that was altered" if texts else "has lost its text")


def _shown(name: str) -> str:
    return f"{_SHOWN.get(name[:1], name)} {name[1:]}".rstrip()
