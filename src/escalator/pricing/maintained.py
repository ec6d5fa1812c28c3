"""The price data that the genai-prices package ships with, turned into our records. Never the network."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from escalator.pricing.record import PriceRecord, Rates

_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}


@lru_cache(maxsize=512)
def quote(provider: str, name: str, day: date) -> PriceRecord | None:
    """What genai-prices says a model of its `provider` costs on that day.

    None where it has no entry or is not installed, and for the provider "".
    """
    snapshot = _snapshot() if provider else None
    if snapshot is None:
        return None
    try:
        found, entry = snapshot.find_provider_model(name, None, provider, None)
    except LookupError:
        return None
    if found.id != provider:
        return None
    noon = datetime.combine(day, time(12), tzinfo=UTC)
    tiers = _tiers(entry.get_prices(noon))
    if tiers is None:
        return None
    start, end = _validity(entry.prices, day)
    return PriceRecord(model=name, tiers=tiers, source=_source(), valid_from=start, valid_to=end)


@cache
def _snapshot() -> Any:
    """The data bundled with the package, not what an application downloaded; loading it takes half a second."""
    try:
        from genai_prices.data import providers
        from genai_prices.data_snapshot import DataSnapshot
    except ImportError:
        return None
    return DataSnapshot(providers=providers, from_auto_update=False)


@cache
def _source() -> str:
    from importlib.metadata import version

    return f"genai-prices {version('genai-prices')}"


def _tiers(prices: object) -> tuple[Rates, ...] | None:
    quoted = {name: getattr(prices, field) for name, field in _FIELDS.items()}
    if quoted["input"] is None or quoted["output"] is None:
        return None
    thresholds = {0}
    for price in quoted.values():
        thresholds.update(tier.start for tier in getattr(price, "tiers", ()))
    return tuple(_rates(quoted, threshold) for threshold in sorted(thresholds))


def _rates(quoted: dict[str, Any], threshold: int) -> Rates:
    plain = _at(quoted["input"], threshold)
    write = plain if quoted["cache_write"] is None else _at(quoted["cache_write"], threshold)
    return Rates(
        input=plain,
        output=_at(quoted["output"], threshold),
        cache_read=plain if quoted["cache_read"] is None else _at(quoted["cache_read"], threshold),
        cache_write=write,
        cache_write_1h=write if quoted["cache_write_1h"] is None else _at(quoted["cache_write_1h"], threshold),
        above=threshold,
    )


def _at(price: Any, threshold: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if tier.start <= threshold and threshold > 0]
    return Decimal(reached[-1] if reached else price.base)


def _validity(prices: object, day: date) -> tuple[date | None, date | None]:
    """The first and the last day of the period that `day` falls in, as far as start dates tell."""
    if not isinstance(prices, list):
        return None, None
    starts = sorted(
        start for price in prices if (start := getattr(price.constraint, "start_date", None)) is not None
    )
    begun = [start for start in starts if start <= day]
    coming = [start for start in starts if start > day]
    return (begun[-1] if begun else None, coming[0] - timedelta(days=1) if coming else None)
