"""Records as JSON: the first few of a process are written without pydantic, and read back the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import MISSING, fields, is_dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from escalator.execution.journal import JUDGEMENTS, REPLIES, CallReply, Judgement
from escalator.records import (
    Brief,
    Call,
    Completion,
    Failure,
    Image,
    Isolation,
    Outcome,
    Plan,
    Policies,
    Timeouts,
    ToolCall,
    Usage,
    Verdict,
)
from escalator.records.codec import BRIEFS, FEW, OUTCOMES, PLANS, Codec, _adapter, plainly
from houses import BROKEN, RIGHT, TESTS, WRONG, House


def _outcome() -> Any:
    house = House({"small": [BROKEN, WRONG], "large": [RIGHT]})
    return house.execute(tags=["a", "é"], budget="0.50", requirements=["x"], tests=TESTS, validators=["syntax"])


def _records() -> list[tuple[Codec[Any], Any]]:
    outcome = _outcome()
    call = Call(purpose="worker", model="m", provider="p", cost=Decimal("0.000123"), usage=Usage(input_tokens=3))
    completion = Completion(text="“x” \u2028 \\n", model="m", tool_calls=(ToolCall(name="t", arguments="{}"),))
    verdict = Verdict(
        validator="v",
        status="failed",
        evidence={"nested": [{"a": None, "b": (1, 2.5)}], "big": 10**20},
        isolation=Isolation(kind="none", network="open", files="open"),
    )
    brief = Brief(
        task_id="t",
        prompt="p",
        workspace=Path("/somewhere"),
        images=(Image(media_type="image/png", data=bytes(range(256))),),
        response_schema={"type": "object", "maximum": 1e-9},
        budget=Decimal("1E+2"),
        deadline=3,
    )
    failure = Failure(kind="server", message="no")
    return [
        (OUTCOMES, outcome),
        (PLANS, outcome.plan),
        (BRIEFS, outcome.brief),
        (BRIEFS, brief),
        (REPLIES, CallReply(call=call, completion=completion)),
        (REPLIES, CallReply(call=replace(call, error="server"), failure=failure)),
        (JUDGEMENTS, Judgement(verdict=verdict, calls=(call,))),
    ]


@pytest.mark.parametrize("at", range(7))
def test_a_record_is_written_as_pydantic_writes_it(at: int) -> None:
    """The same JSON, and the same record when it is read again."""
    codec, record = _records()[at]
    leave_out = codec._leave_out
    text = plainly(record, leave_out=leave_out)
    assert text is not None
    by_pydantic = _adapter(codec._record).dump_json(record, exclude=set(leave_out) or None, exclude_defaults=True)
    assert json.loads(text) == json.loads(by_pydantic)
    missing = {name: getattr(record, name) for name in leave_out}
    assert codec.load(text, **missing) == codec.load(by_pydantic.decode(), **missing)


@pytest.mark.parametrize("odd", [object(), {1: 2}, {1, 2}, float("inf"), 1j])
def test_what_is_not_plain_is_left_to_pydantic(odd: object) -> None:
    """Sets, endless numbers, keys that are no texts and strangers' objects are not written by guesswork."""
    verdict = Verdict(validator="v", status="passed", evidence={"odd": odd})
    assert plainly(Judgement(verdict=verdict)) is None


def test_one_task_needs_no_pydantic_and_many_do() -> None:
    """A process that does one task and ends never loads it; one that goes on does, for it writes faster."""
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from houses import House, RIGHT, adds
models = {{"small": {{"provider": "here", "id": "small", "tier": "local_fast"}}}}
types = {{"standard_development": {{"complexity": [0, 10], "chain": ["small"], "validators": ["syntax"]}}}}
house = House({{"small": [RIGHT] * 30}}, models=models, task_types=types, cost_guard={{}})
house.execute(validators=[adds])
first = "pydantic" in sys.modules
for _ in range({FEW}):
    house.execute(validators=[adds])
print(first, "pydantic" in sys.modules)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "True"]


