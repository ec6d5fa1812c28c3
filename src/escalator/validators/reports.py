"""Reads what test runners write: JUnit XML, TAP, the JSON of jest and vitest, `go test -json`, cargo's libtest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Format: TypeAlias = Literal["junit", "tap", "go-json", "jest-json", "libtest"]
Result: TypeAlias = Literal["passed", "failed", "skipped"]

_TAP_LINE = re.compile(r"^(not )?ok\b(?:\s+(\d+))?(?:\s*-?\s*(.*))?$")
_TAP_PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#.*)?$")
_DIRECTIVE = re.compile(r"\s*(?<!\\)#\s*(skip|todo)\b", re.IGNORECASE)
_CARGO_FILE = re.compile(r"^\s+Running (?:unittests )?(\S+) \(.*\)$|^\s+(Doc-tests \S+)$")
_CARGO_COUNT = re.compile(r"^running (\d{1,9}) tests?$")
_CARGO_TEST = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)(?:, .*)?$")
_CARGO_OUTPUT = re.compile(r"^---- (.+) stdout ----$")
_SHOWN = 2000


class ReportError(Exception):
    """The report cannot be read; the message is one sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Each test with its result, and what is said of those that failed, the most telling first. `problems` are
    faults of the report as a whole: a plan that was not kept, a package that did not build.
    """

    tests: dict[str, Result] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def first_failure(self) -> str:
        """The text of the first failure, its name before it; empty where nothing failed."""
        return next(iter(self.messages.values()), "")

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
    messages: dict[str, str] = {}
    for case in root.iter("testcase"):
        name = _unused("::".join(part for part in (case.get("classname"), case.get("name")) if part), tests)
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        tests[name] = (
            "failed" if wrong is not None else "skipped" if case.find("skipped") is not None else "passed"
        )
        if wrong is not None:
            messages[name] = _clip(f"{name}\n{wrong.get('message') or ''}\n{wrong.text or ''}")
    return Report(tests=tests, messages=messages, problems=_suite_problems(root, tests))


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
    failures: dict[str, list[str]] = {}
    said: list[str] = []
    for line in text.splitlines():
        if plan := _TAP_PLAN.match(line):
            planned = int(plan[1][:9])
        elif line.startswith("Bail out!"):
            problems.append(line.strip())
        elif point := _TAP_LINE.match(line):
            name, result = _tap_point(point, tests)
            tests[name] = result
            said = [line]
            if result == "failed":
                failures[name] = said
        else:
            said.append(line)
    if planned is None and not problems:
        problems.append("the TAP output has no plan line such as 1..3")
    elif planned is not None and planned != len(tests):
        problems.append(f"{planned} tests were planned, {len(tests)} were reported")
    messages = {name: _clip("\n".join(lines)) for name, lines in failures.items()}
    return Report(tests=tests, messages=messages, problems=tuple(problems))


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
    failing.sort(key=lambda name: -name.count("/"))
    alone = [
        package for package in failed_packages if not any(name.startswith(package + "::") for name in failing)
    ]
    return Report(
        tests=tests,
        messages={name: _clip(f"{name}\n{''.join(output.get(name, ()))}") for name in (*failing, *alone)},
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


def read_jest(text: str) -> Report:
    """Read what `jest --json` and the json reporter of vitest write. A file that could not be run is a failed test
    of the file's name.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"The report is not the one JSON document of jest or vitest: {error}.") from error
    files = data.get("testResults") if isinstance(data, dict) else None
    if not isinstance(files, list):
        raise ReportError("The report holds no testResults, as jest and vitest write them.")
    tests: dict[str, Result] = {}
    messages: dict[str, str] = {}
    for file in (each for each in files if isinstance(each, dict)):
        path = str(file.get("name", ""))
        cases = list(_jest_cases(file))
        if file.get("status") == "failed" and all(result != "failed" for _, result, _ in cases):
            cases.append(("", "failed", str(file.get("message") or "The file could not be run.")))
        for title, result, said in cases:
            name = _unused(f"{path}::{title}" if title else path, tests)
            tests[name] = result
            if result == "failed":
                messages[name] = _clip(f"{name}\n{said}")
    return Report(tests=tests, messages=messages)


def _jest_cases(file: Mapping[str, Any]) -> Iterator[tuple[str, Result, str]]:
    cases = file.get("assertionResults")
    for case in cases if isinstance(cases, list) else ():
        if not isinstance(case, dict):
            continue
        above, said = case.get("ancestorTitles"), case.get("failureMessages")
        titles = [*(above if isinstance(above, list) else ()), case.get("title", "")]
        status = {"passed": "passed", "failed": "failed"}.get(str(case.get("status")), "skipped")
        text = "\n".join(map(str, said)) if isinstance(said, list) else ""
        yield " > ".join(map(str, filter(None, titles))), status, text  # type: ignore[misc]


def read_libtest(text: str) -> Report:
    """Read the text of `cargo test`, both streams in one; each test is named after the file it was built from.

    What a test binary counts and what it lists must agree.
    """
    tests: dict[str, Result] = {}
    messages: dict[str, str] = {}
    problems: list[str] = []
    file, told, planned, listed = "", "", 0, dict[str, str]()
    for line in text.splitlines():
        if place := _CARGO_FILE.match(line):
            file = place[1] or place[2]
        elif begun := _CARGO_COUNT.match(line):
            listed, told = {}, ""
            planned = int(begun[1])
        elif point := _CARGO_TEST.match(line):
            name = _unused(f"{file}::{point[1]}" if file else point[1], tests)
            tests[name] = "passed" if point[2] == "ok" else "failed" if point[2] == "FAILED" else "skipped"
            listed[point[1]] = name
        elif output := _CARGO_OUTPUT.match(line):
            told = listed.get(output[1], "")
        elif line.startswith("test result: "):
            if len(listed) != planned:
                problems.append(f"{file or 'cargo'} was to run {planned} tests and reported {len(listed)}")
            told = ""
        elif told and line != "failures:":
            messages[told] = _clip(f"{messages.get(told, told)}\n{line}")
    if not tests:
        raise ReportError("The output holds no test of `cargo test`.")
    failing = {name: name for name, result in tests.items() if result == "failed"}
    return Report(tests=tests, messages=failing | messages, problems=tuple(problems))


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


_READERS: dict[Format, Callable[[str], Report]] = {
    "junit": read_junit,
    "tap": read_tap,
    "go-json": read_go,
    "jest-json": read_jest,
    "libtest": read_libtest,
}
