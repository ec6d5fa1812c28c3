"""What the machine lacks: errors that the untouched project has too, in code that no answer has touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from escalator.records import Brief, Candidate
from escalator.remedies import install_project
from escalator.validators.tests.layout import Suite

_FILES = frozenset({"FileNotFoundError", "PermissionError", "NotADirectoryError"})
_OUTSIDE = frozenset({"PackageNotFoundError", "DistributionNotFound", "ConnectionRefusedError"})
"""Errors that speak of what lies around a project; those of files do so by the path they name."""

_NAMED_FILE = re.compile(r"'(/[^']+)'\Z")
_MADE_HERE = ("/workspace/", "/tmp/")  # noqa: S108  as the sandbox has them: what an answer may be asked to write
_FOREIGN = re.compile(r"module '([\w.]+)' has no attribute|cannot import name '\w+' from '([\w.]+)'")


def lacking(
    before: Mapping[str, object] | None,
    facts: Mapping[str, object],
    candidate: Candidate,
    suite: Suite,
    *,
    python: str,
) -> tuple[str, str] | None:
    """What is wrong and what mends it, where importing or setting up fails without and with the answer alike, none
    of its code nor of the task's files was on the way, and the error speaks of what lies around the project.

    All three are needed: an answer that does nothing leaves an error as it was, too. A test that runs is never
    excused by this.
    """
    if before is None or any(before.get(key) != facts.get(key) for key in ("type", "message", "passed")):
        return None
    passed = [path for path in str(facts.get("passed", "")).split("\n") if path]
    touched = {str(PurePosixPath(path)) for path in (*candidate.brief.files, *candidate.changes.files)}
    if not passed or touched & set(passed) or facts.get("when", "") not in {"", "setup"}:
        return None
    if facts.get("type") == "ModuleNotFoundError":
        said = _missing(str(facts.get("module", "")), passed, candidate, suite)
        return (said, f"{install_project(python)} (or build it, if a build writes that file).") if said else None
    return _outside(facts, passed[-1], candidate, python)


def _outside(facts: Mapping[str, object], file: str, candidate: Candidate, python: str) -> tuple[str, str] | None:
    """What to say of an error that came out of `file`, if it speaks of what lies around the project."""
    kind, message = str(facts.get("type", "")), str(facts.get("message", ""))
    if kind == "KeyError" and str(facts.get("where", "")).endswith(("/os.py", "<frozen os>")):
        return (
            f"{file} needs the environment variable {message}, which is not set in the sandbox.",
            "Give it a default in the project, or set it in its conftest.py.",
        )
    if kind == "PackageNotFoundError":
        return f"{file} asks for an installed package: {message}.", install_project(python)
    named = _NAMED_FILE.search(message) if kind in _FILES else None
    if kind in _OUTSIDE or (named is not None and not named[1].startswith(_MADE_HERE)):
        return f"{file} fails without the answer too: {kind}: {message}.", "Give it what it looks for."
    foreign = _FOREIGN.search(message) if kind in {"AttributeError", "ImportError"} else None
    if foreign is not None and (foreign[1] or foreign[2]).partition(".")[0] not in own_modules(candidate):
        return (
            f"{file} was written for other versions, and fails without the answer too: {message[:200]}.",
            "Install the versions it was written for.",
        )
    return None


def _missing(name: str, passed: list[str], candidate: Candidate, suite: Suite) -> str | None:
    """A module of the project's own that is not there and that nobody asked for: a build writes it."""
    top, last = name.partition(".")[0], name.rpartition(".")[2]
    if "." not in name or top not in own_modules(candidate) or passed[-1] in suite.trusted:
        return None
    if asked_for(last, candidate.brief) or last in {PurePosixPath(path).stem for path in candidate.brief.files}:
        return None
    return f"{passed[-1]} imports {name}, which is not there; a build may write it."


def own_modules(candidate: Candidate) -> set[str]:
    """Top-level names that the task's files, the answer or the tests could define."""
    paths = {*candidate.brief.files, *candidate.changes.files, *candidate.brief.tests}
    names = {part for path in paths for part in PurePosixPath(path).with_suffix("").parts}
    root = candidate.brief.workspace
    if root is not None:
        folders = (root, root / "src")
        names |= {entry.stem for folder in folders if folder.is_dir() for entry in folder.iterdir()}
    return names


def asked_for(name: str, brief: Brief) -> bool:
    """Whether the task speaks of a module of this name."""
    return re.search(rf"\b{re.escape(name)}(\.py\b|`)|module `?{re.escape(name)}\b", brief.prompt) is not None
