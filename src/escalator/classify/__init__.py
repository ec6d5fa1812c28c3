"""What kind of work a task is: judged by rules and a small learnt model, or by a language model.

A classifier says how much care a task deserves; it never chooses a model.
"""

from typing import TYPE_CHECKING

from escalator.classify.protocol import BANDS, TASK_TYPES, Answer, Classified, Classifier, classified
from escalator.classify.rules import classify_brief, classify_text

if TYPE_CHECKING:
    from escalator.classify.llm import llm_classifier

__all__ = [
    "BANDS",
    "TASK_TYPES",
    "Answer",
    "Classified",
    "Classifier",
    "classified",
    "classify_brief",
    "classify_text",
    "llm_classifier",
]


def __getattr__(name: str) -> object:
    """`llm_classifier`, loaded when it is named: the rules need nothing of what asks a model."""
    if name != "llm_classifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from escalator.classify.llm import llm_classifier

    return llm_classifier