USAGE = Usage()
DEFAULTS: dict[str, dict[str, Any]] = {
    "Attempt": {
        "answered_by": "",
        "effort": None,
        "answer": "",
        "changes": None,
        "rejection": None,
        "failure": None,
        "verdicts": (),
        "calls": (),
        "prompt_digest": "",
    },
    "Baseline": {},
    "Brief": {
        "workspace": None,
        "files": {},
        "tests": {},
        "protected": (),
        "language": None,
        "requirements": (),
        "images": (),
        "response_schema": None,
        "benchmark": None,
        "local_only": False,
        "budget": None,
        "deadline": None,
        "tags": (),
        "named": (),
        "absent": None,
        "left_out": (),
        "selected": (),
        "helpers": (),
    },
    "Call": {
        "cost": Decimal(0),
        "usage": USAGE,
        "answered_by": "",
        "finish": "",
        "condition": "ok",
        "error": None,
        "seconds": 0.0,
        "rung": -1,
        "simulated": False,
        "running_cost": Decimal(0),
        "cache_saved": Decimal(0),
        "warnings": (),
    },
    "CallReply": {"completion": None, "failure": None},
    "ChangeSet": {"files": {}, "notes": ()},
    "Classification": {"confidence": 1.0, "reasons": (), "source": "rules"},
    "Completion": {
        "finish": "stop",
        "condition": "ok",
        "detail": "",
        "usage": USAGE,
        "reasoning": "",
        "tool_calls": (),
        "response_id": "",
        "host": "",
        "seconds": 0.0,
        "first_byte_seconds": None,
        "load_seconds": 0.0,
    },
    "Failure": {"provider": "", "retry_after": None, "needed": None, "limit": None},
    "Image": {},
    "Isolation": {
        "network": "open",
        "files": "open",
        "processes": "shared",
        "memory": "unlimited",
        "probed": False,
        "gaps": (),
    },
    "Judgement": {"calls": ()},
    "Model": {
        "context": None,
        "max_output": 8192,
        "price": None,
        "hourly": None,
        "vision": False,
        "thinks": False,
        "effort": None,
        "temperature": None,
        "simulated": False,
        "timeouts": Timeouts(connect=5.0, first_byte=60.0, idle=30.0, total=120.0),
        "options": {},
    },
    "Outcome": {
        "attempts": (),
        "transitions": (),
        "overhead": (),
        "baseline": None,
        "cause": "",
        "warnings": (),
        "unrecorded": "",
        "seconds": 0.0,
    },
    "Plan": {
        "at_end": "skip",
        "review_accepted": False,
        "before_paid": "warn",
        "baseline": None,
        "matrix": "",
        "notes": (),
        "own_validators": None,
        "policies": Policies(
            unavailable="stop",
            skipped="review",
            error="stop",
            refusal="stop",
            transport_retries=2,
            retry_every_rung=False,
            patience=10.0,
        ),
    },
    "Policies": {
        "unavailable": "stop",
        "skipped": "review",
        "error": "stop",
        "refusal": "stop",
        "transport_retries": 2,
        "retry_every_rung": False,
        "patience": 10.0,
    },
    "Price": {"cache_read": None, "cache_write": None, "cache_write_1h": None},
    "Rejection": {},
    "Rung": {"attempts": 1, "effort": None, "checker": None, "last": False},
    "Timeouts": {"connect": 5.0, "first_byte": 60.0, "idle": 30.0, "total": 120.0},
    "ToolCall": {},
    "Transition": {"to_model": "", "cause": "", "reason": ""},
    "Usage": {
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "cache_write_1h_tokens": 0,
        "reasoning_tokens": 0,
        "estimated": False,
    },
    "ValidatorSpec": {"options": {}, "required": True},
    "Verdict": {
        "reason": None,
        "confidence": 1.0,
        "feedback": "",
        "hint": "",
        "evidence": {},
        "seconds": 0.0,
        "isolation": None,
        "required": True,
        "opinion": False,
    },
}
"""What stored records leave out, by record: the format of every ledger that was written so far."""


def _stored(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    """The kinds of record within a kind, by name."""
    if is_dataclass(kind) and kind.__name__ not in found:
        found[kind.__name__] = kind
        for within in get_type_hints(kind).values():
            _stored(within, found)
    for within in get_args(kind):
        _stored(within, found)
    return found


def test_a_default_that_ledgers_rely_on_is_not_changed_without_a_migration() -> None:
    """A field left out is read back as the default: another default would rewrite every plan and bill of before.

    Who changes one on purpose adds a step to the ledger's schema that writes the old value out, then this table.
    """
    kinds: dict[str, Any] = {}
    for kind in (Brief, Plan, Outcome, CallReply, Judgement):
        _stored(kind, kinds)
    assert {name: _defaults(kind) for name, kind in kinds.items()} == DEFAULTS


def _defaults(kind: Any) -> dict[str, Any]:
    given = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
    made = {f.name: f.default_factory() for f in fields(kind) if f.default_factory is not MISSING}
    return given | made


def test_a_field_at_its_default_is_left_out_and_comes_back() -> None:
    """By the first records of a process and by all later ones: nothing but what was said is written."""
    brief = Brief(task_id="t", prompt="p", tags=("a",))
    expected = {"task_id": "t", "prompt": "p", "tags": ["a"]}
    text = plainly(brief)
    assert text is not None
    assert json.loads(text) == expected
    assert json.loads(_adapter(Brief).dump_json(brief, exclude_defaults=True)) == expected
    assert BRIEFS.load(text) == brief


def test_a_record_written_with_every_field_is_read_the_same() -> None:
    """As ledgers of earlier versions have them."""
    outcome = _outcome()
    whole = _adapter(Plan).dump_json(outcome.plan).decode()
    assert "transport_retries" in whole
    assert PLANS.load(whole) == outcome.plan
