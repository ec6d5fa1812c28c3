"""Our own programs reach the sandbox whole, and only what they sign comes back."""

import subprocess
import sys
from hashlib import blake2b

import pytest

from escalator.validators.sending import programs, signed, started

KEY = b"k" * 32


def record(body, key=KEY):
    return blake2b(body, key=key, digest_size=16).hexdigest().encode() + b" " + body + b"\n"


def test_one_signed_record_is_what_it_says():
    """The body comes back as it was."""
    assert signed(record(b'["gave", "4"]'), KEY) == b'["gave", "4"]'


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"\n",
        b'["gave", "4"]',
        b'["gave", "4"]\n',
        record(b"4", key=b"x" * 32),
        record(b"4")[:-1],
        record(b"4") + record(b"4"),
        b"4\n" + record(b"4"),
        record(b"4").replace(b"4\n", b"5\n"),
        b"\xff \xff\n",
    ],
)
def test_anything_else_is_nothing(report):
    """No record, an unsigned one, a second one, a part of one or words before it: none of it counts."""
    assert signed(report, KEY) is None


@pytest.mark.parametrize("module", ["semantic.trial_run", "benchmark.runner", "benchmark.worker"])
def test_a_program_finds_what_was_sent_with_it_and_nothing_else(module, tmp_path):
    """It runs where escalator is not installed."""
    parts = ("inputs", "ground", "children", "worker", "runner")
    sent = programs(["encoding", "values", "semantic.trial_run", *(f"benchmark.{part}" for part in parts)])
    for name, text in sent.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    argv = [part.replace("{trusted}", str(tmp_path)) for part in started(sys.executable, module)]
    ended = subprocess.run([argv[0], "-S", *argv[1:]], capture_output=True, text=True, cwd=tmp_path)
    assert "missing" in ended.stderr
    assert "argument" in ended.stderr
