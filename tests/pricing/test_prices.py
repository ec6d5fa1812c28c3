"""Which price holds: the matrix, the maintained package, our table, dates, tiers, and who answered."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from escalator.kinds import KINDS
from escalator.pricing import PriceBook, cost, table
from escalator.pricing.maintained import quote
from escalator.records import Model, Price, Tier, Usage

TODAY = date(2026, 11, 20)
BOOK = PriceBook()


def model(model_id="claude-haiku-5-5", kind="anthropic", **fields):
    fields = {"local": False, "tier": Tier.HAIKU, **fields}
    return Model(name="m", provider="p", kind=kind, id=model_id, **fields)


def gemini(model_id, **fields):
    return model(model_id, kind="google", **fields)


def bill(of, usage, at=TODAY, answered_by=""):
    record = BOOK.price_of(of, at=at, answered_by=answered_by)
    assert record is not None
    return cost(record, usage)


def test_haiku_5_5_moves_the_whole_request_to_the_higher_tier_past_100_000_tokens():
    """One token over the threshold makes the same request five times as dear, its output included."""
    assert bill(model(), Usage(input_tokens=100_000, output_tokens=1_000)) == Decimal("0.0105")
    assert bill(model(), Usage(input_tokens=100_001, output_tokens=1_000)) == Decimal("0.0525005")


def test_cached_tokens_count_toward_the_tier_of_the_prompt():
    """A prompt that is mostly read from the cache still pays the higher rate when it is long."""
    short = Usage(input_tokens=100_000, cache_read_tokens=100_000)
    long = Usage(input_tokens=100_001, cache_read_tokens=100_001)

    assert bill(model(), short) == Decimal("0.001")
    assert bill(model(), long) == Decimal("0.00500005")


def test_each_kind_of_cache_traffic_has_its_own_rate():
    """Plain input, reads, five-minute and one-hour writes of one request are billed apart."""
    usage = Usage(
        input_tokens=4_612,
        cache_read_tokens=4_000,
        cache_write_tokens=500,
        cache_write_1h_tokens=100,
        output_tokens=5,
    )

    expected = (12 * Decimal(2) + 4_000 * Decimal("0.1") + 500 * Decimal("2.5") + 100 * 4 + 5 * 10) / 1_000_000

    assert bill(model("claude-sonnet-5-5"), usage) == expected


def test_usage_whose_cached_parts_exceed_its_total_is_billed_for_all_parts():
    """A provider that contradicts itself never makes a call cheaper than its parts."""
    assert bill(model("claude-haiku-4-5"), Usage(input_tokens=10, cache_read_tokens=1_000)) == Decimal("0.0001")


@pytest.mark.parametrize(
    ("of", "before", "after", "first_day"),
    [
        ("gemini-4-argon", ("2", "10"), ("4", "20"), date(2026, 12, 1)),
        ("gemini-3.6-flash", ("0.75", "3.75"), ("1.5", "7.5"), date(2027, 1, 1)),
        ("gemini-3.7-flash", ("0.75", "3.75"), ("1.5", "7.5"), date(2027, 1, 1)),
        ("gemini-3.8-flash", ("0.75", "3.75"), ("1.5", "7.5"), date(2027, 1, 1)),
    ],
)
def test_an_announced_rise_holds_from_its_day_on(of, before, after, first_day):
    """The day before costs the old price, the day itself the new one, and both records say so."""
    old = BOOK.price_of(gemini(of), at=first_day - timedelta(days=1))
    new = BOOK.price_of(gemini(of), at=first_day)

    assert (old.tiers[0].input, old.tiers[0].output) == tuple(map(Decimal, before))
    assert (new.tiers[0].input, new.tiers[0].output) == tuple(map(Decimal, after))
    assert old.valid_to == first_day - timedelta(days=1)
    assert new.valid_from == first_day


def test_a_datetime_counts_by_its_day_in_utc():
    """A call late on the last evening in New York is already billed at the next day's price."""
    evening = datetime(2026, 11, 30, 20, tzinfo=timezone(timedelta(hours=-5)))

    record = BOOK.price_of(gemini("gemini-4-argon"), at=evening)

    assert record.tiers[0].input == Decimal(4)
    assert BOOK.price_of(gemini("gemini-4-argon"), at=datetime(2026, 11, 30, 20, tzinfo=UTC)).tiers[0].input == 2


