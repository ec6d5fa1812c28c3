"""Records that are signed, but that our runner would not write: the run is not intact, and the judge goes on."""

import json
from hashlib import blake2b

import pytest

from escalator.validators.tests.blind import blinded
from escalator.validators.tests.comparisons import compared
from escalator.validators.tests.report import Report, read_report

KEY = b"k" * 32


def signed(*records: object) -> bytes:
    """A report of these records, each with its number and a right signature."""
    lines = []
    for number, record in enumerate(records):
        body = json.dumps([number, record]).encode()
        lines.append(blake2b(body, key=KEY, digest_size=16).hexdigest().encode() + b" " + body + b"\n")
    return b"".join(lines)


START = {"kind": "start", "python": "3.11.7", "pytest": "9.2.0"}

MALFORMED = {
    "no kind": {"id": "a"},
    "no record at all": 7,
    "a check without its number": {"kind": "check", "id": "a", "values": []},
    "a check with an odd number": {"kind": "check", "id": "a", "number": [1], "values": []},
    "a check of nothing": {"kind": "check", "id": "a", "number": 1, "values": 5},
    "a check of half a value": {"kind": "check", "id": "a", "number": 1, "values": [["value"]]},
    "an odd test": {"kind": "check", "id": [], "number": 1, "values": []},
    "a phase without its outcome": {"kind": "phase", "id": "a"},
}


@pytest.mark.parametrize("record", MALFORMED.values(), ids=MALFORMED)
def test_a_record_that_nobody_writes_makes_the_run_unsound(record):
    """What was sent before any code of the answer is kept."""
    report = read_report(signed(START, record), KEY)

    assert (report.intact, report.started, report.pytest) == (False, True, "9.2.0")


def test_a_record_nested_without_end_is_none():
    """As is one that cannot be read."""
    body = b"[1, " + b"[" * 100_000 + b"]" * 100_000 + b"]"
    line = blake2b(body, key=KEY, digest_size=16).hexdigest().encode() + b" " + body + b"\n"

    assert not read_report(signed(START) + line, KEY).intact


ODD_VALUES = [
    ["i", "zz"],
    ["s", [["l", []]]],
    ["q", "1"],
    ["d", [["l", []]]],
    ["f", "one"],
    5,
    ["b", "x"],
    ["i", 5],
]


@pytest.mark.parametrize("value", ODD_VALUES, ids=str)
def test_a_value_that_cannot_be_read_is_a_forged_one(value):
    """The test that sent it fails."""
    form = blinded({"test_it.py": "def test_it():\n    assert f(1) == 2\n"})
    sent = {"test_it.py::test_it": [(0, [["value", value]])]}
    report = Report(intact=True, results={"test_it.py::test_it": "passed"}, checks=sent)

    assert compared(report, form).report.results == {"test_it.py::test_it": "failed"}
