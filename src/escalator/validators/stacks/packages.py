"""The packages a JavaScript project has installed: found where node would find them, and linked into its copy."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from escalator.records import Brief
from escalator.validators.project import base_text
from escalator.validators.stacks.stack import Share

MODULES = "node_modules"


def declared(brief: Brief, root: str) -> frozenset[str]:
    """The names of packages that the package.json in a folder, or one above it, asks for."""
    names: set[str] = set()
    for folder in _upward(root):
        text = base_text(brief, f"{folder}/package.json".lstrip("/"))
        try:
            found = json.loads(text) if text else {}
        except (ValueError, RecursionError):
            continue
        for kind in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies"):
            part = found.get(kind) if isinstance(found, dict) else None
            names |= set(part) if isinstance(part, dict) else set()
    return frozenset(names)


def installed(brief: Brief, root: str, file: str) -> str | None:
    """Where in the project a file of an installed package is, as in "vitest/vitest.mjs", from a folder upward."""
    for folder in _upward(root):
        path = f"{folder}/{MODULES}/{file}".lstrip("/")
        if brief.workspace is not None and (brief.workspace / path).is_file():
            return path
    return None


def is_module(brief: Brief, path: str) -> bool:
    """Whether the nearest package.json says that plain .js files are modules."""
    for folder in _upward(str(PurePosixPath(path).parent)):
        text = base_text(brief, f"{folder}/package.json".lstrip("/"))
        if text is not None:
            return '"module"' in text.partition('"type"')[2][:20]
    return False


def links(brief: Brief, share: Share) -> tuple[dict[str, str], tuple[Path, ...]]:
    """What to link where so that the copy of a project has its packages: {path in the copy: target}, and the
    folders the targets lie in. Links between packages of the project lead to the copy of these.
    """
    if brief.workspace is None:
        return {}, ()
    found: dict[str, str] = {}
    shown: dict[Path, None] = {}
    waiting = list(_folders(share, brief))
    for folder in waiting:
        modules = brief.workspace / folder / MODULES
        if modules.is_symlink() or not modules.is_dir():
            if modules.is_dir():
                shown[modules.resolve()] = None
                found[f"{folder}/{MODULES}".lstrip("/")] = str(modules.resolve())
            continue
        shown[modules] = None
        for place, target, own in _entries(modules, brief.workspace.resolve()):
            path = f"{folder}/{MODULES}/{place}".lstrip("/")
            found[path] = "../" * path.count("/") + own if own else target
            if own and own not in waiting:
                waiting.append(own)
    return found, tuple(shown)


def _folders(share: Share, brief: Brief) -> Iterator[str]:
    seen: dict[str, None] = {}
    for path in (*share.tests, *brief.files, f"{share.root}/x"):
        seen |= dict.fromkeys(_upward(str(PurePosixPath(path).parent)))
    yield from seen


def _entries(modules: Path, root: Path) -> Iterator[tuple[str, str, str]]:
    """Each entry of a folder of packages: where it goes, what it leads to, and which folder of the project that
    is.
    """
    for entry in os.scandir(modules):
        if entry.name in {".cache", ".vite", ".vitest", ".bin"}:
            continue
        scoped = entry.name.startswith("@") and entry.is_dir(follow_symlinks=False)
        for each in os.scandir(entry.path) if scoped else [entry]:
            place = f"{entry.name}/{each.name}" if scoped else each.name
            real = Path(each.path).resolve()
            if each.is_symlink() and real.is_relative_to(root) and MODULES not in real.relative_to(root).parts:
                yield place, "", real.relative_to(root).as_posix()
            else:
                yield place, str(real) if each.is_symlink() else each.path, ""


def _upward(folder: str) -> Iterator[str]:
    pure = PurePosixPath(folder or ".")
    for each in (pure, *pure.parents):
        yield "" if each == PurePosixPath() else each.as_posix()
