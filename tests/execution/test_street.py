"""The street of a plain task: through how many files of the package somebody walks who follows it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import escalator
from escalator import Escalator
from escalator.testing import ScriptedProvider
from houses import BASE, RIGHT

PACKAGE = Path(escalator.__file__).parent
MOST = 70
"""Files; a new feature is a new small thing in its room and does not lie on everybody's way."""

MATRIX = {
    "version": 1,
    "providers": {"here": {"kind": "openai", "base_url": "http://127.0.0.1:9"}},
    "models": {
        "one": {"provider": "here", "id": "one", "tier": "local_fast", "price": {"input": 1, "output": 4}},
    },
    "task_types": {
        "standard_development": {
            "complexity": [0, 10],
            "chain": ["one"],
            "checker": "none",
            "validators": ["syntax"],
        },
    },
}


def _walked(house: Escalator) -> set[str]:
    seen: set[str] = set()

    def spy(frame: Any, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            seen.add(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(spy)
    try:
        outcome = house.execute("Fix add() in adding.py.", files=BASE)
    finally:
        sys.setprofile(before)
    assert outcome.status == "accepted"
    inside = {Path(name).relative_to(PACKAGE).as_posix() for name in seen if name.startswith(f"{PACKAGE}/")}
    return inside - {"testing.py"}


@pytest.mark.parametrize("ledger", [":memory:", "ledger.sqlite"])
def test_a_plain_task_passes_few_files(ledger: str, tmp_path: Path) -> None:
    """Prompt, file, one model, the syntax check, budgets and the ledger: from the call to the outcome."""
    target = ledger if ledger == ":memory:" else tmp_path / ledger
    with Escalator(MATRIX, ledger=target, providers=ScriptedProvider(lambda _: RIGHT)) as house:
        house.execute("Fix add() in adding.py.", files=BASE)  # what is read once is read
        walked = _walked(house)
    assert {"walk.py", "ledger/money.py"} <= walked
    assert len(walked) < MOST, sorted(walked)
