"""From a name in the matrix to a validator: built-in, entry point, or "package.module:attribute"."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from escalator.errors import ConfigError
from escalator.validators.protocol import Factory, Validator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from escalator.records import ValidatorSpec

GROUP = "escalator.validators"
"""The entry point group a package publishes its validators under."""

BUILT_IN = {
    "syntax": "escalator.validators.syntax:syntax",
    "compile": "escalator.validators.compile:compile_check",
    "tests": "escalator.validators.pytest_suite:pytest_suite",
    "pytest": "escalator.validators.pytest_suite:pytest_suite",
    "semantic": "escalator.validators.semantic:semantic",
    "benchmark": "escalator.validators.benchmark:benchmark",
    "command": "escalator.validators.command:command",
    "json_schema": "escalator.validators.json_schema:json_schema",
    "python": "escalator.validators.python_callable:python",
}
"""Names that need no plug-in, as "module:attribute"; a module is imported when its name is first used."""


def resolve(name: str, *, installed: Iterable[EntryPoint] | None = None) -> Factory:
    """Find the factory a name stands for.

    Tried in order: built-in names, entry points of the group `escalator.validators`, "package.module:attribute".
    `installed` replaces the entry points of the running interpreter. Raises `ConfigError` for a name nobody
    knows, one that two distributions claim, and one whose code does not import.
    """
    if name in BUILT_IN:
        return _load(BUILT_IN[name], name)
    points = list(entry_points(group=GROUP) if installed is None else installed)
    claims = [point for point in points if point.name == name]
    if len(claims) > 1:
        owners = " and ".join(sorted(_owner(point) for point in claims))
        raise ConfigError(
            f"two plug-ins are called {name!r}: {owners}.",
            key="validators",
            hint='name the one you want as "package.module:attribute", or uninstall the other',
        )
    if claims:
        return _load(claims[0].value, name, owner=_owner(claims[0]))
    if ":" in name:
        return _load(name, name)
    known = [*BUILT_IN, *(point.name for point in points)]
    raise ConfigError(f"no validator is called {name!r}.", key="validators", hint=_suggest(name, known))


def build(spec: ValidatorSpec, *, installed: Iterable[EntryPoint] | None = None) -> Validator:
    """Make the validator a spec asks for.

    Raises `ConfigError` for an option the factory does not take, with the nearest name it does take, and for a
    value the factory refuses.
    """
    factory = resolve(spec.name, installed=installed)
    key = f"validators.{spec.name}"
    _check_options(factory, spec, key)
    try:
        validator = factory(**spec.options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{error}", key=key, hint="correct the option in the matrix") from error
    if not callable(validator):
        raise ConfigError(
            f"the factory returned {type(validator).__name__}, which cannot be called.",
            key=key,
            hint="a factory returns a function of one Candidate",
        )
    return validator


def _check_options(factory: Factory, spec: ValidatorSpec, key: str) -> None:
    parameters = inspect.signature(factory).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    taken = [p.name for p in parameters if p.kind in {p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD}]
    for option in spec.options:
        if option not in taken:
            raise ConfigError(
                f"the validator {spec.name!r} has no option {option!r}.",
                key=f"{key}.{option}",
                hint=_suggest(str(option), taken),
            )


def _load(path: str, name: str, *, owner: str = "") -> Factory:
    module_name, _, attribute = path.partition(":")
    source = f"{path!r}, from the distribution {owner}," if owner else f"{path!r}"
    try:
        found: Any = import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise ConfigError(
            f"the validator {name!r} cannot be loaded: {source} gives {type(error).__name__}: {error}",
            key="validators",
            hint="install what it needs, correct the path, or take it out of the matrix",
        ) from error
    if not callable(found):
        raise ConfigError(
            f"the validator {name!r} cannot be used: {source} is not a function.",
            key="validators",
            hint="point it at a factory, a function that takes the options and returns the validator",
        )
    return found  # type: ignore[no-any-return]


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _suggest(word: str, known: Iterable[str]) -> str:
    names = sorted(set(known))
    near = get_close_matches(word, names, n=1)
    listed = ", ".join(names) or "none"
    return f"did you mean {near[0]!r}? Known: {listed}" if near else f"known: {listed}"
