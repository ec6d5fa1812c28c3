"""The most a request can cost, and the most tokens it can have."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_FLOOR, Context, Decimal, FloatOperation, Inexact, Rounded, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.ledger import to_nano, to_usd
from escalator.pricing import (
    PriceBook,
    PriceRecord,
    Rates,
    ceiling,
    cost,
    token_ceiling,
    token_estimate,
    token_floor,
    token_floor_exceeds,
)
from escalator.records import Image, Message, Model, Request, Tier, Usage

HAIKU = Model(name="h", provider="p", kind="anthropic", id="claude-haiku-5-5", tier=Tier.HAIKU, local=False)
MONEY = st.decimals(min_value=0, max_value=200, places=4)


@st.composite
def records(draw):
    thresholds = sorted(draw(st.sets(st.integers(1, 300_000), max_size=3)))
    tiers = tuple(
        Rates(
            above=above,
            input=draw(MONEY),
            output=draw(MONEY),
            cache_read=draw(MONEY),
            cache_write=draw(MONEY),
            cache_write_1h=draw(MONEY),
        )
        for above in (0, *thresholds)
    )
    return PriceRecord(model="m", tiers=tiers, source="drawn")


@st.composite
def bounded_usage(draw, *, writes):
    most_in, most_out = draw(st.integers(0, 400_000)), draw(st.integers(0, 100_000))
    total = draw(st.integers(0, most_in))
    read = draw(st.integers(0, total))
    write = draw(st.integers(0, total - read)) if writes else 0
    hour = draw(st.integers(0, total - read - write)) if writes else 0
    usage = Usage(
        input_tokens=total,
        output_tokens=draw(st.integers(0, most_out)),
        cache_read_tokens=read,
        cache_write_tokens=write,
        cache_write_1h_tokens=hour,
    )
    return most_in, most_out, usage


@given(records(), bounded_usage(writes=True))
@settings(max_examples=300, deadline=None)
def test_a_ceiling_is_never_below_the_cost_of_any_usage_within_it(record, drawn):
    """Whatever tiers and cache prices a record has, a reservation covers the bill."""
    most_in, most_out, usage = drawn

    bound = ceiling(record, input_tokens=most_in, max_output_tokens=most_out, cache_write=True)

    assert cost(record, usage) <= bound


@given(records(), bounded_usage(writes=False))
@settings(max_examples=300, deadline=None)
def test_without_cache_writes_the_smaller_ceiling_covers_the_bill(record, drawn):
    """A request that stores nothing is reserved without the write prices, and still never under its cost."""
    most_in, most_out, usage = drawn

    bound = ceiling(record, input_tokens=most_in, max_output_tokens=most_out, cache_write=False)

    assert cost(record, usage) <= bound


@given(records(), st.integers(0, 10**9), st.integers(0, 10**9))
@settings(max_examples=100, deadline=None)
def test_costs_are_sums_without_rounding(record, tokens_in, tokens_out):
    """The cost in millionths is the integer combination of the rates, to the last digit."""
    rates = record.rates(tokens_in)
    usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out)

    expected = int(rates.input * 10**4) * tokens_in + int(rates.output * 10**4) * tokens_out

    assert int(cost(record, usage).scaleb(10)) == expected


def test_the_ceiling_of_a_long_prompt_uses_the_higher_tier():
    """A prompt that may pass the threshold is reserved at the dear tier, one that cannot is not."""
    record = PriceBook().price_of(HAIKU, at=date(2026, 11, 20))

    assert ceiling(record, input_tokens=100_000, max_output_tokens=1_000) == Decimal("0.0105")
    assert ceiling(record, input_tokens=100_001, max_output_tokens=1_000) == Decimal("0.0525005")
    assert ceiling(record, input_tokens=100_000, max_output_tokens=0, cache_write=True) == Decimal("0.02")


def ask(text="", *, model_id="claude-haiku-5-5", **fields):
    model = Model(name="m", provider="p", kind="anthropic", id=model_id, tier=Tier.HAIKU, local=False)
    message = Message(role="user", text=text, images=fields.pop("images", ()))
    return Request(model=model, messages=(message,), **fields)


def test_the_token_ceiling_counts_bytes_not_characters():
    """Four bytes of one emoji may be four tokens."""
    assert token_ceiling(ask("🦉" * 10)) - token_ceiling(ask("")) == 40


def test_the_token_ceiling_includes_system_text_schema_and_images():
    """Everything that is sent is counted, each part by at least its bytes."""
    plain = token_ceiling(ask("x"))

    assert token_ceiling(ask("x", system="y" * 100)) - plain == 100
    assert token_ceiling(ask("x", images=(Image(media_type="image/png", data=b"1"),))) - plain == 50_000
    assert token_ceiling(ask("x", schema={"type": "object"})) - plain >= len('{"type": "object"}')


@given(st.text(max_size=2_000), st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_the_estimate_never_exceeds_the_ceiling(text, system):
    """What is likely is at most what is possible, for any text."""
    request = ask(text, system=system)

    assert 0 <= token_estimate(request) <= token_ceiling(request)


def test_newer_claude_models_are_expected_to_use_a_third_more_tokens():
    """The tokenizer changed with Claude 4.7; ids and snapshots of both ages are told apart."""
    text = "x" * 3_000

    older = {token_estimate(ask(text, model_id=name)) for name in ("claude-opus-4-6", "claude-haiku-4-5-20251001")}
    newer = {token_estimate(ask(text, model_id=name)) for name in ("claude-opus-4-7", "claude-haiku-5-5")}

    assert (older, newer, token_estimate(ask(text, model_id="gemini-3.8-flash"))) == ({1_000}, {1_300}, 1_000)


def test_a_model_family_with_a_snapshot_date_is_not_a_minor_version():
    """claude-sonnet-4-20250514 is version 4, not 4.20250514."""
    assert token_estimate(ask("x" * 30, model_id="claude-sonnet-4-20250514")) == 10


REPETITIVE = ["", " " * 50_000, "\n" * 50_000, "=" * 50_000, "x = 1" + " " * 50_000, ("=" * 78 + "\n") * 500]


@pytest.mark.parametrize("text", REPETITIVE, ids=lambda text: repr(text[:5]))
def test_blanks_and_repeats_need_hardly_a_token(text):
    """Vocabularies have tokens for long runs, so such a prompt is not called unread."""
    assert token_floor(ask(text)) <= max(len(text.split()), len(text) // 100)


def test_a_prompt_of_many_words_has_a_token_for_every_second_one_at_least():
    """A count far below the words of a prompt cannot be that of the whole prompt."""
    request = ask("".join(f"value_{number} = {number * 7919}\n" for number in range(6_000)))

    assert token_floor(request) == 9_000
    assert token_floor_exceeds(request, 4_096)
    assert not token_floor_exceeds(request, 42_000)


WORDS = st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=12), max_size=80)


@given(WORDS, st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_the_floor_is_below_what_any_tokenizer_makes_of_it(words, tokens):
    """A tokenizer that takes every word for one token, and blanks for none, still makes twice as many."""
    request = ask(" ".join(words))

    assert 2 * token_floor(request) <= len(words)
    assert token_floor_exceeds(request, tokens) == (token_floor(request) > tokens)


@pytest.mark.parametrize(
    "context",
    [
        Context(prec=4, rounding=ROUND_FLOOR),
        Context(prec=3, traps=[Inexact, Rounded, FloatOperation]),
        Context(prec=1, Emax=1, Emin=-1),
    ],
    ids=["four digits", "traps", "a small range"],
)
def test_a_callers_decimal_context_changes_no_amount(context):
    """Precision, rounding and traps of the caller are for the caller's own sums."""
    record = PriceBook().price_of(HAIKU, at=date(2026, 11, 20))
    usage = Usage(input_tokens=123_457, output_tokens=7_891)

    def amounts():
        held = ceiling(record, input_tokens=123_457, max_output_tokens=7_891)
        fast = replace(HAIKU, id="claude-opus-5-5", options={"speed": "fast", "inference_geo": "us"})
        dear = PriceBook().price_of(fast, at=date(2026, 11, 20)).tiers[0].input
        return held, cost(record, usage), to_nano(held), to_usd(123_456_789_123), dear

    due = amounts()
    with localcontext(context):
        found = amounts()

    assert [str(amount) for amount in found] == [str(amount) for amount in due]
