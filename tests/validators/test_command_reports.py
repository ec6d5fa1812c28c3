"""Reports of test runners are read for what they say, however odd."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalator.validators.reports import ReportError, read_report

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="s" tests="4" failures="1" errors="1" skipped="1">
<testcase classname="a.b" name="one"/>
<testcase classname="a.b" name="two"><failure message="1 != 2">at line 3</failure></testcase>
<testcase classname="a.b" name="three"><skipped/></testcase>
<testcase classname="a.b" name="four"><error message="boom"/></testcase>
</testsuite></testsuites>"""

TAP = """TAP version 13
1..4
ok 1 - adds
not ok 2 - subtracts
  ---
  message: expected 1
  ...
ok 3 # SKIP no network
not ok 4 divides # TODO later
"""

GO = "\n".join(
    json.dumps(event)
    for event in (
        {"Action": "start", "Package": "x/y"},
        {"Action": "run", "Package": "x/y", "Test": "TestA"},
        {"Action": "output", "Package": "x/y", "Test": "TestB", "Output": "    y_test.go:7: got 1\n"},
        {"Action": "pass", "Package": "x/y", "Test": "TestA", "Elapsed": 0},
        {"Action": "fail", "Package": "x/y", "Test": "TestB", "Elapsed": 0},
        {"Action": "skip", "Package": "x/y", "Test": "TestC", "Elapsed": 0},
        {"Action": "fail", "Package": "x/y", "Elapsed": 0.1},
    )
)


def test_junit_cases_are_counted():
    """Failures and errors both fail, and the first is told with its text."""
    report = read_report("junit", JUNIT)
    assert report.tests == {
        "a.b::one": "passed",
        "a.b::two": "failed",
        "a.b::three": "skipped",
        "a.b::four": "failed",
    }
    assert "1 != 2" in report.first_failure
    assert "at line 3" in report.first_failure
    assert report.problems == ()


def test_junit_failures_without_a_case_are_a_problem():
    """A suite that counts an error no case shows (a file that did not load) is not clean."""
    text = '<testsuite tests="1" errors="1"><testcase name="a"/></testsuite>'
    assert read_report("junit", text).problems


def test_junit_with_entities_is_refused():
    """A report that declares entities could blow up in memory and is not read."""
    with pytest.raises(ReportError, match="entities"):
        read_report("junit", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')


def test_tap_points_are_counted():
    """Skips and to-dos do not fail; the first failure is told with its diagnostics."""
    report = read_report("tap", TAP)
    assert list(report.tests.values()) == ["passed", "failed", "skipped", "skipped"]
    assert report.first_failure.startswith("not ok 2 - subtracts")
    assert "expected 1" in report.first_failure
    assert "SKIP" not in report.first_failure


@pytest.mark.parametrize("text", ["ok 1\n", "1..2\nok 1\n", "1..2\nok 1\nBail out! no disk\n"])
def test_tap_without_its_plan_is_a_problem(text):
    """A run that stopped before its plan was fulfilled is not a pass."""
    assert read_report("tap", text).problems


def test_go_events_are_counted():
    """Tests are counted by their own events, and the first failure comes with its output."""
    report = read_report("go-json", "# noise\n" + GO)
    assert report.tests == {"x/y::TestA": "passed", "x/y::TestB": "failed", "x/y::TestC": "skipped"}
    assert "got 1" in report.first_failure
    assert report.problems == ()


def test_a_go_package_that_does_not_build_is_a_problem():
    """A package that fails without a failing test is told with the compiler's words."""
    events = [
        {"Action": "build-output", "ImportPath": "x/z", "Output": "z.go:3: undefined: q\n"},
        {"Action": "build-fail", "ImportPath": "x/z"},
        {"Action": "fail", "Package": "x/z"},
    ]
    report = read_report("go-json", "\n".join(map(json.dumps, events)))
    assert report.problems == ("package x/z failed without a failing test",)
    assert "undefined: q" in report.first_failure


@pytest.mark.parametrize("form", ["junit", "tap", "go-json"])
def test_an_empty_report_is_an_error(form):
    """No report is neither good nor bad news."""
    with pytest.raises(ReportError):
        read_report(form, " \n")


@settings(max_examples=60)
@given(form=st.sampled_from(["junit", "tap", "go-json"]), text=st.text(max_size=300))
def test_any_text_is_read_or_refused(form, text):
    """Whatever the tested code writes, reading it ends in a report or in a ReportError."""
    with contextlib.suppress(ReportError):
        read_report(form, text)
