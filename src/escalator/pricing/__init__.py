"""What a call costs: dated, tiered price records, and how many tokens a request can be before it is sent."""

from escalator.pricing.book import PriceBook
from escalator.pricing.record import PriceRecord, Rates, ceiling, cost, uncached
from escalator.pricing.tokens import Bound, token_ceiling, token_estimate, token_floor, token_floor_exceeds

__all__ = [
    "Bound",
    "PriceBook",
    "PriceRecord",
    "Rates",
    "ceiling",
    "cost",
    "token_ceiling",
    "token_estimate",
    "token_floor",
    "token_floor_exceeds",
    "uncached",
]
