"""What the runner saw, read from its signed records: nothing printed and no exit status is believed alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from hmac import compare_digest
from typing import Any, Literal, TypeAlias

Result: TypeAlias = Literal["passed", "failed", "skipped", "xfailed", "xpassed", "unfinished"]
"""What became of one test. `unfinished`: it was begun, or collected, and not all its phases were reported."""

PHASES = ("setup", "call", "teardown")
SIGNATURE = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncollected:
    """A module or class from which no tests were collected: it failed, or (not `failed`) it skipped itself."""

    failed: bool
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One run of the tests as its signed records tell it.

    `intact`: every record was signed and numbered without a gap. `status`: pytest's own exit status, None if the
    session never ended. `results` maps each collected test id to its result, `details` the failing ones to what
    was seen. `imports` maps test modules that did not import to the error's facts, `collect` maps what
    could not be collected to what pytest shows of it. `checks` are the comparisons that each test asked for: their
    numbers, and what was to be compared; `used` the tests in which something else was done with what is hidden.
    """

    intact: bool
    started: bool = False
    status: int | None = None
    python: str = ""
    pytest: str = ""
    digest: str = ""
    seconds: float = 0.0
    collected: tuple[str, ...] = ()
    results: Mapping[str, Result] = field(default_factory=dict)
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    imports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    collect: Mapping[str, Uncollected] = field(default_factory=dict)
    missing_plugins: tuple[str, ...] = ()
    checks: Mapping[str, list[tuple[int, list[Any]]]] = field(default_factory=dict)
    used: frozenset[str] = frozenset()

    def with_result(self, *wanted: Result) -> tuple[str, ...]:
        """The ids of tests that came out in one of the given ways, in the order they were run."""
        return tuple(test for test, result in self.results.items() if result in wanted)


def read_report(data: bytes, key: bytes) -> Report:
    """Check every record's signature and number, and put the run together. Signed records that our runner would
    not write make a run that is not intact.
    """
    records, intact = _records(data, key)
    try:
        return _whole(records, intact=intact)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return replace(_whole(records[:1], intact=False), status=None)


def _whole(records: list[dict[str, Any]], *, intact: bool) -> Report:
    first: dict[str, dict[str, Any]] = {}
    phases: dict[str, list[dict[str, object]]] = {}
    checks: dict[str, list[tuple[int, list[Any]]]] = {}
    imports, collect, used = {}, {}, set()
    for record in records:
        kind = record["kind"]
        if kind == "phase":
            phases.setdefault(record["id"], []).append(record)
        elif kind == "check":
            values = [(kind, data) for kind, data in record["values"] if isinstance(kind, str)]
            checks.setdefault(record["id"], []).append((int(record["number"]), [list(each) for each in values]))
        elif kind == "used":
            used.add(record["id"])
        elif kind == "import":
            imports[record["id"]] = record["error"]
        elif kind == "collect":
            collect[record["id"]] = Uncollected(failed=record["outcome"] == "failed", text=record["text"])
        else:
            intact = intact and kind not in first
            first.setdefault(kind, record)
    start, end = first.get("start", {}), first.get("end", {})
    collected = tuple(first.get("collected", {}).get("ids", ()))
    known = dict.fromkeys((*collected, *phases))
    return Report(
        intact=intact,
        started="start" in first,
        status=end.get("status"),
        python=start.get("python", ""),
        pytest=start.get("pytest", ""),
        digest=end.get("digest", ""),
        seconds=end.get("seconds", 0.0),
        collected=collected,
        results={test: _result(phases.get(test, [])) for test in known},
        details={test: seen for test in known if (seen := _detail(phases.get(test, [])))},
        imports=imports,
        collect=collect,
        missing_plugins=tuple(first.get("plugins", {}).get("missing", ())),
        checks=checks,
        used=frozenset(used),
    )


def _records(data: bytes, key: bytes) -> tuple[list[dict[str, Any]], bool]:
    records: list[dict[str, object]] = []
    lines = data.split(b"\n")
    for line in lines[:-1]:
        signature, body = line[:SIGNATURE], line[SIGNATURE + 1 :]
        expected = blake2b(body, key=key, digest_size=SIGNATURE // 2).hexdigest().encode("ascii")
        if not compare_digest(signature, expected):
            return records, False
        try:
            number, record = json.loads(body)
        except (ValueError, TypeError, RecursionError):
            return records, False
        if number != len(records):
            return records, False
        records.append(record)
    return records, lines[-1] == b""


def _result(phases: list[dict[str, object]]) -> Result:
    if any(phase["outcome"] == "failed" for phase in phases):
        return "failed"
    skips = [phase for phase in phases if phase["outcome"] == "skipped"]
    if skips:
        return "xfailed" if any(phase["xfail"] for phase in skips) else "skipped"
    if tuple(phase["when"] for phase in phases) != PHASES:
        return "unfinished"
    if any(phase["xfail"] for phase in phases):
        return "xpassed"
    return "failed" if any(phase["threw"] for phase in phases) else "passed"


def _detail(phases: list[dict[str, object]]) -> dict[str, object]:
    telling = [phase for phase in phases if phase["outcome"] == "failed"] or [p for p in phases if "text" in p]
    return telling[0] if telling else {}
