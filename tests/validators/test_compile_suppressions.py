"""An answer cannot tell a compiler or checker to look away; what the project told it stays told."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.compile.check import compile_check
from escalator.validators.compile.settings import steering_files
from escalator.validators.compile.suppressions import without_new
from validators.sandboxed import no_process, perform

STRICT = "[tool.mypy]\nstrict = true\n"
GREET = "def greet(name: str) -> str:\n    return 'Helo ' + name\n"


def needs(tool):
    found = os.access(Path(sys.executable).parent / tool, os.X_OK) or shutil.which(tool)
    return pytest.mark.skipif(not found, reason=f"{tool} is not installed")


def judge(changes, base=None, perform=perform, **options):
    brief = Brief(task_id="t", prompt="p", files=base or {})
    return drive(compile_check(**options)(Candidate(brief=brief, changes=ChangeSet(files=changes))), perform)


WRONG_NAME = "def greet(name: str) -> str:\n    return 'Hello ' + nam{}\n"
WRONG_TYPE = "def greet(name: str) -> str:\n    return 'Hello ' + 1{}\n"


@needs("ruff")
@pytest.mark.parametrize(
    "text",
    [
        WRONG_NAME.format("  # noqa"),
        WRONG_NAME.format("  #NOQA"),
        WRONG_NAME.format("  # noqa:F821"),
        WRONG_NAME.format("  # why not  # noqa: F821"),
        "# ruff: noqa\n" + WRONG_NAME.format(""),
        "# ruff: noqa: F821\n" + WRONG_NAME.format(""),
        "# flake8: noqa\n" + WRONG_NAME.format(""),
        "# ruff: disable[F821]\n" + WRONG_NAME.format("") + "# ruff: enable[F821]\n",
        "# ruff: file-ignore[F821]\n" + WRONG_NAME.format(""),
    ],
)
def test_an_unknown_name_cannot_be_silenced(text):
    """Whatever word ruff knows for it, the answer's own does not count."""
    verdict = judge({"greet.py": text}, base={"greet.py": GREET})
    assert verdict.failed
    assert "nam" in verdict.feedback


@needs("mypy")
@pytest.mark.parametrize(
    "text",
    [
        WRONG_TYPE.format("  # type: ignore"),
        WRONG_TYPE.format("  # type:ignore[operator]"),
        WRONG_TYPE.format("  # said  # type: ignore"),
        "# mypy: ignore-errors\n" + WRONG_TYPE.format(""),
        "# mypy: disable-error-code=operator\n" + WRONG_TYPE.format(""),
        '"""Greets.\n\n# mypy: ignore-errors\n"""\n' + WRONG_TYPE.format(""),
        "# type: ignore\n" + WRONG_TYPE.format(""),
        "from typing import no_type_check\n\n\n@no_type_check\n" + WRONG_TYPE.format(""),
        "import typing as t\n\n\n@t.no_type_check\n" + WRONG_TYPE.format(""),
        "from typing import no_type_check as fast\n\n\n@fast\n" + WRONG_TYPE.format(""),
    ],
)
def test_a_wrong_type_cannot_be_silenced(text):
    """Neither on its line nor for the file, the function, or in a string that mypy reads as well."""
    verdict = judge({"greet.py": text}, base={"greet.py": GREET, "pyproject.toml": STRICT})
    assert verdict.failed, verdict
    assert "[operator]" in verdict.feedback


@needs("mypy")
def test_what_the_project_excuses_stays_excused():
    """Its own comments are honoured where they stand, where their lines moved to, and on lines that were edited."""
    old = "import os  # noqa: F401\nx: int = 'a'  # type: ignore[assignment]\n\n\ndef f() -> int:\n    return 1\n"
    base = {"a.py": old, "pyproject.toml": STRICT + '[tool.ruff.lint]\nselect = ["F", "E"]\n'}
    moved = "import os  # noqa: F401\n\n\ndef f() -> int:\n    return 2\n\n\nx: int = 'ab'  # type: ignore[assignment]\n"
    assert judge({"a.py": moved}, base=base).passed
    assert judge({"a.py": old.replace("import os", "import sys")}, base=base).passed
    assert judge({"a.py": old.replace("return 1", "return 2")}, base=base).passed


