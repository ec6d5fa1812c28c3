"""From the task as the caller gives it to the brief that everybody works from: read once, checked once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import uuid4

from escalator.errors import TaskError
from escalator.execution.trusted import Trusted, from_disk, from_texts
from escalator.records import Brief, Contents, Image, Task
from escalator.records.money import MOST

MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
LARGEST_IMAGE = 20 * 1024 * 1024


def make_brief(task: Task) -> Brief:
    """Read the task's files and tests. Raises `TaskError` naming the argument that cannot be used."""
    _check_kinds(task)
    _check_words(task)
    workspace = _workspace(task.workspace)
    notes: list[str] = []
    files = _contents(task.files, workspace, notes)
    trusted = _trusted(task.tests, workspace, notes)
    tests = trusted.files
    overlap = sorted(set(files) & set(tests))
    files = {path: text for path, text in files.items() if path not in tests}
    if overlap and not files:
        raise TaskError(
            f"{overlap[0]} is both to be changed and a trusted test",
            field="files",
            hint="name it in one of the two",
        )
    _check_figures(task)
    return Brief(
        task_id=task.task_id or uuid4().hex[:16],
        prompt=task.prompt,
        workspace=workspace,
        files=files,
        tests=dict(tests),
        protected=tuple(tests),
        selected=trusted.selected,
        helpers=trusted.helpers,
        language=task.language,
        requirements=_several(task.requirements),
        images=tuple(_image(image) for image in _several(task.images)),
        response_schema=_schema(task.response_schema),
        benchmark=_json(task.benchmark, "benchmark"),
        local_only=task.local_only,
        budget=_budget(task.budget),
        deadline=task.deadline,
        tags=_several(task.tags),
        named=_named(task.files, files),
        absent=_absent(workspace, (*files, *tests)),
        left_out=tuple(notes),
    )


def relimited(brief: Brief, *, budget: Decimal | float | str | None, deadline: float | None) -> Brief:
    """The brief under another budget (USD) or deadline (seconds from now); None leaves what it had."""
    _check_deadline(deadline)
    return replace(
        brief,
        budget=brief.budget if budget is None else _budget(budget),
        deadline=brief.deadline if deadline is None else deadline,
    )


def _workspace(given: str | Path | None) -> Path | None:
    if given is None:
        return None
    path = _expanded(given, "workspace")
    if not path.exists():
        raise TaskError(
            f"the directory {given} does not exist", field="workspace", hint="pass an existing directory"
        )
    if not path.is_dir():
        raise TaskError(
            f"{given} is not a directory", field="workspace", hint="pass the directory and name it in files"
        )
    from escalator.workspace.places import root_of

    return root_of(path, "workspace")


def _expanded(given: str | Path, field: str) -> Path:
    try:
        return Path(given).expanduser()
    except RuntimeError:
        raise TaskError(f"nobody knows the home that {given} is in", field=field, hint="write it out") from None


def _contents(given: Contents, workspace: Path | None, notes: list[str]) -> dict[str, str]:
    """What may be changed; `notes` is told what was left out."""
    if isinstance(given, Mapping):
        return _texts(given, workspace, "files")
    names = [_name(item, workspace) for item in _several(given)]
    if not names:
        return {}
    workspace = _root(names, workspace, "files")
    from escalator import workspace as project

    left = project.LeftOut()
    found = project.read_files(workspace, names, left=left)
    notes += filter(None, [left.sentence("files")])
    return found


def _trusted(given: Contents, workspace: Path | None, notes: list[str]) -> Trusted:
    """The tests, with which of them count; `notes` is told what was left out."""
    if isinstance(given, Mapping):
        if not any("::" in str(path) for path in given):
            return Trusted(files=_texts(given, workspace, "tests"))
        trusted = from_texts({_name(path, workspace): _text(path, text, "tests") for path, text in given.items()})
        return replace(trusted, files=_texts(trusted.files, workspace, "tests"))
    names = [_name(item, workspace) for item in _several(given)]
    if not names:
        return Trusted(files={})
    trusted, left = from_disk(_root(names, workspace, "tests"), names)
    notes += filter(None, [left])
    return trusted