def test_a_change_the_maintained_source_missed_is_filled_in_from_our_table():
    """Sonnet 5.5's cache reads cost twice as much before 2026-10-07, which genai-prices does not know."""
    usage = Usage(input_tokens=1_000_000, cache_read_tokens=1_000_000)

    assert bill(model("claude-sonnet-5-5"), usage, at=date(2026, 10, 6)) == Decimal("0.2")
    assert bill(model("claude-sonnet-5-5"), usage, at=date(2026, 10, 7)) == Decimal("0.1")


@pytest.mark.parametrize("name", ["claude-mythos-5", "claude-mythos-5-1"])
def test_models_the_maintained_source_lacks_come_from_our_table(name):
    """A gap in genai-prices is no gap of ours, and the record names its snapshot."""
    record = BOOK.price_of(model(name), at=TODAY)

    assert quote("anthropic", name, TODAY) is None
    assert (record.tiers[0].input, record.tiers[0].output, record.snapshot) == (10, 50, table.SNAPSHOT)


def test_our_table_and_the_maintained_source_agree_wherever_both_speak():
    """A figure in one of the two was mistyped or has moved if they differ on a day both cover."""
    compared = {}
    lists = {kind.price_family: kind.price_id for kind in KINDS.values()}
    for family, rows in table.rows().items():
        for row in rows:
            day = row.valid_from or min(TODAY, row.valid_to or TODAY)
            quoted = quote(lists[family], row.model, day)
            if quoted is not None and not row.source.startswith("the provider's"):
                compared[row.model, day] = (row.tiers, quoted.tiers)

    assert {key: pair for key, pair in compared.items() if pair[0] != pair[1]} == {}
    assert len(compared) >= 25


def test_the_matrix_price_comes_first_and_unstated_cache_prices_are_those_of_input():
    """A price in the matrix replaces the table's, and cache traffic without a price pays as plain input."""
    stated = model(price=Price(input=Decimal(3), output=Decimal(7)))
    usage = Usage(input_tokens=300, cache_read_tokens=100, cache_write_tokens=100, output_tokens=10)

    assert bill(stated, usage) == Decimal("0.00097")
    assert BOOK.price_of(stated, at=TODAY).source == "the matrix"


@pytest.mark.parametrize("fields", [{"local": True}, {"simulated": True}])
def test_local_and_simulated_models_have_only_the_price_the_matrix_states(fields):
    """Nothing is free by default: zero has to be written down, even for a model of one's own."""
    free = Price(input=Decimal(0), output=Decimal(0))

    assert BOOK.price_of(model(**fields), at=TODAY) is None
    assert bill(model(price=free, **fields), Usage(input_tokens=10**6, output_tokens=10**6)) == 0
    assert bill(model(price=free, **fields), Usage(input_tokens=10**6), answered_by="claude-opus-5") == 0


@pytest.mark.parametrize(
    ("name", "kind"), [("claude-nope-9", "anthropic"), ("gemini-nope", "google"), ("gpt-nope", "openai")]
)
def test_an_unknown_model_has_no_price(name, kind):
    """None tells the cost guard to refuse; an unknown price is never zero."""
    assert BOOK.price_of(model(name, kind=kind), at=TODAY) is None


