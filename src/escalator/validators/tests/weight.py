"""How much a run of the tests proves: what was compared out of the answer's reach, and whether all of it ran."""

from __future__ import annotations

from collections.abc import Collection

from escalator.validators.tests.blind import Blinded
from escalator.validators.tests.session import Session


def proven(session: Session, twin: Session | None, passed_before: Collection[str]) -> tuple[float, int, int]:
    """How much of the tests that the answer made pass was compared out of its reach; how many of them were so as a
    whole, and of how many.
    """
    passing = [test for test in session.report.with_result("passed", "xpassed") if test not in session.sentinels]
    new = [test for test in passing if test not in passed_before] or passing
    failing = twin.report.with_result("failed") if twin is not None and twin.sound else ()
    doubted = {test.partition("[")[0] for test in failing}
    shares = session.compared.blind
    found = [1.0 if test.partition("[")[0] in doubted else shares.get(test, 0.0) for test in new]
    return sum(found), found.count(1.0), len(new)


def lost_rows(session: Session, base: Session | None, form: Blinded) -> tuple[str, ...]:
    """The functions that have a test for every row of their parameters, as far as is known, and had none here."""
    lost = () if session.compared.unusable else form.lost(session.compared.sent.values())
    before = form.lost(base.compared.sent.values()) if base is not None else ()
    return tuple(test for test in lost if test not in before)
