"""Which files, classes and functions are tests, by the names that the project's pytest settings give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath

_DEFINED = re.compile(r"^\s*(?:async\s+)?def\s+(\w+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """Prefixes or patterns of names, as pytest reads them; `files` is None where the project states none."""

    files: tuple[str, ...] | None = None
    classes: tuple[str, ...] = ("Test",)
    functions: tuple[str, ...] = ("test",)

    def takes_file(self, path: str) -> bool:
        """Whether a file that came with a folder is a test file, by the stated patterns."""
        pure = PurePosixPath(path)
        return any(
            fnmatch(f"/{pure}", f"*/{pattern.lstrip('/')}") if "/" in pattern else fnmatch(pure.name, pattern)
            for pattern in self.files or ()
        )

    def takes_class(self, name: str) -> bool:
        """Whether a class of this name holds tests; one of unittest's does anyway."""
        return _named(name, self.classes)

    def takes_function(self, name: str) -> bool:
        """Whether a function of this name is a test; unittest's own are called test."""
        return _named(name, self.functions)

    def defines_tests(self, text: str) -> bool:
        """Whether a module seems to define a function that is a test."""
        return any(map(self.takes_function, _DEFINED.findall(text)))


def naming_of(settings: Mapping[str, object]) -> Naming:
    """The names that a section of pytest settings states."""
    files, plain = _words(settings.get("python_files")), Naming()
    return Naming(
        files=files or None,
        classes=_words(settings.get("python_classes")) or plain.classes,
        functions=_words(settings.get("python_functions")) or plain.functions,
    )


def _named(name: str, patterns: tuple[str, ...]) -> bool:
    return any(
        name.startswith(each) or (any(sign in each for sign in "*?[") and fnmatch(name, each)) for each in patterns
    )


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(str, value))
    return tuple(str(value or "").split())
