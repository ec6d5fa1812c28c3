"""Keys that stand twice in one mapping: JSON and YAML readers mostly take the last and say nothing."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

from escalator.languages.faults import Fault, position
from escalator.validators.syntax.mappings import JsonKeys, YamlKeys
from escalator.validators.syntax.readers import plain_json

_Found: TypeAlias = list[tuple[str, int, int]]
"""Keys as they are written, each with its line and column."""


def repeated_keys(reader: str, text: str, old: str | None) -> list[Fault]:
    """The keys of a well-formed text that stand twice in one mapping and did not in the file as it was before."""
    find = _FINDERS[reader]
    had = Counter(key for key, _, _ in _known(find, old)) if old else Counter[str]()
    faults = []
    for key, line, column in find(text):
        if had[key]:
            had[key] -= 1
            continue
        message = f"the key {key} stands twice in one mapping, and the first is lost"
        faults.append(Fault(line=line, column=column, message=message, structural=True, repeat=True))
    return faults


def _known(find: Callable[[str], _Found], old: str) -> _Found:
    try:
        return find(old)
    except ValueError:
        return []


def _in_json(text: str) -> _Found:
    repeated = JsonKeys()
    json.loads(text.removeprefix("\ufeff"), object_pairs_hook=repeated, parse_int=str, parse_float=str)
    return [(json.dumps(key, ensure_ascii=False), *_place(key, text)) for key in repeated]


def _place(key: str, text: str) -> tuple[int, int]:
    """Where the key stands for the last time, as far as it is written plainly."""
    written = "|".join(re.escape(json.dumps(key, ensure_ascii=plain)) for plain in (True, False))
    found = [match.start() for match in re.finditer(rf"(?:{written})\s*:", text)]
    return position(text, found[-1]) if found else (1, 1)


def _in_lines(text: str) -> _Found:
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            found += [(key, number, column) for key, _, column in _in_json(line)]
    return found


def _in_yaml(text: str) -> _Found:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    keys = YamlKeys()
    again: list[Any]
    try:
        again = [event for event in yaml.parse(text, Loader=loader) if keys.repeats(event)]
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    return [(event.value, event.start_mark.line + 1, event.start_mark.column + 1) for event in again]


_FINDERS: dict[str, Callable[[str], _Found]] = {
    "json": _in_json,
    "jsonc": lambda text: _in_json(plain_json(text)),
    "jsonl": _in_lines,
    "yaml": _in_yaml,
}
