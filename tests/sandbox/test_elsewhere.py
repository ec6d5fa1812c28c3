"""What is built for machines these tests do not run on: macOS's profile and a container engine's arguments."""

from __future__ import annotations

import marshal
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from escalator.errors import SandboxError
from escalator.records import Command, Limits
from escalator.sandbox import container, seatbelt
from escalator.sandbox.copying import prepare
from escalator.sandbox.launch import Descriptors, Request

MIB = 1024 * 1024


@pytest.fixture
def request_for() -> Iterator[object]:
    folders, opened = [], Descriptors()

    def make(**fields: object) -> Request:
        command = Command(argv=("tool", "{workspace}/a", "{trusted}/b"), **fields)
        folders.append(prepare(command))
        return Request(
            command=command, folder=folders[-1], program=sys.executable, needed=(), report=None, descriptors=opened
        )

    yield make
    opened.close_all()
    for folder in folders:
        folder.remove()
        folder.release()


def test_the_profile_refuses_by_default(tmp_path: Path) -> None:
    """Everything is denied first, the network once more at the end."""
    lines = seatbelt.profile(readable=[tmp_path], writable=[]).splitlines()
    assert lines[:2] == ["(version 1)", "(deny default)"]
    assert lines[-1] == "(deny network*)"
    assert lines.count("(allow file-read*)") == 0


def test_the_profile_writes_only_where_it_is_told(tmp_path: Path) -> None:
    """Only the writable folders may be written; they may be read as well."""
    read, write = tmp_path / "read", tmp_path / "write"
    text = seatbelt.profile(readable=[read], writable=[write])
    writes = re.search(r"\(allow file-write\* (.*)\)$", text, re.MULTILINE)
    reads = re.search(r"\(allow file-read\* \(literal .*\)$", text, re.MULTILINE)
    assert writes is not None
    assert reads is not None
    assert str(write) in writes[1]
    assert str(read) not in writes[1]
    assert str(read) in reads[0]
    assert str(write) in reads[0]
    assert str(Path.home()) not in text.replace(str(tmp_path), "")


def test_a_quote_in_a_path_cannot_open_the_profile(tmp_path: Path) -> None:
    """A path is data: quotes and backslashes in it are escaped."""
    text = seatbelt.profile(readable=[], writable=[tmp_path / 'a") (allow network*) ("b'])
    assert '\\") (allow network*) (\\"b"' in text
    assert text.count("(") - text.count("\\(") == text.count(")")


@pytest.mark.skipif(sys.platform == "darwin", reason="sandbox-exec is there")
def test_seatbelt_is_for_macs() -> None:
    """Elsewhere the mode says that it exists on macOS only."""
    assert "macOS" in seatbelt.unavailable()


def test_the_mac_launch_wraps_the_command(request_for: object) -> None:
    """The launcher starts sandbox-exec, which starts the command with its host paths."""
    launch = seatbelt.launch(request_for(writable=True))  # type: ignore[operator]
    spec = marshal.loads(bytes.fromhex(launch.argv[-1]))
    assert spec["argv"][:2] == ["/usr/bin/sandbox-exec", "-p"]
    assert (spec["landlock"], spec["filter"]) == (None, b"")
    assert launch.status is not None


def test_a_container_is_given_nothing(request_for: object) -> None:
    """No network, no capabilities, no new rights, no writable root, and bounds on processes and memory."""
    limits = Limits(memory=512 * MIB, processes=99)
    words = list(container.arguments(request_for(limits=limits), engine="docker", name="n"))  # type: ignore[operator]
    text = " ".join(words)
    assert words[:2] == ["docker", "run"]
    for expected in (
        "--network none",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--read-only",
        "--pids-limit 99",
        f"--memory {512 * MIB} --memory-swap {512 * MIB}",
        "--ulimit core=0:0",
        ":/workspace:ro",
        ":/trusted:ro",
    ):
        assert expected in text, expected
    assert "docker.sock" not in text
    assert "--user 0:" not in text
    assert "--privileged" not in text


def test_a_container_sees_its_own_places_and_interpreter(request_for: object) -> None:
    """Placeholders become the container's paths, and the host's Python becomes the image's."""
    words = list(container.arguments(request_for(writable=True), engine="podman", name="n"))  # type: ignore[operator]
    assert words[-3:] == ["python3", "/workspace/a", "/trusted/b"]
    assert any(word.endswith(":/workspace:rw") for word in words)


def test_a_container_is_not_shown_a_home(request_for: object) -> None:
    """A readable path that is a home is refused here as well."""
    request = request_for(readable=(Path.home(),))  # type: ignore[operator]
    with pytest.raises(SandboxError, match="home directory"):
        list(container.arguments(request, engine="docker", name="n"))
