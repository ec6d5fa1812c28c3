"""What a task costs its ledger, in counts that do not depend on the machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from escalator.ledger.sqlite import SqliteLedger
from houses import RIGHT, House, chain_of

PAID = chain_of("haiku", max_attempts=3)


class Counted:
    """Statements and commits of the one connection that writes."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self.statements: list[str] = []
        ledger._database._writer.set_trace_callback(self.statements.append)  # type: ignore[attr-defined]

    @property
    def commits(self) -> int:
        return self.statements.count("COMMIT")


def _run(ledger: SqliteLedger, replies: list[Any], *, colour: str, **options: Any) -> Counted:
    house = House({"haiku": replies}, ledger=ledger, task_types=PAID)
    counted = Counted(ledger)
    outcome = asyncio.run(house.aexecute(**options)) if colour == "async" else house.execute(**options)
    assert outcome.status == "accepted"
    return counted


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_task_with_one_paid_call_is_written_in_two_commits(tmp_path: Path, colour: str) -> None:
    """Task and hold are one commit, settlement, verdict and outcome another; the row of the call is before the call.

    Each commit reads the chain of the task at most once, and writes it once.
    """
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", durability="normal")
    counted = _run(ledger, [RIGHT], colour=colour, validators=["syntax"])
    assert counted.commits == 2
    assert len(counted.statements) <= 19
    ledger.close()


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_every_further_paid_call_is_one_more_commit(tmp_path: Path, colour: str) -> None:
    """The settlement of one call rides with the hold of the next."""
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", durability="normal")
    broken = "```python\ndef add(a, b:\n    pass\n```"
    counted = _run(ledger, [broken, RIGHT], colour=colour, validators=["syntax"])
    assert counted.commits == 3
    assert len(counted.statements) <= 28
    ledger.close()


def test_what_was_settled_is_written_before_somebody_elses_code_runs(tmp_path: Path) -> None:
    """A validator that may take long or bring the process down finds the call settled already."""
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", durability="normal")
    seen = []

    def looks(candidate: Any) -> bool:
        seen.extend(call.state for call in ledger.calls())
        return True

    _run(ledger, [RIGHT], colour="sync", validators=[looks])
    assert seen == ["done"]
    ledger.close()


def test_a_task_whose_id_somebody_may_know_is_written_before_its_first_call(tmp_path: Path) -> None:
    """With an id of the caller's the ledger must first say whether it knows the task: one commit more."""
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", durability="normal")
    counted = _run(ledger, [RIGHT], colour="sync", validators=["syntax"], task_id="known")
    assert counted.commits == 3
    assert len(counted.statements) <= 24
    ledger.close()
