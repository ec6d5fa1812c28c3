"""Which price holds for a model on a day, and for the model that answered in its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from escalator.kinds import PriceFamily, ProviderKind, kind_of
from escalator.pricing import maintained, table
from escalator.pricing.factors import with_options
from escalator.pricing.record import PriceRecord, Rates
from escalator.records import Model, Price
from escalator.sellers import Listing, plain_id, sold_as

_DATED = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|\d{3}|latest|default|preview(?:-[\w-]+)?)$")
_STAMP = re.compile(r"[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|\d{3}|latest|default)$")


class PriceBook:
    """Looks prices up: the matrix first, then genai-prices, then our own table for what that one lacks.

    At a gateway the id decides whose list holds. Local and simulated models have the price the matrix states and
    no other. None means nobody knows the price: the cost guard refuses such a call.
    """

    def price_of(self, model: Model, *, at: datetime | date, answered_by: str = "") -> PriceRecord | None:
        """The record that holds for `model` on the day of `at` (a datetime counts by its UTC day).

        With `answered_by`, the price of the model that answered: its own where it is known, though never below
        one that the matrix states; the asked one's where the id is another spelling of it; and where nobody
        knows it, what the call was held for, `estimated`.
        """
        day, kind, stated = _day(at), kind_of(model.kind), _stated(model)
        if model.local or model.simulated:
            return stated
        listed = None if stated is not None else self._listed(kind, model.id, day)
        held = stated or with_options(self._before_the_call(model, listed, day), model)
        answered = plain_id(answered_by)
        if not answered:
            return held
        if _same_model(plain_id(model.id), answered):
            return stated or with_options(listed, model)
        other = with_options(self._listed(kind, answered_by, day), model)
        if other is None:
            return None if held is None else replace(held, model=answered, estimated=True)
        return other if stated is None else dearest((other, stated))

    def price_within(self, model: Model, *, since: date, until: date, answered_by: str = "") -> PriceRecord | None:
        """The record that no day from `since` to `until` is dearer than; None where one of them has no price."""
        first = self.price_of(model, at=since, answered_by=answered_by)
        if since == until:
            return first
        last = self.price_of(model, at=until, answered_by=answered_by)
        return dearest((first, last)) if first is not None and last is not None else None

    def knows(self, model: Model, *, at: datetime | date) -> bool:
        """Whether `price_of` has an answer, found without loading more prices than it takes."""
        if model.local or model.simulated or model.price is not None:
            return model.price is not None
        return (
            self._own(kind_of(model.kind).price_family, plain_id(model.id), _day(at)) is not None
            or self.price_of(model, at=at) is not None
        )

    def _before_the_call(self, model: Model, own: PriceRecord | None, day: date) -> PriceRecord | None:
        """The asked model's record, raised where another model is going to answer and charges more."""
        since, successor = table.REPLACED.get(plain_id(model.id), (date.max, ""))
        if own is None or day < since:
            return own
        heir = self._listed(kind_of(model.kind), successor, day)
        return own if heir is None else replace(dearest((own, heir)), valid_from=since)

    def _listed(self, kind: ProviderKind, model_id: str, day: date) -> PriceRecord | None:
        """What lists say of an id; at a gateway the dearest of the lists that have it."""
        if not kind.gateway:
            return self._from(Listing(kind.price_id, plain_id(model_id), kind.price_family), day)
        sold = sold_as(model_id)
        found = [self._from(listing, day) for listing in sold.listings] if sold is not None else []
        known = [record for record in found if record is not None]
        return dearest(known) if known else None

    def _from(self, listing: Listing, day: date) -> PriceRecord | None:
        quoted = maintained.quote(listing.price_id, listing.name, day)
        ours = self._own(listing.family, listing.name, day)
        if ours is None or quoted is None:
            return quoted or ours
        return ours if _missed_a_change(quoted, ours, _periods(listing.family, listing.name)) else quoted

    def _own(self, family: PriceFamily, name: str, day: date) -> PriceRecord | None:
        return next((row for row in _periods(family, name) if row.covers(day)), None)


def _periods(family: PriceFamily, name: str) -> Sequence[PriceRecord]:
    """What our own table has of a model, whatever the day."""
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


def dearest(records: Sequence[PriceRecord]) -> PriceRecord:
    """The first record with rates that none of the records exceeds at any prompt length."""
    if len(records) == 1:
        return records[0]
    thresholds = sorted({tier.above for record in records for tier in record.tiers})
    tiers = tuple(
        _maximum([record.rates(above + 1 if above else 0) for record in records], above=above)
        for above in thresholds
    )
    return replace(records[0], tiers=tiers)


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


def _day(at: datetime | date) -> date:
    if not isinstance(at, datetime):
        return at
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).date()
