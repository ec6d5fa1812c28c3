"""The suite's own rules: no request leaves the machine, no user's files are touched, no silent skips in CI.

A busy machine fails no test: hypothesis has no deadlines, and what bounds a time is marked `clock`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("escalator", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("escalator")

NO_SKIPS = os.environ.get("ESCALATOR_NO_SKIPS") == "1"
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
    """In CI a skipped test is a failed one, unless its mark says that it may be skipped there."""
    report = yield
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail") and "may_skip" not in item.keywords:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything must run: {report.longrepr}"
    return report
