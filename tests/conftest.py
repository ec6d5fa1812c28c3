"""The suite's own rules: no request leaves the machine, no user's files are touched, no silent skips in CI.

A busy machine fails no test: hypothesis has no deadlines, and what bounds a time is marked `clock`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("escalator", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("escalator")

NO_SKIPS = os.environ.get("ESCALATOR_NO_SKIPS") == "1"
EXPECTED_SKIPS = {
    "this kernel has no Landlock": "no package brings it; a kernel from 5.13 on with it switched on has it",
    "no kernel headers here": "they are not on every machine, and the numbers in them do not change",
    "no Node 20 or newer here": "the packages of some systems have an older one, and the wheel brings none",
    "no Go here": "a tool chain of hundreds of megabytes; what it writes is read in tests without it",
    "no Cargo here": "a tool chain of hundreds of megabytes; what it writes is read in tests without it",
    "only root gives up its rights for a run": "the suite runs as an ordinary user, who has none to give up",
    "only root can give files away": "the suite runs as an ordinary user, who cannot",
    "this file system has no attributes": "those of temporary folders have them only on newer kernels",
}
"""What a skip may say in CI, and why it may: whatever else is not tried there is a failure."""

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY")


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Each test has a home of its own and no keys: nothing it does can reach the user's files or accounts."""
    home = tmp_path_factory.mktemp("home")
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("ESCALATOR_MATRIX", raising=False)
    monkeypatch.delenv("ESCALATOR_LEDGER", raising=False)
    return home


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI a skipped test is a failed one, unless the reason is one that is expected."""
    report = yield
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail") and not is_expected(str(report.longrepr)):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything must run: {report.longrepr}"
    return report


def is_expected(reason: str) -> bool:
    return any(words in reason for words in EXPECTED_SKIPS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud what was not tried on this machine."""
    reasons = Counter(_reason(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("NOT TRIED ON THIS MACHINE", sep="!", red=True, bold=True)
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count} tests: {reason}")


def _reason(longrepr: object) -> str:
    said = longrepr[2] if isinstance(longrepr, tuple | list) else str(longrepr)
    return re.sub(r"^Skipped: ", "", str(said))
