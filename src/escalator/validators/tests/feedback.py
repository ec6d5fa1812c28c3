"""What the model is told of failing tests, in 400 tokens or so: the first failure in full, the others by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from escalator.sandbox.output import clean
from escalator.validators.tests.session import Session

MOST = 1600
_FOLDERS = re.compile(r"(?:\.\./|/)[\w./-]*?/(?:workspace|root)/")


def on_failure(session: Session, wrong: Sequence[str], *, passed_before: frozenset[str] = frozenset()) -> str:
    """Tell of tests that did not pass; `wrong` in the order they were run."""
    first, others = wrong[0], wrong[1:]
    detail = session.report.details.get(first, {})
    lines = [f"{len(wrong)} of {len(session.tests)} tests did not pass. First: {first}"]
    if first in passed_before:
        lines[0] += " (it passed before your change)"
    lines.append(_story(session, first, detail))
    output = tidy(str(detail.get("output", "")), 300)
    if output:
        lines.append(f"It printed:\n{output}")
    if others:
        lines.append(listed(others, passed_before))
    return "\n".join(line for line in lines if line)


def on_import(session: Session, test: str) -> str:
    """Tell of a test module that could not be imported with the answer in place."""
    error = session.report.imports.get(test, {})
    said = f": {error['type']}: {tidy(error['message'], 300)}" if error else "."
    shown = tidy(session.report.collect[test].text, 1000)
    return f"The tests in {test} cannot be imported with your change{said}\n{shown}".strip()


def on_death(session: Session) -> str:
    """Tell of a run that did not end as an honest one does."""
    report, status = session.report, session.result.exit_status
    tail = tidy(session.result.stderr or session.result.stdout, 600)
    if report.status in {3, 4}:
        return f"pytest cannot run the tests with your change:\n{tail}"
    if report.status is not None:
        return "The tests' results do not add up. Code under test must not interfere with the test runner."
    begun = report.with_result("unfinished")
    at = f"while it ran {begun[0]}" if report.collected and begun else "while your code was being imported"
    return (
        f"The process that ran the tests ended {at}, with status {status}. "
        f"Code under test must not end the process.\n{tail}"
    ).strip()


def on_hang(session: Session, timeout: float) -> str:
    """Tell of a run that the clock ended."""
    begun = session.report.with_result("unfinished")
    at = f" It hung in {begun[0]}." if begun else " It hung while your code was being imported."
    return f"The tests took longer than {timeout:g} s: an endless loop, or far too slow?{at}"


def equal_to_everything(test: str) -> str:
    """What to tell the model where a test passes whatever it expects."""
    return (
        f"{test} passes whatever value it expects. What it gets must be a plain value of the right type, "
        "and code under test must not change how values are compared."
    )


def tidy(text: str, most: int = MOST) -> str:
    """Make program output short and harmless, with paths as the project knows them; the end is kept longest."""
    plain = _FOLDERS.sub("", clean(text.encode("utf-8", "replace"))).strip()
    if len(plain) <= most:
        return plain
    return f"{plain[: most // 3].rstrip()}\n...\n{plain[-(2 * most) // 3 :].lstrip()}"


def _story(session: Session, test: str, detail: Mapping[str, object]) -> str:
    result = session.report.results.get(test, "unfinished")
    if result in {"skipped", "xfailed"}:
        shown = tidy(str(detail.get("text", "")), 300)
        return f"It was {result} from inside the code under test; a test must run and pass. {shown}"
    if not detail:
        return "It was begun and never ended."
    when = {"setup": "While it was set up: ", "teardown": "While it was torn down: "}.get(
        str(detail.get("when")), ""
    )
    return when + tidy(str(detail.get("text", "")) or str(detail.get("message", "")), 1000)


def listed(others: Sequence[str], passed_before: frozenset[str]) -> str:
    """The names of more tests, a few of them in full."""
    named = [test + (" (passed before)" if test in passed_before else "") for test in others[:5]]
    more = f" and {len(others) - 5} more" if len(others) > 5 else ""
    return tidy(f"Also: {', '.join(named)}{more}.", 400)
