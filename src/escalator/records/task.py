"""What is wanted: the task as the caller gives it, and the same with everything read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from escalator.records.calls import Image

if TYPE_CHECKING:
    from escalator.records.plan import ValidatorSpec
    from escalator.records.verdict import Candidate

Contents: TypeAlias = "Mapping[str, str] | Sequence[str | Path] | Path"
"""Files as {path: content}, or as paths or glob patterns under the workspace."""

Judge: TypeAlias = "str | Mapping[str, Mapping[str, Any] | None] | ValidatorSpec | Callable[[Candidate], object]"
"""A validator as callers write it: its name, {name: {option: value}}, or a function of the candidate that returns
a `Verdict`, True, False or a text that says what is wrong, or that is a flow of steps ending in one of these.
"""


class TaskOptions(TypedDict, total=False):
    """What `execute` and its like take beside the prompt: the fields of `Task`, which says what each means."""

    workspace: str | Path | None
    files: Contents
    tests: Contents
    language: str | None
    requirements: Sequence[str]
    images: Sequence[str | Path | Image] | Path | Image
    response_schema: Mapping[str, Any] | type | None
    benchmark: Mapping[str, Any] | None
    validators: Sequence[Judge] | Judge | None
    task_type: str | None
    complexity: float | None
    local_only: bool
    budget: Decimal | float | str | None
    deadline: float | None
    tags: Sequence[str]
    task_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What is wanted, as the caller says it.

    `prompt`: the request in plain words. `workspace`: a directory that is read, never written.
    `files`: what may be changed, as names or glob patterns under the workspace (a name that exists is no pattern)
    or as {path: content}.
    `tests`: trusted tests that judge the answer, as paths under the workspace or as {path: content}; a path may go
    on to single tests as pytest's ids do, `tests/test_x.py::TestC::test_b`.
    `language`: of the answer, when neither files nor prompt tell. `requirements`: sentences the answer must
    meet, one each; the semantic checker judges them one by one. `images`: paths or `Image` records.
    `response_schema`: JSON Schema (or pydantic model class) the answer must match.
    `benchmark`: options of the benchmark validator. `validators`: replaces the matrix's list.
    `task_type`, `complexity` (0 to 10): override the classifier. `local_only`: never reaches a remote model.
    `budget`: the most this task may cost, USD. `deadline`: seconds from the start until the task is stopped.
    `tags`: free labels for reports and budgets. `task_id`: makes `execute` idempotent on one ledger.
    """

    prompt: str
    workspace: str | Path | None = None
    files: Contents = ()
    tests: Contents = ()
    language: str | None = None
    requirements: Sequence[str] = ()
    images: Sequence[str | Path | Image] | Path | Image = ()
    response_schema: Mapping[str, Any] | type | None = None
    benchmark: Mapping[str, Any] | None = None
    validators: Sequence[Judge] | Judge | None = None
    task_type: str | None = None
    complexity: float | None = None
    local_only: bool = False
    budget: Decimal | float | str | None = None
    deadline: float | None = None
    tags: Sequence[str] = ()
    task_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """A task with everything read: what prompts, validators and the ledger see.

    `files` and `tests` map POSIX paths relative to the workspace to their contents; `files` holds what may be
    changed and its content before any change. `protected` are paths an answer may never touch. `named` are those
    of the files that no answer changes unasked (settings of editors, hooks, CI and the like) and that the task
    names one by one, not by a pattern. `absent` are the files and tests that the workspace did not have when they
    were read, None where there is no workspace. `left_out` says what patterns matched and left out. `selected` are
    the tests that count, by pytest's ids, in files of which not all do; `helpers` are files of `tests` that came
    with a folder and are no test files by the project's own settings.
    """

    task_id: str
    prompt: str
    workspace: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    tests: Mapping[str, str] = field(default_factory=dict)
    protected: tuple[str, ...] = ()
    selected: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    language: str | None = None
    requirements: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    response_schema: Mapping[str, Any] | None = None
    benchmark: Mapping[str, Any] | None = None
    local_only: bool = False
    budget: Decimal | None = None
    deadline: float | None = None
    tags: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    absent: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
