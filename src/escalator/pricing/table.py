"""Our own dated price table: it answers where genai-prices has no entry or missed an announced change.

USD per million tokens, taken on 2026-11-20 from litellm 1.109.1 and genai-prices 0.2.3; where only one of the
two knew a figure its name stands in the row's source. A row is `input output write_5m write_1h read`; Gemini
bills what it puts into its cache as plain input, so its rows repeat the input price.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache

from escalator.kinds import PriceFamily
from escalator.pricing.record import PriceRecord, Rates

SNAPSHOT = date(2026, 11, 20)

REPLACED: Mapping[str, tuple[date, str]] = {
    "gemini-2.5-pro": (date(2026, 12, 1), "gemini-3.8-flash"),
    "gemini-2.5-flash": (date(2026, 12, 1), "gemini-3.5-flash-lite"),
}
"""Ids that another model answers from a day on, at that model's price."""

_BOTH = "litellm 1.109.1 and genai-prices 0.2.3"
_GENAI = "genai-prices 0.2.3"
_LITELLM = "litellm 1.109.1"
_NOTES = "the provider's release notes of 2026-10-07"

_NEW_YEAR = date(2027, 1, 1)
_DECEMBER = date(2026, 12, 1)


def rates(figures: str, *, above: int = 0) -> Rates:
    """Five figures, `input output write_5m write_1h read`, as the rates of one tier."""
    price, output, write, write_1h, read = (Decimal(figure) for figure in figures.split())
    return Rates(
        input=price, output=output, cache_write=write, cache_write_1h=write_1h, cache_read=read, above=above
    )


def _row(
    name: str, figures: str, *, source: str = _BOTH, start: date | None = None, end: date | None = None
) -> PriceRecord:
    return PriceRecord(
        model=name, tiers=(rates(figures),), source=source, snapshot=SNAPSHOT, valid_from=start, valid_to=end
    )


def _tiered(name: str, figures: str, threshold: int, over: str) -> PriceRecord:
    tiers = (rates(figures), rates(over, above=threshold))
    return PriceRecord(model=name, tiers=tiers, source=_BOTH, snapshot=SNAPSHOT)


def _gemini(
    name: str, figures: str, *, source: str = _BOTH, start: date | None = None, end: date | None = None
) -> PriceRecord:
    price, output, read = figures.split()
    return _row(name, f"{price} {output} {price} {price} {read}", source=source, start=start, end=end)


def _claude_rows() -> tuple[PriceRecord, ...]:
    return (
        _tiered("claude-haiku-5-5", "0.10 0.50 0.125 0.20 0.01", 100_000, "0.50 2.50 0.625 1.00 0.05"),
        _row("claude-haiku-4-5", "1 5 1.25 2 0.10"),
        _row("claude-sonnet-5-5", "2 10 2.5 4 0.20", source=_NOTES, end=date(2026, 10, 6)),
        _row("claude-sonnet-5-5", "2 10 2.5 4 0.10", start=date(2026, 10, 7)),
        _row("claude-sonnet-5", "2 10 2.5 4 0.20"),
        _row("claude-sonnet-4-6", "3 15 3.75 6 0.30"),
        _tiered("claude-sonnet-4-5", "3 15 3.75 6 0.30", 200_000, "6 22.5 7.5 12 0.60"),
        _row("claude-opus-5-5", "4 20 5 8 0.20"),
        *(_row(f"claude-opus-{version}", "5 25 6.25 10 0.50") for version in ("5", "4-8", "4-7", "4-6", "4-5")),
        _row("claude-fable-5-2", "8 40 10 16 0.20", source=_GENAI),
        _row("claude-mythos-5-2", "8 40 10 16 0.20", source=_GENAI),
        _row("claude-fable-5-1", "10 50 12.5 20 0.25"),
        _row("claude-mythos-5-1", "10 50 12.5 20 0.25", source=_LITELLM),
        _row("claude-fable-5", "10 50 12.5 20 1.00"),
        _row("claude-mythos-5", "10 50 12.5 20 1.00", source=_LITELLM),
    )


def _gemini_rows() -> tuple[PriceRecord, ...]:
    dated = []
    for version in ("3.6", "3.7", "3.8"):
        name = f"gemini-{version}-flash"
        dated += [
            _gemini(name, "0.75 3.75 0.075", end=date(2026, 12, 31)),
            _gemini(name, "1.50 7.50 0.15", source=_GENAI, start=_NEW_YEAR),
        ]
    return (
        _gemini("gemini-2.5-flash-lite", "0.10 0.40 0.01"),
        _gemini("gemini-3.1-flash-lite", "0.25 1.50 0.025"),
        _gemini("gemini-3.5-flash-lite", "0.30 2.50 0.03"),
        _gemini("gemini-2.5-flash", "0.30 2.50 0.03"),
        _gemini("gemini-3-flash-preview", "0.50 3 0.05"),
        *dated,
        _gemini("gemini-3.5-flash", "1.50 9 0.15"),
        _tiered("gemini-2.5-pro", "1.25 10 1.25 1.25 0.125", 200_000, "2.50 15 2.50 2.50 0.25"),
        _tiered("gemini-3.1-pro-preview", "2 12 2 2 0.20", 200_000, "4 18 4 4 0.40"),
        _gemini("gemini-4-argon", "2 10 0.10", end=date(2026, 11, 30)),
        _gemini("gemini-4-argon", "4 20 0.20", source=_GENAI, start=_DECEMBER),
    )


@cache
def rows() -> Mapping[PriceFamily, tuple[PriceRecord, ...]]:
    """All records by the price family of a provider's kind."""
    return {"claude": _claude_rows(), "gemini": _gemini_rows()}


def periods(family: PriceFamily, name: str) -> tuple[PriceRecord, ...]:
    """The records of one id in order of time; empty when the table does not have it."""
    return tuple(row for row in rows().get(family, ()) if row.model == name)
