"""Model text to change set or a typed failure; prompts, edit formats and dossiers."""

from escalator.answers.extract import MAX_ANSWER, extract

__all__ = ["MAX_ANSWER", "extract"]
