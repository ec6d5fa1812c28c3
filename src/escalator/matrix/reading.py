"""YAML text to plain data that remembers where each key stood, and files laid over one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from escalator.errors import ConfigError
from escalator.matrix.bounds import TooLargeError, check, is_hopeless

if TYPE_CHECKING:
    import yaml

KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key stands: file and 1-based line."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data and, for each key path in it, the place it came from."""

    data: dict[str, Any]
    places: Mapping[KeyPath, Place] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place | None:
        """The place of the longest known beginning of `path`."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return None


def read_text(text: str, file: str) -> Document:
    """Parse one YAML document. Raises `ConfigError` with file and line for bad YAML and duplicate keys."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if is_hopeless(text):
        raise ConfigError("this is too long, or nested too deeply, to be a matrix", file=file)
    try:
        node = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        raise _invalid(error, file) from error
    except RecursionError:
        raise ConfigError("this is nested too deeply to be read", file=file) from None
    if node is None:
        raise ConfigError("the file is empty", file=file, hint="start from `escalator matrix show`")
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError("the file must be a mapping with a key `version`", file=file, line=1)
    constructor = yaml.SafeLoader("")
    try:
        check(node)
        builder = _Builder(file, constructor)
        return Document(builder.mapping(node, ()), builder.places)
    except TooLargeError as error:
        raise ConfigError(
            error.message, file=file, line=error.line, hint="write it out, or leave it out"
        ) from None
    except yaml.YAMLError as error:
        raise _invalid(error, file) from error
    finally:
        constructor.dispose()


def _invalid(error: yaml.YAMLError, file: str) -> ConfigError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return ConfigError(
        f"this is not valid YAML: {problem}", file=file, line=mark.line + 1 if mark is not None else None
    )


class _Builder:
    """Makes plain data of YAML nodes, and remembers the place of each."""

    def __init__(self, file: str, constructor: yaml.SafeLoader) -> None:
        self._file, self._constructor = file, constructor
        self.places: dict[KeyPath, Place] = {(): Place(file, 1)}

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        """A mapping with its merge keys resolved. Raises `ConfigError` for a key that stands in it twice."""
        self._constructor.flatten_mapping(node)
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = str(self._plain(key_node))
            line = key_node.start_mark.line + 1
            if key in result:
                raise ConfigError(f"the key {key!r} stands here twice", file=self._file, line=line)
            self.places[(*path, key)] = Place(self._file, line)
            result[key] = self._value(value_node, (*path, key))
        return result

    def _value(self, node: yaml.Node, path: KeyPath) -> object:
        import yaml

        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if not isinstance(node, yaml.SequenceNode):
            return self._plain(node)
        items = []
        for index, item in enumerate(node.value):
            self.places[(*path, index)] = Place(self._file, item.start_mark.line + 1)
            items.append(self._value(item, (*path, index)))
        return items

    def _plain(self, node: yaml.Node) -> object:
        """A single value. Raises `ConfigError` for one that is not what it looks like, as a date in no month."""
        try:
            found: object = self._constructor.construct_object(node, deep=True)
        except (ValueError, KeyError) as error:
            line = node.start_mark.line + 1
            raise ConfigError(f"{node.value!r:.80} is no value: {error}", file=self._file, line=line) from None
        return found


def overlay(base: Document, top: Document) -> Document:
    """Lay one document over another: mappings are merged key by key, everything else is replaced, null deletes."""
    places = dict(base.places)
    data = _merge(base.data, top.data, (), places=places, above=top.places)
    return Document(data, places)


def _merge(
    base: dict[str, Any],
    top: Mapping[str, object],
    path: KeyPath,
    *,
    places: dict[KeyPath, Place],
    above: Mapping[KeyPath, Place],
) -> dict[str, object]:
    merged = dict(base)
    for key, value in top.items():
        here = (*path, key)
        if here in above:
            places[here] = above[here]
        if value is None and key in merged and key != "checker":
            del merged[key]
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value, here, places=places, above=above)
        else:
            for known in [p for p in places if p[: len(here)] == here and len(p) > len(here)]:
                del places[known]
            places.update({p: place for p, place in above.items() if p[: len(here)] == here})
            merged[key] = value
    return merged


def read_file(path: Path) -> Document:
    """Read one matrix file and everything it extends."""
    return _read_file(path, seen=())


def _read_file(path: Path, seen: tuple[Path, ...]) -> Document:
    resolved = path.resolve()
    if resolved in seen:
        raise ConfigError("this file extends itself", file=path, key="extends")
    try:
        text = resolved.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            "there is no such matrix file", file=path, hint="`escalator matrix show` prints the default one"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the matrix file: {error}", file=path) from error
    document = read_text(text, str(path))
    bases = document.data.get("extends")
    if bases is None:
        return document
    result: Document | None = None
    for name in [bases] if isinstance(bases, str) else bases:
        base = packaged() if name == "default" else _read_file(resolved.parent / str(name), (*seen, resolved))
        result = base if result is None else overlay(result, base)
    return overlay(result, document) if result is not None else document


def packaged() -> Document:
    """The default matrix that comes with the package."""
    path = packaged_path()
    return read_text(path.read_text(encoding="utf-8"), str(path))


def packaged_path() -> Path:
    """Where the default matrix lies: inside the wheel, or in `config/` of a checkout."""
    inside = Path(__file__).parent.parent / "data" / "escalation_matrix.yaml"
    return inside if inside.exists() else Path(__file__).parents[3] / "config" / "escalation_matrix.yaml"
