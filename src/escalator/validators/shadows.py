"""New files that would be taken for another: a module beside the one that was meant, or named like a library."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
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

_MODULES = frozenset({".py", ".pyc", ".so", ".pyd"})
_SCRIPTS = ("js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "json", "node")
_ELSEWHERE = "would be imported in place of"


def shadows(candidate: Candidate, folders: Iterable[str] = (), packages: Collection[str] = ()) -> list[str]:
    """What is to be said of new files that others' imports would find instead of what they mean.

    `folders` are imported from, beside those from which modules commonly are; `packages` are imported by their own
    names, so that nothing is imported from within them.
    """
    brief, changes = candidate.brief, candidate.changes.files
    all_roots = dict.fromkeys((*_ROOTS, *(_folder(PurePosixPath(folder)) for folder in folders)))
    roots = tuple(root for root in all_roots if root.partition("/")[0] not in packages)
    new = [path for path, text in changes.items() if text is not None and not exists(brief, path)]
    gone = frozenset(path for path, text in changes.items() if text is None)
    return [
        said
        for path in new
        if not is_the_tasks(brief, path)
        and (said := _shadow(path, brief, roots, new=frozenset(new), gone=gone)) is not None
    ]


def _shadow(
    path: str, brief: Brief, roots: tuple[str, ...], *, new: frozenset[str], gone: frozenset[str]
) -> str | None:
    meant = next((other for other in _others(path, roots) if other not in gone and exists(brief, other)), None)
    if meant is not None:
        return f"{path} {_ELSEWHERE} {meant}. Put the change into {meant}, or give the new file another name."
    alone = [(root, name) for root, name in _imported_as(path, roots) if len(name) == 1]
    for root, (name,) in alone:
        if _is_package(root, brief, new) or name in _COMMON:
            continue
        if name in sys.stdlib_module_names:
            return f"{path} {_ELSEWHERE} Python's own module {name}. Give it another name."
        if _installed(name, brief):
            return f"{path} {_ELSEWHERE} the installed {name}. Give it another name."
    return None


def _others(path: str, roots: tuple[str, ...]) -> Iterator[str]:
    """Paths of the project under which the same import would have found something."""
    pure = PurePosixPath(path)
    suffix = pure.suffix.removeprefix(".")
    if suffix in _SCRIPTS and pure.stem != "index":
        stem = pure.with_suffix("").as_posix()
        yield from (f"{stem}.{other}" for other in _SCRIPTS if other != suffix)
        yield from (f"{stem}/index.{other}" for other in _SCRIPTS)
    for name in dict.fromkeys(name for _, name in _imported_as(path, roots)):
        for root in roots:
            place = _folder(PurePosixPath(root, *name))
            yield from (other for other in (f"{place}.py", f"{place}/__init__.py") if other != path)


def _imported_as(path: str, roots: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The folders from which Python would import a file, and its name there."""
    pure = PurePosixPath(path)
    if pure.suffix not in _MODULES or pure.name in {"__main__.py", "conftest.py"}:
        return
    for root in roots:
        if pure.is_relative_to(root):
            parts = pure.relative_to(root).parts
            stem = parts[-1].partition(".")[0]
            name = parts[:-1] if stem == "__init__" else (*parts[:-1], stem)
            if name and all(part.isidentifier() for part in name):
                yield root, name


def _folder(pure: PurePosixPath) -> str:
    return "" if pure == PurePosixPath() else pure.as_posix()


def _is_package(folder: str, brief: Brief, new: frozenset[str]) -> bool:
    """Whether modules of the folder are imported under its name, so that their own names are free."""
    init = f"{folder}/__init__.py"
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
