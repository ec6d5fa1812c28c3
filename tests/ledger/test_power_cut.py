"""A power cut at any moment: full durability loses nothing that was acknowledged, and the test can see it if it did."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

from escalator.ledger.sqlite import SqliteLedger
from ledger.power import Disk, buy_on

CUTS = 120


def lost_after_cuts(tmp_path: Path, synchronous: str) -> int:
    """Over many cuts: how many left fewer settlements than were acknowledged. All must open and be whole."""
    disk = Disk()
    buy_on(disk, tmp_path / "ledger.sqlite3", synchronous=synchronous, calls=60)
    dice, lost = random.Random(7), 0
    for number in range(CUTS):
        cut = dice.randrange(disk.acknowledged[0][0], len(disk.operations))
        path = disk.image(cut, tmp_path / f"cut-{number}", dice)
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'call'").fetchone()[0]
        settled = 0
        if tables:
            settled = connection.execute("SELECT COUNT(*) FROM call WHERE state = 'done'").fetchone()[0]
        connection.close()
        lost += settled < disk.promised(cut)
        if number % 10 == 0 and tables:
            assert_balanced(path)
    return lost


def assert_balanced(path: Path) -> None:
    """What is left is a ledger whose sums agree with its calls: those of the dead show as doubtful, all counted."""
    ledger = SqliteLedger(path)
    calls = ledger.calls()
    assert sum(ledger.spent(["day"])["day"]) == sum(call.cost + call.held for call in calls)
    ledger.close()


def test_full_durability_survives_a_power_cut(tmp_path: Path) -> None:
    """No cut takes an acknowledged settlement; every image opens, is whole and balances."""
    assert lost_after_cuts(tmp_path, "FULL") == 0


def test_the_simulated_cut_does_hurt_where_it_should(tmp_path: Path) -> None:
    """With NORMAL some cut does lose acknowledged settlements, as documented: so the test above would notice."""
    assert lost_after_cuts(tmp_path, "NORMAL") > 0
