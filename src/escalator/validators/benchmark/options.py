"""The options of the benchmark validator, and those of a task laid over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from escalator.errors import ValidatorError


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The options as the matrix gives them; see `benchmark`."""

    module: str | None
    call: str | None
    setup: str
    command: tuple[str, ...] | None
    sizes: tuple[int, ...]
    tolerance: float
    faster_than: float | None
    budget_seconds: float
    interpreter: str | None

    def overlaid(self, given: Mapping[str, Any] | None) -> Options:
        """These options with those of a task laid over them. Raises `ValidatorError` for unknown or bad ones."""
        given = dict(given or {})
        known = {each.name for each in fields(self)}
        if unknown := sorted(set(given) - known):
            raise ValidatorError(
                f"The task's benchmark has no option {unknown[0]!r}; known are {', '.join(sorted(known))}.",
                validator="benchmark",
            )
        for key in ("sizes", "command"):
            if given.get(key) is not None:
                given[key] = tuple(given[key])
        options = replace(self, **given)
        try:
            check(options, complete=True)
        except ValueError as error:
            raise ValidatorError(f"The benchmark cannot be run: {error}", validator="benchmark") from error
        return options


def check(options: Options, *, complete: bool) -> None:
    """Raise `ValueError` for options that cannot be right; `complete`: something to measure must be named."""
    if complete and not options.command and not (options.module and options.call):
        raise ValueError("give module and call, or command")
    if options.command and options.call:
        raise ValueError("give either call or command, not both")
    if not options.sizes or any(size < 0 for size in options.sizes):
        raise ValueError("sizes: give one or more sizes from 0 upward")
    if not 0 < options.tolerance < 10:
        raise ValueError("tolerance: give a fraction such as 0.10")
    if options.faster_than is not None and options.faster_than <= 0:
        raise ValueError("faster_than: give a factor such as 2")
    if not 1 <= options.budget_seconds <= 3600:
        raise ValueError("budget_seconds: give 1 to 3600 seconds")
