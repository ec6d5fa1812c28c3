"""What the log says of a task, as JSON Lines and as structlog events."""

from __future__ import annotations

import json
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from escalator.redaction import secrets
from escalator.sinks import JsonLinesSink, structlog_sink
from escalator.testing import failure
from houses import RIGHT, WRONG, House

ESCALATED = {"small": [WRONG, WRONG], "large": [RIGHT]}


def told(
    path: Path, script: Any, *, content: bool = False, redact: Any = None, **options: Any
) -> list[dict[str, Any]]:
    """The lines of one task done by a script."""
    house = House(script)
    with JsonLinesSink(path, clock=house.clock.clock, content=content, redact=redact) as sink:
        house.execute(on_event=sink, **options)
    return [json.loads(line) for line in path.read_text().splitlines()]


def named(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


def test_every_attempt_is_attributed(tmp_path: Path) -> None:
    """Each attempt has a line with who answered, how it was judged, what it took and which task it is of."""
    attempts = named(told(tmp_path / "log.jsonl", ESCALATED, task_id="t1", tags=("nightly",)), "attempt")
    assert [(a["worker"], a["outcome"], a["cause"]) for a in attempts] == [
        ("small", "failed", "adds"),
        ("small", "failed", "adds"),
        ("large", "passed", ""),
    ]
    last = attempts[-1]
    expected = {
        "task_id": "t1",
        "task_type": "standard_development",
        "description": "Fix add() in adding.py.",
        "complexity": 4.0,
        "validation": "syntax passed, adds passed",
        "rung": 1,
        "number": 1,
        "finish": "stop",
        "answered_by": "large:30b",
        "tags": ["nightly"],
        "cost": "0",
    }
    assert {name: last[name] for name in expected} == expected
    assert last["input_tokens"] > 0 < last["output_tokens"]
    assert last["prompt_digest"]


def test_moves_are_told_by_kind(tmp_path: Path) -> None:
    """A retry, an escalation and a fallback are three different words in the log."""
    script = {
        "small": [WRONG, WRONG],
        "large": [failure("server"), failure("server"), failure("server")],
        "haiku": [RIGHT],
    }
    moves = named(told(tmp_path / "log.jsonl", script), "moved")
    assert [move["kind"] for move in moves] == ["retry", "escalation", "fallback"]
    assert moves[-1]["cause"] == "server"


def test_the_end_sums_up_the_task(tmp_path: Path) -> None:
    """The last line has the totals, with rejected answers in the cost and money as exact decimals."""
    script = {"small": [WRONG, WRONG], "large": [WRONG, WRONG], "haiku": [RIGHT]}
    lines = told(tmp_path / "log.jsonl", script)
    end = lines[-1]
    assert (end["event"], end["status"], end["worker"]) == ("task_ended", "accepted", "haiku")
    assert (end["attempts"], end["retries"], end["escalations"]) == (5, 2, 2)
    assert Decimal(end["cost"]) == sum(Decimal(line["cost"]) for line in named(lines, "call")) > 0


def test_times_come_from_the_clock_given(tmp_path: Path) -> None:
    """A log of a virtual clock has that clock's times."""
    lines = told(tmp_path / "log.jsonl", ESCALATED)
    assert {line["at"] for line in lines} == {1_800_000_000.0}


def test_content_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    """Answers and findings stand in the log only with `content`."""
    quiet = (told(tmp_path / "a.jsonl", ESCALATED), (tmp_path / "a.jsonl").read_text())[1]
    assert "return a - b" not in quiet
    assert "got -1" not in quiet
    loud = (told(tmp_path / "b.jsonl", ESCALATED, content=True), (tmp_path / "b.jsonl").read_text())[1]
    assert "return a - b" in loud
    assert "got -1" in loud


def test_what_is_redacted_never_reaches_the_file(tmp_path: Path) -> None:
    """The hook sees every text before it is written."""
    key = "sk-" + "a1b2c3d4" * 4
    told(tmp_path / "log.jsonl", ESCALATED, prompt=f"Fix add(); the key is {key}.", content=True, redact=secrets)
    text = (tmp_path / "log.jsonl").read_text()
    assert key not in text
    assert "the key is [redacted]" in text


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """A log may hold what a team says to its models; nobody else may read it."""
    told(tmp_path / "log.jsonl", ESCALATED)
    assert stat.S_IMODE((tmp_path / "log.jsonl").stat().st_mode) == 0o600


def test_two_sinks_may_share_a_file(tmp_path: Path) -> None:
    """Lines of several writers are appended whole, none overwritten."""
    path = tmp_path / "log.jsonl"
    first = told(path, ESCALATED, task_id="t1")
    both = told(path, ESCALATED, task_id="t2")
    assert both[: len(first)] == first
    assert {line["task_id"] for line in both} == {"t1", "t2"}


def test_a_sink_that_cannot_write_does_not_stop_the_task(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A missing folder is reported once; the task is done all the same."""
    house = House(ESCALATED)
    outcome = house.execute(on_event=JsonLinesSink(tmp_path / "missing" / "log.jsonl"))
    assert outcome.status == "accepted"
    assert len(caplog.records) == 1


def test_structlog_gets_events_with_levels() -> None:
    """Single calls are debug, attempts and moves info, a task nobody could do a warning."""
    with capture_logs() as logs:
        House({"small": [WRONG, WRONG], "large": [WRONG, WRONG], "haiku": [WRONG, WRONG]}).execute(
            on_event=structlog_sink()
        )
    levels = {(entry["event"], entry["log_level"]) for entry in logs}
    assert {("call", "debug"), ("moved", "info"), ("attempt", "info"), ("task_ended", "warning")} <= levels
    end = next(entry for entry in logs if entry["event"] == "task_ended")
    assert (end["status"], end["attempts"]) == ("skipped", 6)