def _texts(given: Mapping[str, str], workspace: Path | None, field: str) -> dict[str, str]:
    """Files given as {path: content}, under the names that a workspace has them by."""
    texts = {_path(_name(path, workspace), field): _text(path, text, field) for path, text in given.items()}
    if workspace is None:
        return texts
    from escalator import workspace as project

    return project.read_beside(workspace, texts, field)


def _root(names: Sequence[str], workspace: Path | None, field: str) -> Path:
    """The workspace, in which these paths are to be found."""
    if workspace is None:
        raise TaskError(
            f"{names[0]!r} is a path, and there is no workspace to find it in",
            field=field,
            hint="pass workspace=…, or {path: content}",
        )
    return workspace


def _named(given: Contents, files: Mapping[str, str]) -> tuple[str, ...]:
    """Those of the files that are changed only where a task names them, and that this one does."""
    from escalator import workspace as project

    if isinstance(given, Mapping):
        return tuple(path for path in files if project.is_settled(path))
    names = {project.composed(_name(item, None).removeprefix("./")) for item in _several(given)}
    return tuple(path for path in files if project.composed(path) in names and project.is_settled(path))


def _absent(workspace: Path | None, paths: Iterable[str]) -> tuple[str, ...] | None:
    if workspace is None:
        return None
    from escalator import workspace as project

    return project.missing(workspace, paths)


def _name(item: str | Path, workspace: Path | None) -> str:
    """A path or pattern as it is written: with slashes, and relative to the workspace if it is a `Path` in it."""
    if not isinstance(item, Path):
        return item
    inside = workspace is not None and item.is_absolute() and item.is_relative_to(workspace)
    return (item.relative_to(workspace) if workspace is not None and inside else item).as_posix()


def _path(path: str, field: str) -> str:
    from escalator import workspace as project

    if not isinstance(path, str):
        raise TaskError(f"{path!r} is {type(path).__name__}", field=field, hint="pass {path: content}")
    problem = project.path_problem(path)
    if problem is not None:
        raise TaskError(
            f"{path!r} cannot be used: {problem}", field=field, hint="pass paths relative to the project"
        )
    return path


def _text(path: str, text: object, field: str) -> str:
    if not isinstance(text, str):
        raise TaskError(f"the content of {path!r} is {type(text).__name__}, not str", field=field)
    if not _is_unicode(text):
        raise TaskError(f"{path!r} holds half a character (a lone surrogate)", field=field, hint="decode it anew")
    return text


_KINDS: dict[str, tuple[tuple[type, ...], type | tuple[type, ...] | None, str]] = {
    "prompt": ((str,), None, "what is wanted, in words"),
    "workspace": ((str, Path), None, "the path of a directory"),
    "files": ((str, Path, Mapping, Sequence), (str, Path), "paths under the workspace, or {path: content}"),
    "tests": ((str, Path, Mapping, Sequence), (str, Path), "paths under the workspace, or {path: content}"),
    "language": ((str,), None, 'a name such as "python"'),
    "requirements": ((str, Sequence), str, "sentences"),
    "images": ((str, Path, Image, Sequence), (str, Path, Image), "paths of pictures"),
    "benchmark": ((Mapping,), None, "the options of the benchmark validator"),
    "task_type": ((str,), None, "the name of a task type"),
    "local_only": ((bool,), None, "True or False"),
    "tags": ((str, Sequence), str, "labels"),
    "task_id": ((str,), None, "a text"),
}
"""What each field of a task may be, and what its items may be where it is a sequence.

None means that a field was left out, except for the prompt.
"""


