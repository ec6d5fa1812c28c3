"""What a model's options do to its listed price: speed, place and service tier are billed by a factor.

Taken on 2026-11-20 from litellm 1.109.1. A price stated in the matrix is the user's own and gets no factor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from escalator.kinds import PriceFamily, kind_of
from escalator.pricing.record import PriceRecord, Rates
from escalator.records import Model
from escalator.records.money import exactly

_PLAIN = Decimal(1)
_TIERS: Mapping[str, Decimal] = {
    "standard": _PLAIN,
    "flex": Decimal("0.5"),
    "priority": Decimal("1.8"),
}
_FAST: Mapping[str, Decimal] = {"claude-opus-5-5": Decimal(2)}
_PLACES: Mapping[str, Decimal] = {"global": _PLAIN, "us": Decimal("1.1")}


@exactly
def with_options(record: PriceRecord | None, model: Model) -> PriceRecord | None:
    """The record at the price these options are billed at; None where nobody knows it."""
    family = kind_of(model.kind).price_family
    factor = _factor(family, record.model if record is not None else "", model.options)
    if record is None or factor is None:
        return None
    return (
        record if factor == _PLAIN else replace(record, tiers=tuple(_times(tier, factor) for tier in record.tiers))
    )


def _factor(family: PriceFamily, name: str, options: Mapping[str, object]) -> Decimal | None:
    if family == "gemini":
        return _TIERS.get(str(options.get("service_tier") or "standard").lower())
    if family != "claude":
        return _PLAIN
    place = _PLACES.get(str(options.get("inference_geo") or "global"))
    fast = options.get("speed") == "fast"
    speed = next((by for id_, by in _FAST.items() if name.startswith(id_)), None) if fast else _PLAIN
    return None if place is None or speed is None else place * speed


def _times(tier: Rates, factor: Decimal) -> Rates:
    return Rates(
        input=tier.input * factor,
        output=tier.output * factor,
        cache_read=tier.cache_read * factor,
        cache_write=tier.cache_write * factor,
        cache_write_1h=tier.cache_write_1h * factor,
        above=tier.above,
    )
