"""The built-in classifier: reads a request in well under a millisecond, knows no model and needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from escalator.classify.features import Features, features
from escalator.classify.lexicon import lexicon
from escalator.classify.protocol import TASK_TYPES
from escalator.classify.weights import Weights, cheapest_mistake, weights_for
from escalator.records import Brief, Classification

SOURCE = "rules"
_EMPTY_CONCEPTS = frozenset(
    {"bug", "build_verb", "constant", "limit", "perf_small", "persists", "polite", "question", "size_small"}
    | {"small_feature", "sometimes", "tests_target", "tweak", "urgent"}
)
_EVIDENCE = (
    *("names:", "size:few", "size:many", "size:huge", "size:alarming", "size:word beside", "size:code block"),
    *("size:quotation", "size:inline code", "size:file name", "size:arrow", "size:stack trace", "size:document"),
)
_FEW_WORDS, _FEW_SIGNS = 6, 9
_MOST = 4
_SLIGHT = 0.15
_KINDS = ("says:", "opens:", "asks:", "often:", "names:", "size:")
_DULL = ("says:polite", "opens:polite", "asks:polite", "size:longer than", "size:sentences=", "size:eastern")
_UNITS = {"code_units": "parts of a program", "data_units": "records or users", "measure": "units of a measure"}
_VAGUE = Classification(
    task_type="standard_development",
    complexity=4.0,
    confidence=0.25,
    reasons=("the request says too little to judge by: took it for work of ordinary size",),
    source=SOURCE,
)


def classify_text(text: str, *, files: Iterable[str] = ()) -> Classification:
    """Judge a request by its text. `files` are the paths that may be changed, where known.

    Where the likeliest type is not likely enough, the type with the least expected cost is taken instead, which
    is nearly always a dearer one; the reasons then say so.
    """
    found = features(text, files=files)
    if _says_too_little(found):
        return _VAGUE
    weights = weights_for(found.values)
    probabilities = weights.probabilities(found.values)
    chosen = cheapest_mistake(probabilities)
    return Classification(
        task_type=TASK_TYPES[chosen],
        complexity=weights.complexity(found.values, chosen),
        confidence=round(probabilities[chosen], 3),
        reasons=reasons(found, weights, probabilities, chosen),
        source=SOURCE,
    )


def _says_too_little(found: Features) -> bool:
    """Whether a request has no words, or a few that name neither a thing nor a kind of work: "please fix it"."""
    words = sum(name.startswith("word:") for name in found.values)
    if words > _FEW_WORDS:
        return False
    signs = sum(name.startswith("script:") for name in found.values)
    if not words and not signs and not any(name.startswith("names:") for name in found.values):
        return True
    if signs > _FEW_SIGNS or any(name.startswith(_EVIDENCE) for name in found.values):
        return False
    return all(name[5:] in _EMPTY_CONCEPTS for name in found.values if name.startswith("says:"))


def classify_brief(brief: Brief) -> Classification:
    """The built-in classifier in the form every classifier has."""
    return classify_text(brief.prompt, files=brief.files)


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
