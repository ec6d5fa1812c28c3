"""From a name in the matrix to a validator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from escalator import plugins
from escalator.errors import ConfigError
from escalator.validators.protocol import Factory, Validator

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from escalator.records import ValidatorSpec

BUILT_IN = {
    "syntax": "escalator.validators.syntax.check:syntax",
    "compile": "escalator.validators.compile.check:compile_check",
    "tests": "escalator.validators.stacks.suite:any_tests",
    "pytest": "escalator.validators.tests.suite:pytest_suite",
    "semantic": "escalator.validators.semantic.judge:semantic",
    "benchmark": "escalator.validators.benchmark.measure:benchmark",
    "command": "escalator.validators.command:command",
    "json_schema": "escalator.validators.json_schema:json_schema",
    "python": "escalator.validators.python_callable:python",
}
"""Names that need no plug-in, as "module:attribute"; a module is imported when its name is first used."""


def resolve(name: str, *, installed: Iterable[EntryPoint] | None = None) -> Factory:
    """The factory a name stands for: built-in, entry point of `escalator.validators`, or "module:attribute".

    `installed` replaces the entry points of the running interpreter. Raises `ConfigError`, see `plugins.find`.
    """
    return plugins.find(name, "validator", BUILT_IN, key="validators", installed=installed)


def build(spec: ValidatorSpec, *, installed: Iterable[EntryPoint] | None = None) -> Validator:
    """Make the validator a spec asks for.

    Raises `ConfigError` for an option the factory does not take, with the nearest name it does take, and for a
    value the factory refuses.
    """
    key = f"validators.{spec.name}"
    factory = resolve(spec.name, installed=installed)
    validator: Validator = plugins.make(factory, spec.options, name=spec.name, kind="validator", key=key)
    if not callable(validator):
        raise ConfigError(
            f"the factory returned {type(validator).__name__}, which cannot be called",
            key=key,
            hint="a factory returns a function of one Candidate",
        )
    return validator
