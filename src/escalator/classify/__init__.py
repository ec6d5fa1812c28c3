"""What kind of work a task is: judged by rules and a small learnt model, or by a language model.

A classifier says how much care a task deserves; it never chooses a model.
"""

from escalator.classify.llm import llm_classifier
from escalator.classify.protocol import BANDS, TASK_TYPES, Answer, Classified, Classifier, classified
from escalator.classify.rules import classify_brief, classify_text

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
