"""Which keys the mappings of a YAML or JSON text have, noted while it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_MERGE = "<<"


class YamlKeys:
    """Follows the events of a YAML text and knows a scalar key that its mapping has already."""

    def __init__(self) -> None:
        import yaml

        self._open: list[_Open] = []
        self._scalar, self._mapping = yaml.ScalarEvent, yaml.MappingStartEvent
        self._node, self._start, self._end = yaml.NodeEvent, yaml.CollectionStartEvent, yaml.CollectionEndEvent

    def repeats(self, event: Any) -> bool:
        """Whether the event is a key that stood before; takes every event in turn."""
        if isinstance(event, self._end):
            self._open.pop()
            return False
        if not isinstance(event, self._node):
            return False
        is_key = bool(self._open) and self._open[-1].takes_key()
        again = is_key and isinstance(event, self._scalar) and self._open[-1].has(event)
        if isinstance(event, self._start):
            self._open.append(_Open(mapping=isinstance(event, self._mapping)))
        return again


class _Open:
    """A collection that is being read: whether a node in it is a key, and which keys it has."""

    __slots__ = ("_is_mapping", "_keys", "_nodes")

    def __init__(self, *, mapping: bool) -> None:
        self._is_mapping, self._nodes, self._keys = mapping, 0, set[tuple[str, bool]]()

    def takes_key(self) -> bool:
        self._nodes += 1
        return self._is_mapping and self._nodes % 2 == 1

    def has(self, event: Any) -> bool:
        """Whether the key was there, and note it: `1` and `"1"` are two keys, `a` and `"a"` are one."""
        if event.value == _MERGE:
            return False
        key = (event.value, not event.implicit[0] and not event.value[:1].isalpha())
        known = key in self._keys
        self._keys.add(key)
        return known


class JsonKeys(list[str]):
    """The keys that stand twice in one object; called with the pairs of each object that is read."""

    def __call__(self, pairs: Sequence[tuple[str, object]]) -> None:
        """Note the keys of one object that stand twice."""
        if len(pairs) > 1 and len({key for key, _ in pairs}) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    self.append(key)
                seen.add(key)
