"""What a command is given, as the public API takes it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, Unpack, cast

from escalator.records import TaskOptions


class Given(TypedDict, total=False):
    """Options of a command that describe a task; None and empty lists were left out."""

    workspace: Path | None
    files: Sequence[str] | None
    tests: Sequence[str] | None
    requirements: Sequence[str] | None
    images: Sequence[Path] | None
    language: str | None
    task_type: str | None
    complexity: float | None
    validators: Sequence[str] | None
    local_only: bool | None
    budget: str | None
    deadline: float | None
    tags: Sequence[str] | None
    task_id: str | None


def given(**options: Unpack[Given]) -> TaskOptions:
    """The options that were given, with a workspace for relative paths: the working directory."""
    found: dict[str, object] = {
        name: value for name, value in options.items() if value is not None and value != []
    }
    if "workspace" not in found and ("files" in found or "tests" in found):
        found["workspace"] = Path.cwd()
    return cast("TaskOptions", found)


def worded(prompt: str) -> str:
    """The prompt; a single dash reads it from standard input."""
    return sys.stdin.read() if prompt == "-" else prompt
