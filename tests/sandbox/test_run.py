"""What a run gives to a process and what it brings back, in every mode that works here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from escalator.errors import SandboxError, TaskError
from escalator.records import Command, Limits, RunResult
from escalator.sandbox import Sandbox

Python = Callable[..., RunResult]


def test_the_environment_is_made_from_nothing(python: Python) -> None:
    """The process sees the five plain variables and those of the command, and none of the parent's."""
    result = python("import os, json; print(json.dumps(dict(os.environ)))", env={"MODE": "strict"})
    seen = json.loads(result.stdout)
    assert seen["MODE"] == "strict"
    assert set(seen) - {"PWD", "LC_CTYPE"} == {"PATH", "HOME", "TMPDIR", "LANG", "PYTHONHASHSEED", "MODE"}


def test_placeholders_become_the_places_inside(python: Python) -> None:
    """{workspace} and {trusted} lead to the files of the command, in arguments and in the environment."""
    code = (
        "import os, sys; print(open(sys.argv[1]).read(), open(sys.argv[2]).read(), open(os.environ['T']).read())"
    )
    result = python(
        code,
        "{workspace}/src/a.txt",
        "{trusted}/t/b.txt",
        files={"src/a.txt": "mine"},
        trusted={"t/b.txt": b"yours"},
        env={"T": "{trusted}/t/b.txt"},
    )
    assert result.stdout == "mine yours yours\n", result


def test_the_process_starts_in_its_workspace(python: Python) -> None:
    """The working directory is the workspace, or the folder the command names in it."""
    files = {"sub/x.py": ""}
    assert python("import os; print(os.listdir())", files=files).stdout == "['sub']\n"
    assert python("import os; print(os.listdir())", files=files, cwd="{workspace}/sub").stdout == "['x.py']\n"


def test_standard_input_is_given_and_closed(python: Python) -> None:
    """All bytes arrive, also more than a pipe holds, and then the input ends."""
    sent = b"x" * 300_000
    assert python("import sys; print(len(sys.stdin.buffer.read()))", stdin=sent).stdout == "300000\n"
    assert python("import sys; print(repr(sys.stdin.read()))").stdout == "''\n"


def test_a_process_that_does_not_read_its_input_is_no_trouble(python: Python) -> None:
    """Input nobody reads is dropped when the process ends."""
    assert python("print('done')", stdin=b"x" * 300_000).stdout == "done\n"


def test_the_report_comes_back_by_its_own_pipe(python: Python) -> None:
    """What is written to the report descriptor is kept apart from what is printed."""
    result = python(
        "import os, sys; os.write(int(sys.argv[1]), b'\\x00facts'); print('noise')", "{report}", report=True
    )
    assert (result.report, result.stdout) == (b"\x00facts", "noise\n")


def test_a_report_without_end_is_cut(python: Python) -> None:
    """A report beyond its bound ends the run and is not kept."""
    code = "import os, sys\nwhile True: os.write(int(sys.argv[1]), b'x' * 65536)"
    result = python(code, "{report}", report=True, limits=Limits(wall=10, artefact=100_000))
    assert (result.killed, len(result.report)) == ("output", 100_000)


def test_the_exit_status_is_the_one_of_the_command(python: Python) -> None:
    """A status is brought back as it is, and the result says which isolation was in force."""
    result = python("raise SystemExit(3)")
    assert (result.exit_status, result.killed) == (3, "")
    assert result.isolation.kind in {"bwrap", "landlock", "none"}


def test_long_output_keeps_its_head_and_its_tail(python: Python) -> None:
    """Of a long stream the first and last bytes are kept, with a line between them that says so."""
    result = python("for n in range(40000): print(n)", limits=Limits(wall=20, kept=1000))
    assert result.stdout.startswith("0\n1\n2\n")
    assert result.stdout.endswith("39998\n39999\n")
    assert "bytes left out" in result.stdout
    assert len(result.stdout) < 2100


def test_artefacts_come_back_from_a_writable_workspace(python: Python) -> None:
    """Named files are read back; one that was not written is said to be missing."""
    code = "import os; os.mkdir('out'); open('out/a', 'wb').write(b'\\x00\\x01')"
    result = python(code, writable=True, artefacts=("out/a", "out/b"))
    assert result.artefacts == {"out/a": b"\x00\x01"}
    assert any("out/b" in note for note in result.notes)


