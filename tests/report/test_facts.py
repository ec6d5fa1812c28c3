"""The facts of an attempt: written once, the same in the log, its files, event lines, evidence and command line."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import escalator
from escalator.cli.show import attempt_json, outcome_json
from escalator.events import TaskEnded
from escalator.evidence import bundle
from escalator.ledger import Archive
from escalator.ledger.log import LogQuery, TryRecord
from escalator.records import Isolation
from escalator.records.facts import AttemptFacts, attempt_facts, attempts_of, task_facts
from escalator.records.flat import flat
from escalator.report import attributions, export
from escalator.report.attribution import COLUMNS
from escalator.sinks import facts_of
from escalator.testing import MemoryLedger, failure
from houses import BROKEN, RIGHT, WRONG, House
from making import answered, chain, passed

FACTS = {field.name for field in fields(AttemptFacts)}
ONLY_LOG = {"id", "at", "team"}
ONLY_WALK = {"tier", "isolation", "confidence"}
CHECKED = {
    "standard_development": {
        "complexity": [0, 10],
        "chain": ["small"],
        "checker": "large",
        "validators": ["syntax"],
    }
}
OPINION = ["syntax", {"semantic": {"required": False}}]
TASKS: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "a climb": (
        {"small": [WRONG, WRONG], "large": [failure("server")], "haiku": [RIGHT]},
        {},
        {"tags": ("night",)},
    ),
    "unusable answers": ({"small": ["Sorry, no."] * 2, "large": [BROKEN] * 2, "haiku": [RIGHT]}, {}, {}),
    "a checker": (
        {"small": [RIGHT], "large": ["I cannot say."] * 9},
        {"task_types": CHECKED},
        {"validators": OPINION},
    ),
    "a person": ({"small": [RIGHT]}, {}, {"task_type": "critical"}),
    "nobody": ({name: [failure("server")] * 3 for name in ("small", "large", "haiku")}, {}, {}),
}


def done(name: str, ledger: Archive) -> tuple[Any, list[dict[str, Any]]]:
    """A task's outcome and the lines a sink tells of its attempts."""
    script, changes, options = TASKS[name]
    house = House(script, ledger=ledger, **changes)
    outcome = house.execute(task_id="t1", **options)
    told = [line for event in house.events if isinstance(event, TaskEnded) for line in facts_of(event)]
    return outcome, [line for line in told if line["event"] == "attempt"]


@pytest.mark.parametrize("name", TASKS)
def test_the_log_and_the_event_lines_say_the_same_of_an_attempt(name: str, ledger: Archive) -> None:
    """What a sink heard as the task ended is what the ledger's rows tell afterwards, fact by fact."""
    _, lines = done(name, ledger)
    logged = [flat(line) for line in attributions(ledger)]
    assert len(lines) == len(logged) > 0
    for line, row in zip(lines, logged, strict=True):
        shared = line.keys() & row.keys() - {"cost"}
        assert {name: line[name] for name in shared} == {name: row[name] for name in shared}
        assert Decimal(line["cost"]) == Decimal(row["cost"])


def test_every_fact_is_in_the_event_lines_and_in_the_log(ledger: Archive, tmp_path: Path) -> None:
    """No fact is forgotten by an output, except those that its source cannot know."""
    _, lines = done("a climb", ledger)
    assert lines[0].keys() == FACTS - ONLY_LOG | {"event"}
    for form in ("jsonl", "csv"):
        export(ledger, "attempts", tmp_path / form, form=form)  # type: ignore[arg-type]
    logged = json.loads((tmp_path / "jsonl").read_text().splitlines()[0])
    (heading, *_) = csv.reader((tmp_path / "csv").read_text().splitlines())
    assert logged.keys() == FACTS - ONLY_WALK
    assert heading == list(logged) == list(COLUMNS)


NEW_FACT = {
    "    @property\n    def failure(": "    reasoning_tokens: int = 0\n\n    @property\n    def failure(",
    "        answered_by=attempt.answered_by,\n": (
        "        answered_by=attempt.answered_by,\n"
        "        reasoning_tokens=sum(call.usage.reasoning_tokens for call in answers),\n"
    ),
}
"""A fact that is not told today: a field, and how an attempt knows it. The ledger's rows have it already."""

TELL = """
import json, pathlib, sys
from escalator.records import Completion, Usage
from escalator.report import attributions, export
from escalator.report.attribution import COLUMNS
from escalator.records.flat import flat
from escalator.sinks import JsonLinesSink
from escalator.testing import MemoryLedger
from houses import RIGHT, House

folder, ledger = pathlib.Path(sys.argv[1]), MemoryLedger()
answer = Completion(text=RIGHT, model="small:1b", usage=Usage(input_tokens=9, output_tokens=8, reasoning_tokens=7))
with JsonLinesSink(folder / "events") as sink:
    House({"small": [answer]}, ledger=ledger).execute(on_event=sink)
for form in ("jsonl", "csv"):
    export(ledger, "attempts", folder / form, form=form)
"""


