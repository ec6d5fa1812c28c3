"""From a name in the matrix to the thing it stands for: built-in, entry point, or "package.module:attribute".

Built-ins take the same route as strangers. Nothing is imported that the matrix did not name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from escalator.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind: TypeAlias = Literal["validator", "provider", "classifier", "redaction"]
"""What is looked for; its entry points are published under `escalator.validators` and so on."""


def find(
    name: str, kind: Kind, built_in: Mapping[str, str], *, key: str, installed: Iterable[EntryPoint] | None = None
) -> Callable[..., Any]:
    """The factory a name stands for. `key` is the matrix key for messages.

    Tried in order: `built_in` names, entry points, "package.module:attribute". `installed` replaces the entry
    points of the running interpreter. Raises `ConfigError` for a name nobody knows, one that two distributions
    claim, and one whose code does not import.
    """
    if name in built_in:
        return _load(built_in[name], name, kind, key)
    from importlib.metadata import entry_points

    points = list(entry_points(group=f"escalator.{kind}s") if installed is None else installed)
    claims = [point for point in points if point.name == name]
    if len(claims) > 1:
        owners = " and ".join(sorted(_owner(point) for point in claims))
        raise ConfigError(
            f"two plug-ins are called {name!r}: {owners}",
            key=key,
            hint='name the one you want as "package.module:attribute", or uninstall the other',
        )
    if claims:
        return _load(claims[0].value, name, kind, key, owner=_owner(claims[0]))
    if ":" in name:
        return _load(name, name, kind, key)
    known = [*built_in, *(point.name for point in points)]
    raise ConfigError(f"no {kind} is called {name!r}", key=key, hint=suggest(name, known))


def make(factory: Callable[..., object], options: Mapping[str, object], *, name: str, kind: Kind, key: str) -> Any:
    """Call a factory with the options of the matrix.

    Raises `ConfigError` for an option it does not take, with the nearest one it does, and for a value it refuses.
    """
    import inspect

    parameters = inspect.signature(factory).parameters.values()
    taken = [p.name for p in parameters if p.kind in {p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD}]
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        for option in options:
            if option not in taken:
                raise ConfigError(
                    f"the {kind} {name!r} has no option {option!r}",
                    key=f"{key}.{option}",
                    hint=suggest(str(option), taken),
                )
    try:
        return factory(**options)
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error), key=key, hint="correct the option in the matrix") from error


def _load(path: str, name: str, kind: Kind, key: str, *, owner: str = "") -> Callable[..., object]:
    module_name, _, attribute = path.partition(":")
    source = f"{path!r}, from the distribution {owner}," if owner else f"{path!r}"
    try:
        found: Any = import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        raise ConfigError(
            f"the {kind} {name!r} cannot be loaded: {source} gives {type(error).__name__}: {error}",
            key=key,
            hint="install what it needs, correct the path, or take it out of the matrix",
        ) from error
    if not callable(found):
        raise ConfigError(
            f"the {kind} {name!r} cannot be used: {source} is not a function",
            key=key,
            hint=f"point it at a factory, a function that takes the options and returns the {kind}",
        )
    return found  # type: ignore[no-any-return]


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def suggest(word: str, known: Iterable[str]) -> str:
    """What was probably meant, and everything that could be."""
    from difflib import get_close_matches

    names = sorted(set(known))
    near = get_close_matches(word, names, n=1)
    listed = ", ".join(names) or "none"
    return f"did you mean {near[0]!r}? Known: {listed}" if near else f"known: {listed}"
