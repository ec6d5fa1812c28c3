"""The usage that servers report, in every dialect: nothing that is billed is lost, nothing absurd is believed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.pricing import PriceRecord, Rates, cost, token_ceiling
from escalator.providers.chat.openai_compatible import read_body
from escalator.providers.usage import MOST, read_usage
from escalator.records import Usage
from providers.wires import request

RATES = Rates(
    input=Decimal(4),
    output=Decimal(20),
    cache_read=Decimal(1),
    cache_write=Decimal(5),
    cache_write_1h=Decimal(8),
)
PRICE = PriceRecord(model="m", tiers=(RATES,), source="drawn")
HUGE = 10**30


class Bill(NamedTuple):
    """What one call used in truth."""

    plain: int
    read: int
    write: int
    hour: int
    words: int
    thought: int

    @property
    def prompt(self) -> int:
        return self.plain + self.read + self.write + self.hour

    @property
    def written(self) -> int:
        return self.words + self.thought

    def due(self, *, caches: bool = True) -> Decimal:
        """USD; without `caches`, the server bills what it cached as plain input."""
        usage = Usage(input_tokens=self.prompt, output_tokens=self.written)
        if caches:
            usage = Usage(
                input_tokens=self.prompt,
                output_tokens=self.written,
                cache_read_tokens=self.read,
                cache_write_tokens=self.write,
                cache_write_1h_tokens=self.hour,
            )
        return cost(PRICE, usage)


def openai(bill: Bill) -> dict[str, Any]:
    return {
        "prompt_tokens": bill.prompt,
        "completion_tokens": bill.written,
        "total_tokens": bill.prompt + bill.written,
        "prompt_tokens_details": {"cached_tokens": bill.read, "cache_write_tokens": bill.write + bill.hour},
        "completion_tokens_details": {"reasoning_tokens": bill.thought},
    }


def responses(bill: Bill) -> dict[str, Any]:
    return {
        "input_tokens": bill.prompt,
        "output_tokens": bill.written,
        "input_tokens_details": {"cached_tokens": bill.read, "cache_write_tokens": bill.write + bill.hour},
        "output_tokens_details": {"reasoning_tokens": bill.thought},
    }


def xai(bill: Bill) -> dict[str, Any]:
    """Thinking beside the completion; only details and total tell."""
    return {**openai(bill), "completion_tokens": bill.words}


def gemini_compatible(bill: Bill) -> dict[str, Any]:
    """Thinking beside the completion; only the total tells."""
    return {
        "prompt_tokens": bill.prompt,
        "completion_tokens": bill.words,
        "total_tokens": bill.prompt + bill.written,
    }


def deepseek(bill: Bill) -> dict[str, Any]:
    return {
        "prompt_tokens": bill.prompt,
        "completion_tokens": bill.written,
        "prompt_cache_hit_tokens": bill.read,
        "prompt_cache_miss_tokens": bill.prompt - bill.read,
    }


def moonshot(bill: Bill) -> dict[str, Any]:
    return {"prompt_tokens": bill.prompt, "completion_tokens": bill.written, "cached_tokens": bill.read}


def litellm(bill: Bill) -> dict[str, Any]:
    return {
        "prompt_tokens": bill.prompt,
        "completion_tokens": bill.written,
        "total_tokens": bill.prompt + bill.written,
        "cache_read_input_tokens": bill.read,
        "cache_creation_input_tokens": bill.write + bill.hour,
        "prompt_tokens_details": {
            "cached_tokens": bill.read,
            "cache_creation_token_details": {"ephemeral_1h_input_tokens": bill.hour},
        },
    }


def messages(bill: Bill) -> dict[str, Any]:
    """What was cached stands beside the input."""
    return {
        "input_tokens": bill.plain,
        "output_tokens": bill.written,
        "cache_read_input_tokens": bill.read,
        "cache_creation_input_tokens": bill.write + bill.hour,
        "cache_creation": {
            "ephemeral_5m_input_tokens": bill.write,
            "ephemeral_1h_input_tokens": bill.hour,
        },
        "output_tokens_details": {"thinking_tokens": bill.thought},
    }


def gemini(bill: Bill) -> dict[str, Any]:
    return {
        "prompt_token_count": bill.prompt,
        "cached_content_token_count": bill.read,
        "candidates_token_count": bill.words,
        "thoughts_token_count": bill.thought,
        "total_token_count": bill.prompt + bill.written,
    }


def ollama(bill: Bill) -> dict[str, Any]:
    return {"prompt_eval_count": bill.prompt, "eval_count": bill.written}


SAY_ALL = (openai, responses, litellm, messages, xai)
"""Dialects in which cache writes are told."""
SAY_LESS = (gemini_compatible, deepseek, moonshot, gemini, ollama)
"""Dialects whose servers bill what they write into a cache as plain input."""

COUNTS = st.integers(0, 50_000)
BILLS = st.builds(Bill, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)


@pytest.mark.parametrize("say", SAY_ALL, ids=lambda say: say.__name__)
@given(bill=BILLS)
@settings(max_examples=100, deadline=None)
def test_no_token_of_a_bill_is_lost(say: Any, bill: Bill) -> None:
    """Whatever was cached, written to a cache or thought, the booked cost is not below the bill."""
    if say in {openai, responses, xai}:
        bill = bill._replace(hour=0)  # they have one kind of cache write

    assert cost(PRICE, read_usage(say(bill), request(), [])) >= bill.due()


@pytest.mark.parametrize("say", SAY_LESS, ids=lambda say: say.__name__)
@given(bill=BILLS)
@settings(max_examples=100, deadline=None)
def test_servers_without_a_price_of_cache_writes_lose_nothing_either(say: Any, bill: Bill) -> None:
    """Reads are believed, all else counts as input and output."""
    bill = bill._replace(write=0, hour=0)

    assert cost(PRICE, read_usage(say(bill), request(), [])) >= bill.due()


@pytest.mark.parametrize("say", [*SAY_ALL, *SAY_LESS], ids=lambda say: say.__name__)
def test_a_usual_usage_is_read_to_the_token(say: Any) -> None:
    """Prompt and output are those of the bill, and nothing is called an estimate."""
    bill = Bill(plain=70, read=20, write=0, hour=0, words=30, thought=40)

    found = read_usage(say(bill), request(), [])

    assert (found.input_tokens, found.output_tokens, found.estimated) == (90, 70, False)


@pytest.mark.parametrize("say", [openai, deepseek, moonshot, litellm, messages, gemini], ids=lambda s: s.__name__)
def test_what_was_read_from_a_cache_is_found_under_its_name(say: Any) -> None:
    """Reads are cheaper than input; no dialect of them is overlooked."""
    found = read_usage(say(Bill(plain=70, read=20, write=0, hour=0, words=3, thought=4)), request(), [])

    assert found.cache_read_tokens == 20


@pytest.mark.parametrize(("say", "writes"), [(openai, (7, 0)), (litellm, (3, 4)), (messages, (3, 4))])
def test_what_was_written_to_a_cache_is_found_under_its_name(say: Any, writes: tuple[int, int]) -> None:
    """Writes are dearer than input."""
    found = read_usage(say(Bill(plain=70, read=20, write=3, hour=4, words=3, thought=4)), request(), [])

    assert (found.cache_write_tokens, found.cache_write_1h_tokens) == writes


@pytest.mark.parametrize(
    ("reported", "due"),
    [
        ({"prompt_tokens": 100, "total_tokens": 130}, (100, 30)),
        ({"completion_tokens": 30, "total_tokens": 130}, (100, 30)),
        ({"prompt_cache_hit_tokens": 60, "prompt_cache_miss_tokens": 40, "completion_tokens": 30}, (100, 30)),
        ({"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 90}, (100, 30)),
        ({"prompt_tokens": 100.0, "completion_tokens": 30.0}, (100, 30)),
        ({"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": None}, (100, 30)),
    ],
    ids=str,
)
def test_what_is_missing_follows_from_the_others(reported: dict[str, Any], due: tuple[int, int]) -> None:
    """A total and one part tell the other; a total below its parts is not believed."""
    found = read_usage(reported, request(), [])

    assert (found.input_tokens, found.output_tokens, found.estimated) == (*due, False)


ABSURD = [-1, HUGE, MOST + 1, 1.5, float("nan"), float("inf"), "100", True, [], {}]


@pytest.mark.parametrize("figure", ABSURD, ids=str)
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens", "total_tokens", "cache_write_tokens"])
def test_an_absurd_figure_makes_the_usage_an_estimate(name: str, figure: Any) -> None:
    """It is neither believed nor fatal, and the spender books the whole hold for an estimate."""
    found = read_usage({"prompt_tokens": 10, "completion_tokens": 5, name: figure}, request(), ["four"])

    assert found.estimated
    assert 0 <= found.input_tokens <= token_ceiling(request())
    assert 0 <= found.output_tokens <= 10


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cached_tokens"),
    *("prompt_tokens_details", "completion_tokens_details", "cache_creation", "cache_creation_input_tokens"),
)


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
@settings(max_examples=200, deadline=None)
def test_nothing_a_server_reports_raises(reported: dict[str, Any]) -> None:
    """Any JSON in the place of the figures gives figures that the books can hold."""
    found = read_usage(reported, request(), ["word"])

    assert all(0 <= figure <= 20 * MOST for figure in (found.input_tokens, found.output_tokens))


def test_an_answer_with_absurd_figures_is_not_lost() -> None:
    """It was paid for; only its usage is unknown."""
    body = (
        b'{"model": "m", "choices": [{"message": {"content": "Four."}, "finish_reason": "stop"}], '
        b'"usage": {"prompt_tokens": 1000000000000000000000000000000, "completion_tokens": NaN}}'
    )

    found = read_body(200, {"content-type": "application/json"}, body, request=request())

    assert (found.text, found.usage.estimated) == ("Four.", True)
