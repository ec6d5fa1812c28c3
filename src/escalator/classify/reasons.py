"""Why a request was judged as it was, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from escalator.classify.features import Features
from escalator.classify.lexicon import lexicon
from escalator.classify.protocol import TASK_TYPES
from escalator.classify.weights import Weights

_MOST = 4
_SLIGHT = 0.15
_KINDS = ("says:", "opens:", "asks:", "often:", "names:", "size:")
_DULL = ("says:polite", "opens:polite", "asks:polite", "size:longer than", "size:sentences=", "size:eastern")
_UNITS = {"code_units": "parts of a program", "data_units": "records or users", "measure": "units of a measure"}


def reasons(found: Features, weights: Weights, probabilities: Sequence[float], chosen: int) -> tuple[str, ...]:
    """The features that spoke most for the chosen type against the next likeliest, then any doubt."""
    rivals = sorted(
        (index for index in range(len(TASK_TYPES)) if index != chosen), key=lambda index: -probabilities[index]
    )
    rival = rivals[0]
    told: dict[str, float] = {}
    for name, value in found.values.items():
        row = weights.rows.get(name)
        if row is None or not _tells(name):
            continue
        words = _in_words(name, found)
        told[words] = told.get(words, 0.0) + value * (row[chosen] - row[rival])
    strongest = sorted(told, key=lambda words: (-told[words], words))
    kept = [words for words in strongest if told[words] > _SLIGHT][:_MOST]
    if probabilities[rival] > probabilities[chosen]:
        kept.append(f"unsure between {TASK_TYPES[rival]} and {TASK_TYPES[chosen]}: {_which(rival, chosen)}")
    return tuple(kept) or ("the choice of words as a whole",)


@lru_cache(maxsize=4096)
def _tells(name: str) -> bool:
    """Whether a feature says something to a person."""
    return name.startswith(_KINDS) and not name.startswith(_DULL)


def _which(rival: int, chosen: int) -> str:
    return "took the dearer" if chosen > rival else "took the one whose mistake costs less"


def _in_words(name: str, found: Features) -> str:
    kind, _, what = name.partition(":")
    if kind == "size":
        return _size_in_words(what)
    meaning = lexicon().meanings[what]
    if kind == "names":
        return f'{meaning}, only as a name or quotation: "{found.evidence[name]}"'
    return f'{meaning}: "{found.evidence[what]}"'


def _size_in_words(what: str) -> str:
    for unit, words in _UNITS.items():
        if what.endswith(unit):
            return f"{what.partition(' ')[0]} {words}"
    return f"what it contains: {what.removeprefix('several of ')}"
