"""What validators that run a process share: the files it is given, and how its end is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from escalator.validators.project import base_text

if TYPE_CHECKING:
    from escalator.records import Brief, Candidate, Command, RunResult

_LINES = 30
_CHARACTERS = 3000


def answer_files(candidate: Candidate, *, keep: Iterable[str] = ()) -> dict[str, str | None]:
    """What is laid over the workspace to get the project as the answer leaves it.

    Tests, protected paths and paths matching a pattern of `keep` stay as they were in the base: an answer
    cannot change what judges it. A path it newly made under such a pattern is left out.
    """
    brief = candidate.brief
    files: dict[str, str | None] = {**brief.files, **candidate.changes.files}
    patterns = tuple(keep)
    for path in candidate.changes.files:
        if path in brief.tests or _kept(path, (*brief.protected, *patterns)):
            files[path] = base_text(brief, path)
    return {**files, **brief.tests}


def base_files(brief: Brief) -> dict[str, str]:
    """What is laid over the workspace to get the project as it was before the answer."""
    return {**brief.files, **brief.tests}


def _kept(path: str, patterns: Iterable[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(
        path == pattern
        or path.startswith(pattern.rstrip("/") + "/")
        or fnmatchcase(path, pattern)
        or ("/" not in pattern and fnmatchcase(name, pattern))
        for pattern in patterns
    )


def ending(result: RunResult, timeout: float) -> str:
    """How a run ended, in words that follow the command: "ended with exit status 1"."""
    if result.killed == "wall":
        return f"did not end within {timeout:g} s and was killed"
    if result.killed == "output":
        return "wrote more output than is allowed and was killed"
    if result.killed == "memory":
        return "used more memory than is allowed and was killed"
    if result.exit_status is None or result.exit_status < 0:
        return "was ended by a signal"
    return f"ended with exit status {result.exit_status}"


def tail(result: RunResult) -> str:
    """The end of what a run wrote, errors after output, short enough for a prompt."""
    text = "\n".join(part.strip("\n") for part in (result.stdout, result.stderr) if part.strip())
    lines = text.split("\n")[-_LINES:]
    return "\n".join(lines)[-_CHARACTERS:]


def run_evidence(command: Command, result: RunResult) -> dict[str, object]:
    """What was run and how it ended, as plain values for a verdict's evidence."""
    return {
        "argv": list(command.argv),
        "exit_status": result.exit_status,
        "killed": result.killed,
        "seconds": round(result.seconds, 3),
        "isolation": result.isolation.kind,
        **({"notes": list(result.notes)} if result.notes else {}),
    }


def plain(mapping: Mapping[str, object] | None) -> dict[str, str]:
    """Environment variables as the matrix gives them, every value as text."""
    return {str(key): str(value) for key, value in (mapping or {}).items()}
