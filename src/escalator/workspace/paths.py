"""Which paths an answer may name, and which files no answer may touch unasked."""

from __future__ import annotations

import configparser
import fnmatch
import tomllib
import unicodedata
from collections.abc import Iterable

_GUARDED_NAMES = frozenset(
    {"conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini"}
    | {"sitecustomize.py", "usercustomize.py", "jenkinsfile", "azure-pipelines.yml", ".travis.yml"}
    | {
        ".envrc",
        ".pre-commit-config.yaml",
        ".gitlab-ci.yml",
        "bitbucket-pipelines.yml",
        "appveyor.yml",
        ".appveyor.yml",
        ".drone.yml",
    }
    | {"poetry.lock", "uv.lock", "pdm.lock", "pipfile.lock", "pylock.toml", "package-lock.json"}
    | {"npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "cargo.lock", "go.sum"}
    | {"gemfile.lock", "composer.lock", "packages.lock.json", "gradle.lockfile", "mix.lock", "flake.lock"}
)
_GUARDED_DIRS = (
    *(".github/workflows/", ".github/actions/", ".circleci/", ".buildkite/", ".gitlab/", ".ci/"),
    *(".vscode/", ".idea/", ".devcontainer/", ".husky/", ".githooks/"),
)
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
    """Whether a path steers tests, CI, dependencies, or what editors and hooks start by themselves: no answer may
    touch it unasked.
    """
    folded = _fold(path)
    parts = folded.split("/")
    if parts[-1] in _GUARDED_NAMES or parts[-1].endswith(".pth"):
        return True
    if any(part.endswith((".dist-info", ".egg-info")) for part in parts):
        return True
    return any(folded.startswith(folder) or f"/{folder}" in folded for folder in _GUARDED_DIRS)


def changes_test_settings(path: str, old: str, new: str | None) -> bool:
    """Whether a change to pyproject.toml or setup.cfg touches its pytest section; unreadable counts as yes."""
    readers = {"pyproject.toml": _toml_settings, "setup.cfg": _ini_settings}
    reader = readers.get(_fold(path).rsplit("/", 1)[-1])
    if reader is None:
        return False
    before, after = reader(old), reader(new or "")
    return after == "unreadable" or before != after


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


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
