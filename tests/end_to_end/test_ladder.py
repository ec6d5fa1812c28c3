"""A ladder of real llama.cpp servers, with real validators in a real sandbox, as one user would climb it.

The servers hold a tiny untrained model whose grammar decides what it says; everything else is real.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from end_to_end.ladders import BASE, BROKEN, PROMPT, RIGHT, TESTS, WRONG, ladder, model
from end_to_end.servers import until
from escalator import Escalator
from escalator.events import CallFinished, PaidModelAhead, Substitution
from houses import adds
from llama import Servers, needs_llama
from tiny_model import Nature

pytestmark = needs_llama

Execute = Callable[..., Any]

ROOMY = Nature(context=32768)
ENDLESS = Nature(width=256, layers=8, context=32768, stop=-30.0)
"""A model that never ends by itself, slow enough to be killed while it writes."""


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Execute:
    """Execute the task in each colour; judged without a process unless told otherwise."""

    def execute(house: Escalator, **options: Any) -> Any:
        options = {"files": BASE, "validators": ["syntax", adds], "task_type": "standard_development", **options}
        if request.param == "sync":
            with house:
                return house.execute(PROMPT, **options)

        async def go() -> Any:
            async with house:
                return await house.aexecute(PROMPT, **options)

        return asyncio.run(go())

    return execute


def saying(servers: Servers, text: str, **options: Any) -> str:
    """The URL of a server whose model says exactly this."""
    grammar = f"root ::= {json.dumps(text)}"
    return servers(nature=ROOMY, grammar=grammar, context=32768, slots=1, **options)


def rungs(*urls: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Providers and models for servers of llama.cpp, weakest first."""
    names = ("small", "medium", "large")[: len(urls)]
    providers = {f"server-{name}": {"kind": "llamacpp", "base_url": url} for name, url in zip(names, urls)}  # noqa: B905
    models = {name: model(f"server-{name}", index) for index, name in enumerate(names)}
    return providers, models


@pytest.mark.needs_bwrap
@pytest.mark.usefixtures("bwrap")
def test_it_climbs_from_a_syntax_error_through_failing_tests_to_a_pass(
    llama_servers: Servers, run: Execute, book: Path
) -> None:
    """Each rung is judged by what it wrote, the last one is accepted, and the log tells the same story."""
    urls = [saying(llama_servers, text, name=name) for text, name in ((BROKEN, "a"), (WRONG, "b"), (RIGHT, "c"))]
    seen: list[Any] = []
    outcome = run(
        Escalator(ladder(*rungs(*urls)), ledger=book, on_event=seen.append), tests=TESTS, validators=None
    )

    assert outcome.status == "accepted", outcome.summary()
    verdicts = [[(v.validator, v.status) for v in attempt.verdicts] for attempt in outcome.attempts]
    assert verdicts == [
        [("syntax", "failed")],
        [("syntax", "passed"), ("tests", "failed")],
        [("syntax", "passed"), ("tests", "passed")],
    ]
    assert [attempt.answered_by for attempt in outcome.attempts] == ["a", "b", "c"]
    assert outcome.count("escalation") == 2
    assert outcome.files == {"adding.py": "def add(a, b):\n    return a + b\n"}
    assert outcome.attempts[-1].verdicts[-1].isolation.kind == "bwrap"
    assert all(event.call.usage.output_tokens > 0 for event in seen if isinstance(event, CallFinished))
    assert not outcome.simulated


def test_a_paid_rung_is_approved_and_its_figures_are_the_servers_own(
    llama_servers: Servers, run: Execute, book: Path
) -> None:
    """The caller is asked once with an upper bound, and the cost is the reported tokens at the matrix's price."""
    providers, models = rungs(saying(llama_servers, WRONG))
    url = saying(llama_servers, RIGHT, name="model-3")
    providers["cloud"] = {"kind": "anthropic", "base_url": url}
    models["paid"] = model("cloud", 3, price={"input": 1, "output": 5})
    wanted: list[Substitution] = []

    def approve(substitution: Substitution) -> bool:
        wanted.append(substitution)
        return True

    matrix = ladder(providers, models, cost_guard={"before_paid": "confirm"})
    seen: list[Any] = []
    outcome = run(Escalator(matrix, ledger=book, approve=approve, on_event=seen.append))

    assert (outcome.status, outcome.model) == ("accepted", "paid"), outcome.summary()
    assert [(s.from_model, s.to_model) for s in wanted] == [("small", "paid")]
    assert "adds failed" in wanted[0].reason
    usage = outcome.attempts[-1].calls[0].usage
    assert usage.input_tokens > 20
    assert usage.output_tokens > 10
    assert not usage.estimated
    assert outcome.cost == (usage.input_tokens * Decimal(1) + usage.output_tokens * Decimal(5)) / 1_000_000
    assert outcome.cost <= wanted[0].highest_cost
    assert [event.approved for event in seen if isinstance(event, PaidModelAhead)] == [True]


def test_a_paid_rung_that_is_declined_is_never_asked(llama_servers: Servers, run: Execute, book: Path) -> None:
    """A no ends the task before a request leaves; what was tried for free is still told."""
    providers, models = rungs(saying(llama_servers, WRONG))
    providers["cloud"] = {"kind": "anthropic", "base_url": saying(llama_servers, RIGHT)}
    models["paid"] = model("cloud", 3, price={"input": 1, "output": 5})
    matrix = ladder(providers, models, cost_guard={"before_paid": "confirm"})
    outcome = run(Escalator(matrix, ledger=book, approve=lambda _: False))
    assert (outcome.status, outcome.cause) == ("stopped", "declined")
    assert [call.model for call in outcome.calls] == ["small"]
    assert outcome.cost == 0


def test_a_prompt_too_long_for_a_server_is_a_fallback(llama_servers: Servers, run: Execute, book: Path) -> None:
    """The matrix claims a larger window than the server has: its refusal says the size, and the next rung answers."""
    narrow = llama_servers(context=256, slots=1)
    outcome = run(Escalator(ladder(*rungs(narrow, saying(llama_servers, RIGHT))), ledger=book))
    assert (outcome.status, outcome.model) == ("accepted", "medium"), outcome.summary()
    failure = outcome.attempts[0].failure
    assert (failure.kind, failure.limit) == ("context_overflow", 256)
    assert failure.needed > 256
    assert outcome.count("fallback") == 1
    assert outcome.count("escalation") == 0


def test_a_server_killed_while_it_answers_is_a_fallback(llama_servers: Servers, run: Execute, book: Path) -> None:
    """Half an answer is never judged: the dead server's rung is left and the next one answers."""
    doomed = llama_servers(nature=ENDLESS, context=32768, slots=1)
    victim = llama_servers.children[0]
    providers, models = rungs(doomed, saying(llama_servers, RIGHT))
    models["small"]["max_output"] = 16384

    def kill() -> None:
        until(lambda: httpx2.get(f"{doomed}/slots").json()[0]["is_processing"])
        victim.kill()

    assassin = threading.Thread(target=kill)
    assassin.start()
    outcome = run(Escalator(ladder(providers, models, attempts=2), ledger=book))
    assassin.join()

    assert (outcome.status, outcome.model) == ("accepted", "medium"), outcome.summary()
    kinds = [attempt.failure.kind for attempt in outcome.attempts if attempt.failure]
    assert kinds[-1] in {"connection", "stream_cut"}
    assert kinds[0] in {"connection", "stream_cut"}
    assert not any(attempt.verdicts for attempt in outcome.attempts if attempt.model == "small")
    assert outcome.count("fallback") == 1
