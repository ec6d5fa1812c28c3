"""Which paths an answer may name, and which files no answer may touch unasked."""

from __future__ import annotations

import configparser
import fnmatch
import json
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from escalator.workspace import guarded

OWN: Final = ".escalator-apply"
"""How the names of files begin that stand in a tree only while a change is written to it."""

_DEVICE_NAMES = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
)


def path_problem(path: str) -> str | None:
    """Why an answer may not name this path, or None if it may. Purely textual: links are checked at the write."""
    if not path or not path.strip():
        return "it is empty"
    if len(path) > 400 or (
        len(path) > 60 and any(len(part.encode("utf-8", "replace")) > 240 for part in path.split("/"))
    ):
        return "it is too long"
    if not (path.isascii() and path.isprintable()) and any(
        unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in path
    ):
        return "it holds a control character"
    if path.startswith("/"):
        return "it is absolute"
    if ":" in path:
        return "it names a drive or a stream"
    if "\\" in path:
        return "it holds a backslash"
    problems = (_part_problem(part) for part in path.split("/"))
    return next((problem for problem in problems if problem), None)


def _part_problem(part: str) -> str | None:
    if part in {"", "."}:
        return "it is not in its shortest form"
    if part == "..":
        return "it leaves the workspace"
    if part.startswith("~"):
        return "it starts in a home directory"
    bare = unicodedata.normalize("NFKC", part).casefold().rstrip(". ")
    if bare in {".git", "git~1"}:
        return "it is inside .git"
    if bare.startswith(OWN):
        return "it is a name that escalator itself uses"
    if part != part.strip() or part.endswith(".") or bare.split(".")[0] in _DEVICE_NAMES:
        return "no file can have this name everywhere"
    return None


def composed(path: str) -> str:
    """The path in composed Unicode form: names that differ in their form alone are one."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def is_protected(path: str, protected: Iterable[str] = ()) -> bool:
    """Whether `path` is one of `protected`: exact paths, directories, or glob patterns, compared without case."""
    wanted = _fold(path)
    for item in protected:
        rule = _fold(item.replace("\\", "/").removeprefix("./").rstrip("/"))
        if wanted == rule or wanted.startswith(rule + "/"):
            return True
        if any(char in rule for char in "*?[") and fnmatch.fnmatchcase(wanted, rule):
            return True
    return False


def is_test(path: str) -> bool:
    """Whether a path is that of a test, or lies in a folder of tests, by the usual names."""
    *folders, name = _fold(path).split("/")
    stem = name.partition(".")[0]
    if stem.startswith("test_") or stem.endswith(("_test", "_tests")) or ".test." in name or ".spec." in name:
        return True
    return any(folder in {"test", "tests", "__tests__", "spec", "testing"} for folder in folders)


def is_guarded(path: str) -> bool:
    """Whether a path steers tests, CI, dependencies, or what editors, agents, shells, hooks and tools start by
    themselves: no answer may touch it unasked. `guarded.py` has the list.
    """
    folded = f"/{_fold(path)}"
    parts = folded.split("/")[1:]
    if parts[-1] in guarded.NAMES or folded.endswith(guarded.SUFFIXES):
        return True
    if any(f"/{folder}/" in folded for folder in guarded.FOLDERS):
        return True
    return any(fnmatch.fnmatchcase(part, pattern) for part in parts for pattern in guarded.PATTERNS)


def is_settled(path: str) -> bool:
    """Whether a change to this path, or to what it says of tests, is dropped unless a task names it."""
    return is_guarded(path) or _fold(path).rsplit("/", 1)[-1] in _TEST_SETTINGS


def starts_on_install(path: str, old: str, new: str | None) -> bool:
    """Whether a package.json gets scripts or git hooks that an install runs or sets up unasked, which it had not;
    one that cannot be read has none.
    """
    if new is None or _fold(path).rsplit("/", 1)[-1] != "package.json":
        return False
    before = _unasked(old)
    return any(before.get(name) != command for name, command in _unasked(new).items())


def changes_test_settings(path: str, old: str, new: str | None) -> bool:
    """Whether a change to pyproject.toml or setup.cfg touches its pytest section; unreadable counts as yes."""
    reader = _TEST_SETTINGS.get(_fold(path).rsplit("/", 1)[-1])
    if reader is None:
        return False
    before, after = reader(old), reader(new or "")
    return after == "unreadable" or before != after


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _unasked(text: str) -> Mapping[str, object]:
    try:
        package = json.loads(text.removeprefix("\ufeff") or "{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(package, dict):
        return {}
    scripts = package.get("scripts")
    unasked = {name: scripts.get(name) for name in guarded.PACKAGE_SCRIPTS} if isinstance(scripts, dict) else {}
    hooks = {name: package.get(name) for name in guarded.PACKAGE_HOOKS}
    return {name: command for name, command in {**unasked, **hooks}.items() if command}


def _toml_settings(text: str) -> object:
    try:
        tool = tomllib.loads(text.replace("\r\n", "\n").removeprefix("\ufeff")).get("tool", {})
    except (ValueError, RecursionError):
        return "unreadable"
    return tool.get("pytest") if isinstance(tool, dict) else tool


def _ini_settings(text: str) -> object:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text.removeprefix("\ufeff"))
    except configparser.Error:
        return "unreadable"
    wanted = [name for name in parser.sections() if "pytest" in name]
    return [(name, sorted(parser.items(name))) for name in wanted] or None


_TEST_SETTINGS: Final = {"pyproject.toml": _toml_settings, "setup.cfg": _ini_settings}
"""What reads the settings of tests out of a file that has others too, by the file's name."""
