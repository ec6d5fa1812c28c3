"""Reads what compilers and type checkers print, and finds the errors that were not there before."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One error of a tool: `line` is 1-based (0 if it named none), `rule` its code or "" where it has none."""

    path: str
    line: int
    message: str
    rule: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same error after lines have moved: file, rule, and the message without numbers."""
        return self.path, self.rule, re.sub(r"\d+", "#", " ".join(self.message.split()))

    def told(self) -> str:
        """As one line for the model that wrote the code."""
        return f"{self.path}:{self.line}: {self.message}" + (f" [{self.rule}]" if self.rule else "")


def new_problems(before: Iterable[Problem], after: Sequence[Problem], touched: frozenset[str]) -> list[Problem]:
    """The errors of the answer that the base did not have.

    If the base had none at all, errors in any file count: a change may break its callers. Otherwise only those
    in touched files, since an error may hide others.
    """
    had = Counter(problem.key for problem in before)
    clean = not had
    new = []
    for problem in after:
        if had[problem.key]:
            had[problem.key] -= 1
        elif clean or problem.path in touched:
            new.append(problem)
    return new


def read_problems(form: str, output: str, known: Iterable[str]) -> list[Problem]:
    """The errors in a tool's output; `known` are paths of the project, to which printed paths are brought back."""
    places = sorted(known, key=len, reverse=True)
    return [
        Problem(path=_relative(each.path, places), line=each.line, message=each.message, rule=each.rule)
        for each in _FORMS[form](output)
    ]


def _relative(path: str, places: Sequence[str]) -> str:
    path = path.removeprefix("./")
    return next((place for place in places if path == place or path.endswith("/" + place)), path)


_COLON = re.compile(
    r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+)(?::\d+)?:\s*(?:fatal )?error"
    r"(?:\[(?P<rule>[\w-]+)\])?:?\s+(?P<message>.*?)(?:\s+\[(?P<tail>[\w-]+)\])?$",
    re.MULTILINE,
)
_GO = re.compile(r"^(?:vet: )?(?P<path>[^\s:#][^:\n]*\.go):(?P<line>\d+)(?::\d+)?: (?P<message>.*)$", re.MULTILINE)
_TSC = re.compile(
    r"^(?P<path>[^\n(]+)\((?P<line>\d+),\d+\): error (?P<rule>TS\d+): (?P<message>.*)$", re.MULTILINE
)
_BASH = re.compile(r"^(?P<path>[^:\n]+): line (?P<line>\d+): (?P<message>.*)$", re.MULTILINE)


def _by_colons(output: str) -> list[Problem]:
    """mypy, ty, gcc, javac and cargo's short form: "path:line:column: error[rule]: message [rule]"."""
    return [
        Problem(
            path=match["path"],
            line=int(match["line"]),
            message=match["message"],
            rule=match["rule"] or match["tail"] or "",
        )
        for match in _COLON.finditer(output)
    ]


def _by(pattern: re.Pattern[str]) -> Callable[[str], list[Problem]]:
    def read(output: str) -> list[Problem]:
        return [
            Problem(
                path=match["path"].strip(),
                line=int(match["line"]),
                message=match["message"],
                rule=match.groupdict().get("rule") or "",
            )
            for match in pattern.finditer(output)
        ]

    return read


def _ruff(output: str) -> list[Problem]:
    return [
        Problem(
            path=str(each["filename"]),
            line=int(each["location"]["row"]),
            message=str(each["message"]),
            rule=str(each.get("code") or "syntax"),
        )
        for each in _json(output, list)
    ]


def _pyright(output: str) -> list[Problem]:
    return [
        Problem(
            path=str(each["file"]),
            line=int(each["range"]["start"]["line"]) + 1,
            message=str(each["message"]),
            rule=str(each.get("rule", "")),
        )
        for each in _json(output, dict).get("generalDiagnostics", [])
        if each.get("severity") == "error"
    ]


def _pyrefly(output: str) -> list[Problem]:
    return [
        Problem(
            path=str(each["path"]),
            line=int(each["line"]),
            message=str(each.get("concise_description") or each["description"]),
            rule=str(each.get("name", "")),
        )
        for each in _json(output, dict).get("errors", [])
        if each.get("severity", "error") == "error"
    ]


def _json(output: str, kind: type[object]) -> Any:
    start = output.find("[" if kind is list else "{")
    try:
        said = json.JSONDecoder().raw_decode(output[start:])[0] if start >= 0 else kind()
    except ValueError:
        return kind()
    return said if isinstance(said, kind) else kind()


_FORMS: dict[str, Callable[[str], list[Problem]]] = {
    "colons": _by_colons,
    "go": _by(_GO),
    "tsc": _by(_TSC),
    "bash": _by(_BASH),
    "ruff": _ruff,
    "pyright": _pyright,
    "pyrefly": _pyrefly,
}
