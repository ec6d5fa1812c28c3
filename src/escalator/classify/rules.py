"""The built-in classifier: reads a request in well under a millisecond, knows no model and needs no network."""

from __future__ import annotations

from collections.abc import Iterable

from escalator.classify.features import features
from escalator.classify.protocol import TASK_TYPES
from escalator.classify.reasons import reasons
from escalator.classify.weights import cheapest_mistake, packaged_weights
from escalator.records import Brief, Classification

SOURCE = "rules"
_WORDLESS = Classification(
    task_type="standard_development",
    complexity=4.0,
    confidence=0.25,
    reasons=("the request has no words to judge by: took it for work of ordinary size",),
    source=SOURCE,
)


def classify_text(text: str, *, files: Iterable[str] = ()) -> Classification:
    """Judge a request by its text. `files` are the paths that may be changed, where known.

    Where the likeliest type is not likely enough, the type with the least expected cost is taken instead, which
    is nearly always a dearer one; the reasons then say so.
    """
    found = features(text, files=files)
    if not any(name.startswith(("word:", "script:", "names:")) for name in found.values):
        return _WORDLESS
    weights = packaged_weights()
    probabilities = weights.probabilities(found.values)
    chosen = cheapest_mistake(probabilities)
    return Classification(
        task_type=TASK_TYPES[chosen],
        complexity=weights.complexity(found.values, chosen),
        confidence=round(probabilities[chosen], 3),
        reasons=reasons(found, weights, probabilities, chosen),
        source=SOURCE,
    )


def classify_brief(brief: Brief) -> Classification:
    """The built-in classifier in the form every classifier has."""
    return classify_text(brief.prompt, files=brief.files)
