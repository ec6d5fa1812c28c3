"""Keys that stand twice in one mapping: JSON and YAML readers mostly take the last and say nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from escalator.languages.faults import Fault, position
from escalator.validators.syntax.readers import plain_json

_MERGE = "<<"


def repeated_keys(language: str, text: str, old: str | None) -> list[Fault]:
    """The keys of a well-formed text that stand twice in one mapping and did not in the file as it was before."""
    find = _FINDERS.get(language)
    if find is None or not (found := find(text)):
        return []
    had = Counter(key for key, _, _ in _known(find, old)) if old else Counter[str]()
    faults = []
    for key, line, column in found:
        if had[key]:
            had[key] -= 1
            continue
        message = f"the key {key} stands twice in one mapping, and the first is lost"
        faults.append(Fault(line=line, column=column, message=message, structural=True))
    return faults


def _known(find: Callable[[str], list[tuple[str, int, int]]], old: str) -> list[tuple[str, int, int]]:
    try:
        return find(old)
    except ValueError:
        return []


def _in_json(text: str) -> list[tuple[str, int, int]]:
    repeats: list[str] = []

    def pairs(items: Sequence[tuple[str, object]]) -> None:
        if len(items) != len(dict(items)):
            repeats.extend(key for key, count in Counter(key for key, _ in items).items() if count > 1)

    json.loads(text.removeprefix("\ufeff"), object_pairs_hook=pairs, parse_int=str, parse_float=str)
    return [(json.dumps(key, ensure_ascii=False), *_place(key, text)) for key in repeats]


def _place(key: str, text: str) -> tuple[int, int]:
    """Where the key stands for the last time, as far as it is written plainly."""
    written = "|".join(re.escape(json.dumps(key, ensure_ascii=plain)) for plain in (True, False))
    last = None
    for last in re.finditer(rf"(?:{written})\s*:", text):  # noqa: B007  the last one is wanted
        pass
    return position(text, last.start()) if last else (1, 1)


def _in_lines(text: str) -> list[tuple[str, int, int]]:
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            found += [(key, number, column) for key, _, column in _in_json(line)]
    return found


def _in_yaml(text: str) -> list[tuple[str, int, int]]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return [
            (event.value, event.start_mark.line + 1, event.start_mark.column + 1)
            for event in _again(yaml.parse(text, Loader=loader))
        ]
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _again(events: Iterator[Any]) -> Iterator[Any]:
    """The scalar events that are a key which their mapping has already."""
    import yaml

    open_ones: list[_Open] = []
    for event in events:
        if isinstance(event, yaml.NodeEvent) and open_ones:
            key = event if isinstance(event, yaml.ScalarEvent) and open_ones[-1].takes_key() else None
            if key is not None and open_ones[-1].has(key):
                yield key
        if isinstance(event, yaml.CollectionStartEvent):
            open_ones.append(_Open(mapping=isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            open_ones.pop()


class _Open:
    """A collection that is being read: whether a node in it is a key, and which keys it has."""

    def __init__(self, *, mapping: bool) -> None:
        self._mapping, self._nodes, self._keys = mapping, 0, set[tuple[str, bool]]()

    def takes_key(self) -> bool:
        self._nodes += 1
        return self._mapping and self._nodes % 2 == 1

    def has(self, event: Any) -> bool:
        """Whether the key was there, and note it: `1` and `"1"` are two keys, `a` and `"a"` are one."""
        if event.value == _MERGE:
            return False
        key = (event.value, not event.implicit[0] and not event.value[:1].isalpha())
        known = key in self._keys
        self._keys.add(key)
        return known


_FINDERS: dict[str, Callable[[str], list[tuple[str, int, int]]]] = {
    "json": _in_json,
    "jsonc": lambda text: _in_json(plain_json(text)),
    "jsonl": _in_lines,
    "yaml": _in_yaml,
}
