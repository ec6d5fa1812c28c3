"""Reports of jest, vitest and cargo are read for each test they name, and distrusted where they do not add up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.validators.reports import ReportError, read_report

JEST = {
    "success": False,
    "testResults": [
        {
            "name": "/w/a.test.js",
            "status": "failed",
            "message": "",
            "assertionResults": [
                {"ancestorTitles": ["outer", "inner"], "title": "adds", "status": "passed", "failureMessages": []},
                {"ancestorTitles": [], "title": "takes", "status": "failed", "failureMessages": ["got 1\n  at x"]},
                {"ancestorTitles": [], "title": "later", "status": "pending", "failureMessages": []},
                {"ancestorTitles": [], "title": "some day", "status": "todo"},
                {"ancestorTitles": [], "title": "takes", "status": "passed"},
            ],
        },
        {"name": "/w/b.test.js", "status": "failed", "message": "Cannot find module", "assertionResults": []},
    ],
}

CARGO = """\
   Compiling calc v0.1.0 (/w)
    Finished `test` profile [unoptimized + debuginfo] target(s) in 0.30s
     Running tests/one.rs (target/debug/deps/one-0bd3)

running 4 tests
test good ... ok
test slow ... ignored, takes an hour
test inner::panics - should panic ... ok
test bad ... FAILED

failures:

---- bad stdout ----
thread 'bad' panicked at tests/one.rs:3:5:
assertion `left == right` failed
  left: 3
 right: 4

failures:
    bad

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.13s

     Running tests/two.rs (target/debug/deps/two-77aa)

running 1 test
test good ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""


def test_jest_cases_bear_the_names_of_what_they_stand_in():
    """Titles are joined from the outside in; a second test of one name is told apart from the first."""
    report = read_report("jest-json", json.dumps(JEST))
    assert report.tests == {
        "/w/a.test.js::outer > inner > adds": "passed",
        "/w/a.test.js::takes": "failed",
        "/w/a.test.js::later": "skipped",
        "/w/a.test.js::some day": "skipped",
        "/w/a.test.js::takes (2)": "passed",
        "/w/b.test.js": "failed",
    }
    assert "got 1" in report.messages["/w/a.test.js::takes"]


def test_a_file_jest_could_not_run_is_a_failed_test():
    """A suite that failed without a failing case did not load, and says why."""
    report = read_report("jest-json", json.dumps(JEST))
    assert "Cannot find module" in report.messages["/w/b.test.js"]


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "1", '{"testResults": 3}', json.dumps(JEST) + json.dumps(JEST), "passed " + json.dumps(JEST)],
    ids=["empty", "list", "number", "no list", "two documents", "words before it"],
)
def test_what_is_not_one_document_of_jest_is_refused(text):
    """A second document, as code under test might add, is not read as if it were the first."""
    with pytest.raises(ReportError):
        read_report("jest-json", text)


def test_tests_of_cargo_are_named_after_their_file():
    """Two files may have a test of one name; what is ignored is skipped, what should panic and does has passed."""
    report = read_report("libtest", CARGO)
    assert report.tests == {
        "tests/one.rs::good": "passed",
        "tests/one.rs::slow": "skipped",
        "tests/one.rs::inner::panics": "passed",
        "tests/one.rs::bad": "failed",
        "tests/two.rs::good": "passed",
    }
    assert report.problems == ()
    assert "right: 4" in report.first_failure


def test_a_line_that_claims_a_test_does_not_add_up():
    """What is printed to look like a result makes one more than the binary was to run."""
    report = read_report("libtest", CARGO.replace("test good ... ok", "test good ... ok\ntest bad2 ... ok", 1))
    assert report.problems == ("tests/one.rs was to run 4 tests and reported 5",)


def test_output_without_a_test_is_no_report_of_cargo():
    """A crate that does not compile says nothing of its tests."""
    with pytest.raises(ReportError):
        read_report("libtest", "error[E0425]: cannot find function `add`\nerror: could not compile `calc`")


@pytest.mark.parametrize("form", ["junit", "tap", "go-json", "libtest"])
def test_every_failure_has_a_message_of_its_own(form):
    """Beside the first failure, each other one can be told too."""
    reports = {
        "junit": '<testsuite><testcase name="a"><failure>one</failure></testcase>'
        '<testcase name="b"><failure>two</failure></testcase></testsuite>',
        "tap": "1..2\nnot ok 1 a\n  one\nnot ok 2 b\n  two\n",
        "go-json": "\n".join(
            json.dumps({"Action": action, "Package": "p", "Test": test, "Output": said})
            for test, said in (("a", "one"), ("b", "two"))
            for action in ("output", "fail")
        ),
        "libtest": "running 2 tests\ntest a ... FAILED\ntest b ... FAILED\n\n---- a stdout ----\none\n"
        "---- b stdout ----\ntwo\n\ntest result: FAILED.\n",
    }
    messages = list(read_report(form, reports[form]).messages.values())
    assert ["one" in message for message in messages] == [True, False]
    assert ["two" in message for message in messages] == [False, True]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["name", "status", "message", "assertionResults"]), PLAIN) | PLAIN)
)
def test_any_document_is_read_or_refused(files):
    """Whatever stands in a report, reading it ends in a report or a ReportError."""
    report = read_report("jest-json", json.dumps({"testResults": files}))
    assert set(report.tests.values()) <= {"passed", "failed", "skipped"}