def test_the_project_is_copied_and_never_written(python: Python, tmp_path: Path) -> None:
    """Changes and deletions happen in the copy; the overlay replaces and deletes before the run."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_text("old")
    (tmp_path / "gone.py").write_text("x")
    code = "import os; print(open('pkg/a.py').read(), sorted(os.listdir())); open('pkg/a.py', 'w').write('evil')"
    result = python(code, workspace=tmp_path, files={"pkg/a.py": "new", "gone.py": None}, writable=True)
    assert result.stdout == "new ['pkg']\n"
    assert (tmp_path / "pkg" / "a.py").read_text() == "old"
    assert (tmp_path / "gone.py").exists()


def test_nothing_is_left_on_the_machine(python: Python, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a run is gone when the run is over."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    python("open('x', 'w').write('y')", writable=True)
    assert list(tmp_path.glob("escalator-run-*")) == []


@pytest.mark.clock
def test_a_slow_process_is_killed_on_time(python: Python) -> None:
    """The wall clock is kept by the parent, and the result says so."""
    result = python("print('started', flush=True); import time; time.sleep(600)", limits=Limits(wall=2))
    assert (result.killed, result.exit_status, result.stdout) == ("wall", None, "started\n")
    assert 2 <= result.seconds < 30


def test_many_threads_may_run_at_once(python: Python) -> None:
    """Runs from several threads do not mix their files, their pipes or their results."""

    def one(number: int) -> tuple[str, bytes]:
        code = "import os, sys; os.write(int(sys.argv[1]), open('n').read().encode()); print(open('n').read())"
        result = python(code, "{report}", files={"n": str(number)}, report=True)
        return result.stdout, result.report

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(one, range(12))) == [(f"{n}\n", str(n).encode()) for n in range(12)]


def test_a_command_that_does_not_exist_is_said_so(sandbox: Sandbox) -> None:
    """A missing tool is an error with a sentence, not a failed run."""
    with pytest.raises(SandboxError, match="no-such-tool"):
        sandbox.run(Command(argv=("no-such-tool",)))


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../up", "", ".", "a\0b", "a\\b"])
@pytest.mark.parametrize("field", ["files", "trusted"])
def test_paths_that_lead_outside_are_refused(name: str, field: str, sandbox: Sandbox) -> None:
    """A file of the command goes to a plain relative path or nowhere."""
    with pytest.raises(TaskError, match=field):
        sandbox.run(Command(argv=("true",), **{field: {name: "x"}}))


@pytest.mark.needs_bwrap
def test_a_project_may_run_its_own_loopback_server(bwrap: Sandbox) -> None:
    """With a network of its own, a test can serve and call on 127.0.0.1."""
    code = """
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
server.accept()[0].sendall(b"hello")
print(client.recv(5))
"""
    assert bwrap.run(Command(argv=(sys.executable, "-c", code))).stdout == "b'hello'\n"


@pytest.mark.needs_bwrap
def test_the_interpreter_is_shown_without_the_home_around_it(bwrap: Sandbox) -> None:
    """The running interpreter and its packages work inside, while the home directory shows nothing else."""
    home = str(Path.home())
    code = "import os, sys, pytest; print(sorted(os.listdir(sys.argv[1])) if os.path.isdir(sys.argv[1]) else [])"
    result = bwrap.run(Command(argv=(sys.executable, "-c", code, home)))
    shown = {
        Path(prefix).relative_to(home).parts[0]
        for prefix in (sys.prefix, sys.base_prefix)
        if prefix.startswith(home)
    }
    assert result.exit_status == 0, result.stderr
    assert set(eval(result.stdout)) <= shown


@pytest.mark.needs_bwrap
def test_a_readable_folder_is_shown_read_only(bwrap: Sandbox, tmp_path: Path) -> None:
    """A tool's folder can be read inside at its own path and cannot be written."""
    (tmp_path / "tool.txt").write_text("here")
    code = "import sys; print(open(sys.argv[1]).read()); open(sys.argv[1], 'w')"
    argv = (sys.executable, "-c", code, str(tmp_path / "tool.txt"))
    result = bwrap.run(Command(argv=argv, readable=(tmp_path,)))
    assert result.stdout == "here\n"
    assert "Read-only file system" in result.stderr


@pytest.mark.needs_bwrap
def test_a_missing_readable_folder_is_an_error_of_ours(bwrap: Sandbox, tmp_path: Path) -> None:
    """When bubblewrap cannot set up the run, nobody takes that for a failed test."""
    with pytest.raises(SandboxError, match="could not start"):
        bwrap.run(Command(argv=("true",), readable=(tmp_path / "absent",)))
