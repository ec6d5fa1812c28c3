"""What a model is told about an answer that cannot be used."""

from __future__ import annotations

from typing import Final

from escalator.records import Rejection, RejectionKind

ONE_FORMAT: Final = (
    "Answer with each changed file in one fenced block, complete, with its path after the language: "
    "```python path/to/file.py. No other code blocks."
)
EDIT_FORMAT: Final = (
    "Put the file's path on a line of its own, then a fenced block with <<<<<<< SEARCH, lines copied exactly from "
    "the file, =======, the new lines, >>>>>>> REPLACE."
)


class UnusableError(Exception):
    """Raised inside the extractor and turned into its `rejection` at the edge."""

    def __init__(self, kind: RejectionKind, feedback: str) -> None:
        self.rejection = Rejection(kind=kind, feedback=shorten(feedback, 6_000))
        super().__init__(feedback)


def truncated(what: str) -> UnusableError:
    """The answer stops before its end."""
    return UnusableError(
        "truncated",
        f"Your answer was cut off: {what}. Nothing of it was used. Answer again, shorter: no explanation, only "
        f"the files that change. {ONE_FORMAT}",
    )


def no_code(what: str) -> UnusableError:
    """There is nothing in the answer that could be a file."""
    return UnusableError("no_code", f"Your answer holds no code that could be used: {what}. {ONE_FORMAT}")


def quote(text: str, *, lines: int = 12, columns: int = 160) -> str:
    """Text shown to a model: indented, without control characters, long lines and many lines cut."""
    rows = text.rstrip("\n").split("\n")
    shown = ["    " + shorten(_printable(row), columns) for row in rows[:lines]]
    if len(rows) > lines:
        shown.append(f"    [{len(rows) - lines} more lines]")
    return "\n".join(shown)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, saying what was left out."""
    return text if len(text) <= limit else f"{text[: limit - 24]} [{len(text) - limit + 24} more]"


def show(path: str) -> str:
    """A path as written by a model, quoted safely and cut."""
    return shorten(ascii(path) if not path.isprintable() else repr(path), 120)


def _printable(row: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in row)
