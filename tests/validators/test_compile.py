"""The compile validator runs the project's own tool on base and answer, in the sandbox."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.compile.check import compile_check
from escalator.validators.compile.tools import Missing, Tool, tools_for
from validators.sandboxed import no_process, perform

MYPY = "[project]\nname = 'x'\n[tool.mypy]\nstrict = true\n"
CARGO = '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n'


def needs(tool):
    found = os.access(Path(sys.executable).parent / tool, os.X_OK) or shutil.which(tool)
    return pytest.mark.skipif(not found, reason=f"{tool} is not installed")


def judge(changes, base=None, workspace=None, perform=perform, **options):
    brief = Brief(task_id="t", prompt="p", files=base or {}, workspace=workspace)
    return drive(compile_check(**options)(Candidate(brief=brief, changes=ChangeSet(files=changes))), perform)


def names(base, changed):
    brief = Brief(task_id="t", prompt="p", files=base)
    return [each.name for each in tools_for(brief, changed, only=None, find=lambda name: f"/usr/bin/{name}")]


@pytest.mark.parametrize(
    ("base", "changed", "wanted"),
    [
        ({}, ["a.py"], ["ruff-fatal"]),
        ({"pyproject.toml": MYPY}, ["a.py"], ["mypy", "ruff-fatal"]),
        ({"pyproject.toml": "[tool.ruff]\n[tool.ty]\n"}, ["a.py"], ["ty", "ruff"]),
        ({"mypy.ini": "[mypy]\n"}, ["a.py"], ["mypy", "ruff-fatal"]),
        ({"setup.cfg": "[mypy]\n"}, ["a.pyi"], ["mypy", "ruff-fatal"]),
        ({"pyrightconfig.json": "{}"}, ["a.py"], ["pyright", "ruff-fatal"]),
        ({"tsconfig.json": "{}"}, ["a.ts", "b.tsx"], ["tsc"]),
        ({}, ["a.ts"], []),
        ({"go.mod": "module x"}, ["a.go"], ["go"]),
        ({}, ["A.java"], ["javac"]),
        ({"pom.xml": "<p/>"}, ["A.java"], ["javac"]),
        ({}, ["a.c", "b.cpp", "c.sh"], ["gcc", "g++", "bash"]),
        ({}, ["a.md", "b.json"], []),
        ({"pyproject.toml": "not toml ["}, ["a.py"], ["ruff-fatal"]),
    ],
)
def test_the_projects_own_tool_is_found(base, changed, wanted):
    """What the base revision configures decides which tools judge which languages."""
    assert names(base, changed) == wanted


def test_the_tool_is_not_taken_from_the_answer():
    """A configuration the answer brings along chooses nothing."""
    verdict = judge({"a.py": "x = 1\n", "mypy.ini": "[mypy]\n"}, tool=None)
    assert "mypy" not in verdict.evidence["tools"]


def test_maven_is_only_suggested():
    """Build scripts of other people are not run unasked; the hint names the command validator."""
    found = tools_for(
        Brief(task_id="t", prompt="p", files={"pom.xml": ""}), ["A.java"], only=None, find=lambda name: name
    )
    assert isinstance(found[0], Missing)
    assert "mvn" in found[0].hint


def test_the_projects_environment_is_used(tmp_path):
    """A type checker is told the Python of the project's .venv, which is shown to it."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    brief = Brief(task_id="t", prompt="p", files={"mypy.ini": "[mypy]\n"}, workspace=tmp_path)
    tool = tools_for(brief, ["a.py"], only=None, find=lambda name: name)[0]
    assert isinstance(tool, Tool)
    assert f"--python-executable={tmp_path}/.venv/bin/python" in tool.argv
    assert tmp_path / ".venv" in tool.readable
    assert tool.knows_packages


@needs("ruff")
def test_python_without_configuration_is_held_to_what_cannot_run():
    """Unknown names fail, style does not."""
    assert judge({"a.py": "import os\nx=os.name ;y = 1\n"}).passed
    verdict = judge({"a.py": "def f():\n    return nowhere\n"}, base={"a.py": "def f():\n    return 1\n"})
    assert verdict.failed
    assert "a.py:2: Undefined name `nowhere` [F821]" in verdict.feedback


def test_python_that_does_not_compile_fails_at_once():
    """No tool is started for what the compiler already rejects."""
    verdict = judge({"a.py": "def f(:\n"}, perform=no_process)
    assert verdict.failed
    assert "a.py:1:7" in verdict.feedback


