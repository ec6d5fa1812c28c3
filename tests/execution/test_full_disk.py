"""A disk that fills up while a model answers takes no outcome from anybody, and nobody is told that all is well."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.conftest import Shell
from escalator import Escalator
from escalator.errors import LedgerError
from escalator.events import Warned
from escalator.ledger import open_ledger
from escalator.simulation import Fleet, Question
from escalator.testing import ScriptedProvider
from houses import BASE, RIGHT, WRONG, chain_of, matrix


class Disk:
    """The disk of this process: once `fill`ed, no file grows beyond what it has."""

    def __init__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, self._before[1]))

    def clear(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@pytest.fixture
def disk() -> Iterator[Disk]:
    """A disk with room for everything until the test fills it."""
    made = Disk()
    try:
        yield made
    finally:
        made.clear()


@contextmanager
def a_house(ledger: Path, answer: Callable[[Any], str], **section: Any) -> Iterator[tuple[Escalator, list[Any]]]:
    events: list[Any] = []
    data = matrix(task_types=chain_of("small", **section))
    house = Escalator(data, ledger=ledger, providers=ScriptedProvider(answer), on_event=events.append)
    with house:
        yield house, events


@pytest.mark.parametrize("review", [False, True], ids=["accepted", "for review"])
def test_the_caller_gets_the_outcome_and_why_it_is_not_recorded(
    disk: Disk, tmp_path: Path, execute: Callable[..., Any], review: bool
) -> None:
    """It is written after all once there is room again, since the results wait in memory."""
    ledger = tmp_path / "ledger.sqlite"

    def answer(_: Any) -> str:
        disk.fill()
        return RIGHT

    with a_house(ledger, answer, review=review) as (house, events):
        outcome = execute(house, task="Fix add().", files=BASE, task_id="t")
        disk.clear()
        assert outcome.status == ("needs_review" if review else "accepted")
        assert "cannot be written" in outcome.unrecorded
        assert outcome.unrecorded in outcome.warnings
        assert "not recorded" in outcome.summary()
        assert any(isinstance(event, Warned) and event.message == outcome.unrecorded for event in events)
    books = open_ledger(ledger)
    try:
        assert [call.state for call in books.calls()] == ["done"]
        assert [task.status for task in books.tasks()] == [outcome.status]
    finally:
        books.close()


def test_what_was_bought_comes_back_when_nothing_more_can_be(disk: Disk, tmp_path: Path) -> None:
    """The second request cannot be written and is not sent; the first answer is in the outcome."""

    def answer(_: Any) -> str:
        disk.fill()
        return WRONG.replace("return a - b", "return a -")

    with a_house(tmp_path / "ledger.sqlite", answer, max_attempts=3) as (house, _):
        outcome = house.execute("Fix add().", files=BASE)
        disk.clear()
    assert outcome.status == "stopped"
    assert "cannot be written" in outcome.reason
    assert len(outcome.calls) == 1


def test_nothing_is_bought_on_a_disk_that_is_full_already(disk: Disk, tmp_path: Path) -> None:
    """There is no outcome to lose: the call is an error before it costs anything."""
    asked: list[Any] = []
    with a_house(tmp_path / "ledger.sqlite", lambda request: asked.append(request) or RIGHT) as (house, _):
        assert house.ledger.now() > 0
        disk.fill()
        with pytest.raises(LedgerError, match="cannot be written"):
            house.execute("Fix add().", files=BASE)
        disk.clear()
    assert asked == []


def test_the_command_line_says_so_and_leaves_with_a_status_of_its_own(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No plain `accepted`: it says "not recorded", why, and leaves with 6."""

    def answer(_: Question) -> str:
        disk.fill()
        return RIGHT

    shell = Shell(tmp_path, monkeypatch, capsys)
    shell.write("adding.py", BASE["adding.py"])
    with Fleet(answer) as fleet:
        models = {"small": {"provider": "ollama", "id": "small", "tier": "local_fast"}}
        data = {"version": 1, "providers": fleet.providers(), "models": models, "task_types": chain_of("small")}
        shell.write("escalation_matrix.yaml", yaml.safe_dump(data))
        told = shell("run", "Fix add().", "-f", "adding.py")
        disk.clear()
        assert told.status == 6
        assert "accepted (simulated), not recorded" in told.out
        assert "the outcome is not in the ledger" in told.flat
        as_json = shell("run", "Fix add().", "-f", "adding.py", "--json")
        disk.clear()
        assert (as_json.status, as_json.told["status"]) == (6, "accepted")
        assert as_json.told["unrecorded"] in as_json.told["warnings"]
