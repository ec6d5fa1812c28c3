"""Which host paths a program needs to start, and no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from escalator.errors import SandboxError
from escalator.sandbox import tree
from escalator.sandbox.toolchain import checked_readable, executable, in_system, needed


def _python(prefix: Path) -> Path:
    """The skeleton of a Python installation."""
    (prefix / "bin").mkdir(parents=True)
    (prefix / "lib" / "python3.11").mkdir(parents=True)
    (prefix / "lib" / "python3.11" / "os.py").touch()
    program = prefix / "bin" / "python3.11"
    program.touch()
    program.chmod(0o755)
    return program


def test_a_virtual_environment_brings_its_base(tmp_path: Path) -> None:
    """The environment, the installation it was made from, and nothing above them are shown."""
    base = _python(tmp_path / "versions" / "3.11")
    venv = tmp_path / "project" / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text(f"home = {base.parent}\n")
    (venv / "bin" / "python").symlink_to(base)
    assert set(needed(str(venv / "bin" / "python"))) == {venv, base.parent.parent}


def test_a_script_brings_its_interpreter(tmp_path: Path) -> None:
    """A console script of another environment needs that environment."""
    base = _python(tmp_path / "tools")
    script = base.parent / "ruff"
    script.write_text(f"#!{base}\n")
    alone = tmp_path / "bin" / "ruff"
    alone.parent.mkdir()
    alone.symlink_to(script)
    assert set(needed(str(alone))) == {alone, tmp_path / "tools"}


def test_a_python_in_the_local_folder_does_not_show_that_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the prefix is the user's ~/.local or home, only its Python parts are shown."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".local" / "share" / "keyrings").mkdir(parents=True)
    found = needed(str(_python(tmp_path / ".local")))
    assert tmp_path / ".local" not in found
    assert tmp_path / ".local" / "lib" / "python3.11" in found
    assert not any("share" in path.parts for path in found)


def test_a_lone_tool_is_shown_alone(tmp_path: Path) -> None:
    """A program in some bin folder that is no Python prefix brings only itself and what it links to."""
    real = tmp_path / "opt" / "tool-1.2"
    real.parent.mkdir()
    real.touch()
    link = tmp_path / "bin" / "tool"
    link.parent.mkdir()
    link.symlink_to(real)
    assert set(needed(str(link))) == {link, real}


def test_programs_of_the_system_need_nothing_more() -> None:
    """What lies in the system's folders is shown in every run."""
    assert needed("/usr/bin/env") == ()
    assert in_system("/usr/lib/python3/x")
    assert not in_system("/usrlocal/bin")


def test_python_is_found_even_without_a_path() -> None:
    """A full path stays, and a placeholder is left for the run to fill."""
    assert executable(sys.executable) == sys.executable
    assert executable("{workspace}/run") == "{workspace}/run"
    with pytest.raises(SandboxError, match="not on PATH"):
        executable("no-such-program-here")


def test_a_folder_with_a_home_in_it_is_not_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the home nor what holds it, not even by a link; a folder inside it is fine."""
    home = tmp_path / "people" / "me"
    (home / "tools").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (tmp_path / "link").symlink_to(home)
    for bad in (home, home.parent, tmp_path / "link", Path("/")):
        with pytest.raises(SandboxError, match="home directory"):
            checked_readable(bad)
    assert checked_readable(home / "tools") == home / "tools"


def test_a_tree_is_found_weighed_and_killed() -> None:
    """Grandchildren are found below their grandparent, have a weight, and are gone after the kill."""
    code = "import subprocess, sys; subprocess.run(['sleep', '300'])"
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", code]) as parent:
        while not (found := tree.descendants(parent.pid)):
            assert parent.poll() is None
        assert tree.resident([parent.pid, *found], enough=0) > 0
        assert tree.resident([parent.pid, *found], enough=1 << 40) > 1 << 20
        tree.kill_below(parent.pid)
        assert parent.wait(timeout=60) == 0
        assert tree.descendants(parent.pid) == []
