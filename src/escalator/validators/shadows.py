"""New files that would be taken for another: a module beside the one that was meant, or named like a library."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from escalator.validators.build_files import exists, is_the_tasks

if TYPE_CHECKING:
    from escalator.records import Brief, Candidate

_ROOTS = ("", "src", "lib", "python", "tests", "test")
"""Folders from which modules are commonly imported."""

_COMMON = frozenset({"test", "tests", "docs", "examples", "scripts", "tools", "this", "antigravity"})
"""Names that some library has, and that nobody means it by."""

_SCRIPTS = ("js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "json", "node")
_ELSEWHERE = "would be imported in place of"


def shadows(candidate: Candidate) -> list[str]:
    """What is to be said of new files that others' imports would find instead of what they mean."""
    brief, changes = candidate.brief, candidate.changes.files
    new = [path for path, text in changes.items() if text is not None and not exists(brief, path)]
    gone = frozenset(path for path, text in changes.items() if text is None)
    return [
        said
        for path in new
        if not is_the_tasks(brief, path) and (said := _shadow(path, brief, frozenset(new), gone)) is not None
    ]


def _shadow(path: str, brief: Brief, new: frozenset[str], gone: frozenset[str]) -> str | None:
    meant = next((other for other in _others(path) if other not in gone and exists(brief, other)), None)
    if meant is not None:
        return f"{path} {_ELSEWHERE} {meant}. Put the change into {meant}, or give the new file another name."
    module = _module(path)
    if module is None or module[0] not in _ROOTS or _is_package(module[0], brief, new):
        return None
    name = module[1]
    if name in sys.stdlib_module_names - _COMMON:
        return f"{path} {_ELSEWHERE} Python's own module {name}. Give it another name."
    if name not in _COMMON and _installed(name, brief):
        return f"{path} {_ELSEWHERE} the installed {name}. Give it another name."
    return None


def _others(path: str) -> Iterator[str]:
    """Paths of the project under which the same import would have found something."""
    pure = PurePosixPath(path)
    suffix = pure.suffix.removeprefix(".")
    if suffix in _SCRIPTS and pure.stem != "index":
        stem = pure.with_suffix("").as_posix()
        yield from (f"{stem}.{other}" for other in _SCRIPTS if other != suffix)
        yield from (f"{stem}/index.{other}" for other in _SCRIPTS)
    if (module := _module(path)) is None:
        return
    folder, name = module
    if pure.name == "__init__.py":
        yield _joined(folder, f"{name}.py")
    if folder in _ROOTS:
        for root in _ROOTS:
            if root != folder:
                yield _joined(root, f"{name}.py")
                yield _joined(root, f"{name}/__init__.py")


def _module(path: str) -> tuple[str, str] | None:
    """The folder from which a Python file is imported, and its name there; None for other files."""
    pure = PurePosixPath(path)
    if pure.suffix != ".py" or pure.stem == "__main__" or pure.name == "conftest.py":
        return None
    if pure.stem != "__init__":
        return _folder(pure.parent), pure.stem
    return (_folder(pure.parent.parent), pure.parent.name) if pure.parent.name else None


def _folder(pure: PurePosixPath) -> str:
    return "" if pure == PurePosixPath() else pure.as_posix()


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_package(folder: str, brief: Brief, new: frozenset[str]) -> bool:
    """Whether modules of the folder are imported under its name, so that their own names are free."""
    init = _joined(folder, "__init__.py")
    return bool(folder) and (init in new or exists(brief, init))


def _installed(name: str, brief: Brief) -> bool:
    root = brief.workspace
    if root is not None:
        own = [*root.glob(".venv/lib/python3*/site-packages"), *root.glob("venv/lib/python3*/site-packages")]
        if any((place / f"{name}.py").is_file() or (place / name / "__init__.py").is_file() for place in own):
            return True
    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return False
    if spec is None or spec.origin is None:
        return False
    return root is None or not Path(spec.origin).resolve().is_relative_to(root.resolve())
