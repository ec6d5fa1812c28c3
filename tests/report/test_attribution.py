"""The log of attempts, the story of one task, and both as files."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from escalator.errors import TaskError
from escalator.ledger import Archive
from escalator.ledger.log import LogQuery
from escalator.report import Moment, attributions, export, timeline
from escalator.review import approve, file_review
from escalator.testing import VirtualClock, failure
from houses import BASE, BROKEN, RIGHT, WRONG, House

CLIMB = {"small": [WRONG, RIGHT.replace("a + b", "a * b")], "large": [failure("server")], "haiku": [RIGHT]}


def climb(ledger: Archive, **options: Any) -> Any:
    return House(CLIMB, ledger=ledger).execute(**{"task_id": "t1", "tags": ("nightly",), **options})


def test_each_attempt_says_how_it_came_about(ledger: Archive) -> None:
    """First, retry, escalation and fallback are told apart in the log."""
    climb(ledger)
    found = list(attributions(ledger))
    assert [(line.worker, line.move, line.outcome) for line in found] == [
        ("small", "first", "failed"),
        ("small", "retry", "failed"),
        ("large", "escalation", "unavailable"),
        ("haiku", "fallback", "passed"),
    ]


def test_an_attempt_is_attributed_completely(ledger: Archive) -> None:
    """Task, type, description, worker, validation, latency, tokens, cost and the task's counts stand in one line."""
    outcome = climb(ledger)
    last = list(attributions(ledger))[-1]
    assert (last.task_id, last.task_type, last.complexity) == ("t1", "standard_development", 4.0)
    assert last.description == "Fix add() in adding.py."
    assert (last.provider, last.local, last.finish) == ("cloud", False, "stop")
    assert last.validation == "syntax passed, adds passed"
    assert (last.attempts, last.retries, last.fallbacks, last.escalations) == (4, 1, 1, 1)
    assert last.cost == outcome.cost > 0
    assert last.output_tokens > 0
    assert last.prompt_digest
    assert last.tags == ("nightly",)


def test_the_error_of_a_call_is_in_the_line(ledger: Archive) -> None:
    """An attempt without an answer names the kind of failure."""
    climb(ledger)
    third = list(attributions(ledger))[2]
    assert (third.error, third.cause, third.local) == ("server", "server", True)


def test_lines_are_found_by_text(ledger: Archive) -> None:
    """A word of the description, the cause or the validation is enough."""
    climb(ledger)
    House({"small": [RIGHT]}, ledger=ledger).execute("Rename the helper.", task_id="t2")
    assert {line.task_id for line in attributions(ledger, text="RENAME")} == {"t2"}
    assert [line.worker for line in attributions(ledger, text="server")] == ["large"]


def test_following_starts_with_what_is_there(ledger: Archive) -> None:
    """A follower gets the old lines first, then each new one as its task ends."""
    climb(ledger)
    lines = attributions(ledger, following=True, seconds=0.001)
    assert [next(lines).worker for _ in range(4)] == ["small", "small", "large", "haiku"]
    House({"small": [RIGHT]}, ledger=ledger).execute(task_id="t2")
    assert next(lines).task_id == "t2"


def test_a_resumed_task_is_logged_once(ledger: Archive) -> None:
    """Closed a second time, a task's earlier lines are replaced, not doubled."""
    script = {"small": [BROKEN] * 2, "large": [BROKEN] * 2, "haiku": [RIGHT]}
    house = House(script, ledger=ledger, cost_guard={"before_paid": "confirm"})
    house.execute(task_id="t1", validators=["syntax"])
    house.escalator.resume("t1", approve=lambda _: True)
    assert [line.worker for line in attributions(ledger)] == ["small", "small", "large", "large", "haiku"]


def shown(moments: tuple[Moment, ...]) -> list[tuple[str, str, str]]:
    return [(moment.kind, moment.who, moment.result) for moment in moments]


def test_the_story_of_a_task_is_in_order(ledger: Archive) -> None:
    """Opened, calls with their verdicts, the moves between them, closed."""
    climb(ledger)
    assert shown(timeline(ledger, "t1").moments) == [
        ("opened", "standard_development", ""),
        ("call", "small", "done"),
        ("verdict", "syntax", "passed"),
        ("verdict", "adds", "failed"),
        ("retry", "small", "adds"),
        ("call", "small", "done"),
        ("verdict", "syntax", "passed"),
        ("verdict", "adds", "failed"),
        ("escalation", "large", "adds"),
        ("call", "large", "failed"),
        ("fallback", "haiku", "server"),
        ("call", "haiku", "done"),
        ("verdict", "syntax", "passed"),
        ("verdict", "adds", "passed"),
        ("closed", "haiku", "accepted"),
    ]


def test_rungs_passed_by_are_part_of_the_story(ledger: Archive) -> None:
    """A rung that was not tried is there with its reason, where it was passed by."""
    house = House({"small": [WRONG, WRONG], "large": [RIGHT]}, ledger=ledger)
    house.execute(task_id="t1", local_only=True)
    House({"small": [BROKEN] * 2, "large": [BROKEN] * 2}, ledger=ledger).execute(task_id="t2", local_only=True)
    moments = timeline(ledger, "t2").moments
    skipped = [moment for moment in moments if moment.kind == "skip"]
    assert [(moment.who, moment.result) for moment in skipped] == [("haiku", "local_only")]
    assert moments.index(skipped[0]) > max(i for i, m in enumerate(moments) if m.kind == "call")