@needs("mypy")
def test_one_excuse_more_than_before_is_the_answers():
    """A comment the file has once excuses once, and the line that had it keeps it."""
    old = "x: int = 'a'  # type: ignore[assignment]\ny: int = 1\n"
    base = {"a.py": old, "pyproject.toml": STRICT}
    verdict = judge(
        {"a.py": "y: int = 'b'  # type: ignore[assignment]\n" + old.removesuffix("y: int = 1\n")}, base=base
    )
    assert verdict.failed
    assert "a.py:1:" in verdict.feedback
    assert "a.py:2:" not in verdict.feedback


@needs("gcc")
def test_c_cannot_be_silenced():
    """A pragma, or an invented place, takes nothing back."""
    base = {"a.c": "int f(void) { return 1; }\n"}
    for line in ('#pragma GCC diagnostic ignored "-Wimplicit-function-declaration"\n', '#line 1 "other.c"\n'):
        verdict = judge({"a.c": line + "int f(void) { return y; }\n"}, base=base)
        assert "a.c:2:" in verdict.feedback


@needs("ruff")
@pytest.mark.parametrize(
    "path", ["ruff.toml", ".ruff.toml", "sub/ruff.toml", "pyproject.toml", "shared/base.toml"]
)
def test_settings_the_answer_brings_do_not_loosen_the_check(path):
    """New and changed settings are left out, also those that the project's own refer to."""
    base = {
        "ruff.toml": 'extend = "shared/base.toml"\n',
        "shared/base.toml": 'lint.select = ["F"]\n',
        "sub/a.py": "x = 1\n",
    }
    changes = {path: 'lint.select = ["E1"]\nexclude = ["*.py"]\n', "sub/a.py": "x = y\n"}
    assert judge(changes, base=base).failed


def test_what_settings_refer_to_steers_too():
    """Files that are extended and plug-ins that are loaded, as far as they lie in the project."""
    files = {
        "tsconfig.json": '{"extends": ["./conf/strict.json", "@tsconfig/node20"]}',
        "conf/strict.json": '{"extends": "../more"}',
        "mypy.ini": "[mypy]\nplugins = tools/plug.py, pkg.other\n",
    }
    found = steering_files(Brief(task_id="t", prompt="p", files=files))
    assert {"conf/strict.json", "more.json", "tools/plug.py", "pkg/other.py"} <= set(found)
    assert not [path for path in found if path.startswith(("/", ".."))]


def cleaned(tool, after, before=None):
    return without_new(tool, before or {}, {"a" + SUFFIX[tool]: after}).get("a" + SUFFIX[tool], after)


SUFFIX = {"tsc": ".ts", "cargo": ".rs", "go": ".go", "gcc": ".c", "mypy": ".py", "ruff": ".py", "pyright": ".py"}

TAKEN_OUT = [
    ("tsc", "// @ts-ignore\nlet a: number = 'x';\n", "@ts-ignore"),
    ("tsc", "/* @ts-expect-error */ let a: number = 'x';\n", "@ts"),
    ("tsc", "// @ts-nocheck\nlet a: number = 'x';\n", "@ts"),
    ("cargo", "#[allow(unused)]\nfn f() {}\n", "allow"),
    ("cargo", "#![allow(unused)]\nfn f() {}\n", "allow"),
    ("cargo", "#[cfg_attr(all(), allow(unused))]\nfn f() {}\n", "allow"),
    ("cargo", "#[cfg(any())]\nfn f() { broken() }\n", "any"),
    ("go", "//go:build ignore\n\npackage a\n", "ignore"),
    ("go", "package a\n\n//line b.go:1\nvar x = y\n", "b.go"),
    ("gcc", '  #  pragma GCC diagnostic \\\n ignored "-Wx"\nint a;\n', "pragma"),
    ("gcc", '_Pragma("GCC diagnostic ignored \\"-Wx\\"") int a;\n', "_Pragma"),
    ("gcc", "#pragma GCC system_header\nint a;\n", "pragma"),
    ("pyright", "# pyright: basic\nx = 1\n", "pyright"),
    ("pyright", "x = 1  # pyright: ignore\n", "pyright"),
    ("mypy", "é = 'é'; x = 1  # type: ignore\n", "type"),
    ("mypy", "import typing\n\n@typing.no_type_check\ndef f(): ...\n", "@"),
    ("ruff", "x = 1\r# a\ry = z  # noqa\r\n", "noqa"),
]


