"""Which price holds for a model on a day, and for the model that answered in its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from escalator.kinds import ProviderKind, kind_of
from escalator.pricing import maintained, table
from escalator.pricing.factors import with_options
from escalator.pricing.record import PriceRecord, Rates
from escalator.records import Model, Price

_DATED = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|\d{3}|latest|default|preview(?:-[\w-]+)?)$")
_STAMP = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|\d{3}|latest|default)$")


class PriceBook:
    """Looks prices up: the matrix first, then genai-prices, then our own table for what that one lacks.

    Local and simulated models have the price the matrix states and no other. None means nobody knows the price:
    the cost guard refuses such a call.
    """

    def price_of(self, model: Model, *, at: datetime | date, answered_by: str = "") -> PriceRecord | None:
        """The record that holds for `model` on the day of `at` (a datetime counts by its UTC day).

        With `answered_by`, the price of the model that answered: its own where it is known, the asked one's
        where the id is only a dated form of it, else the highest rates known for the provider, `estimated`.
        """
        day = _day(at)
        asked, kind = _plain(model.id), kind_of(model.kind)
        stated = _stated(model)
        if model.local or model.simulated:
            return stated
        listed = None if stated is not None else self._listed(kind, asked, day)
        answered = _plain(answered_by)
        if not answered:
            return stated or with_options(self._before_the_call(model, listed, day), model)
        if _same_model(asked, answered):
            return stated or with_options(listed, model)
        other = self._listed(kind, answered, day) or _dearest(kind, answered, stated or listed, day)
        return with_options(other, model)

    def knows(self, model: Model, *, at: datetime | date) -> bool:
        """Whether `price_of` has an answer, found without loading more prices than it takes."""
        if model.local or model.simulated or model.price is not None:
            return model.price is not None
        return (
            self._own(kind_of(model.kind), _plain(model.id), _day(at)) is not None
            or self.price_of(model, at=at) is not None
        )

    def _before_the_call(self, model: Model, own: PriceRecord | None, day: date) -> PriceRecord | None:
        """The asked model's record, raised where another model is going to answer and charges more."""
        since, successor = table.REPLACED.get(_plain(model.id), (date.max, ""))
        if own is None or day < since:
            return own
        heir = self._listed(kind_of(model.kind), successor, day)
        return own if heir is None else replace(own, tiers=_highest((own, heir), tiered=True), valid_from=since)

    def _listed(self, kind: ProviderKind, name: str, day: date) -> PriceRecord | None:
        quoted = maintained.quote(kind.price_id, name, day)
        ours = self._own(kind, name, day)
        if ours is None or quoted is None:
            return quoted or ours
        return ours if _missed_a_change(quoted, ours, _periods(kind, name)) else quoted

    def _own(self, kind: ProviderKind, name: str, day: date) -> PriceRecord | None:
        return next((row for row in _periods(kind, name) if row.covers(day)), None)


def _periods(kind: ProviderKind, name: str) -> Sequence[PriceRecord]:
    """What our own table has of a model, whatever the day."""
    family = kind.price_family
    return table.periods(family, name) or table.periods(family, _STAMP.sub("", name))


def _missed_a_change(quoted: PriceRecord, ours: PriceRecord, periods: Iterable[PriceRecord]) -> bool:
    """Whether the quotation is what we know to hold on other days than this one."""
    return quoted.tiers != ours.tiers and any(quoted.tiers == row.tiers for row in periods if row is not ours)


def _stated(model: Model) -> PriceRecord | None:
    if model.price is None:
        return None
    return PriceRecord(model=model.id, tiers=(_from_matrix(model.price),), source="the matrix")


def _from_matrix(price: Price) -> Rates:
    return Rates(
        input=price.input,
        output=price.output,
        cache_read=price.input if price.cache_read is None else price.cache_read,
        cache_write=price.input if price.cache_write is None else price.cache_write,
        cache_write_1h=price.input if price.cache_write_1h is None else price.cache_write_1h,
    )


def _dearest(kind: ProviderKind, answered: str, own: PriceRecord | None, day: date) -> PriceRecord | None:
    """The highest rates of the provider under the name of a model that no table has."""
    known = [row for row in table.rows().get(kind.price_family, ()) if row.covers(day)]
    if own is not None:
        known.append(own)
    if not known:
        return None
    source = "the highest rates known for the provider"
    tiers = _highest(known, tiered=False)
    return PriceRecord(model=answered, tiers=tiers, source=source, snapshot=table.SNAPSHOT, estimated=True)


def _highest(records: Iterable[PriceRecord], *, tiered: bool) -> tuple[Rates, ...]:
    """Rates that no record exceeds: per threshold, or at every prompt length alike."""
    records = tuple(records)
    everything = tuple(tier for record in records for tier in record.tiers)
    if not tiered:
        return (_maximum(everything, above=0),)
    thresholds = sorted({tier.above for tier in everything})
    return tuple(
        _maximum([record.rates(above + 1 if above else 0) for record in records], above=above)
        for above in thresholds
    )


def _maximum(tiers: Iterable[Rates], *, above: int) -> Rates:
    tiers = tuple(tiers)
    return Rates(
        input=max(tier.input for tier in tiers),
        output=max(tier.output for tier in tiers),
        cache_read=max(tier.cache_read for tier in tiers),
        cache_write=max(tier.cache_write for tier in tiers),
        cache_write_1h=max(tier.cache_write_1h for tier in tiers),
        above=above,
    )


def _same_model(asked: str, answered: str) -> bool:
    """Whether one id is the other, or the other with a date or a snapshot number behind it."""
    short, long = sorted((asked, answered), key=len)
    return long.startswith(short) and (long == short or _DATED.fullmatch(long[len(short) :]) is not None)


def _plain(model_id: str) -> str:
    return model_id.strip().removeprefix("models/").lower()


def _day(at: datetime | date) -> date:
    if not isinstance(at, datetime):
        return at
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).date()
