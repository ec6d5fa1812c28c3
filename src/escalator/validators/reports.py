"""Reads what test runners write: JUnit XML, TAP, and the JSON lines of `go test -json`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Format: TypeAlias = Literal["junit", "tap", "go-json"]
Result: TypeAlias = Literal["passed", "failed", "skipped"]

_TAP_LINE = re.compile(r"^(not )?ok\b(?:\s+(\d+))?(?:\s*-?\s*(.*))?$")
_TAP_PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#.*)?$")
_DIRECTIVE = re.compile(r"\s*(?<!\\)#\s*(skip|todo)\b", re.IGNORECASE)
_SHOWN = 2000


class ReportError(Exception):
    """The report cannot be read; the message is one sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Each test with its result, and the text of the first failure. `problems` are faults of the report as a
    whole: a plan that was not kept, a package that did not build.
    """

    tests: dict[str, Result] = field(default_factory=dict)
    first_failure: str = ""
    problems: tuple[str, ...] = ()

    def count(self, result: Result) -> int:
        """How many tests ended so."""
        return sum(each == result for each in self.tests.values())


def read_report(form: Format, text: str) -> Report:
    """Read a report of the given form. Raises `ReportError` for one that is empty or malformed."""
    if not text.strip():
        raise ReportError("The report is empty.")
    return _READERS[form](text)


def read_junit(text: str) -> Report:
    """Read JUnit XML as pytest, jest, Surefire and many others write it."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ReportError("The JUnit report declares entities, which no test runner does.")
    from xml.etree import ElementTree as ET

    try:
        root = ET.fromstring(text)  # noqa: S314  entities are refused above
    except ET.ParseError as error:
        raise ReportError(f"The JUnit report is not XML: {error}.") from error
    tests: dict[str, Result] = {}
    first = ""
    for case in root.iter("testcase"):
        name = _unused("::".join(part for part in (case.get("classname"), case.get("name")) if part), tests)
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        tests[name] = (
            "failed" if wrong is not None else "skipped" if case.find("skipped") is not None else "passed"
        )
        if wrong is not None and not first:
            first = _clip(f"{name}\n{wrong.get('message') or ''}\n{wrong.text or ''}")
    return Report(tests=tests, first_failure=first, problems=_suite_problems(root, tests))


def _suite_problems(root: Any, tests: dict[str, Result]) -> tuple[str, ...]:
    """Failures that the suites count but no test case shows."""
    shown = sum(result == "failed" for result in tests.values())
    suites = [root] if root.tag == "testsuite" else list(root.iter("testsuite"))
    leaves = [suite for suite in suites if suite.find("testsuite") is None]
    counted = sum(_number(suite.get("failures")) + _number(suite.get("errors")) for suite in leaves)
    return (f"the suites count {counted} failures, their cases show {shown}",) if counted > shown else ()


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else 0


def read_tap(text: str) -> Report:
    """Read the Test Anything Protocol; indented lines (subtests, diagnostics) belong to the line before."""
    tests: dict[str, Result] = {}
    problems: list[str] = []
    planned: int | None = None
    failure: list[str] | None = None
    for line in text.splitlines():
        if plan := _TAP_PLAN.match(line):
            planned = int(plan[1][:9])
        elif line.startswith("Bail out!"):
            problems.append(line.strip())
        elif point := _TAP_LINE.match(line):
            name, result = _tap_point(point, tests)
            tests[name] = result
            failure = [line] if result == "failed" and failure is None else _closed(failure)
        elif failure is not None and failure[-1:] != [""]:
            failure.append(line)
    if planned is None and not problems:
        problems.append("the TAP output has no plan line such as 1..3")
    elif planned is not None and planned != len(tests):
        problems.append(f"{planned} tests were planned, {len(tests)} were reported")
    return Report(tests=tests, first_failure=_clip("\n".join(failure or ())), problems=tuple(problems))


def _closed(failure: list[str] | None) -> list[str] | None:
    return failure if failure is None or failure[-1:] == [""] else [*failure, ""]


def _tap_point(point: re.Match[str], seen: dict[str, Result]) -> tuple[str, Result]:
    rest = point[3] or ""
    directive = _DIRECTIVE.search(rest)
    name = (rest[: directive.start()] if directive else rest).strip() or f"test {point[2] or len(seen) + 1}"
    if directive:
        return _unused(name, seen), "skipped"
    return _unused(name, seen), "failed" if point[1] else "passed"


def read_go(text: str) -> Report:
    """Read `go test -json`; a package that fails without a failing test (it did not build) is a problem."""
    tests: dict[str, Result] = {}
    output: dict[str, list[str]] = {}
    failed_packages: list[str] = []
    for event in _go_events(text):
        package = str(event.get("Package") or event.get("ImportPath") or "")
        test = event.get("Test")
        name = f"{package}::{test}" if test else package
        action = event.get("Action")
        if action in {"output", "build-output"}:
            output.setdefault(name, []).append(str(event.get("Output", "")))
        elif test and action in {"pass", "fail", "skip"}:
            tests[name] = {"pass": "passed", "fail": "failed", "skip": "skipped"}[action]  # type: ignore[assignment]
        elif action in {"fail", "build-fail"}:
            failed_packages.append(package)
    failing = [name for name, result in tests.items() if result == "failed"]
    deepest = max(failing, key=lambda name: name.count("/"), default="")
    alone = [
        package for package in failed_packages if not any(name.startswith(package + "::") for name in failing)
    ]
    told = deepest or (alone[0] if alone else "")
    return Report(
        tests=tests,
        first_failure=_clip(f"{told}\n{''.join(output.get(told, ()))}") if told else "",
        problems=tuple(f"package {package} failed without a failing test" for package in dict.fromkeys(alone)),
    )


def _go_events(text: str) -> list[dict[str, object]]:
    events = []
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and "Action" in event:
            events.append(event)
    if not events:
        raise ReportError("The output holds no event of `go test -json`.")
    return events


def _unused(name: str, seen: dict[str, Result]) -> str:
    name = name or "unnamed"
    if name not in seen:
        return name
    number = 2
    while f"{name} ({number})" in seen:
        number += 1
    return f"{name} ({number})"


def _clip(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _SHOWN else text[: _SHOWN // 2] + "\n...\n" + text[-_SHOWN // 2 :]


_READERS: dict[Format, Callable[[str], Report]] = {"junit": read_junit, "tap": read_tap, "go-json": read_go}