@pytest.mark.parametrize(("tool", "text", "word"), TAKEN_OUT)
def test_a_new_word_to_look_away_is_taken_out_where_it_stands(tool, text, word):
    """It is gone for the tool, and every other character is where it was."""
    new = cleaned(tool, text)
    assert word in text
    assert word not in new
    assert len(new) == len(text)
    assert [len(line) for line in new.split("\n")] == [len(line) for line in text.split("\n")]


@pytest.mark.parametrize(("tool", "text", "word"), TAKEN_OUT)
def test_an_old_word_to_look_away_stays(tool, text, word):
    """The same file with the same words, moved by a line, is shown as it is."""
    path = "a" + SUFFIX[tool]
    assert without_new(tool, {path: text}, {path: "\n" + text}) == {}


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("mypy", 'x = \'# type: ignore\'\ny = """\n  # type: ignore\n"""\n'),
        ("ruff", "x = '# noqa'  # said\n"),
        ("ruff", "x = 1  # type: ignore\n"),
        ("mypy", "x = 1  # noqa\n"),
        ("tsc", "let a = '// @ts-ignore';\nlet b = `// @ts-nocheck`;\n"),
        ("cargo", 'fn f() { g("#[allow(x)]"); }\n#[derive(Debug)]\nstruct A;\n'),
        ("cargo", "#[cfg(unix)]\nfn f() {}\n"),
        ("go", "//go:build linux\n\npackage a\n\nvar s = `\n//line b.go:1\n`\n"),
        ("gcc", "#pragma once\n#define A 1\n#include <a.h>\nint line;\n"),
        ("bash", "# shellcheck disable=all\n"),
    ],
)
def test_what_only_looks_like_it_is_left_alone(tool, text):
    """Strings, other tools' words, and marks that hide nothing."""
    path = "a" + SUFFIX.get(tool, ".sh")
    assert without_new(tool, {}, {path: text}) == {}


def test_a_word_that_moves_to_another_file_goes_along():
    """A function taken from one file to another takes its comment with it, once."""
    line = "import yaml  # type: ignore\n"
    before = {"a.py": line, "b.py": "x = 1\n"}
    assert without_new("mypy", before, {"a.py": "x = 2\n", "b.py": line}) == {}
    assert list(without_new("mypy", before, {"a.py": line, "b.py": line})) == ["b.py"]
    assert list(without_new("mypy", before, {"a.py": "x = 2\n", "b.py": line + line})) == ["b.py"]


def test_a_word_for_a_line_does_not_become_one_for_the_file():
    """On a line of its own it may speak for more than it did."""
    before = {"a.py": "import yaml  # type: ignore\n"}
    assert without_new("mypy", before, {"a.py": "# type: ignore\nimport yaml\n"})


@pytest.mark.parametrize("coding", ["unicode_escape", "latin-1", "utf-7"])
def test_python_in_another_encoding_fails(coding):
    """Under another encoding than the one it is written in, a comment may be code."""
    text = f"# coding: {coding}\nx = 1\n"
    verdict = judge({"a.py": text}, perform=no_process)
    assert verdict.failed
    assert "UTF-8" in verdict.feedback


@needs("ruff")
def test_an_encoding_that_was_there_is_let_pass():
    """An old file may say what it always said."""
    text = "# -*- coding: latin-1 -*-\nx = 1\n"
    assert judge({"a.py": text + "y = 2\n"}, base={"a.py": text}).passed
    assert judge({"a.py": "# coding: utf-8\nx = 1\n"}).passed


@needs("ruff")
def test_a_pass_leaves_room_for_doubt():
    """What compiles may do the wrong thing: a pass is sure to nine tenths, a failure wholly."""
    assert judge({"a.py": "x = 1\n"}).confidence == 0.9
    assert judge({"a.py": "x = y\n"}).confidence == 1.0