def _check_kinds(task: Task) -> None:
    """Raise `TaskError` for a field that holds something of another kind, or a sequence with such an item."""
    for field, (kinds, items, wanted) in _KINDS.items():
        value = getattr(task, field)
        if value is None and field != "prompt":
            continue
        wrong: list[object] = []
        if not isinstance(value, kinds) or isinstance(value, bytes):
            wrong = [value]
        elif items is not None and isinstance(value, Sequence) and not isinstance(value, str):
            wrong = [item for item in value if not isinstance(item, items)]
        if wrong:
            text = f"{wrong[0]!r} is {type(wrong[0]).__name__}"
            raise TaskError(text, field=field, hint=f"pass {wanted}")


def _check_words(task: Task) -> None:
    if not task.prompt.strip():
        raise TaskError("the prompt is empty", field="prompt", hint="say in a sentence what should be done")
    for field in ("prompt", "language", "requirements", "tags", "task_id"):
        if not all(map(_is_unicode, _several(getattr(task, field)))):
            raise TaskError("it holds half a character (a lone surrogate)", field=field, hint="decode it anew")
    if task.task_id is not None and not task.task_id.strip():
        raise TaskError("the id is empty", field="task_id", hint="leave it out to have one made")


def _is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _several(given: Any) -> tuple[Any, ...]:
    """The items of a sequence, none of None; a single text or picture is one item, not its letters."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str | Path | Image) else tuple(given)


def _check_figures(task: Task) -> None:
    if task.complexity is not None and not 0 <= _number(task.complexity, "complexity") <= 10:
        raise TaskError(f"{task.complexity} is not between 0 and 10", field="complexity")
    _check_deadline(task.deadline)


def _check_deadline(deadline: float | None) -> None:
    if deadline is not None and not _number(deadline, "deadline") > 0:
        raise TaskError(f"{deadline} s leaves no time", field="deadline", hint="pass seconds above 0, or None")


def _number(given: object, field: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TaskError(f"{given!r} is {type(given).__name__}, not a number", field=field)
    return given


def _budget(given: Decimal | float | str | None) -> Decimal | None:
    if given is None:
        return None
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        raise TaskError(f"{given!r} is not an amount of USD", field="budget", hint='write "0.25"') from None
    if not amount.is_finite() or amount < 0:
        raise TaskError(f"{given} is not an amount of USD from 0 upward", field="budget")
    if amount > MOST:
        hint = f"pass at most {MOST:,}, or no budget"
        raise TaskError(f"{given} USD is more than a ledger can count", field="budget", hint=hint)
    return amount


def _image(given: str | Path | Image) -> Image:
    if isinstance(given, Image):
        return given
    path = _expanded(given, "images")
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        known = ", ".join(sorted(MEDIA_TYPES))
        raise TaskError(f"{path.name} is not a picture models accept", field="images", hint=f"use one of {known}")
    if not path.is_file():
        raise TaskError(f"the picture {path} does not exist", field="images")
    if path.stat().st_size > LARGEST_IMAGE:
        raise TaskError(f"the picture {path} is larger than 20 MiB", field="images", hint="scale it down")
    return Image(media_type=media_type, data=path.read_bytes())


def _schema(given: Mapping[str, Any] | type | None) -> Mapping[str, Any] | None:
    if given is None or isinstance(given, Mapping):
        return _json(given, "response_schema")
    maker = getattr(given, "model_json_schema", None)
    if maker is None:
        raise TaskError(
            f"{given!r} is neither a JSON Schema nor a pydantic model",
            field="response_schema",
            hint="pass one of the two",
        )
    schema: Mapping[str, Any] = maker()
    return schema


def _json(given: Mapping[str, Any] | None, field: str) -> Mapping[str, Any] | None:
    """What the ledger can keep and a provider can be sent."""
    if given is None:
        return None
    try:
        json.dumps(dict(given), ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise TaskError(f"it is not JSON: {error}", field=field, hint="use plain values") from None
    return given
