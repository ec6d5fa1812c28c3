"""Records as JSON: the first few of a process are written without pydantic, and read back the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from escalator.execution.journal import JUDGEMENTS, REPLIES, CallReply, Judgement
from escalator.records import Brief, Call, Completion, Failure, Image, Isolation, ToolCall, Usage, Verdict
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