def test_a_review_is_part_of_the_story(ledger: Archive, clock: VirtualClock) -> None:
    """Who decided, when and why stands between the work and the end."""
    house = House({"small": [RIGHT]}, ledger=ledger)
    outcome = house.execute(task_type="critical", task_id="t1")
    number = file_review(ledger, outcome).result()
    clock.jump(60)
    approve(ledger, number, by="ann", note="fine")
    review, closed = timeline(ledger, "t1").moments[-2:]
    assert (review.kind, review.who, review.result, review.detail) == ("review", "ann", "approved", "fine")
    assert review.at == closed.at == pytest.approx(60.0)
    assert closed.result == "accepted"


def test_a_task_that_is_still_running_has_a_story(ledger: Archive) -> None:
    """What is recorded so far can be read while the task goes on."""
    seen: list[Any] = []

    def look(event: Any) -> None:
        if type(event).__name__ == "Moved":
            seen.append(timeline(ledger, "t1"))

    House({"small": [WRONG, RIGHT]}, ledger=ledger).execute(task_id="t1", on_event=look)
    assert seen[0].task.state == "open"
    assert [moment.kind for moment in seen[0].moments][:2] == ["opened", "call"]


def test_after_forgetting_the_figures_are_left(ledger: Archive) -> None:
    """Texts are erased, calls and their cost stay."""
    outcome = climb(ledger)
    assert ledger.forget(ledger.now() + 1).result() == 1
    moments = timeline(ledger, "t1").moments
    assert {moment.kind for moment in moments} == {"opened", "call", "closed"}
    assert sum(moment.cost for moment in moments if moment.kind == "call") == outcome.cost


def test_a_task_nobody_knows_is_an_error(ledger: Archive) -> None:
    """A wrong id says where the right ones are."""
    with pytest.raises(TaskError, match="escalator log tasks"):
        timeline(ledger, "nothing")


def test_the_log_is_written_as_json_lines(ledger: Archive, tmp_path: Path) -> None:
    """One object an attempt, money as exact text."""
    outcome = climb(ledger)
    assert export(ledger, "attempts", tmp_path / "log.jsonl") == 4
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert Decimal(lines[-1]["cost"]) == outcome.cost
    assert lines[0]["tags"] == ["nightly"]


def test_the_log_is_written_as_csv(ledger: Archive, tmp_path: Path) -> None:
    """A table with a heading; a text that a spreadsheet would take for a formula is defused."""
    climb(ledger, prompt="=cmd() fix it")
    export(ledger, "attempts", tmp_path / "log.csv", form="csv", query=LogQuery(model="haiku"))
    (row,) = csv.DictReader((tmp_path / "log.csv").read_text().splitlines())
    assert (row["worker"], row["description"]) == ("haiku", "'=cmd() fix it")


@pytest.mark.parametrize("kind", ["attempts", "calls", "tasks"])
def test_the_log_is_written_as_parquet(ledger: Archive, tmp_path: Path, kind: Any) -> None:
    """Money is a decimal and times are timestamps, so that any tool can sum and cut them."""
    outcome = climb(ledger)
    count = export(ledger, kind, tmp_path / "log.parquet", form="parquet")
    with duckdb.connect() as database:
        table = f"read_parquet('{tmp_path / 'log.parquet'}')"
        rows, cost = database.execute(f"SELECT count(*), sum(cost) FROM {table}").fetchone() or (0, 0)
        types = dict(row[:2] for row in database.execute(f"DESCRIBE SELECT * FROM {table}").fetchall())
    assert (rows, cost) == (count, outcome.cost)
    moment = {"attempts": "at", "calls": "sent", "tasks": "opened"}[kind]
    assert (types["cost"], types[moment]) == ("DECIMAL(18,9)", "TIMESTAMP WITH TIME ZONE")
    export(ledger, kind, tmp_path / "log.jsonl")
    assert list(types) == list(json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0]))


def test_an_empty_log_is_an_empty_file(ledger: Archive, tmp_path: Path) -> None:
    """Nothing to export is no error, in any form."""
    for form in ("jsonl", "csv", "parquet"):
        assert export(ledger, "attempts", tmp_path / form, form=form) == 0  # type: ignore[arg-type]
        assert (tmp_path / form).exists()


def test_a_file_that_is_exported_can_be_filtered(ledger: Archive, tmp_path: Path) -> None:
    """The same filters as on the screen."""
    climb(ledger)
    House({"small": [RIGHT]}, ledger=ledger).execute(task_id="t2", files=BASE, task_type="quick_edit")
    assert export(ledger, "tasks", tmp_path / "t", query=LogQuery(task_type="quick_edit")) == 1
    assert export(ledger, "calls", tmp_path / "c", text="large") == 1
