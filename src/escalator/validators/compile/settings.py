"""Files that steer the tools, as the base names them: an answer that changes them is judged under the old ones."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from escalator.validators.project import base_text

if TYPE_CHECKING:
    from escalator.records import Brief

_NAMES = (
    *("pyproject.toml", "mypy.ini", ".mypy.ini", "setup.cfg", "pyrightconfig.json", "pyrefly.toml", "ty.toml"),
    *("ruff.toml", ".ruff.toml", "tsconfig.json", "tsconfig.*.json", "rust-toolchain*", "build.rs", ".cargo"),
    *("clippy.toml", ".clippy.toml", "go.work", "node_modules", ".venv", "jsconfig.json"),
)
_ROOTS = (
    *("pyproject.toml", "mypy.ini", ".mypy.ini", "setup.cfg", "ruff.toml", ".ruff.toml"),
    *("tsconfig.json", "pyrightconfig.json"),
)
_EXTENDS = re.compile(r'"extends"\s*:\s*(\[[^\]]*\]|"[^"]*")|^\s*extend\s*=\s*("[^"]*"|\'[^\']*\')', re.MULTILINE)
_PLUGINS = re.compile(r"^\s*plugins\s*=\s*(\[[^\]]*\]|[^\n]*)", re.MULTILINE)
_PATH = re.compile(r"[\w@.][\w@./-]*")
_DEEPEST = 8


def steering_files(brief: Brief) -> tuple[str, ...]:
    """Patterns and paths of what tools read beside the code: settings by their names, and what these refer to."""
    found: dict[str, None] = {}
    waiting = [(name, 0) for name in _ROOTS]
    while waiting:
        path, depth = waiting.pop()
        text = base_text(brief, path)
        if text is None or depth > _DEEPEST:
            continue
        for other in _referred(path, text):
            if other not in found:
                found[other] = None
                waiting.append((other, depth + 1))
    return (*_NAMES, *found)


def _referred(path: str, text: str) -> list[str]:
    """Paths of the project that a settings file extends or loads."""
    folder = posixpath.dirname(path)
    found = []
    for match in _EXTENDS.finditer(text):
        for word in _PATH.findall(match[1] or match[2]):
            place = posixpath.normpath(posixpath.join(folder, word))
            found += [place, place + ".json"] if not place.endswith((".json", ".toml")) else [place]
    for match in _PLUGINS.finditer(text):
        for word in _PATH.findall(match[1]):
            module = word if word.endswith(".py") else word.replace(".", "/") + ".py"
            found.append(posixpath.normpath(posixpath.join(folder, module)))
    return [place for place in found if not place.startswith(("..", "/"))]
