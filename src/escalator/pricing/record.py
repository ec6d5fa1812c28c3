"""One model's price on one day, and the two sums made with it: what a call cost and what it can cost at most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from escalator.records import Usage
from escalator.records.calls import exactly


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """USD per million tokens for requests whose whole prompt is longer than `above` tokens.

    `input` is for plain input; a provider without a price of its own for cache traffic bills it as plain input.
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    above: int = 0

    def dearest_input(self, *, cache_write: bool, for_an_hour: bool = True) -> Decimal:
        """The highest rate an input token of a request can be billed at."""
        writing = (self.cache_write, self.cache_write_1h) if for_an_hour else (self.cache_write,)
        return max(self.input, self.cache_read, *(writing if cache_write else ()))


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceRecord:
    """The price of one model from `valid_from` to `valid_to`, both days included, None for no known end.

    `tiers` ascend by `above`, the first at 0: a prompt over a threshold moves every token of the request, the
    output included, to that tier. `source` says where the figures come from and `snapshot` when they were
    taken, None where only the version in `source` tells. `estimated`: the model that answered is not in any
    table and these are the highest rates known for its provider.
    """

    model: str
    tiers: tuple[Rates, ...]
    source: str
    snapshot: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    estimated: bool = False

    def rates(self, prompt_tokens: int) -> Rates:
        """The rates of a request with that many input tokens, cached ones included."""
        return next(tier for tier in reversed(self.tiers) if tier.above == 0 or prompt_tokens > tier.above)

    def covers(self, day: date) -> bool:
        """Whether the record holds on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@exactly
def cost(record: PriceRecord, usage: Usage) -> Decimal:
    """USD for what was used. `cache_write_tokens` are five-minute writes, `cache_write_1h_tokens` the rest."""
    cached = usage.cache_read_tokens + usage.cache_write_tokens + usage.cache_write_1h_tokens
    prompt = max(usage.input_tokens, cached)
    rates = record.rates(prompt)
    total = (
        (prompt - cached) * rates.input
        + usage.cache_read_tokens * rates.cache_read
        + usage.cache_write_tokens * rates.cache_write
        + usage.cache_write_1h_tokens * rates.cache_write_1h
        + usage.output_tokens * rates.output
    )
    return total.scaleb(-6)


@exactly
def uncached(record: PriceRecord, usage: Usage) -> Decimal:
    """USD for the same tokens, had no cache been read or written."""
    return cost(record, replace(usage, cache_read_tokens=0, cache_write_tokens=0, cache_write_1h_tokens=0))


@exactly
def ceiling(
    record: PriceRecord,
    *,
    input_tokens: int,
    max_output_tokens: int,
    cache_write: bool = False,
    for_an_hour: bool = True,
) -> Decimal:
    """USD that a request of at most these tokens can cost, whatever part of it is read from a cache.

    `cache_write`: the request asks the provider to store part of the prompt, which bills dearer than reading it;
    `for_an_hour`: perhaps for an hour, which bills dearer than the usual five minutes.
    Every tier the prompt could fall in counts, so the sum also holds where a longer prompt is cheaper.
    """
    sums = []
    for index, tier in enumerate(record.tiers):
        if index and input_tokens <= tier.above:
            break
        following = record.tiers[index + 1 :]
        most = min(input_tokens, following[0].above) if following else input_tokens
        dearest = tier.dearest_input(cache_write=cache_write, for_an_hour=for_an_hour)
        sums.append(most * dearest + max_output_tokens * tier.output)
    return max(sums).scaleb(-6)
