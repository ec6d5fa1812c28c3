"""A second attempt reads what the first one sent from Claude's cache: a server on loopback that keeps prompts as Claude
does, by the blocks up to a mark, and bills what it read and wrote.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from escalator import Escalator
from escalator.pricing import PriceRecord, Rates, cost, uncached
from escalator.providers.anthropic.caching import least_kept, marked
from escalator.providers.anthropic.provider import Anthropic
from escalator.providers.anthropic.request import body
from escalator.records import Message, Outcome, Usage
from escalator.testing import MemoryLedger
from houses import adds
from providers.wires import request

LEAST = 512
WRONG = "```python adding.py\ndef add(a, b):\n    return a - b\n```"
RIGHT = "```python adding.py\ndef add(a, b):\n    return a + b\n```"
LINES = "".join(f"def helper_{number}(value):\n    return value + {number}\n\n\n" for number in range(300))
FILES = {"adding.py": "def add(a, b):\n    return None\n", "helpers.py": LINES}
RATES = Rates(
    input=Decimal(1),
    output=Decimal(5),
    cache_read=Decimal("0.1"),
    cache_write=Decimal("1.25"),
    cache_write_1h=Decimal(2),
)


class Keeper:
    """Keeps the beginnings of prompts and answers from a list. Four bytes are a token."""

    def __init__(self, answers: list[str]) -> None:
        self.answers, self.requests = answers, []
        self.usages: list[dict[str, int]] = []
        self._kept: set[str] = set()

    def reply(self, sent: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(sent)
        self.usages.append(self._usage(sent))
        text = self.answers[len(self.requests) - 1]
        usage = {**self.usages[-1], "output_tokens": 50}
        said = {"id": "msg_1", "type": "message", "role": "assistant", "model": sent["model"], "usage": usage}
        return {
            **said,
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
        }

    def _usage(self, sent: dict[str, Any]) -> dict[str, int]:
        prefixes, marks, said, tokens = [], [], sent["model"], 0
        for text, mark in _blocks(sent):
            said, tokens = sha256(f"{said}\0{text}".encode()).hexdigest(), tokens + len(text.encode()) // 4
            prefixes.append((said, tokens))
            if mark:
                assert tokens >= LEAST, "a mark that Claude ignores"
                marks.append(len(prefixes) - 1)
        assert len(marks) <= 4
        hits = [at for mark in marks for at in range(max(0, mark - 20), mark + 1) if prefixes[at][0] in self._kept]
        read = prefixes[max(hits)][1] if hits else 0
        end = prefixes[marks[-1]][1] if marks else 0
        self._kept |= {prefixes[mark][0] for mark in marks}
        return {
            "input_tokens": tokens - max(end, read),
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": max(end - read, 0),
        }


def _blocks(sent: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    yield sent.get("system", ""), False
    for turn in sent["messages"]:
        if isinstance(turn["content"], str):
            yield f"{turn['role']}: {turn['content']}", False
            continue
        for block in turn["content"]:
            yield f"{turn['role']}: {block['text']}", "cache_control" in block


class Served:
    """The keeper behind HTTP, and an Escalator whose one provider it is."""

    def __init__(self, answers: list[str]) -> None:
        self.keeper = keeper = Keeper(answers)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
                said = json.dumps(keeper.reply(sent)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def run(self, chain: list[Any], *, colour: str, ledger: Any = None, **section: Any) -> Outcome:
        models = {
            name: {
                "provider": "cloud",
                "id": model_id,
                "tier": "haiku",
                "max_output": 4000,
                "price": {
                    "input": 1,
                    "output": 5,
                    "cache_read": "0.1",
                    "cache_write": "1.25",
                    "cache_write_1h": 2,
                },
            }
            for name, model_id in (("haiku", "claude-haiku-5-5"), ("other", "claude-sonnet-5-5"))
        }
        kind = {"complexity": [0, 10], "chain": chain, "checker": "none", "validators": ["syntax"], **section}
        data = {
            "version": 1,
            "providers": {"cloud": {"kind": "anthropic"}},
            "models": models,
            "task_types": {"standard_development": kind},
        }
        provider = Anthropic("cloud", base_url=self.url, api_key="k", stream=False)
        house = Escalator(data, ledger=ledger or MemoryLedger(), providers={"cloud": provider})
        with closing(provider), house:
            given: dict[str, Any] = {"files": FILES, "validators": [adds], "task_type": "standard_development"}
            if colour == "async":
                return asyncio.run(house.aexecute("Make add() add.", **given))
            return house.execute("Make add() add.", **given)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def served() -> Iterator[Any]:
    made: list[Served] = []

    def make(*answers: str) -> Served:
        made.append(Served(list(answers)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def share_read(usage: dict[str, int]) -> float:
    whole = usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"]
    return usage["cache_read_input_tokens"] / whole


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_retry_reads_most_of_its_prompt_from_the_cache(served: Any, colour: str) -> None:
    """The first attempt has its prompt kept; the second reads at least four fifths of its input, and pays for that."""
    here = served(WRONG, RIGHT)
    outcome = here.run(["haiku"], colour=colour, max_attempts=2)
    assert outcome.status == "accepted"
    first, second = here.keeper.usages
    assert first["cache_creation_input_tokens"] > 0
    assert share_read(second) >= 0.8
    calls = [call for attempt in outcome.attempts for call in attempt.calls]
    record = PriceRecord(model="m", tiers=(RATES,), source="here")
    assert [call.cost for call in calls] == [cost(record, call.usage) for call in calls]
    assert [call.cache_saved for call in calls] == [
        uncached(record, c.usage) - cost(record, c.usage) for c in calls
    ]
    assert calls[0].cache_saved < 0 < sum(call.cache_saved for call in calls)


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_the_third_attempt_still_reads_files_and_task_from_the_cache(served: Any, colour: str) -> None:
    """What was tried stands behind them, so that it is read anew and they are not."""
    here = served(WRONG, WRONG.replace("-", "*"), RIGHT)
    here.run(["haiku"], colour=colour, max_attempts=3)
    assert [share_read(usage) >= 0.8 for usage in here.keeper.usages] == [False, True, True]


def test_the_next_rung_of_the_same_model_reads_it_too(served: Any) -> None:
    """Another effort of the same model begins with the same files, tests and task."""
    here = served(WRONG, RIGHT)
    here.run(["haiku", {"model": "haiku", "effort": "high"}], colour="sync", max_attempts=1)
    assert share_read(here.keeper.usages[1]) >= 0.8


@pytest.mark.parametrize("chain", [["haiku"], ["haiku", "other"]])
def test_nothing_is_kept_where_nobody_will_read_it(served: Any, chain: list[str]) -> None:
    """A model that is asked once is not asked to keep anything: keeping costs a quarter more."""
    here = served(WRONG, RIGHT)
    here.run(chain, colour="sync", max_attempts=1)
    assert all(usage["cache_creation_input_tokens"] == 0 for usage in here.keeper.usages)


def test_the_hold_covers_what_keeping_costs(served: Any) -> None:
    """Each call held at least what it came to, also the one that wrote its whole prompt."""
    ledger = MemoryLedger()
    served(WRONG, RIGHT).run(["haiku"], colour="sync", ledger=ledger, max_attempts=2)
    first, second = ledger.calls()
    assert first.cache_write_tokens > 0
    assert second.cache_read_tokens > 0
    assert all(call.amount >= call.cost for call in (first, second))
    assert ledger.cache_saved() > 0
    once = MemoryLedger()
    served(RIGHT).run(["haiku"], colour="sync", ledger=once, max_attempts=1)
    assert first.amount > once.calls()[0].amount


@pytest.mark.parametrize(
    ("model", "least"),
    [
        ("claude-haiku-5-5", 512),
        ("claude-sonnet-4-5", 1_024),
        ("claude-opus-4-1-20250805", 1_024),
        ("claude-sonnet-4-6", 2_048),
        ("claude-opus-4-6", 4_096),
        ("claude-haiku-4-5", 4_096),
        ("somebody/elses", 4_096),
    ],
)
def test_a_mark_is_sent_from_the_size_on_that_the_model_keeps(model: str, least: int) -> None:
    """Below it Claude ignores a mark, so none is sent."""
    assert least_kept(model) == least
    for size, kept in ((least * 4 - 100, 0), (least * 4 + 100, 1)):
        message = Message(role="user", text="x" * size + "tail", shared=(size,))
        asked = request(id=model, messages=(message,), system="")
        assert [len(each.shared) for each in marked(asked)] == [kept]
        (turn,) = body(asked)["messages"]  # type: ignore[misc]
        assert json.dumps(turn).count("cache_control") == kept


def test_usage_without_a_cache_costs_the_same_either_way() -> None:
    """Then nothing was saved."""
    record = PriceRecord(model="m", tiers=(RATES,), source="here")
    usage = Usage(input_tokens=1000, output_tokens=10)
    assert uncached(record, usage) == cost(record, usage)