def test_a_new_fact_reaches_log_files_and_sinks_with_no_other_edit(tmp_path: Path) -> None:
    """In a copy of the package with one more fact in the record, every output has it."""
    source = Path(escalator.__file__).parent
    shutil.copytree(source, tmp_path / "escalator", ignore=shutil.ignore_patterns("__pycache__"))
    module = tmp_path / "escalator" / "records" / "facts.py"
    text = module.read_text()
    for old, new in NEW_FACT.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    module.write_text(text)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    env = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", TELL, str(tmp_path)], env=env, check=True)
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    (row,) = csv.DictReader((tmp_path / "csv").read_text().splitlines())
    assert [line["reasoning_tokens"] for line in events if line["event"] == "attempt"] == [7]
    assert json.loads((tmp_path / "jsonl").read_text())["reasoning_tokens"] == 7
    assert row["reasoning_tokens"] == "7"


@pytest.mark.parametrize("name", TASKS)
def test_command_line_and_evidence_say_what_the_log_says(name: str, ledger: Archive) -> None:
    """Model, place, tokens, cost and what went wrong are those of the log, whoever tells them."""
    outcome, _ = done(name, ledger)
    shown, proven = outcome_json(outcome)["attempts"], bundle(outcome)["attempts"]
    for line, one, other in zip(attributions(ledger), shown, proven, strict=True):
        for told in (one, other):
            assert (told["model"], told["answered_by"]) == (line.worker, line.answered_by)
            assert (told["rung"], told["number"]) == (line.rung, line.number)
            assert (told["failure"], told["rejection"]) == (line.failure, line.rejection)
            assert Decimal(told["cost"]) == line.cost
        assert (one["input_tokens"], one["output_tokens"]) == (line.input_tokens, line.output_tokens)
        assert (other["effort"] or "", other["prompt"]) == (line.effort, line.prompt_digest)


def test_an_outcome_on_the_command_line_counts_every_model_s_tokens() -> None:
    """An attempt's tokens are its worker's; the task's are those of the checker too."""
    outcome, lines = done("a checker", MemoryLedger())
    shown = outcome_json(outcome)
    assert shown["attempts"][0]["input_tokens"] == lines[0]["input_tokens"] < shown["input_tokens"]
    assert shown["input_tokens"] == sum(call.usage.input_tokens for call in outcome.calls)


def test_money_and_seconds_are_written_one_way() -> None:
    """Cost is decimal text without an exponent, seconds go to the microsecond."""
    outcome, _ = done("nobody", MemoryLedger())
    (first, *_) = attempts_of(outcome, task_facts(outcome))
    cheap = AttemptFacts(worker="a", cost=Decimal("1E-7"), seconds=0.12345678)
    assert (flat(cheap)["cost"], flat(cheap)["seconds"]) == ("0.0000001", 0.123457)
    assert attempt_json(outcome.attempts[0])["cost"] == flat(first)["cost"] == "0"


def test_what_is_not_known_is_left_out() -> None:
    """A fact that its source cannot tell is missing, not empty; asked for by name it is None."""
    facts = AttemptFacts(worker="a")
    assert "tier" not in flat(facts)
    assert flat(facts, "tier", "worker") == {"tier": None, "worker": "a"}


def test_an_attempt_s_isolation_is_that_of_the_last_check_that_ran_it() -> None:
    """A check that ran nothing says nothing of it."""
    strong, weak = (Isolation(kind=kind) for kind in ("bwrap", "none"))
    verdicts = (passed("compile", isolation=weak), passed("tests", isolation=strong), passed("semantic"))
    assert attempt_facts(answered(chain("a")[0], verdicts=verdicts)).isolation == "bwrap"


class Hurried:
    """A ledger whose tasks are closed anew just after the log was read."""

    def __init__(self, within: Archive, again: Any) -> None:
        self._within, self._again = within, again

    def __getattr__(self, name: str) -> Any:
        return getattr(self._within, name)

    def tries(self, query: LogQuery = LogQuery()) -> list[TryRecord]:  # noqa: B008
        found = self._within.tries(query)
        if self._again is not None and not query.task_id:
            again, self._again = self._again, None
            again()
        return found


@pytest.fixture
def confirming(ledger: Archive) -> House:
    """A task that waits for the approval of its last rung, and is right once it has it."""
    script = {"small": [BROKEN] * 2, "large": [BROKEN] * 2, "haiku": [RIGHT]}
    house = House(script, ledger=ledger, cost_guard={"before_paid": "confirm"})
    house.execute(task_id="t1", validators=["syntax"])
    return house


def test_a_task_closed_anew_while_its_log_is_read_is_told_once(confirming: House, ledger: Archive) -> None:
    """Rows that were replaced meanwhile are left out; those that replaced them follow."""
    hurried: Any = Hurried(ledger, lambda: confirming.escalator.resume("t1", approve=lambda _: True))
    lines = list(attributions(hurried))
    assert [line.worker for line in lines] == ["small", "small", "large", "large", "haiku"]
    assert {line.status for line in lines} == {"accepted"}


def test_a_task_taken_up_again_is_open_in_its_earlier_lines(confirming: House, ledger: Archive) -> None:
    """Its status is what it is now, not how it ended the first time."""
    seen: list[str] = []

    def approve(_: Any) -> bool:
        seen.extend(line.status for line in attributions(ledger))
        return True

    confirming.escalator.resume("t1", approve=approve)
    assert seen == ["open"] * 4
