"""What a call costs: dated, tiered price records, and how many tokens a request can be before it is sent."""

from escalator.pricing.book import PriceBook
from escalator.pricing.record import PriceRecord, Rates, ceiling, cost, uncached
from escalator.pricing.tokens import token_ceiling, token_estimate

__all__ = ["PriceBook", "PriceRecord", "Rates", "ceiling", "cost", "token_ceiling", "token_estimate", "uncached"]