@needs("mypy")
def test_only_new_type_errors_count():
    """Old errors of the project are let pass, wherever they moved; a new one fails."""
    base = {"pyproject.toml": MYPY, "a.py": "def f(x): return x\n"}
    assert judge({"a.py": "\n\ndef f(x): return x\n"}, base=base).passed
    verdict = judge({"a.py": "def f(x): return x\n\n\ndef g() -> int:\n    return 'a'\n"}, base=base)
    assert verdict.failed
    assert "[return-value]" in verdict.feedback
    assert "no-untyped-def" not in verdict.feedback


@needs("mypy")
def test_a_caller_that_breaks_is_noticed():
    """On a clean project, a change of types that breaks another file of the task fails."""
    base = {
        "pyproject.toml": MYPY,
        "a.py": "def f() -> int: return 1\n",
        "b.py": "from a import f\n\ny: int = f()\n",
    }
    verdict = judge({"a.py": "def f() -> str: return ''\n"}, base=base)
    assert verdict.failed
    assert "b.py:3" in verdict.feedback


@needs("mypy")
def test_a_package_that_is_not_installed_here_decides_nothing():
    """Whether an unknown import is an invention cannot be told without the project's packages."""
    verdict = judge({"a.py": "import nosuchpackage\n"}, base={"pyproject.toml": MYPY})
    assert verdict.reason == "unavailable"
    assert "nosuchpackage" in verdict.hint


@needs("mypy")
def test_the_answer_cannot_loosen_the_settings():
    """Settings the answer rewrites are judged as they were."""
    changes = {"pyproject.toml": "[tool.mypy]\nignore_errors = true\n", "a.py": "x: int = 'a'\n"}
    assert judge(changes, base={"pyproject.toml": MYPY, "a.py": "x: int = 1\n"}).failed


@needs("gcc")
def test_c_is_checked():
    """C that does not compile fails; a header that is not here decides nothing."""
    assert judge({"a.c": "#include <stddef.h>\nsize_t f(void) { return 1; }\n"}).passed
    verdict = judge({"a.c": "int f(void) { return y; }\n"}, base={"a.c": "int f(void) { return 1; }\n"})
    assert verdict.failed
    assert "a.c:1:" in verdict.feedback
    assert judge({"a.c": "#include <nosuch.h>\n"}).reason == "unavailable"


@needs("bash")
def test_shell_scripts_are_checked():
    """`bash -n` reads a script without running it."""
    assert judge({"a.sh": "touch x; if true; then echo; fi\n"}).passed
    assert judge({"a.sh": "if true; then\n"}).failed


@needs("cargo")
@pytest.mark.slow
def test_rust_is_checked_offline():
    """cargo check runs in the sandbox without a network."""
    base = {"Cargo.toml": CARGO, "src/main.rs": "fn main() {}\n"}
    good = judge({"src/main.rs": 'fn main() { println!("x"); }\n'}, base=base)
    if good.reason == "unavailable":
        pytest.skip(good.hint)
    assert good.passed, good.hint
    bad = judge({"src/main.rs": 'fn main() { let _x: i32 = "a"; }\n'}, base=base)
    assert "[E0308]" in bad.feedback


@needs("javac")
@pytest.mark.slow
def test_java_is_checked():
    """javac judges loose Java files, without annotation processors."""
    assert judge({"A.java": "class A { int f() { return 1; } }\n"}).passed
    assert judge({"A.java": 'class A { int f() { return ""; } }\n'}).failed


def test_a_tool_that_is_missing_is_unavailable():
    """A tool the project wants and this machine lacks is named, before and after money is spent."""
    validator = compile_check(tool="pyrefly")
    brief = Brief(task_id="t", prompt="p", files={"a.py": "x = 1\n"})
    if validator.unavailable(brief) is None:
        pytest.skip("pyrefly is installed")
    assert "pyrefly" in validator.unavailable(brief)
    assert judge({"a.py": "x = 2\n"}, perform=no_process, tool="pyrefly").reason == "unavailable"


def test_files_no_tool_judges_are_skipped():
    """Text and data are for other validators."""
    assert judge({"a.md": "x", "b.json": "{}"}, perform=no_process).reason == "skipped"


def test_an_unknown_tool_is_refused_when_the_validator_is_made():
    """A misspelt tool is found when the matrix is read."""
    with pytest.raises(ValueError, match="tool:"):
        compile_check(tool="mypyy")
