"""What the values that a blinded test sent mean: compared here, where no code of the answer runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from escalator.validators.tests.blind import Blinded, Check
from escalator.validators.tests.evaluation import holds
from escalator.validators.tests.report import Report, Result
from escalator.validators.values import EncodingError, parse, show, value_of

_FORGED = "It did not come by its own assertions. Code under test must leave the tests alone."
_UNEXPECTED = ("[XPASS(strict)]", "Unexpected success")
_CLIPPED = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A report with the comparisons in it, under the ids pytest would give. `sent` maps these to the ids that ran;
    `blind` are the tests that passed by values compared here, with the share of what they assert that these are
    all there is to, `undecided` those that must be run as they are
    written: they sent objects of their own, were expected to fail, or did something else with what is hidden.
    `unusable`: that was done before any test ran, so that all of them must be.
    """

    report: Report
    sent: Mapping[str, str]
    blind: Mapping[str, float]
    undecided: frozenset[str]
    unusable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """What one check came to, and the literals it named, those among them that tests get as parameters."""

    number: int
    outcome: Literal["held", "wrong", "opaque", "forged"]
    hidden: frozenset[int] = frozenset()
    given: frozenset[int] = frozenset()
    detail: Mapping[str, Any] | None = None


def compared(report: Report, form: Blinded) -> Compared:
    """Decide every test by what it sent."""
    names = _names(tuple(report.results), form)
    results: dict[str, Result] = {}
    details = {names.get(test, test): detail for test, detail in report.details.items()}
    blind, undecided = dict[str, float](), set()
    for test, result in report.results.items():
        said = [_judged(number, values, form) for number, values in report.checks.get(test, ())]
        name, wrong = names[test], next((each for each in said if each.outcome == "wrong"), None)
        results[name] = result
        unnamed = any(each.given for each in said) and not form.given(test)
        if (
            test in report.used
            or unnamed
            or (wrong is not None and _was_to_fail(result, report.details.get(test, {})))
        ):
            undecided.add(name)
        elif wrong is not None and result not in {"skipped", "xfailed"}:
            results[name], details[name] = "failed", wrong.detail or {}
        elif result == "passed" and _forged(test, said, report, form):
            results[name], details[name] = "failed", {"when": "call", "text": _FORGED}
        elif result == "passed" and any(each.outcome == "opaque" for each in said):
            undecided.add(name)
        elif result == "passed" and said:
            blind[name] = form.shares.get(test.partition("[")[0], 0.0)
    whole = replace(
        report,
        collected=tuple(names.get(test, test) for test in report.collected),
        results=results,
        details=details,
    )
    sent = {name: test for test, name in names.items()}
    return Compared(
        report=whole,
        sent=sent,
        blind=blind,
        undecided=frozenset(undecided),
        unusable="" in report.used,
    )


def _was_to_fail(result: Result, detail: Mapping[str, Any]) -> bool:
    """Whether a test that came to its end was one that is expected not to."""
    return result == "xpassed" or (result == "failed" and str(detail.get("text", "")).startswith(_UNEXPECTED))


def _names(tests: tuple[str, ...], form: Blinded) -> dict[str, str]:
    """The ids pytest would give; where two would be the same it numbers them."""
    plain = {test: form.named(test) for test in tests}
    times = Counter(plain.values()) if form.hidden else Counter[str]()
    often = {name for name, number in times.items() if number > 1}
    numbers: dict[str, int] = {}
    for test, name in plain.items():
        if name in often:
            number = numbers[name] = numbers.get(name, -1) + 1
            mark = "_" if name[-2:-1].isdigit() else ""
            plain[test] = f"{name[:-1]}{mark}{number}]"
    return plain


def _forged(test: str, said: list[_Said], report: Report, form: Blinded) -> bool:
    """Whether a test that passed did not do what its text does."""
    base = test.partition("[")[0]
    made = {number for number, _ in report.checks.get(test, ())}
    rows = {(each.number, hidden) for each in said for hidden in each.hidden}
    foreign = frozenset().union(*(each.given for each in said)) - form.given(test)
    owing = form.owed.get(base, frozenset()) - made
    leaving = form.tables.get(base, frozenset()) - rows
    return bool(owing or leaving or foreign) or any(each.outcome == "forged" for each in said)


def _judged(number: int, sent: list[Any], form: Blinded) -> _Said:
    try:
        return _judge(number, sent, form)
    except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError):
        return _Said(number=number, outcome="forged")


def _judge(number: int, sent: list[Any], form: Blinded) -> _Said:
    check = form.checks.get(number)
    forged = _Said(number=number, outcome="forged")
    if check is None or len(sent) != check.operands:
        return forged
    values: dict[str, Any] = dict(check.literals)
    hidden, opaque, unlike = set(), False, False
    for at, (kind, data) in enumerate(sent):
        if kind == "hidden" and data not in check.secret.get(at, ()):
            return forged
        unlike = unlike or (kind != "hidden" and at in check.secret)
        if kind == "hidden":
            hidden.add(data)
            values[f"a{at}"] = form.hidden[data].value
            continue
        try:
            tree = parse(data)
        except EncodingError:
            return _Said(number=number, outcome="forged")
        try:
            values[f"a{at}"] = value_of(tree)
        except EncodingError:
            opaque = True
            values[f"a{at}"] = _Other(show(tree))
        except TypeError:  # what no set and no dict could hold
            return _Said(number=number, outcome="forged")
    given = frozenset(each for each in hidden if form.hidden[each].given)
    said = _Said(number=number, outcome="opaque", hidden=frozenset(hidden), given=given)
    return said if unlike or (opaque and " is " not in check.template) else _held(check, values, said)


def _held(check: Check, values: Mapping[str, Any], said: _Said) -> _Said:
    try:
        held, why = holds(check.code, values), ""
    except Exception as error:  # noqa: BLE001  a comparison of any two values may raise anything
        held, why = False, f"{type(error).__name__}: {error}"
    if held:
        return replace(said, outcome="held")
    told = re.sub(r"\b[ae]\d+\b", lambda name: _shown(values[name[0]]), check.template)
    message = why or f"assert {told}"
    text = f"{check.file}:{check.line}: in the test\n    {check.shown}\nE   {message}"
    detail = {
        "when": "call",
        "text": text,
        "message": message,
        "error": {"type": "AssertionError", "message": message},
    }
    return replace(said, outcome="wrong", detail=detail)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # a number of more digits than Python writes out
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _CLIPPED else f"{text[: _CLIPPED // 2]}...{text[-_CLIPPED // 2 :]}"


class _Other:
    """Stands for a value with an object in it."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def __repr__(self) -> str:
        return self.shown
