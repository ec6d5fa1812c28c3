"""What is too much to be an answer: bounds that keep reading quick whatever the text is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from escalator.answers.failures import ONE_FORMAT, UnusableError

MAX_ANSWER: Final = 8_000_000
"""Characters an answer may have."""

MAX_FILES: Final = 1_000
"""Files an answer may change."""

MAX_FENCES: Final = 5_000
"""Fence marks an answer may have."""

MAX_EDITS: Final = 5_000
"""Edits, hunks or elements an answer may consist of."""

_MAX_EFFORT: Final = 400_000_000
"""Characters of a file that the edits for it may look through, all of them together."""


def refuse_excess(text: str) -> None:
    """Raise `UnusableError` for a text that is larger, or cut into more pieces, than any answer is."""
    if len(text) > MAX_ANSWER:
        raise _too_large(f"has {len(text):,} characters; {MAX_ANSWER:,} are the most")
    fences = text.count("```") + text.count("~~~")
    if fences > MAX_FENCES:
        raise _too_large(f"has {fences:,} fences; {MAX_FENCES:,} are the most")
    hunks = text.count("\n@@")
    if hunks > MAX_EDITS:
        refuse_many_edits(hunks, "hunks")


def refuse_many_edits(count: int, what: str = "edits") -> None:
    """Raise `UnusableError` for more edits than can be applied in a short time."""
    if count > MAX_EDITS:
        raise _too_large(f"has {count:,} {what}; {MAX_EDITS:,} are the most")


def refuse_many_files(count: int) -> None:
    """Raise `UnusableError` for more files than an answer may change."""
    if count > MAX_FILES:
        raise _too_large(f"changes {count:,} or more files; {MAX_FILES:,} are the most")


@dataclass(slots=True)
class Effort:
    """How much of a file its edits have looked through."""

    spent: int = 0

    def spend(self, characters: int) -> None:
        """Count it. Raises `UnusableError` where it is too much."""
        self.spent += characters
        if self.spent > _MAX_EFFORT:
            raise _too_large("has too many edits for a file of this size")


def _too_large(what: str) -> UnusableError:
    return UnusableError("too_large", f"Your answer {what}. Nothing of it was used. {ONE_FORMAT}")