@pytest.mark.parametrize(
    ("of", "answered_by"),
    [
        (model("claude-haiku-4-5"), "claude-haiku-4-5-20251001"),
        (model("claude-haiku-4-5-20251001"), "claude-haiku-4-5"),
        (model("claude-mythos-5"), "claude-mythos-5-20261101"),
        (gemini("gemini-3.8-flash"), "gemini-3.8-flash-001"),
        (gemini("gemini-3.8-flash"), "models/gemini-3.8-flash"),
    ],
)
def test_a_dated_form_of_the_asked_id_costs_what_was_asked(of, answered_by):
    """Providers answer with the dated name of an alias; that is the same model."""
    asked = BOOK.price_of(of, at=TODAY)
    answered = BOOK.price_of(of, at=TODAY, answered_by=answered_by)

    assert answered.tiers == asked.tiers
    assert not answered.estimated


def test_a_dated_id_of_a_model_only_our_table_knows_is_priced():
    """Our own rows too are found by the dated form of their id."""
    assert BOOK.price_of(model("claude-mythos-5-1-20261101"), at=TODAY).tiers[0].output == 50


def test_a_call_is_priced_by_the_known_model_that_answered():
    """When the provider lets another model answer, that model's price is paid."""
    record = BOOK.price_of(gemini("gemini-2.5-pro"), at=date(2026, 12, 2), answered_by="gemini-3.8-flash")

    assert (record.model, record.tiers[0].input, record.estimated) == ("gemini-3.8-flash", Decimal("0.75"), False)


def test_a_newer_model_whose_id_begins_with_the_asked_one_is_another_model():
    """claude-opus-5-5 is not a dated claude-opus-5, though its name begins like it."""
    record = BOOK.price_of(model("claude-opus-5"), at=TODAY, answered_by="claude-opus-5-5")

    assert record.tiers[0].input == 4


@pytest.mark.parametrize("answered_by", ["claude-sonnet-5-6", "my-deployment", "anthropic/claude-sonnet-5-6"])
def test_an_unknown_name_that_answered_is_charged_at_what_was_held(answered_by):
    """Names of gateways and deployments say nothing of a price; the record is marked as an estimate."""
    record = BOOK.price_of(model("claude-sonnet-5"), at=TODAY, answered_by=answered_by)

    assert record.estimated
    assert (record.tiers[0].input, record.tiers[0].output) == (2, 10)


def test_a_stated_price_holds_for_an_unknown_name_too():
    """It is what the call was held for, dearer or cheaper than anything in the lists."""
    stated = model(price=Price(input=Decimal(99), output=Decimal(1)))

    record = BOOK.price_of(stated, at=TODAY, answered_by="claude-unheard-of")

    assert (record.tiers[0].input, record.tiers[0].output, record.estimated) == (99, 1, True)


def test_a_known_dearer_model_that_answered_is_charged_at_its_own_price():
    """A price stated for another model does not bound it, nor does a stated price above the list's sink."""
    stated = model("smart", kind="openai", price=Price(input=Decimal(1), output=Decimal(99)))

    tier = BOOK.price_of(stated, at=TODAY, answered_by="anthropic/claude-opus-4-5-20251101").tiers[0]

    assert (tier.input, tier.output) == (5, 99)


GATEWAY_IDS = [
    "claude-opus-4-5",
    "anthropic/claude-opus-4-5",
    "anthropic/claude-opus-4.5",
    "openrouter/anthropic/claude-opus-4.5:beta",
    "bedrock/us.anthropic.claude-opus-4-5-20251101-v1:0",
    "vertex_ai/claude-opus-4-5@20251101",
]


@pytest.mark.parametrize("asked", GATEWAY_IDS)
def test_a_gateways_spelling_of_an_id_has_at_least_the_vendors_price(asked):
    """Whatever stands before and behind the id, it is found; a host with a dearer list of its own counts."""
    tier = BOOK.price_of(model(asked, kind="openai"), at=TODAY).tiers[0]

    assert Decimal(5) <= tier.input <= Decimal("5.5")
    assert Decimal(25) <= tier.output <= Decimal("27.5")


