"""Model text to change set or a typed failure; prompts, edit formats and dossiers."""

from escalator.answers.dossier import dossier, findings
from escalator.answers.extract import extract
from escalator.answers.limits import MAX_ANSWER
from escalator.answers.prompts import compose, digest
from escalator.answers.work import TEST_DROPPED, asked_of, taken_for, work

__all__ = [
    "MAX_ANSWER",
    "TEST_DROPPED",
    "asked_of",
    "compose",
    "digest",
    "dossier",
    "extract",
    "findings",
    "taken_for",
    "work",
]
