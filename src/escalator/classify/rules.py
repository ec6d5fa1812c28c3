"""The built-in classifier: reads a request in well under a millisecond, knows no model and needs no network."""

from __future__ import annotations

from collections.abc import Iterable

from escalator.classify.features import Features, features
from escalator.classify.protocol import TASK_TYPES
from escalator.classify.reasons import reasons
from escalator.classify.weights import cheapest_mistake, weights_for
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