@pytest.mark.parametrize("answered_by", GATEWAY_IDS)
def test_a_gateways_spelling_of_the_answering_model_is_the_model_asked(answered_by):
    """It is no other model, so the call costs what was held."""
    asked = model("claude-opus-4-5")

    record = BOOK.price_of(asked, at=TODAY, answered_by=answered_by)

    assert (record.tiers[0].input, record.estimated) == (5, False)


@pytest.mark.parametrize(
    "asked",
    ["openrouter/anthropic/claude-opus-4.5:online", "azure/my-deployment", "groq/nobody-knows", "gpt-99"],
)
def test_what_no_list_has_is_unknown_at_a_gateway(asked):
    """Searches that bill extra and names that only one company knows are refused until a price is stated."""
    assert BOOK.price_of(model(asked, kind="openai"), at=TODAY) is None


def test_over_a_price_step_the_dearer_day_holds():
    """A call that may end after midnight is priced by the dearer of the two days."""
    of, last = gemini("gemini-4-argon"), date(2026, 11, 30)

    within = BOOK.price_within(of, since=last, until=last + timedelta(days=1))

    assert (within.tiers[0].input, within.tiers[0].output) == (4, 20)
    assert BOOK.price_within(of, since=last, until=last).tiers[0].input == 2


def test_a_retired_id_is_reserved_at_the_dearer_of_itself_and_its_successor():
    """From 2027 gemini-2.5-pro is answered by a model with dearer input; the reservation has to hold for both."""
    tiers = BOOK.price_of(gemini("gemini-2.5-pro"), at=date(2027, 1, 2)).tiers

    assert [(tier.above, tier.input, tier.output) for tier in tiers] == [
        (0, Decimal("1.5"), 10),
        (200_000, Decimal("2.5"), 15),
    ]


@pytest.mark.parametrize(
    ("of", "factor"),
    [
        (model("claude-opus-5-5", options={"speed": "fast"}), Decimal(2)),
        (model("claude-opus-5-5", options={"speed": "fast", "inference_geo": "us"}), Decimal("2.2")),
        (model("claude-sonnet-5-5", options={"inference_geo": "us"}), Decimal("1.1")),
        (model("claude-sonnet-5-5", options={"speed": "standard", "inference_geo": "global"}), Decimal(1)),
        (gemini("gemini-3.8-flash", options={"service_tier": "priority"}), Decimal("1.8")),
        (gemini("gemini-3.8-flash", options={"service_tier": "flex"}), Decimal("0.5")),
    ],
    ids=str,
)
def test_options_that_are_billed_by_a_factor_raise_the_whole_price(of, factor):
    """Speed, place and service tier multiply every rate, before the call and after it."""
    usage = Usage(input_tokens=10_000, cache_read_tokens=1_000, output_tokens=500)
    plain = replace(of, options={})

    assert bill(of, usage) == factor * bill(plain, usage)
    assert bill(of, usage, answered_by=of.id) == factor * bill(plain, usage)


@pytest.mark.parametrize(
    "of",
    [
        model("claude-haiku-5-5", options={"speed": "fast"}),
        model("claude-haiku-5-5", options={"inference_geo": "moon"}),
        gemini("gemini-3.8-flash", options={"service_tier": "golden"}),
    ],
    ids=str,
)
def test_options_whose_price_nobody_knows_make_the_price_unknown(of):
    """The cost guard refuses rather than guesses; a price stated in the matrix settles it."""
    stated = replace(of, price=Price(input=Decimal(1), output=Decimal(2)))

    assert BOOK.price_of(of, at=TODAY) is None
    assert BOOK.price_of(stated, at=TODAY).tiers[0].input == 1


def test_importing_the_room_loads_no_price_data():
    """Half a second of price data is read when a price is first looked up, not before."""
    code = "import sys, escalator.pricing; print([m for m in ('genai_prices', 'yaml', 'pydantic') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_prices_are_exact_decimals():
    """No float ever touches money."""
    for rows in table.rows().values():
        for row in rows:
            for tier in row.tiers:
                assert {type(tier.input), type(tier.output), type(tier.cache_read)} == {Decimal}
