"""Tries the calls by which a checker shows defects, apart from the answer: it never learns what is expected."""

from __future__ import annotations

import ast
import builtins
import json
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from escalator.errors import ValidatorError
from escalator.records import Command, Limits
from escalator.steps import run
from escalator.validators.encoding import Encoder
from escalator.validators.runs import answer_files
from escalator.validators.semantic.vote import Defect, Vote
from escalator.validators.sending import programs, signed, started
from escalator.validators.values import SAME, UNKNOWN, EncodingError, compare, parse, show

if TYPE_CHECKING:
    from pathlib import Path

    from escalator.flow import Flow
    from escalator.records import Candidate

Found: TypeAlias = Literal["same", "other", "raised", "unknown"]

_MOST_CALLS = 3
_SECONDS = 10.0
_PROGRAMS = ("encoding", "semantic.trial_run")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A vote with its defects tried, and what trying them showed."""

    vote: Vote
    tried: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trial:
    """What became of an expression: the tree of its value, or the built-in error it raised, or neither."""

    value: Any = ("o", "")
    error: str = ""
    told: str = ""


def tried(vote: Vote, candidate: Candidate) -> Flow[Judged]:
    """The vote after the calls of its defects were tried.

    A defect whose call gives something else than expected blocks; one whose call gives just that is dropped. What
    a trial cannot decide leaves the defect as it stood.
    """
    modules = _modules(candidate)
    kept: list[Defect] = []
    shown: list[dict[str, str]] = []
    for defect in vote.defects:
        if not modules or not (defect.call and defect.expected) or len(shown) >= _MOST_CALLS:
            kept.append(defect)
            continue
        found, got = yield from _outcome(defect, modules, candidate)
        shown.append({"call": defect.call, "expected": defect.expected, "found": found, "got": got})
        if found in {"other", "raised"}:
            verb = "raises" if found == "raised" else "gives"
            what = f"{defect.what} (tried: {defect.call} {verb} {got}, not {defect.expected})"
            kept.append(replace(defect, severity="blocking", what=what))
        elif found == "unknown":
            kept.append(defect)
    return Judged(vote=replace(vote, defects=tuple(kept)), tried=tuple(shown))


def _modules(candidate: Candidate) -> list[str]:
    """Names under which the changed Python files can be imported; none where one cannot be."""
    names = []
    for path, text in candidate.changes.files.items():
        if text is None or not path.endswith(".py"):
            continue
        parts = PurePosixPath(path.removeprefix("src/")).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts and all(part.isidentifier() for part in parts):
            names.append(".".join(parts))
    return names


def _outcome(defect: Defect, modules: Sequence[str], candidate: Candidate) -> Flow[tuple[Found, str]]:
    """What a defect's call gives, compared here with what it should give; and that in words."""
    workspace, files = candidate.brief.workspace, answer_files(candidate)
    seen = yield from _evaluated(defect.call, modules, workspace=workspace, files=files)
    if seen is None:
        return "unknown", ""
    if seen.told:
        awaited = seen.error and seen.error == _error_named(defect.expected)
        return ("same" if awaited else "raised"), seen.told
    if compare(seen.value, seen.value) == UNKNOWN:
        return "unknown", show(seen.value)
    wanted = yield from _expected(defect.expected)
    if wanted is None or (found := compare(seen.value, wanted)) == UNKNOWN:
        return "unknown", show(seen.value)
    return ("same" if found == SAME else "other"), show(seen.value)


def _expected(text: str) -> Flow[Any | None]:
    """The value that is expected: a literal is read here, all else is evaluated where nothing of the answer is."""
    try:
        return parse(Encoder()(ast.literal_eval(text)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, EncodingError):
        seen = yield from _evaluated(text, (), workspace=None, files={})
        return None if seen is None or seen.told else seen.value


def _error_named(expected: str) -> str:
    """The built-in error that is expected in place of a value, or nothing."""
    name = expected.removeprefix("raises ").partition("(")[0].strip()
    known = getattr(builtins, name, None)
    return name if isinstance(known, type) and issubclass(known, Exception) else ""


def _evaluated(
    expression: str, modules: Sequence[str], *, workspace: Path | None, files: Mapping[str, str | None]
) -> Flow[_Trial | None]:
    """Evaluate an expression in a process of its own; None where that left no record that counts."""
    key = secrets.token_bytes(32)
    job = {"key": key.hex(), "modules": list(modules), "call": expression}
    command = Command(
        argv=started(sys.executable, "semantic.trial_run", "{report}"),
        workspace=workspace,
        files=files,
        trusted=programs(_PROGRAMS),
        stdin=json.dumps(job).encode(),
        report=True,
        limits=Limits(wall=_SECONDS),
    )
    try:
        result = yield from run(command, validator="semantic")
        found, said, message = json.loads(signed(result.report, key) or b"null")
        if found == "gave":
            return _Trial(value=parse(said))
    except (ValidatorError, EncodingError, ValueError, TypeError, RecursionError):
        return None
    return _Trial(error=str(said), told=str(message) or str(said) or "an error") if found == "raised" else None
