"""Which budgets a call counts to, and how a refusal reads."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from escalator.execution.budgets import refusal, scopes, usd
from escalator.ledger import Refused, Scope, to_nano, to_usd
from escalator.matrix.schema import BudgetSection, PeriodBudgets
from making import brief

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


def found(budgets: BudgetSection, *, now: float = NOON, team: str = "", **more: object) -> dict[str, int | None]:
    made = scopes(budgets, brief(**more), task_type="critical", team=team, now=now)
    return {scope.name: scope.limit for scope in made}


def test_every_call_counts_to_its_task_day_week_and_month() -> None:
    """Without limits the sums are still kept, so that a limit written later knows what was spent."""
    names = found(BudgetSection())
    assert names == {"task:t1": None, "day:2026-11-21": None, "week:2026-W47": None, "month:2026-11": None}


def test_the_tightest_limit_of_a_task_holds() -> None:
    """The caller's budget, the matrix's, the type's and a tag's: the lowest one binds."""
    budgets = BudgetSection(
        task=Decimal(1),
        task_type={"critical": PeriodBudgets(task=Decimal("0.5"))},
        tag={"nightly": PeriodBudgets(task=Decimal("0.2"))},
    )
    assert found(budgets)["task:t1"] == to_nano(Decimal("0.5"))
    assert found(budgets, tags=("nightly",))["task:t1"] == to_nano(Decimal("0.2"))
    assert found(budgets, budget=Decimal("0.1"))["task:t1"] == to_nano(Decimal("0.1"))


def test_parts_are_counted_where_a_limit_is_written() -> None:
    """Budgets of a type, a team and a tag are scopes of their own, only for calls they fit."""
    budgets = BudgetSection(
        task_type={"critical": PeriodBudgets(day=Decimal(5)), "quick_edit": PeriodBudgets(day=Decimal(1))},
        team=PeriodBudgets(month=Decimal(40)),
        tag={"nightly": PeriodBudgets(week=Decimal(3))},
    )
    names = found(budgets, team="platform", tags=("nightly", "other"))
    extra = {name for name in names if ":" in name and not name.startswith(("task:", "day:", "week:", "month:"))}
    assert extra == {"type:critical:day:2026-11-21", "team:platform:month:2026-11", "tag:nightly:week:2026-W47"}


@pytest.mark.parametrize(
    ("moment", "day", "week"),
    [
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "day:2026-12-31", "week:2026-W53"),
        (datetime(2027, 1, 1, 0, 1, tzinfo=UTC), "day:2027-01-01", "week:2026-W53"),
    ],
)
def test_days_and_weeks_turn_at_midnight_utc(moment: datetime, day: str, week: str) -> None:
    """A week belongs to the year most of it lies in, as ISO 8601 counts."""
    assert {day, week} <= set(found(BudgetSection(), now=moment.timestamp()))


def test_a_refusal_names_what_is_needed_what_is_left_and_what_to_do() -> None:
    """The person who reads it knows which limit to raise, and that the task goes on then."""
    refused = Refused(scope="day:2026-11-21", limit=10**9, spent=9 * 10**8, held=5 * 10**7, amount=2 * 10**8)
    text = refusal(refused, "opus")
    assert "opus could cost up to $0.2000" in text
    assert "only $0.0500 is left" in text
    assert "resume" in text


@pytest.mark.parametrize(
    ("amount", "shown"), [("0", "$0.00"), ("12.5", "$12.50"), ("0.0125", "$0.0125"), ("0.000025", "$0.000025")]
)
def test_small_sums_keep_their_digits(amount: str, shown: str) -> None:
    """A price of a fraction of a cent is not shown as nothing."""
    assert usd(Decimal(amount)) == shown


def test_nano_dollars_round_up_and_come_back_exactly() -> None:
    """The books never understate a charge, and whole nano-dollars survive the round trip."""
    assert to_nano(Decimal("0.0000000001")) == 1
    assert to_usd(to_nano(Decimal("1.234567891"))) == Decimal("1.234567891")
    assert Scope(name="x", limit=0).limit == 0
